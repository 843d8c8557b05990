//! Risk as a follower: reservations ahead of the journal, and what becomes of them.

use super::{RiskMsg, RiskState};
use crate::fakes::core::Core;
use crate::fakes::place;
use crate::fakes::venue::found_open;
use crate::feed::CommittedBatch;
use bulkhead_domain::event::{TradingHalted, TradingResumed};
use bulkhead_domain::order::OrderStatus;
use bulkhead_domain::risk::{HaltAuthor, HaltMode, HaltScope};
use bulkhead_domain::tenant::StreamHeads;
use bulkhead_domain::{Event, RecordedEvent};
use std::sync::Arc;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn events_that_come_twice_are_folded_once() {
    let mut core = Core::start_open().await;
    core.place(place("a", "1500@100")).await.unwrap().unwrap().unwrap();
    core.requests.submit().await;
    let events = core.journal().events.clone();
    let again = Arc::new(CommittedBatch::new(events, StreamHeads::default()));
    core.cell.risk.notify(RiskMsg::Committed(again)).unwrap();
    let next = core.place(place("b", "400@100")).await.unwrap().unwrap().unwrap();
    assert_eq!(next.order.status(), OrderStatus::Submitted, "nothing was counted twice");
    core.requests.submit().await;
    assert_eq!(core.cell.risk.incarnation(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_hole_makes_risk_and_the_desk_load_again() {
    let mut core = Core::start_open().await;
    core.place(place("a", "1500@100")).await.unwrap().unwrap().unwrap();
    core.requests.submit().await;
    let mut event = core.journal().events.last().cloned().unwrap();
    event.seq += 2;
    let hole = Arc::new(CommittedBatch::new(vec![event], StreamHeads::default()));
    core.cell.risk.notify(RiskMsg::Committed(hole)).unwrap();
    core.requests.query().await;
    assert_eq!((core.cell.risk.incarnation(), core.cell.desk.incarnation()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_desk_reserved_and_never_recorded_is_given_back() {
    let mut core = Core::start_open().await;
    // An answer on its way to a desk that is no more.
    let orphan = RiskMsg::Authorize {
        desk_incarnation: 99,
        halt_changes: 0,
        place: Box::new(place("orphan", "1500@100")),
    };
    core.cell.risk.notify(orphan).unwrap();
    let denied = core.place(place("a", "1500@100")).await.unwrap().unwrap().unwrap();
    assert_eq!(denied.order.status(), OrderStatus::Denied, "it counts until the next desk attaches");
    core.kill("core/order_desk").await;
    assert!(core.requests.is_silent().await);
    let placed = core.place(place("b", "1500@100")).await.unwrap().unwrap().unwrap();
    assert_eq!(placed.order.status(), OrderStatus::Submitted);
    assert_eq!(core.cell.risk.incarnation(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_desk_appended_is_finished_sent_once_and_asked_for() {
    let mut core = Core::start_open().await;
    core.hold(true);
    let placed = core.place(place("a", "1500@100"));
    assert!(core.requests.is_silent().await);
    core.kill("core/order_desk").await;
    let submit = core.requests.submit().await;
    let order = placed.await.unwrap().unwrap().unwrap().order;
    assert_eq!(
        (core.requests.query().await, submit.venue_client_id),
        (order.venue_client_id.clone(), order.venue_client_id.clone())
    );
    let mut doubted = Box::pin(core.find(order.id));
    let is_answered = tokio::time::timeout(Duration::from_secs(1), doubted.as_mut()).await.is_ok();
    assert!(
        !is_answered,
        "the commit of what came before the desk says nothing about what it recorded itself"
    );
    core.hold(false);
    core.settle(Ok(()));
    assert_eq!(doubted.await.unwrap().status(), OrderStatus::Unknown);
    core.venue.report(&order.venue_client_id, found_open(Vec::new()));
    core.quiet().await;
    assert_eq!(core.find(order.id).await.unwrap().status(), OrderStatus::Accepted);
    let denied = core.place(place("b", "1500@100")).await.unwrap().unwrap().unwrap();
    assert_eq!(denied.order.status(), OrderStatus::Denied, "its reservation stands");
}

#[test]
fn the_commit_of_an_earlier_halt_does_not_undo_what_came_after_it() {
    let scope = HaltScope::Tenant;
    let by = HaltAuthor::User { user_id: bulkhead_domain::UserId(uuid::Uuid::nil()) };
    let (reason, at) = ("drill".to_owned(), bulkhead_domain::Timestamp::EPOCH);
    let halted = Event::TradingHalted(TradingHalted {
        scope: scope.clone(),
        mode: HaltMode::Flatten,
        reason: reason.clone(),
        by: by.clone(),
        at,
    });
    let resumed = Event::TradingResumed(TradingResumed { scope, reason, by, at });
    let recorded = |seq: i64, event: &Event| RecordedEvent {
        seq,
        event_id: bulkhead_domain::EventId(uuid::Uuid::nil()),
        recorded_at: at,
        event: event.clone(),
    };
    let events = [halted.clone(), resumed.clone(), halted.clone(), resumed.clone()];
    let mut state = RiskState::default();
    events.iter().for_each(|event| state.change_halts(event));
    for (seq, event) in (1..).zip(&events) {
        let batch = CommittedBatch::new(vec![recorded(seq, event)], StreamHeads::default());
        state.fold(&batch).unwrap();
        assert!(!state.book.is_flattening(), "the last word was to resume; seq {seq} is history");
    }
    let batch = CommittedBatch::new(vec![recorded(5, &halted)], StreamHeads::default());
    state.fold(&batch).unwrap();
    assert!(state.book.is_flattening(), "what nobody told ahead counts when it is durable");
    state.change_halts(&resumed);
    state.forget_ahead();
    let batch = CommittedBatch::new(vec![recorded(6, &halted)], StreamHeads::default());
    state.fold(&batch).unwrap();
    assert!(state.book.is_flattening(), "a new desk owes nothing for the old one");
}
