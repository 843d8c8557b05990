//! The pre-trade chain by example: each denial, its place in the chain, and what is never denied.

use crate::history::instrument;
use crate::support::{Life, currency, dec, opening, paper, price, symbol, terms};
use bulkhead_domain::instrument::Instrument;
use bulkhead_domain::order::{OrderKind, OrderTerms, Side};
use bulkhead_domain::risk::{Authorization, DenialCode, PreTrade, Quote, RiskBook};
use bulkhead_domain::{AccountId, Event, Symbol};

fn quote(bid: &str, ask: &str) -> Quote {
    Quote { bid: price(bid), ask: price(ask) }
}

/// A book with cash, and positions bought at 100 (or sold, when negative).
fn book(leverage_max: i64, shorts_allowed: bool, cash: &str, held: &[(&str, &str)]) -> RiskBook {
    let mut book = RiskBook::default();
    opening(leverage_max, shorts_allowed, cash).iter().for_each(|event| book.apply(event));
    for (number, (name, quantity)) in held.iter().enumerate() {
        let (side, quantity) =
            quantity.strip_prefix('-').map_or((Side::Buy, *quantity), |rest| (Side::Sell, rest));
        let mut terms = terms(side, &format!("{quantity}@100"));
        terms.symbol = symbol(name);
        let mut life = Life::new(500 + number as u128, terms);
        life.hear(crate::support::filled(&format!("h{number}"), &format!("{quantity}@100")));
        life.events.iter().for_each(|(event, _)| book.apply(event));
    }
    book
}

fn ask(book: &RiskBook, terms: &OrderTerms, quotes: &dyn Fn(&Symbol) -> Option<Quote>) -> Authorization {
    ask_in(book, terms, &instrument(terms.symbol.as_str()), quotes)
}

fn ask_in(
    book: &RiskBook,
    terms: &OrderTerms,
    instrument: &Instrument,
    quotes: &dyn Fn(&Symbol) -> Option<Quote>,
) -> Authorization {
    let before = book.clone();
    let authorization = book.authorize(&PreTrade { terms, instrument, quotes }).unwrap();
    assert_eq!(*book, before, "asking changes nothing");
    authorization
}

fn code(authorization: &Authorization) -> Option<DenialCode> {
    let last = authorization.verdicts.last().unwrap();
    match &authorization.outcome {
        Ok(_) => assert!(last.passed && last.code.is_none()),
        Err(denial) => assert_eq!((last.passed, last.code.clone()), (false, Some(denial.code.to_string()))),
    }
    authorization.outcome.as_ref().err().map(|denial| denial.code)
}

fn around_100(_: &Symbol) -> Option<Quote> {
    Some(quote("99", "101"))
}

fn verdict(book: &RiskBook, side: Side, text: &str) -> Option<DenialCode> {
    code(&ask(book, &terms(side, text), &around_100))
}

fn reducing(side: Side, text: &str) -> OrderTerms {
    OrderTerms { reduce_only: true, ..terms(side, text) }
}

/// Of what is held, what open orders close already cannot be closed again, whoever placed them.
#[test]
fn a_reduce_only_order_closes_at_most_what_is_held_and_not_being_closed() {
    let exceeded = Some(DenialCode::ReduceOnlyExceeded);
    for (held, side, other) in [("10", Side::Sell, Side::Buy), ("-10", Side::Buy, Side::Sell)] {
        let mut book = book(5, true, "100000", &[("BTC-USDT", held)]);
        let verdict = |book: &RiskBook, side, text| code(&ask(book, &reducing(side, text), &around_100));
        assert_eq!(verdict(&book, side, "10@100"), None, "{held}");
        assert_eq!(verdict(&book, side, "10.001@100"), exceeded, "{held}");
        assert_eq!(verdict(&book, other, "1@100"), exceeded, "{held}: the other side only adds");
        let opposing = Life::new(800, terms(other, "3@100"));
        book.apply(&opposing.events[0].0);
        assert_eq!(verdict(&book, side, "10@100"), None, "{held}: orders that would add do not count");
        let mut closing = Life::new(801, terms(side, "4@100"));
        book.apply(&closing.events[0].0);
        assert_eq!(verdict(&book, side, "6@100"), None, "{held}");
        assert_eq!(verdict(&book, side, "6.001@100"), exceeded, "{held}");
        closing.hear(crate::support::canceled(bulkhead_domain::report::VenueCancelCause::Unsolicited));
        book.apply(&closing.events[1].0);
        assert_eq!(verdict(&book, side, "10@100"), None, "{held}: what is given back may be closed again");
    }
    assert_eq!(code(&ask(&book(5, true, "1000", &[]), &reducing(Side::Buy, "1@100"), &around_100)), exceeded);
}

