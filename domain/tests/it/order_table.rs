//! The state machine of an order, row by row: acknowledgement, rejection, doubt, resolution, fills, cancels, expiry.

use crate::support::{
    Life, accepted, cancel_rejected, canceled, execution, filled, found, not_found, rejected,
};
use bulkhead_domain::order::{
    CanceledBy, Certainty, CloseReason, NOT_AT_VENUE, OrderRejection, OrderStatus, Pending, Phase,
    UnknownCause,
};
use bulkhead_domain::report::{ReportKind, VenueCancelCause, VenueOrderState};
use bulkhead_domain::{Event, Qty};

const REQUESTED: VenueCancelCause = VenueCancelCause::Requested;
const USER: CanceledBy = CanceledBy::User;

fn open_state() -> ReportKind {
    found(VenueOrderState::Open, Vec::new())
}

/// Each way an order can be closed.
fn closings() -> Vec<(OrderStatus, Vec<ReportKind>)> {
    vec![
        (OrderStatus::Rejected, vec![rejected()]),
        (OrderStatus::Rejected, vec![not_found()]),
        (OrderStatus::Canceled, vec![accepted("v1"), canceled(REQUESTED)]),
        (OrderStatus::Canceled, vec![canceled(VenueCancelCause::TimeInForce)]),
        (OrderStatus::Canceled, vec![accepted("v1"), filled("e1", "4@100"), canceled(REQUESTED)]),
        (OrderStatus::Expired, vec![accepted("v1"), ReportKind::Expired]),
        (OrderStatus::Filled, vec![filled("e1", "4@100"), filled("e2", "6@99")]),
    ]
}

#[test]
fn acknowledgement_makes_it_work_and_binds_the_venues_name_once() {
    let mut life = Life::buy();
    assert_eq!((life.status(), life.order.version), (OrderStatus::Submitted, 1));
    life.hear(accepted("v1"));
    assert_eq!(life.status(), OrderStatus::Accepted);
    assert_eq!(life.order.venue_order_id().unwrap().as_str(), "v1");
    assert!(life.hear(accepted("v1")).events.is_empty());
    // A venue that renames an order is believed; both names are kept.
    assert_eq!(life.hear(accepted("v2")).events.len(), 1);
    let names: Vec<&str> = life.order.venue_order_ids.iter().map(|id| id.as_str()).collect();
    assert_eq!(names, ["v1", "v2"]);
}

#[test]
fn rejection_counts_only_before_acceptance() {
    let mut life = Life::buy();
    life.hear(rejected());
    let reason = CloseReason::Rejected { code: "NO".to_owned(), message: "no".to_owned(), inferred: false };
    assert_eq!(life.order.phase, Phase::Closed { reason });
    let mut life = Life::after([accepted("v1")]);
    assert!(life.hear(rejected()).events.is_empty());
    assert_eq!(life.status(), OrderStatus::Accepted);
}

#[test]
fn doubt_is_possible_only_while_an_answer_is_awaited() {
    let pending = {
        let mut life = Life::after([accepted("v1")]);
        life.cancel(USER).unwrap();
        life
    };
    let table = [
        ("submitting", Life::buy(), 1),
        ("working", Life::after([accepted("v1")]), 0),
        ("partially filled", Life::after([filled("e1", "1@100")]), 0),
        ("cancel pending", pending, 1),
        ("closed", Life::after([rejected()]), 0),
    ];
    for (name, mut life, events) in table {
        let phase = life.order.phase.clone();
        assert_eq!(life.doubt(UnknownCause::Timeout), events, "{name}");
        assert_eq!(life.order.phase, phase, "{name}: the phase is kept");
        assert_eq!(life.order.is_unknown(), events == 1, "{name}");
        assert_eq!(life.doubt(UnknownCause::Disconnected), 0, "{name}: the first doubt stands");
        if let Certainty::Unknown { cause, .. } = life.order.certainty {
            assert_eq!(cause, UnknownCause::Timeout, "{name}");
            assert_eq!(life.status(), OrderStatus::Unknown, "{name}");
        }
    }
}

#[test]
fn an_answer_ends_the_doubt() {
    let some = || vec![execution("e1", "4@100")];
    let all = || vec![execution("e1", "4@100"), execution("e2", "6@100")];
    let table = [
        ("ack", accepted("v1"), OrderStatus::Accepted),
        ("reject", rejected(), OrderStatus::Rejected),
        ("fill", filled("e1", "4@100"), OrderStatus::PartiallyFilled),
        ("open", open_state(), OrderStatus::Accepted),
        ("open, filled in part", found(VenueOrderState::Open, some()), OrderStatus::PartiallyFilled),
        ("filled", found(VenueOrderState::Filled, all()), OrderStatus::Filled),
        ("canceled", found(VenueOrderState::Canceled { cause: REQUESTED }, some()), OrderStatus::Canceled),
        ("expired", found(VenueOrderState::Expired, some()), OrderStatus::Expired),
        (
            "rejected",
            found(VenueOrderState::Rejected { code: "NO".to_owned(), message: "no".to_owned() }, Vec::new()),
            OrderStatus::Rejected,
        ),
        ("not found", not_found(), OrderStatus::Rejected),
    ];
    for (name, report, status) in table {
        let mut life = Life::buy();
        life.doubt(UnknownCause::Restarted);
        life.hear(report);
        assert_eq!(life.status(), status, "{name}");
        assert_eq!(life.order.certainty, Certainty::Confirmed, "{name}");
    }
}

