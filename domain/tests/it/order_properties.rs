//! Random lives of one order. [`Life`] checks every single step; here is what must hold over whole sequences.

use crate::support::{
    Life, accepted, cancel_rejected, canceled, execution, filled, found, not_found, rejected,
};
use bulkhead_domain::Event;
use bulkhead_domain::order::{CanceledBy, UnknownCause};
use bulkhead_domain::report::{ReportKind, VenueCancelCause, VenueOrderState};
use proptest::prelude::*;

/// Executions of one order; the id decides what it says, as at a venue.
fn known_execution(number: usize) -> (String, String) {
    (format!("e{number}"), format!("{}@{}", 1 + number % 4, 98 + number))
}

fn fill(number: usize) -> ReportKind {
    let (id, text) = known_execution(number);
    filled(&id, &text)
}

#[derive(Debug, Clone)]
enum Action {
    Hear(ReportKind),
    Cancel(CanceledBy),
    Doubt(UnknownCause),
}

fn any_state() -> impl Strategy<Value = ReportKind> {
    let state = prop_oneof![
        Just(VenueOrderState::Open),
        Just(VenueOrderState::Filled),
        Just(VenueOrderState::Expired),
        Just(VenueOrderState::Canceled { cause: VenueCancelCause::Unsolicited }),
        Just(VenueOrderState::Rejected { code: "NO".to_owned(), message: "no".to_owned() }),
    ];
    (state, prop::collection::btree_set(0usize..6, 0..4)).prop_map(|(state, numbers)| {
        let executions = numbers.into_iter().map(known_execution).map(|(id, text)| execution(&id, &text));
        found(state, executions.collect())
    })
}

fn any_report() -> impl Strategy<Value = ReportKind> {
    prop_oneof![
        4 => (0usize..6).prop_map(fill),
        1 => (0usize..6).prop_map(|number| filled(&format!("e{number}"), "9@50")),
        2 => "v[12]".prop_map(|id| accepted(&id)),
        1 => Just(rejected()),
        1 => Just(not_found()),
        1 => Just(ReportKind::Expired),
        1 => Just(cancel_rejected()),
        1 => Just(canceled(VenueCancelCause::Requested)),
        1 => Just(canceled(VenueCancelCause::TimeInForce)),
        2 => any_state(),
    ]
}

fn any_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        5 => any_report().prop_map(Action::Hear),
        1 => prop_oneof![Just(CanceledBy::User), Just(CanceledBy::Platform)].prop_map(Action::Cancel),
        1 => prop_oneof![Just(UnknownCause::Timeout), Just(UnknownCause::Restarted)].prop_map(Action::Doubt),
    ]
}

/// What a venue that keeps its word says about one order in the end: an acknowledgement, distinct executions
/// within the quantity, and an end unless they fill it.
fn told() -> impl Strategy<Value = Vec<ReportKind>> {
    let end = prop_oneof![
        Just(None),
        Just(Some(ReportKind::Expired)),
        Just(Some(canceled(VenueCancelCause::Unsolicited))),
    ];
    (0usize..6, end).prop_map(|(count, end)| {
        let mut reports = vec![accepted("v1")];
        // 1 + 2 + 3 + 4 fill it; a fifth and sixth are too much and still count.
        reports.extend((0..count).map(fill));
        reports.extend(end);
        reports
    })
}

/// The same set twice: each once in one order, and with repetitions in another.
fn told_twice() -> impl Strategy<Value = (Vec<ReportKind>, Vec<ReportKind>)> {
    told().prop_flat_map(|reports| {
        let repeated = prop::collection::vec(prop::sample::select(reports.clone()), 0..6);
        (Just(reports.clone()), repeated).prop_flat_map(|(reports, mut repeated)| {
            repeated.extend(reports.clone());
            (Just(reports).prop_shuffle(), Just(repeated).prop_shuffle())
        })
    })
}

proptest! {
    #[test]
    fn any_sequence_keeps_the_rules_and_replays_to_the_same_order(actions in prop::collection::vec(any_action(), 0..30)) {
        let mut life = Life::buy();
        let mut is_closed = false;
        for action in actions {
            match action {
                Action::Hear(report) => drop(life.hear(report)),
                Action::Cancel(by) => prop_assert_eq!(life.cancel(by).is_err(), is_closed),
                Action::Doubt(cause) => drop(life.doubt(cause)),
            }
            prop_assert!(life.order.is_closed() || !is_closed);
            is_closed = life.order.is_closed();
        }
        prop_assert_eq!(life.order.version, life.events.len() as u64);
        prop_assert_eq!(life.replayed(), life.order);
    }

    #[test]
    fn any_permutation_with_repetitions_comes_to_the_same((once, repeated) in told_twice()) {
        let (one, other) = (Life::after(once), Life::after(repeated));
        prop_assert_eq!(one.order.filled_quantity(), other.order.filled_quantity());
        prop_assert_eq!(one.order.average_price(), other.order.average_price());
        prop_assert_eq!(one.order.is_closed(), other.order.is_closed());
        prop_assert_eq!(&one.order.fills, &other.order.fills);
        let count = |life: &Life| life.events.iter().filter(|(event, _)| matches!(event, Event::OrderFilled(_))).count();
        prop_assert_eq!(count(&one), one.order.fills.len());
        prop_assert_eq!(count(&other), other.order.fills.len());
    }
}