#[test]
fn each_check_denies_in_its_turn_with_its_code() {
    let rich = book(1, true, "1000000000000", &[]);
    let poor = book(1, false, "1", &[]);
    let silent = |_: &Symbol| None;
    let buy = terms(Side::Buy, "10@100");
    let euro = Instrument { quote: currency("EUR"), ..instrument("BTC-USDT") };
    let huge = terms(Side::Buy, "1000000@100000");
    let table: Vec<(Authorization, DenialCode, &str, usize)> = vec![
        (ask_in(&poor, &buy, &euro, &silent), DenialCode::CurrencyMismatch, "CURRENCY_MISMATCH", 2),
        (ask(&poor, &buy, &silent), DenialCode::NoMarketPrice, "NO_MARKET_PRICE", 3),
        (ask(&rich, &huge, &around_100), DenialCode::OrderValueTooLarge, "ORDER_VALUE_TOO_LARGE", 4),
        (
            ask(&poor, &reducing(Side::Sell, "1@100"), &around_100),
            DenialCode::ReduceOnlyExceeded,
            "REDUCE_ONLY_EXCEEDED",
            5,
        ),
        (
            ask(&poor, &terms(Side::Sell, "1@100"), &around_100),
            DenialCode::ShortNotAllowed,
            "SHORT_NOT_ALLOWED",
            14,
        ),
        (ask(&poor, &buy, &around_100), DenialCode::InsufficientFunds, "INSUFFICIENT_FUNDS", 15),
    ];
    for (authorization, expected, name, verdicts) in table {
        assert_eq!(code(&authorization), Some(expected));
        assert_eq!(expected.to_string(), name);
        assert_eq!(authorization.verdicts.len(), verdicts, "{name} ends the chain");
        assert!(authorization.verdicts.iter().rev().skip(1).all(|one| one.passed));
    }
    let passed = ask(&rich, &buy, &around_100);
    let checks: Vec<&str> = passed.verdicts.iter().map(|one| one.check.as_str()).collect();
    assert_eq!(checks.first(), Some(&"trading_state"));
    assert_eq!(checks.get(4), Some(&"reduce_only"));
    assert_eq!(checks.get(13..), Some(["short_sale", "buying_power"].as_slice()));
}

#[test]
fn an_account_nobody_opened_is_not_judged() {
    let mut terms = terms(Side::Buy, "1@100");
    terms.account = AccountId::parse("elsewhere").unwrap();
    let instrument = instrument("BTC-USDT");
    let ask = PreTrade { terms: &terms, instrument: &instrument, quotes: &around_100 };
    assert!(book(1, false, "1000", &[]).authorize(&ask).is_none());
}

#[test]
fn what_is_reserved_is_the_worst_price() {
    let book = book(10, true, "100000", &[]);
    let table = [
        (Side::Buy, "1@95", "95"),
        (Side::Buy, "1@120", "120"),
        (Side::Buy, "1", "102.01"),
        (Side::Sell, "1@95", "99"),
        (Side::Sell, "1@120", "120"),
        (Side::Sell, "1", "99"),
    ];
    for (side, text, reserved) in table {
        let reservation = ask(&book, &terms(side, text), &around_100).outcome.unwrap();
        assert_eq!(reservation.price.get(), dec(reserved), "{side:?} {text}");
        assert_eq!((reservation.account, reservation.leaves.get()), (paper(), dec("1")));
    }
}

#[test]
fn without_shorts_only_what_is_held_and_not_being_sold_can_be_sold() {
    let mut book = book(1, false, "10000", &[("BTC-USDT", "3")]);
    assert_eq!(verdict(&book, Side::Sell, "3@100"), None);
    assert_eq!(verdict(&book, Side::Sell, "3.001@100"), Some(DenialCode::ShortNotAllowed));
    let open = Life::new(1, terms(Side::Sell, "2@100"));
    open.events.iter().for_each(|(event, _)| book.apply(event));
    assert_eq!(verdict(&book, Side::Sell, "1@100"), None);
    assert_eq!(verdict(&book, Side::Sell, "1.001@100"), Some(DenialCode::ShortNotAllowed));
    assert!(book.release(open.order.id));
    assert_eq!(verdict(&book, Side::Sell, "3@100"), None);
}

#[test]
fn exposure_is_bounded_by_equity_less_the_fee_times_leverage() {
    // 1,000 of cash; an order of 1,000 costs a fee of 1.
    assert_eq!(
        verdict(&book(1, true, "1000", &[]), Side::Buy, "10@100"),
        Some(DenialCode::InsufficientFunds)
    );
    assert_eq!(verdict(&book(1, true, "1001", &[]), Side::Buy, "10@100"), None);
    assert_eq!(verdict(&book(2, true, "1002", &[]), Side::Buy, "20@100"), None);
    assert_eq!(
        verdict(&book(2, true, "1001.99", &[]), Side::Buy, "20@100"),
        Some(DenialCode::InsufficientFunds)
    );
    assert_eq!(verdict(&book(2, true, "1002", &[]), Side::Sell, "20@100"), None, "short counts as long does");
    assert_eq!(
        verdict(&book(2, true, "1001.99", &[]), Side::Sell, "20@100"),
        Some(DenialCode::InsufficientFunds)
    );
}

