//! The desk with real risk and real sessions over a fake ledger and a fake venue, on a paused clock.

use super::place::REPETITIONS_MAX;
use super::{DeskMsg, PlaceCall};
use crate::failure::{CancelError, PlaceError, Rehearsed, Unavailable};
use crate::fakes::core::Core;
use crate::fakes::ledger::FakeJournal;
use crate::fakes::venue::{accepted, execution, filled, found_open, quote};
use crate::fakes::{place, place_sell};
use crate::journal_writer::AppendFailure;
use bulkhead_domain::desk::{OPEN_ORDERS_MAX, PlaceRejection};
use bulkhead_domain::order::{OrderRejection, OrderStatus};
use bulkhead_domain::report::{ReportKind, VenueCancelCause};
use bulkhead_domain::risk::{Authorization, DenialCode};
use bulkhead_domain::{ClientOrderId, Event, OrderId};
use bulkhead_persistence::Plan;
use bulkhead_supervision::{CallError, Reply, Unknown};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

const NOT_FOUND: ReportKind = ReportKind::State { order: None };

fn lost() -> Option<CallError> {
    Some(CallError::OutcomeUnknown(Unknown::ReplyDropped))
}

/// Events since the opening ones and those of the order that opened the gate.
fn news(core: &Core) -> Vec<&'static str> {
    core.journal().kinds().split_off(5)
}

