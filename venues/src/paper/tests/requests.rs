//! Answers to requests other than fills: refusals, repetitions, questions.

use super::rig::{Rig, account, dec, execution_text, id, order, reports, symbol};
use crate::link::{FillCursor, Funding, RequestId, RequestKind, SubmitOrder, VenueMessage, VenueRequest};
use crate::market::MarketEvent;
use crate::paper::{ConnectionId, PaperInput};
use bulkhead_domain::order::Side::{Buy, Sell};
use bulkhead_domain::report::{ReportKind, VenueCancelCause, VenueOrderState};
use bulkhead_domain::{Amount, Currency, ExecutionId, Symbol};

fn rig() -> Rig {
    let mut rig = Rig::new();
    rig.quote("1@99", "1@101");
    rig
}

fn rejection(reports: &[ReportKind]) -> &str {
    match reports {
        [ReportKind::Rejected { code, .. }] => code,
        other => panic!("{other:?}"),
    }
}

fn refusal(messages: &[VenueMessage]) -> &str {
    match messages {
        [VenueMessage::Refused { refusal, .. }] => &refusal.code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn orders_against_the_rules_are_rejected_for_ever() {
    let elsewhere = SubmitOrder { symbol: Symbol::parse("ABC-USDT").unwrap(), ..order("a", Buy, "1") };
    let cases = [
        (1, elsewhere, "UNKNOWN_SYMBOL"),
        (9, order("a", Buy, "1"), "UNKNOWN_ACCOUNT"),
        (1, order("a", Buy, "1@100.001"), "PRICE_OFF_TICK"),
        (1, order("a", Buy, "1.0001"), "QUANTITY_OFF_STEP"),
        (1, order("a", Buy, "0.0001"), "QUANTITY_TOO_SMALL"),
        (1, order("a", Buy, "1001"), "QUANTITY_TOO_LARGE"),
        (1, order("a", Buy, "0.001@100"), "NOTIONAL_TOO_SMALL"),
    ];
    for (tenant, order, code) in cases {
        let mut rig = rig();
        assert_eq!(rejection(&rig.submit(tenant, order.clone())), code);
        let state = rig.query(tenant, "a").unwrap().state;
        assert!(matches!(&state, VenueOrderState::Rejected { code: known, .. } if known == code));
        // Sent again it is the same order, still rejected.
        let again = rig.submit(tenant, order);
        assert!(matches!(&again[..], [ReportKind::State { order: Some(known) }] if known.state == state));
    }
}

fn late(rig: &Rig, kind: RequestKind) -> PaperInput {
    let expires_at = rig.now.plus_micros(-1);
    let request = VenueRequest { request_id: RequestId(7), account: account(1), expires_at, kind };
    PaperInput::Request { connection: ConnectionId(1), request }
}

#[test]
fn an_expired_request_is_refused_and_not_executed() {
    let mut rig = rig();
    let input = late(&rig, RequestKind::Submit(order("a", Buy, "1")));
    let messages: Vec<_> =
        rig.venue.step(rig.now, [input]).unwrap().into_iter().map(|out| out.message).collect();
    assert_eq!(rejection(&reports(messages)), "REQUEST_EXPIRED");
    assert_eq!(rig.balance(1, "BTC"), dec("0"));
    let input = late(&rig, RequestKind::Balances);
    let messages: Vec<_> =
        rig.venue.step(rig.now, [input]).unwrap().into_iter().map(|out| out.message).collect();
    assert_eq!(refusal(&messages), "REQUEST_EXPIRED");
}

#[test]
fn an_expired_repetition_of_a_live_order_tells_its_state() {
    let mut rig = rig();
    rig.submit(1, order("a", Buy, "1@50"));
    let input = late(&rig, RequestKind::Submit(order("a", Buy, "1@50")));
    let outputs = rig.venue.step(rig.now, [input]).unwrap();
    let messages = outputs.into_iter().map(|out| out.message).collect();
    assert!(matches!(&reports(messages)[..], [ReportKind::State { order: Some(_) }]));
}

#[test]
fn a_repeated_order_executes_once_and_another_under_its_id_is_refused() {
    for text in ["1@101", "1@50"] {
        let mut rig = rig();
        rig.submit(1, order("a", Buy, text));
        let bought = rig.balance(1, "BTC");
        rig.quote("1@99", "1@101");
        let again = rig.submit(1, order("a", Buy, text));
        assert!(matches!(&again[..], [ReportKind::State { order: Some(_) }]), "{again:?}");
        let other = rig.ask(1, RequestKind::Submit(order("a", Sell, text)));
        assert_eq!(refusal(&other), "DUPLICATE_CLIENT_ID");
        assert_eq!(rig.balance(1, "BTC"), bought);
        // Ids are the account's own.
        let others = rig.submit(2, order("a", Sell, text));
        assert!(matches!(others[0], ReportKind::Accepted { .. } | ReportKind::Filled { .. }), "{others:?}");
    }
}

#[test]
fn an_id_that_was_denied_can_never_be_used() {
    let mut rig = rig();
    assert_eq!(rig.query(1, "ghost"), None);
    assert_eq!(rejection(&rig.submit(1, order("ghost", Buy, "1"))), "ORDER_BARRED");
    assert_eq!(rig.query(1, "ghost"), None);
    rig.restart();
    assert_eq!(rejection(&rig.submit(1, order("ghost", Buy, "1"))), "ORDER_BARRED");
    assert_eq!(rig.balance(1, "BTC"), dec("0"));
}

#[test]
fn a_query_tells_everything() {
    let mut rig = rig();
    rig.submit(1, order("a", Buy, "2@101"));
    let open = rig.query(1, "a").unwrap();
    assert_eq!((open.state, open.filled_quantity.to_string()), (VenueOrderState::Open, "1".to_owned()));
    rig.quote("1@99", "0.25@101");
    rig.ask(1, RequestKind::Cancel { venue_client_id: id("a") });
    let closed = rig.query(1, "a").unwrap();
    assert_eq!(closed.state, VenueOrderState::Canceled { cause: VenueCancelCause::Requested });
    let executions: Vec<_> = closed.executions.iter().map(execution_text).collect();
    assert_eq!(executions, ["taker 1@101 fee 0.101", "maker 0.25@101 fee 0.012625"]);
    assert_eq!(closed.filled_quantity.to_string(), "1.25");
}

#[test]
fn open_orders_are_listed_with_what_is_filled() {
    let mut rig = rig();
    rig.submit(1, order("a", Buy, "2@101"));
    rig.submit(1, order("b", Buy, "1@50"));
    rig.submit(2, order("c", Buy, "1@50"));
    let messages = rig.ask(1, RequestKind::OpenOrders);
    let [VenueMessage::OpenOrders { orders, .. }] = &messages[..] else { panic!("{messages:?}") };
    let listed: Vec<_> = orders
        .iter()
        .map(|open| (open.order.venue_client_id.as_str(), open.filled_quantity.to_string()))
        .collect();
    assert_eq!(listed, [("a", "1".to_owned()), ("b", "0".to_owned())]);
}

#[test]
fn fills_are_paged_from_any_cursor() {
    const COUNT: usize = 1_300;
    let mut rig = rig();
    for number in 0..COUNT {
        rig.quote("1@99", "1@101");
        rig.submit(1, order(&format!("o{number}"), Buy, "0.01"));
        if number % 3 == 0 {
            rig.submit(2, order(&format!("o{number}"), Buy, "0.01"));
        }
    }
    rig.restart();
    let mut cursor: Option<FillCursor> = None;
    let mut seen = Vec::new();
    loop {
        let messages = rig.ask(1, RequestKind::FillsSince { cursor: cursor.clone() });
        let [VenueMessage::Fills { fills, next, .. }] = &messages[..] else { panic!("{messages:?}") };
        seen.extend(fills.iter().map(|fill| fill.venue_client_id.to_string()));
        match next {
            Some(next) => cursor = Some(next.clone()),
            None => break,
        }
    }
    let expected: Vec<String> = (0..COUNT).map(|number| format!("o{number}")).collect();
    assert_eq!(seen, expected);
    let foreign = FillCursor { execution_id: ExecutionId::parse("x").unwrap(), venue_ts: rig.now };
    assert_eq!(refusal(&rig.ask(1, RequestKind::FillsSince { cursor: Some(foreign) })), "INVALID_CURSOR");
}

#[test]
fn money_arrives_once() {
    let mut rig = rig();
    let usdt = |amount: &str| Funding {
        currency: Currency::parse("USDT").unwrap(),
        amount: Amount::from(dec(amount)),
    };
    let deposit =
        |name: &str, amount: &str| RequestKind::Deposit { deposit_id: id(name), funding: usdt(amount) };
    rig.ask(1, deposit("d1", "5"));
    rig.restart();
    assert!(matches!(rig.ask(1, deposit("d1", "5"))[..], [VenueMessage::Funded { .. }]));
    assert_eq!(refusal(&rig.ask(1, deposit("d1", "6"))), "DUPLICATE_DEPOSIT_ID");
    assert_eq!(refusal(&rig.ask(1, deposit("d2", "0"))), "INVALID_AMOUNT");
    assert_eq!(refusal(&rig.ask(9, deposit("d1", "5"))), "UNKNOWN_ACCOUNT");
    assert_eq!(rig.balance(1, "USDT"), dec("1000005"));
    assert!(matches!(
        rig.ask(1, RequestKind::OpenAccount(usdt("1000000")))[..],
        [VenueMessage::Funded { .. }]
    ));
    assert_eq!(refusal(&rig.ask(1, RequestKind::OpenAccount(usdt("7")))), "ACCOUNT_EXISTS");
}

#[test]
fn a_closed_market_cancels_and_rejects() {
    let mut rig = rig();
    rig.submit(1, order("a", Buy, "1@50"));
    rig.submit(2, order("b", Sell, "3"));
    let ts = rig.now;
    let ended = rig.market(MarketEvent::Closed { symbol: symbol(), ts });
    assert_eq!(ended.len(), 2);
    let unsolicited = VenueOrderState::Canceled { cause: VenueCancelCause::Unsolicited };
    assert_eq!(rig.query(1, "a").unwrap().state, unsolicited);
    assert_eq!(rejection(&rig.submit(1, order("c", Buy, "1"))), "MARKET_CLOSED");
}