#[test]
fn open_orders_count_in_full_unknown_or_not_until_they_end() {
    let mut book = book(1, true, "1001", &[]);
    let mut life = Life::new(1, terms(Side::Buy, "9@100"));
    life.doubt(bulkhead_domain::order::UnknownCause::Timeout);
    life.events.iter().for_each(|(event, _)| book.apply(event));
    assert_eq!(verdict(&book, Side::Buy, "2@100"), Some(DenialCode::InsufficientFunds));
    assert_eq!(verdict(&book, Side::Buy, "1@100"), None);
    let known = life.events.len();
    life.hear(crate::support::not_found());
    life.events.iter().skip(known).for_each(|(event, _)| book.apply(event));
    assert_eq!(verdict(&book, Side::Buy, "10@100"), None);
    assert_eq!(book.reservation_count(), 0);
    assert!(!book.release(life.order.id), "given back once");
}

#[test]
fn what_reduces_is_allowed_without_any_equity() {
    // Bought 10 at 100 with 1,000 of cash gone below zero by a fall of the price.
    let crashed = |_: &Symbol| Some(quote("9", "11"));
    let long = book(1, false, "0", &[("BTC-USDT", "10")]);
    assert_eq!(code(&ask(&long, &terms(Side::Sell, "10"), &crashed)), None);
    assert_eq!(code(&ask(&long, &terms(Side::Buy, "1"), &crashed)), Some(DenialCode::InsufficientFunds));
    let soared = |_: &Symbol| Some(quote("990", "1010"));
    let short = book(1, true, "0", &[("BTC-USDT", "-10")]);
    assert_eq!(code(&ask(&short, &terms(Side::Buy, "10"), &soared)), None);
    assert_eq!(code(&ask(&short, &terms(Side::Sell, "1"), &soared)), Some(DenialCode::InsufficientFunds));
}

#[test]
fn what_reduces_is_allowed_at_any_price_of_its_own() {
    let far = |side: Side, price_text: &str, quantity: &str| {
        let mut terms = terms(side, quantity);
        terms.kind = OrderKind::Limit { price: price(price_text) };
        terms
    };
    let long = book(1, true, "0", &[("BTC-USDT", "10")]);
    assert_eq!(code(&ask(&long, &far(Side::Sell, "1000", "10"), &around_100)), None);
    assert_eq!(
        code(&ask(&long, &far(Side::Sell, "1000", "21"), &around_100)),
        Some(DenialCode::InsufficientFunds),
        "eleven of these would be sold short"
    );
    let short = book(1, true, "0", &[("BTC-USDT", "-10")]);
    assert_eq!(code(&ask(&short, &far(Side::Buy, "1000", "10"), &around_100)), None);
    assert_eq!(
        code(&ask(&short, &far(Side::Buy, "1000", "21"), &around_100)),
        Some(DenialCode::InsufficientFunds)
    );
}

#[test]
fn what_reduces_is_allowed_while_something_else_has_no_price() {
    let book = book(1, false, "5000", &[("BTC-USDT", "10"), ("ETH-USDT", "1")]);
    let one_silent = |asked: &Symbol| (asked.as_str() == "BTC-USDT").then(|| quote("99", "101"));
    assert_eq!(code(&ask(&book, &terms(Side::Sell, "10"), &one_silent)), None);
    assert_eq!(code(&ask(&book, &terms(Side::Buy, "1"), &one_silent)), Some(DenialCode::NoMarketPrice));
}

#[test]
fn a_reservation_is_made_once_and_shrinks_with_fills() {
    let mut book = book(1, true, "10000", &[]);
    let mut life = Life::new(1, terms(Side::Buy, "10@100"));
    let reservation = ask(&book, &life.order.terms, &around_100).outcome.unwrap();
    book.reserve(life.order.id, reservation);
    let ahead = book.clone();
    book.apply(&life.events[0].0);
    assert_eq!(book, ahead, "the event of a reservation made ahead adds nothing");
    life.hear(crate::support::filled("e1", "4@90"));
    life.hear(crate::support::filled("e2", "7@90"));
    for (event, _) in life.events.iter().skip(1) {
        assert_eq!(book.reservation_count(), 1);
        book.apply(event);
    }
    assert_eq!(book.reservation_count(), 0, "an overfill gives back what was left, not more");
    let sums = serde_json::to_value(&book).unwrap()["accounts"]["paper"]["symbols"]["BTC-USDT"].clone();
    assert_eq!((sums["buy_notional"].as_str(), sums["position"].as_str()), (Some("0"), Some("11")));
    assert!(matches!(life.events.last(), Some((Event::OrderFilled(_), _))));
}