#[test]
fn not_found_is_an_inferred_rejection_that_still_takes_fills() {
    let mut life = Life::buy();
    life.doubt(UnknownCause::Timeout);
    life.hear(not_found());
    let Phase::Closed { reason: CloseReason::Rejected { code, inferred: true, .. } } = &life.order.phase
    else {
        panic!("{:?}", life.order.phase)
    };
    assert_eq!(code, NOT_AT_VENUE);
    let decision = life.hear(filled("e1", "4@100"));
    assert!(matches!(decision.events.as_slice(), [Event::OrderFilled(data)] if data.late));
    assert_eq!(life.order.filled_quantity().get(), crate::support::dec("4"));
    assert_eq!(life.status(), OrderStatus::Rejected);
    assert!(decision.cancel_at_venue, "what filled is live at the venue, against what was inferred");
}

#[test]
fn an_order_the_venue_acknowledged_is_not_inferred_away() {
    let mut life = Life::after([accepted("v1")]);
    assert!(life.hear(not_found()).events.is_empty());
    assert_eq!(life.status(), OrderStatus::Accepted);
}

#[test]
fn a_fill_counts_in_every_phase_and_closed_stays_closed() {
    for (status, reports) in closings() {
        let mut life = Life::after(reports.clone());
        assert_eq!(life.status(), status, "{reports:?}");
        let before = life.order.filled_quantity();
        let decision = life.hear(filled("late", "1@101"));
        assert!(matches!(decision.events.as_slice(), [Event::OrderFilled(data)] if data.late));
        assert_eq!(life.order.filled_quantity(), before.plus(crate::support::qty("1")), "{reports:?}");
        assert_eq!(life.status(), status, "{reports:?}");
        assert_eq!(life.order.leaves_quantity(), Qty::ZERO);
    }
    let mut life = Life::buy();
    life.hear(filled("e1", "4@100"));
    assert_eq!((life.status(), &life.order.phase), (OrderStatus::PartiallyFilled, &Phase::Working));
}

#[test]
fn overfill_is_booked_and_closes() {
    let life = Life::after([filled("e1", "4@100"), filled("e2", "7@100")]);
    assert_eq!(life.status(), OrderStatus::Filled);
    assert_eq!(life.order.filled_quantity().get(), crate::support::dec("11"));
    assert_eq!(life.order.average_price().unwrap().get(), crate::support::dec("100"));
}

#[test]
fn an_execution_counts_once_and_a_changed_one_is_reported() {
    let mut life = Life::after([filled("e1", "4@100")]);
    for changed in ["4@101", "5@100"] {
        let decision = life.hear(filled("e1", changed));
        assert!(decision.events.is_empty());
        assert_eq!(decision.conflicting_execution, Some(execution("e1", changed)));
    }
    let decision = life.hear(filled("e1", "4@100"));
    assert_eq!((decision.events.len(), decision.conflicting_execution), (0, None));
    assert_eq!(life.order.average_price().unwrap().get(), crate::support::dec("100"));
}

#[test]
fn a_cancel_before_the_acknowledgement_is_remembered_through_ack_and_fills() {
    let mut life = Life::buy();
    assert_eq!(life.cancel(USER), Ok(1));
    assert_eq!(life.cancel(CanceledBy::Platform), Ok(0), "asking twice is one request");
    for report in [accepted("v1"), filled("e1", "4@100")] {
        life.hear(report);
        assert_eq!(life.order.pending, Some(Pending::Cancel { by: USER }));
        assert_eq!(life.status(), OrderStatus::PendingCancel);
    }
    life.hear(canceled(REQUESTED));
    assert_eq!(life.order.phase, Phase::Closed { reason: CloseReason::Canceled { by: USER } });
    let expected = OrderRejection::AlreadyClosed { id: life.order.id, status: OrderStatus::Canceled };
    assert_eq!(life.cancel(USER), Err(expected));
}

#[test]
fn a_rejected_cancel_leaves_the_order_as_it_was() {
    let mut life = Life::after([accepted("v1")]);
    assert!(life.hear(cancel_rejected()).events.is_empty(), "nobody asked");
    life.cancel(USER).unwrap();
    life.doubt(UnknownCause::Timeout);
    life.hear(cancel_rejected());
    assert_eq!((life.order.pending, life.order.certainty), (None, Certainty::Confirmed));
    assert_eq!(life.status(), OrderStatus::Accepted);
    let mut life = Life::after([filled("e1", "4@100")]);
    life.cancel(USER).unwrap();
    life.hear(cancel_rejected());
    assert_eq!(life.status(), OrderStatus::PartiallyFilled);
}