#[tokio::test(start_paused = true)]
async fn nothing_leaves_before_the_commit_and_many_orders_share_it() {
    let mut core = Core::start_open().await;
    core.hold(true);
    let calls: Vec<_> = ["a", "b", "c"].map(|name| core.place(place(name, "1@100"))).into();
    assert!(core.requests.is_silent_for(Duration::from_secs(1)).await);
    assert!(calls.iter().all(|call| !call.is_finished()));
    assert!(news(&core).is_empty());
    core.settle(Ok(()));
    for call in calls {
        let placed = call.await.unwrap().unwrap().unwrap();
        assert_eq!((placed.order.status(), placed.existing), (OrderStatus::Submitted, false));
        assert_eq!(core.requests.submit().await.venue_client_id, placed.order.venue_client_id);
    }
    assert_eq!(news(&core), ["order_submitted"; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_read_waits_for_what_it_saw() {
    let mut core = Core::start_open().await;
    core.hold(true);
    let request = place("a", "1@100");
    let order_id = request.order_id;
    let call = core.place(request);
    assert!(core.requests.is_silent().await);
    let find = core.find(order_id);
    tokio::pin!(find);
    assert!(tokio::time::timeout(Duration::from_secs(1), &mut find).await.is_err());
    core.settle(Ok(()));
    call.await.unwrap().unwrap().unwrap();
    assert_eq!(find.await.map(|order| order.id), Some(order_id));
}

#[tokio::test(start_paused = true)]
async fn a_failed_append_is_an_unknown_outcome_and_leaves_no_trace() {
    let mut core = Core::start_open().await;
    core.hold(true);
    // 100,000 of cash and leverage 2: one of these is within the limit, two are not.
    let call = core.place(place("a", "1500@100"));
    assert!(core.requests.is_silent().await);
    core.settle(Err(AppendFailure::Fenced));
    assert_eq!(call.await.unwrap().err(), lost());
    core.hold(false);
    let call = core.place(place("b", "1500@100"));
    let placed = call.await.unwrap().unwrap().unwrap();
    assert_eq!(placed.order.status(), OrderStatus::Submitted, "the reservation of the first was given back");
    assert_eq!(core.requests.submit().await.venue_client_id, placed.order.venue_client_id);
    let denied = core.place(place("c", "1500@100")).await.unwrap().unwrap().unwrap();
    assert_eq!(denied.order.status(), OrderStatus::Denied, "the reservation of the second counts");
    assert!(core.requests.is_silent().await, "a denied order goes nowhere");
    assert_eq!(news(&core), ["order_submitted", "order_denied"]);
}

#[tokio::test(start_paused = true)]
async fn orders_wait_for_their_account_a_second_and_are_then_refused() {
    let mut core = Core::start().await;
    let begun = Instant::now();
    let refused = core.place(place("a", "1@100")).await.unwrap().unwrap();
    assert_eq!(refused.err(), Some(PlaceError::Reconciling));
    assert!(begun.elapsed() >= Duration::from_secs(1) && begun.elapsed() < Duration::from_secs(2));
    assert!(core.is_desk_quiet().await);
    let patient = core.place(place("a", "1@100"));
    assert!(core.requests.is_silent_for(Duration::from_millis(500)).await);
    core.venue.connect_all();
    let placed = patient.await.unwrap().unwrap().unwrap();
    assert!(!placed.existing, "what was refused left the id free");
    assert_eq!(core.requests.submit().await.venue_client_id, placed.order.venue_client_id);
    assert!(!core.is_desk_quiet().await);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_up_before_its_start_is_known_opens_nothing_yet() {
    let mut core = Core::start().await;
    core.venue.connect_all();
    let (reply, answer) = Reply::channel();
    let call = PlaceCall { place: place("a", "1@100"), reply };
    core.cell.desk.notify(DeskMsg::Place(Box::new(call))).unwrap();
    let up = DeskMsg::SessionUp { account: crate::fakes::paper(), desk_incarnation: 1 };
    core.cell.desk.notify(up).unwrap();
    let placed = answer.await.unwrap().unwrap();
    assert_eq!(core.requests.submit().await.venue_client_id, placed.order.venue_client_id);
    core.quiet().await;
    assert_eq!(core.find(placed.order.id).await.unwrap().status(), OrderStatus::Submitted);
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_the_desk_doubts_asks_and_only_then_lets_orders_through() {
    let mut core = Core::start_open().await;
    let acked = core.place(place("acked", "1@100")).await.unwrap().unwrap().unwrap().order;
    let silent = core.place(place("silent", "1@100")).await.unwrap().unwrap().unwrap().order;
    core.requests.submit().await;
    core.requests.submit().await;
    core.venue.report(&acked.venue_client_id, accepted());
    core.quiet().await;
    core.kill("core/order_desk").await;
    let mut asked = vec![core.requests.query().await, core.requests.query().await];
    asked.sort();
    let mut expected = vec![acked.venue_client_id.clone(), silent.venue_client_id.clone()];
    expected.sort();
    assert_eq!(asked, expected);
    assert_eq!(core.find(silent.id).await.unwrap().status(), OrderStatus::Unknown);
    assert_eq!(core.find(acked.id).await.unwrap().status(), OrderStatus::Accepted);
    let next = core.place(place("next", "1@100"));
    core.venue.report(&acked.venue_client_id, found_open(vec![execution("e1", "0.5@100")]));
    assert!(core.requests.is_silent().await, "one answer is missing");
    core.venue.report(&silent.venue_client_id, NOT_FOUND);
    let placed = next.await.unwrap().unwrap().unwrap();
    assert_eq!(core.requests.submit().await.venue_client_id, placed.order.venue_client_id);
    assert_eq!(core.find(acked.id).await.unwrap().status(), OrderStatus::PartiallyFilled);
    let tail = news(&core).split_off(3);
    assert_eq!(tail, ["order_outcome_unknown", "order_filled", "order_rejected", "order_submitted"]);
    assert_eq!(core.journal().image.risk.reservation_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_lost_acknowledgement_is_doubted_asked_for_and_found() {
    let mut core = Core::start_open().await;
    let order = core.place(place("a", "1@100")).await.unwrap().unwrap().unwrap().order;
    core.requests.submit().await;
    assert_eq!(core.requests.query().await, order.venue_client_id);
    assert_eq!(core.find(order.id).await.unwrap().status(), OrderStatus::Unknown);
    core.venue.report(&order.venue_client_id, found_open(Vec::new()));
    core.quiet().await;
    assert_eq!(core.find(order.id).await.unwrap().status(), OrderStatus::Accepted);
    assert_eq!(news(&core), ["order_submitted", "order_outcome_unknown", "order_accepted"]);
}

#[tokio::test(start_paused = true)]
async fn fills_count_once_and_a_filled_order_leaves_memory() {
    let mut core = Core::start_open().await;
    let order = core.place(place("a", "1@100")).await.unwrap().unwrap().unwrap().order;
    core.requests.submit().await;
    for report in [filled("e1", "0.4@100"), filled("e1", "0.4@100"), accepted(), filled("e2", "0.6@100")] {
        core.venue.report(&order.venue_client_id, report);
    }
    core.quiet().await;
    assert_eq!(news(&core), ["order_submitted", "order_filled", "order_filled"]);
    assert!(core.find(order.id).await.is_none());
    assert!(core.is_desk_quiet().await);
    assert_eq!(core.journal().image.risk.reservation_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_goes_to_the_venue_while_the_journal_stands_still() {
    let mut core = Core::start_open().await;
    let order = core.place(place("a", "1@100")).await.unwrap().unwrap().unwrap().order;
    core.requests.submit().await;
    core.venue.report(&order.venue_client_id, accepted());
    core.quiet().await;
    core.hold(true);
    let cancel = core.cancel(order.id);
    assert_eq!(core.requests.cancel().await, order.venue_client_id);
    let again = core.cancel(order.id);
    assert_eq!(core.requests.cancel().await, order.venue_client_id, "asked again, sent again");
    assert!(!cancel.is_finished() && !again.is_finished(), "no reply before the commit");
    core.settle(Ok(()));
    assert_eq!(cancel.await.unwrap().unwrap().unwrap().status(), OrderStatus::PendingCancel);
    again.await.unwrap().unwrap().unwrap();
    core.hold(false);
    core.venue.report(&order.venue_client_id, ReportKind::Canceled { cause: VenueCancelCause::Requested });
    core.quiet().await;
    assert_eq!(news(&core), ["order_submitted", "order_accepted", "cancel_requested", "order_canceled"]);
    let gone = core.cancel(order.id).await.unwrap().unwrap();
    assert_eq!(gone.err(), Some(CancelError::NotOpen(order.id)));
}

#[tokio::test(start_paused = true)]
async fn a_cancel_never_overtakes_its_order() {
    let mut core = Core::start_open().await;
    core.hold(true);
    let request = place("a", "1@100");
    let order_id = request.order_id;
    let placed = core.place(request);
    assert!(core.requests.is_silent().await);
    let cancel = core.cancel(order_id);
    assert!(core.requests.is_silent().await, "the venue has not seen the order");
    core.settle(Ok(()));
    let order = placed.await.unwrap().unwrap().unwrap().order;
    assert_eq!(core.requests.submit().await.venue_client_id, order.venue_client_id);
    assert_eq!(core.requests.cancel().await, order.venue_client_id);
    assert_eq!(cancel.await.unwrap().unwrap().unwrap().status(), OrderStatus::PendingCancel);
}

#[tokio::test(start_paused = true)]
async fn a_rehearsal_runs_every_check_and_leaves_nothing_behind() {
    let mut core = Core::start_open().await;
    let desk = core.cell.desk.clone();
    let rehearse = move |request| {
        let desk = desk.clone();
        let ask = move |reply| DeskMsg::Rehearse { place: Box::new(request), reply };
        tokio::spawn(async move { desk.call(crate::fakes::SOON, ask).await.unwrap() })
    };
    for _ in 0..3 {
        // Leverage 2 on 100,000: each alone is within the limit, two together are not.
        let judged = rehearse(place("a", "1500@100")).await.unwrap();
        let Ok(Rehearsed::Judged(Authorization { verdicts, outcome: Ok(reservation) })) = judged else {
            panic!("{judged:?}")
        };
        assert!(verdicts.iter().all(|verdict| verdict.passed));
        assert_eq!(
            (reservation.price.to_string(), reservation.leaves.to_string()),
            ("100".into(), "1500".into())
        );
    }
    let judged = rehearse(place("a", "3000@100")).await.unwrap();
    let Ok(Rehearsed::Judged(Authorization { outcome: Err(denial), .. })) = judged else {
        panic!("{judged:?}")
    };
    assert_eq!(denial.code, DenialCode::InsufficientFunds);
    let broken = rehearse(place("a", "1@100.001")).await.unwrap();
    assert!(matches!(broken, Err(PlaceError::InstrumentRule(_))));
    let mut odd = place("a", "1@100");
    odd.terms.time_in_force = bulkhead_domain::order::TimeInForce::Gtd;
    assert!(matches!(rehearse(odd).await.unwrap(), Err(PlaceError::TermsRule(_))));
    core.quiet().await;
    assert!(news(&core).is_empty(), "nothing was journaled");

    core.hold(true);
    let placed = core.place(place("a", "1500@100"));
    assert!(core.requests.is_silent().await);
    let same = rehearse(place("a", "1500@100"));
    let next = rehearse(place("b", "1500@100"));
    assert!(core.requests.is_silent_for(Duration::from_secs(1)).await);
    assert!(!same.is_finished() && !next.is_finished(), "what they saw is not durable yet");
    core.settle(Ok(()));
    let order = placed.await.unwrap().unwrap().unwrap().order;
    let same = same.await.unwrap();
    assert!(matches!(&same, Ok(Rehearsed::Existing(found)) if found.id == order.id), "{same:?}");
    let next = next.await.unwrap();
    assert!(matches!(&next, Ok(Rehearsed::Judged(judged)) if judged.outcome.is_err()), "{next:?}");
    assert_eq!(news(&core), ["order_submitted"]);
    core.requests.submit().await;
}

#[tokio::test(start_paused = true)]
async fn repetitions_of_one_request_are_one_order() {
    let mut core = Core::start_open().await;
    core.hold(true);
    let first = core.place(place("same", "1@100"));
    let second = core.place(place("same", "1@100"));
    let other = core.place(place("same", "2@100"));
    assert!(core.requests.is_silent().await);
    core.settle(Ok(()));
    let first = first.await.unwrap().unwrap().unwrap();
    let second = second.await.unwrap().unwrap().unwrap();
    assert_eq!((first.order.id, first.existing, second.existing), (second.order.id, false, true));
    let reused = PlaceRejection::ClientOrderIdReused {
        client_order_id: ClientOrderId::parse("same").unwrap(),
        order_id: first.order.id,
    };
    assert_eq!(other.await.unwrap().unwrap().err(), Some(PlaceError::Rejected(reused)));
    core.requests.submit().await;
    assert!(core.requests.is_silent().await);
    assert_eq!(news(&core), ["order_submitted"]);
}

#[tokio::test(start_paused = true)]
async fn many_repetitions_wait_and_one_too_many_is_told_why() {
    let mut core = Core::start().await;
    let calls: Vec<_> = (0..=REPETITIONS_MAX).map(|_| core.place(place("same", "1@100"))).collect();
    assert!(core.requests.is_silent_for(Duration::from_millis(500)).await);
    // All of them pass the gate in one go, so that each but the first finds the first undecided.
    core.venue.connect_all();
    let (mut made, mut found, mut refused) = (0, 0, 0);
    for call in calls {
        match call.await.unwrap().unwrap() {
            Ok(placed) if placed.existing => found += 1,
            Ok(_) => made += 1,
            Err(error) => {
                assert_eq!(error, PlaceError::InProgress);
                refused += 1;
            }
        }
    }
    assert_eq!((made, found, refused), (1, REPETITIONS_MAX - 1, 1));
    core.requests.submit().await;
    assert_eq!(core.journal().kinds().split_off(3), ["order_submitted"]);
}

#[tokio::test(start_paused = true)]
async fn a_known_id_is_not_guessed_about_while_the_table_is_away() {
    let core = Core::start_open().await;
    let refused = core.place(place("opener", "1@90")).await.unwrap().unwrap();
    assert_eq!(refused.err(), Some(PlaceError::from(Unavailable::DatabaseAway)));
}

#[tokio::test(start_paused = true)]
async fn an_order_that_could_not_leave_is_over() {
    let mut core = Core::start_open().await;
    core.venue.break_silently();
    let order = core.place(place("a", "1@100")).await.unwrap().unwrap().unwrap().order;
    assert!(core.requests.is_silent().await);
    assert!(core.find(order.id).await.is_none());
    let journal = core.journal();
    let Some(Event::OrderRejected(data)) = journal.events.last().map(|recorded| &recorded.event) else {
        panic!("{:?}", journal.kinds())
    };
    assert_eq!((data.code.as_str(), data.inferred), ("NOT_DELIVERED", false));
    assert_eq!(journal.image.risk.reservation_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_broken_connection_closes_the_gate_until_everything_open_was_asked_for() {
    let mut core = Core::start_open().await;
    let order = core.place(place("a", "1@100")).await.unwrap().unwrap().unwrap().order;
    core.requests.submit().await;
    core.venue.disconnect();
    let refused = core.place(place("b", "1@100")).await.unwrap().unwrap();
    assert_eq!(refused.err(), Some(PlaceError::Reconciling));
    assert_eq!(core.find(order.id).await.unwrap().status(), OrderStatus::Unknown);
    core.cancel(order.id).await.unwrap().unwrap().unwrap();
    core.venue.connect_all();
    assert_eq!(core.requests.query().await, order.venue_client_id);
    core.venue.report(&order.venue_client_id, found_open(Vec::new()));
    assert_eq!(
        core.requests.cancel().await,
        order.venue_client_id,
        "the cancel that could not leave leaves now"
    );
    core.place(place("b", "1@100")).await.unwrap().unwrap().unwrap();
    core.requests.submit().await;
}

#[tokio::test(start_paused = true)]
async fn a_killed_session_comes_back_and_reconciles() {
    let mut core = Core::start_open().await;
    let order = core.place(place("a", "1@100")).await.unwrap().unwrap().unwrap().order;
    core.requests.submit().await;
    core.venue.report(&order.venue_client_id, accepted());
    core.quiet().await;
    core.kill("sessions/paper").await;
    assert_eq!(core.requests.query().await, order.venue_client_id);
    core.venue.report(&order.venue_client_id, found_open(Vec::new()));
    core.place(place("b", "1@100")).await.unwrap().unwrap().unwrap();
    core.requests.submit().await;
    assert_eq!(core.find(order.id).await.unwrap().status(), OrderStatus::Accepted);
}

#[tokio::test(start_paused = true)]
async fn killing_risk_takes_the_desk_along_and_rebuilds_the_reservations() {
    let mut core = Core::start_open().await;
    let order = core.place(place("a", "1500@100")).await.unwrap().unwrap().unwrap().order;
    core.requests.submit().await;
    core.kill("core/risk").await;
    assert_eq!(core.requests.query().await, order.venue_client_id);
    core.venue.report(&order.venue_client_id, found_open(Vec::new()));
    let denied = core.place(place("b", "1500@100")).await.unwrap().unwrap().unwrap();
    assert_eq!(denied.order.status(), OrderStatus::Denied);
    assert_eq!(core.cell.desk.incarnation(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_breaks_a_rule_leaves_no_order_and_its_id_free() {
    let mut core = Core::start_open().await;
    let bad = core.place(place("a", "1@100.001")).await.unwrap().unwrap();
    assert!(matches!(bad, Err(PlaceError::InstrumentRule(_))));
    let mut unheard = place("a", "1@100");
    unheard.terms.symbol = bulkhead_domain::Symbol::parse("DOGE-USDT").unwrap();
    assert!(matches!(core.place(unheard).await.unwrap().unwrap(), Err(PlaceError::UnknownSymbol(_))));
    assert!(news(&core).is_empty());
    core.quotes.record(quote("0.01", "0.02"));
    core.place(place_sell("a", "1@100")).await.unwrap().unwrap().unwrap();
    core.requests.submit().await;
}

#[tokio::test(start_paused = true)]
async fn open_orders_are_capped_and_cancelling_all_asks_for_each() {
    let journal = FakeJournal::open(Plan::Pro);
    for number in 1..=OPEN_ORDERS_MAX as u128 {
        let mut data = match journal.lock().unwrap().events.first() {
            Some(_) => submitted(number),
            None => panic!("an opened journal has events"),
        };
        data.after.version = 1;
        journal.lock().unwrap().push(Event::OrderSubmitted(data));
    }
    let core = Core::start_with(journal).await;
    let refused = core.place(place("one-more", "1@100")).await.unwrap().unwrap();
    assert_eq!(refused.err(), Some(PlaceError::Rejected(PlaceRejection::TooManyOpenOrders)));
    let ask = |reply| DeskMsg::CancelAll { symbol: None, reply };
    let results = core.cell.desk.call(crate::fakes::SOON, ask).await.unwrap();
    assert_eq!(results.len(), OPEN_ORDERS_MAX);
    assert!(results.iter().all(|(_, result)| *result == Ok::<(), CancelError>(())));
    let unknown = core.cancel(OrderId(Uuid::from_u128(0))).await.unwrap().unwrap();
    assert!(!matches!(unknown, Err(CancelError::Rejected(OrderRejection::AlreadyClosed { .. }))));
}

fn submitted(number: u128) -> bulkhead_domain::event::OrderSubmitted {
    let request = place(&format!("open-{number}"), "0.01@100");
    bulkhead_domain::event::OrderSubmitted {
        order_id: OrderId(Uuid::from_u128(number)),
        client_order_id: request.client_order_id,
        venue_client_id: bulkhead_domain::VenueClientId::derive(
            crate::fakes::TENANT,
            OrderId(Uuid::from_u128(number)),
        ),
        mode: bulkhead_domain::order::Mode::Paper,
        origin: bulkhead_domain::order::Origin::User,
        reserved_price: bulkhead_domain::Price::parse("100").unwrap(),
        terms: request.terms,
        quote_currency: bulkhead_domain::Currency::parse("USDT").unwrap(),
        verdicts: Vec::new(),
        after: bulkhead_domain::event::OrderAfter {
            status: OrderStatus::Submitted,
            filled_quantity: bulkhead_domain::Qty::ZERO,
            average_price: None,
            version: 1,
        },
    }
}
