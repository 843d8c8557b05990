//! Orders that must not take, and orders that end by themselves.

use super::rig::{Rig, id, levels, order, reports, symbol};
use crate::link::{RequestKind, SubmitOrder};
use crate::market::{MarketEvent, Quote};
use crate::paper::PaperInput;
use bulkhead_domain::Timestamp;
use bulkhead_domain::order::Side::{Buy, Sell};
use bulkhead_domain::order::TimeInForce;
use bulkhead_domain::report::{ReportKind, VenueOrderState};

fn rig() -> Rig {
    let mut rig = Rig::new();
    rig.quote("1@99", "1@101");
    rig
}

fn post_only(order: SubmitOrder) -> SubmitOrder {
    SubmitOrder { post_only: true, ..order }
}

fn until(at: Timestamp, order: SubmitOrder) -> SubmitOrder {
    SubmitOrder { time_in_force: TimeInForce::Gtd, expires_at: Some(at), ..order }
}

fn code(reports: &[ReportKind]) -> &str {
    match reports {
        [ReportKind::Accepted { .. }] => "accepted",
        [ReportKind::Rejected { code, .. }] => code,
        other => panic!("{other:?}"),
    }
}

/// Time passes and nobody asks for anything.
fn pass(rig: &mut Rig, to: Timestamp) -> Vec<ReportKind> {
    rig.now = to;
    let outputs = rig.venue.step(to, Vec::new()).unwrap();
    reports(outputs.into_iter().map(|output| output.message).collect())
}

#[test]
fn a_post_only_order_rests_or_is_rejected() {
    let cases = [
        (Buy, "1@100.99", "accepted"),
        (Buy, "1@101", "POST_ONLY_WOULD_TAKE"),
        (Buy, "1@150", "POST_ONLY_WOULD_TAKE"),
        (Sell, "1@99.01", "accepted"),
        (Sell, "1@99", "POST_ONLY_WOULD_TAKE"),
        (Buy, "1", "POST_ONLY_NOT_ALLOWED"),
    ];
    for (side, text, expected) in cases {
        let mut rig = rig();
        assert_eq!(code(&rig.submit(1, post_only(order("a", side, text)))), expected, "{side:?} {text}");
        let is_open = expected == "accepted";
        assert_eq!(rig.query(1, "a").unwrap().state == VenueOrderState::Open, is_open);
        assert_eq!(rig.balance(1, "BTC"), super::rig::dec("0"));
    }
    let mut rig = rig();
    assert_eq!(code(&rig.submit(1, post_only(order("a", Buy, "1@100")))), "accepted");
    assert_eq!(rig.quote("1@99", "1@100"), [(1, "maker 1@100 fee 0.05".to_owned())], "it only ever makes");
}

#[test]
fn an_order_ends_at_its_time_by_the_venues_clock() {
    let mut rig = rig();
    let end = rig.now.plus_micros(1_000_000);
    rig.submit(1, until(end, order("a", Buy, "1@50")));
    rig.submit(1, until(end.plus_micros(5), order("b", Buy, "1@50")));
    rig.submit(1, order("c", Buy, "1@50"));
    assert_eq!(rig.venue.next_expiry(), Some(end));
    assert_eq!(pass(&mut rig, end.plus_micros(-1)), []);
    assert_eq!(pass(&mut rig, end), [ReportKind::Expired]);
    assert_eq!(rig.venue.next_expiry(), Some(end.plus_micros(5)));
    rig.restart();
    assert_eq!(rig.query(1, "a").unwrap().state, VenueOrderState::Expired);
    assert_eq!(
        rig.query(1, "b").unwrap().state,
        VenueOrderState::Expired,
        "a request's arrival tells time too"
    );
    assert_eq!(rig.query(1, "c").unwrap().state, VenueOrderState::Open);
    assert_eq!(rig.venue.next_expiry(), None);
    let canceled = reports(rig.ask(1, RequestKind::Cancel { venue_client_id: id("a") }));
    assert!(matches!(canceled[..], [ReportKind::CancelRejected { .. }]));
}

#[test]
fn an_end_survives_a_restart_and_a_new_segment() {
    let limits = crate::paper::log::SegmentLimits { closed_max: 1, bytes_max: 1 << 25 };
    let mut rig = Rig::with_segments(limits);
    rig.quote("1@99", "1@101");
    let end = rig.now.plus_micros(60_000_000);
    rig.submit(1, until(end, order("a", Buy, "1@50")));
    // Closed at once, which ends the segment.
    rig.submit(1, order("b", Buy, "1@101"));
    rig.restart();
    assert_eq!(rig.venue.next_expiry(), Some(end));
    assert_eq!(pass(&mut rig, end.plus_micros(1)), [ReportKind::Expired]);
}

#[test]
fn a_market_that_moves_past_an_orders_end_does_not_fill_it() {
    let mut rig = rig();
    let end = rig.now.plus_micros(10_000);
    rig.submit(1, until(end, order("a", Buy, "1@100")));
    let quote = |ts, generation| {
        let quote = Quote { symbol: symbol(), bids: levels("1@99"), asks: levels("1@100"), ts, generation };
        PaperInput::Market(MarketEvent::Quote(quote))
    };
    let outputs = rig.venue.step(end, [quote(end, 100)]).unwrap();
    let kinds = reports(outputs.into_iter().map(|output| output.message).collect());
    assert_eq!(kinds, [ReportKind::Expired]);
    let mut filled = Rig::new();
    filled.quote("1@99", "1@101");
    let end = filled.now.plus_micros(10_000);
    filled.submit(1, until(end, order("a", Buy, "1@100")));
    let outputs = filled.venue.step(end, [quote(end.plus_micros(-1), 100)]).unwrap();
    let kinds = reports(outputs.into_iter().map(|output| output.message).collect());
    assert!(matches!(kinds[..], [ReportKind::Filled { .. }]), "before its end it trades: {kinds:?}");
}

#[test]
fn a_day_order_ends_with_the_utc_day_and_one_that_is_over_is_rejected() {
    let mut rig = rig();
    let day = |order| SubmitOrder { time_in_force: TimeInForce::Day, ..order };
    rig.submit(1, day(order("a", Buy, "1@50")));
    let midnight = Timestamp::parse("2026-01-03T00:00:00Z").unwrap();
    assert_eq!(rig.venue.next_expiry(), Some(midnight));
    assert_eq!(pass(&mut rig, midnight), [ReportKind::Expired]);
    rig.submit(1, day(order("b", Buy, "1@50")));
    assert_eq!(rig.venue.next_expiry(), Some(Timestamp::parse("2026-01-04T00:00:00Z").unwrap()));
    let passed = rig.now;
    assert_eq!(code(&rig.submit(1, until(passed, order("c", Buy, "1@50")))), "EXPIRES_AT_PASSED");
    let bare = SubmitOrder { time_in_force: TimeInForce::Gtd, ..order("d", Buy, "1@50") };
    assert_eq!(code(&rig.submit(1, bare)), "EXPIRES_AT_REQUIRED");
    let odd = SubmitOrder { expires_at: Some(midnight), ..order("e", Buy, "1@50") };
    assert_eq!(code(&rig.submit(1, odd)), "EXPIRES_AT_NOT_ALLOWED");
}