#[test]
fn a_rejected_cancel_says_nothing_about_an_unanswered_submission() {
    let mut life = Life::buy();
    life.doubt(UnknownCause::Timeout);
    life.cancel(USER).unwrap();
    // "No such order": the submission may still be on its way.
    life.hear(cancel_rejected());
    assert_eq!(life.order.pending, None);
    assert_eq!(life.status(), OrderStatus::Unknown);
    life.hear(not_found());
    assert_eq!(life.status(), OrderStatus::Rejected);
}

#[test]
fn the_author_of_a_cancellation_is_whoever_asked() {
    let table = [
        (None, REQUESTED, CanceledBy::Venue),
        (None, VenueCancelCause::Unsolicited, CanceledBy::Venue),
        (Some(USER), REQUESTED, USER),
        (Some(CanceledBy::Platform), REQUESTED, CanceledBy::Platform),
        (Some(USER), VenueCancelCause::Unsolicited, CanceledBy::Venue),
        (Some(USER), VenueCancelCause::TimeInForce, CanceledBy::Venue),
    ];
    for (asked, cause, expected) in table {
        let mut life = Life::after([accepted("v1"), filled("e1", "4@100")]);
        if let Some(by) = asked {
            life.cancel(by).unwrap();
        }
        life.hear(canceled(cause));
        let reason = CloseReason::Canceled { by: expected };
        assert_eq!(life.order.phase, Phase::Closed { reason }, "{asked:?} {cause:?}");
        assert_eq!(life.order.filled_quantity().get(), crate::support::dec("4"), "fills are kept");
    }
}

#[test]
fn any_open_order_expires_and_what_is_closed_ignores_other_ends() {
    let pending = {
        let mut life = Life::buy();
        life.cancel(USER).unwrap();
        life.doubt(UnknownCause::Timeout);
        life
    };
    for mut life in [Life::buy(), Life::after([accepted("v1")]), pending] {
        life.hear(ReportKind::Expired);
        assert_eq!(life.status(), OrderStatus::Expired);
    }
    for (status, reports) in closings() {
        let ends = [
            rejected(),
            not_found(),
            canceled(REQUESTED),
            ReportKind::Expired,
            cancel_rejected(),
            found(VenueOrderState::Canceled { cause: REQUESTED }, Vec::new()),
        ];
        for end in ends {
            let mut life = Life::after(reports.clone());
            assert!(life.hear(end.clone()).events.is_empty(), "{status} then {end:?}");
            assert_eq!(life.doubt(UnknownCause::Timeout), 0);
        }
    }
}

#[test]
fn what_is_open_at_the_venue_and_not_wanted_is_cancelled_there() {
    let pending = {
        let mut life = Life::after([accepted("v1")]);
        life.cancel(USER).unwrap();
        life
    };
    let table = [
        ("inferred rejection, then open", Life::after([not_found()]), open_state(), true),
        ("inferred rejection, then ack", Life::after([not_found()]), accepted("v1"), true),
        ("cancelled, then open", Life::after([canceled(REQUESTED)]), open_state(), true),
        ("cancel pending, then open", pending, open_state(), true),
        ("wanted, then open", Life::after([accepted("v1")]), open_state(), false),
        ("filled, then a late ack", Life::after([filled("e1", "10@100")]), accepted("v1"), false),
    ];
    for (name, mut life, report, cancels) in table {
        assert_eq!(life.hear(report).cancel_at_venue, cancels, "{name}");
    }
}

/// One event of each kind that changes an order, as some order of this shape once recorded it.
fn every_change() -> Vec<Event> {
    let mut one = Life::buy();
    one.doubt(UnknownCause::Timeout);
    one.hear(accepted("v1"));
    one.cancel(USER).unwrap();
    one.hear(cancel_rejected());
    one.hear(ReportKind::Expired);
    let mut events: Vec<Event> = one.events.into_iter().skip(1).map(|(event, _)| event).collect();
    for end in [rejected(), canceled(REQUESTED), filled("all", "10@100")] {
        events.extend(Life::after([end]).events.pop().map(|(event, _)| event));
    }
    events
}

#[test]
fn an_event_that_does_not_fit_a_closed_order_changes_nothing_of_its_end() {
    for (status, reports) in closings() {
        for event in every_change() {
            let before = Life::after(reports.clone()).order;
            let mut after = before.clone();
            after.apply(&event, crate::support::at(99));
            assert_eq!((after.status(), &after.phase), (status, &before.phase), "{event:?}");
            assert_eq!(after.version, before.version + 1);
            bulkhead_domain::invariants::check_order(&after).unwrap();
        }
    }
    assert_eq!(every_change().len(), 8);
}
