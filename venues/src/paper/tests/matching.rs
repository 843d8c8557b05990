//! What fills, at what price, how much and for which fee.

use super::rig::{Rig, account, order, reports, with};
use crate::link::RequestKind;
use bulkhead_domain::order::Side::{Buy, Sell};
use bulkhead_domain::order::TimeInForce::{Fok, Ioc};
use bulkhead_domain::report::{ReportKind, VenueCancelCause, VenueOrderState};

const BIDS: &str = "1@99 2@98 3@97";
const ASKS: &str = "1@101 2@102 3@103";

fn rig() -> Rig {
    let mut rig = Rig::new();
    rig.quote(BIDS, ASKS);
    rig
}

#[test]
fn a_taker_walks_the_levels_at_their_prices() {
    let cases = [
        ("2.5", Buy, vec!["taker 1@101 fee 0.101", "taker 1.5@102 fee 0.153"]),
        ("2.5", Sell, vec!["taker 1@99 fee 0.099", "taker 1.5@98 fee 0.147"]),
        ("0.001", Buy, vec!["taker 0.001@101 fee 0.000101"]),
        ("5@102", Buy, vec!["taker 1@101 fee 0.101", "taker 2@102 fee 0.204"]),
        ("5@98.5", Sell, vec!["taker 1@99 fee 0.099"]),
        ("1@100.99", Buy, vec![]),
        ("1@99.01", Sell, vec![]),
    ];
    for (text, side, expected) in cases {
        assert_eq!(rig().fills(1, order("a", side, text)), expected, "{side:?} {text}");
    }
}

#[test]
fn fees_are_rounded_to_eight_places() {
    let mut rig = Rig::new();
    // 33.3333 * 0.127 * 0.001 = 0.0042333291
    rig.quote("1@33.3332", "1@33.3333");
    assert_eq!(rig.fills(1, order("a", Buy, "0.127")), ["taker 0.127@33.3333 fee 0.00423333"]);
}

#[test]
fn the_rest_of_a_market_order_waits_for_the_next_quote() {
    let mut rig = rig();
    assert_eq!(rig.fills(1, order("a", Buy, "7")).len(), 3);
    assert_eq!(
        rig.quote(BIDS, "0.5@104 9@105"),
        [(1, "taker 0.5@104 fee 0.052".to_owned()), (1, "taker 0.5@105 fee 0.0525".to_owned())]
    );
    assert_eq!(rig.query(1, "a").unwrap().state, VenueOrderState::Filled);
}

#[test]
fn the_rest_of_a_limit_order_fills_as_maker_at_its_own_price() {
    let mut rig = rig();
    assert_eq!(rig.fills(1, order("a", Buy, "3@101")), ["taker 1@101 fee 0.101"]);
    assert_eq!(rig.quote(BIDS, "1@101.01"), []);
    assert_eq!(rig.quote(BIDS, "0.5@100.5 0.5@101 5@102"), [(1, "maker 1@101 fee 0.0505".to_owned())]);
    assert_eq!(rig.quote(BIDS, "1@101"), [(1, "maker 1@101 fee 0.0505".to_owned())]);
    assert_eq!(rig.quote(BIDS, "1@101"), []);
}

#[test]
fn displayed_size_counts_once_per_quote_and_account() {
    let mut rig = rig();
    assert_eq!(rig.fills(1, order("a", Buy, "1@101")).len(), 1);
    assert_eq!(rig.fills(1, order("b", Buy, "1@101")), [] as [&str; 0]);
    // Another account has its own view.
    assert_eq!(rig.fills(2, order("a", Buy, "1@101")), ["taker 1@101 fee 0.101"]);
    assert_eq!(rig.quote(BIDS, ASKS), [(1, "maker 1@101 fee 0.0505".to_owned())]);
}

#[test]
fn resting_orders_share_a_quote_by_price_and_age() {
    let mut rig = rig();
    rig.submit(1, order("low", Buy, "1@100"));
    rig.submit(1, order("high-old", Buy, "1@100.5"));
    rig.submit(1, order("high-new", Buy, "1@100.5"));
    rig.submit(2, order("other", Buy, "1@100"));
    rig.quote(BIDS, "1.5@100");
    let filled = |rig: &mut Rig, tenant, name| rig.query(tenant, name).unwrap().filled_quantity.to_string();
    assert_eq!(filled(&mut rig, 1, "high-old"), "1");
    assert_eq!(filled(&mut rig, 1, "high-new"), "0.5");
    assert_eq!(filled(&mut rig, 1, "low"), "0");
    assert_eq!(filled(&mut rig, 2, "other"), "1");
}

#[test]
fn a_trade_at_the_price_first_eats_the_queue_ahead() {
    let mut rig = rig();
    rig.submit(1, order("a", Buy, "2@98"));
    assert_eq!(rig.print(Sell, "1.5@98"), []);
    assert_eq!(rig.print(Sell, "1@98"), [(1, "maker 0.5@98 fee 0.0245".to_owned())]);
    // A buyer took the other side: not our queue.
    assert_eq!(rig.print(Buy, "9@98"), []);
    assert_eq!(rig.print(Sell, "9@98"), [(1, "maker 1.5@98 fee 0.0735".to_owned())]);
}

#[test]
fn a_trade_through_the_price_fills_as_far_as_it_goes_once_per_account() {
    let mut rig = rig();
    rig.submit(1, order("a", Sell, "1@102"));
    rig.submit(1, order("b", Sell, "1@102"));
    rig.submit(2, order("a", Sell, "1@102"));
    assert_eq!(
        rig.print(Buy, "1.25@102.01"),
        [
            (1, "maker 1@102 fee 0.051".to_owned()),
            (1, "maker 0.25@102 fee 0.01275".to_owned()),
            (2, "maker 1@102 fee 0.051".to_owned()),
        ]
    );
    // The level was traded through, so nothing is ahead any more.
    assert_eq!(rig.print(Buy, "1@102"), [(1, "maker 0.75@102 fee 0.03825".to_owned())]);
}

#[test]
fn an_order_inside_the_spread_has_no_queue_and_one_beyond_the_book_does() {
    let mut rig = rig();
    rig.submit(1, order("inside", Buy, "1@100"));
    rig.submit(1, order("beyond", Buy, "1@90"));
    assert_eq!(rig.print(Sell, "1@100").len(), 1);
    assert_eq!(rig.print(Sell, "3@90"), []);
    assert_eq!(rig.print(Sell, "1@90").len(), 1);
}

#[test]
fn immediate_or_cancel_and_fill_or_kill() {
    let over = ReportKind::Canceled { cause: VenueCancelCause::TimeInForce };
    let cases = [
        (Ioc, "2@101", 1, true),
        (Ioc, "9", 3, true),
        (Ioc, "1@100", 0, true),
        (Ioc, "1", 1, false),
        (Fok, "6", 3, false),
        (Fok, "6.001", 0, true),
        (Fok, "3@102", 2, false),
        (Fok, "3.001@102", 0, true),
    ];
    for (time_in_force, text, fills, is_canceled) in cases {
        let reports = rig().submit(1, with(time_in_force, order("a", Buy, text)));
        let count = reports.iter().filter(|kind| matches!(kind, ReportKind::Filled { .. })).count();
        let is_acknowledged = reports.iter().any(|kind| matches!(kind, ReportKind::Accepted { .. }));
        assert_eq!(is_acknowledged, fills == 0, "a fill acknowledges: {reports:?}");
        assert_eq!((count, reports.contains(&over)), (fills, is_canceled), "{time_in_force:?} {text}");
    }
}

#[test]
fn fill_or_kill_counts_what_the_account_has_taken() {
    let mut rig = rig();
    rig.submit(1, order("a", Buy, "1"));
    assert_eq!(rig.fills(1, with(Fok, order("b", Buy, "6"))).len(), 0);
    assert_eq!(rig.fills(1, with(Fok, order("c", Buy, "5"))).len(), 2);
}

#[test]
fn without_a_quote_a_market_order_waits() {
    let mut rig = Rig::new();
    assert_eq!(rig.submit(1, order("a", Sell, "1")).len(), 1);
    assert_eq!(rig.quote(BIDS, ASKS), [(1, "taker 1@99 fee 0.099".to_owned())]);
}

#[test]
fn balances_move_exactly() {
    let mut rig = rig();
    rig.submit(1, order("a", Sell, "2"));
    assert_eq!(rig.balance(1, "BTC").to_string(), "-2");
    assert_eq!(rig.balance(1, "USDT").to_string(), "1000196.803");
    assert_eq!(rig.balance(2, "USDT").to_string(), "1000000");
}

#[test]
fn a_cancelled_order_fills_no_more() {
    let mut rig = rig();
    let submitted = order("a", Buy, "1@100");
    rig.submit(1, submitted.clone());
    let cancel = RequestKind::Cancel { venue_client_id: submitted.venue_client_id };
    let canceled = reports(rig.ask(1, cancel.clone()));
    assert_eq!(canceled, [ReportKind::Canceled { cause: VenueCancelCause::Requested }]);
    assert!(matches!(reports(rig.ask(1, cancel))[..], [ReportKind::CancelRejected { .. }]));
    assert_eq!(rig.quote(BIDS, "5@90"), []);
    assert_eq!(rig.print(Sell, "5@90"), []);
    assert!(rig.venue.state.account(0).key == account(1) && rig.venue.state.orders.is_empty());
}
