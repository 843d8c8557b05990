//! The kill switch: its decisions by example, and against random books that nothing grows and nothing is overshot.

use crate::history::instrument;
use crate::support::{Life, at, dec, opening, paper, price, qty, symbol, terms};
use bulkhead_domain::desk::DeskBook;
use bulkhead_domain::event::{TradingHalted, TradingResumed};
use bulkhead_domain::order::{OrderTerms, Side};
use bulkhead_domain::risk::{
    DenialCode, HaltAuthor, HaltBook, HaltMode, HaltRejection, HaltScope, PreTrade, Quote, RiskBook,
};
use bulkhead_domain::{AccountId, Event, Symbol, UserId};
use proptest::prelude::*;
use rust_decimal::Decimal;
use uuid::Uuid;

const MODES: [HaltMode; 4] = [HaltMode::ReduceOnly, HaltMode::CancelAll, HaltMode::Flatten, HaltMode::Halt];

fn halt(scope: HaltScope, mode: HaltMode) -> TradingHalted {
    let by = HaltAuthor::User { user_id: UserId(Uuid::from_u128(1)) };
    TradingHalted { scope, mode, reason: "drill".to_owned(), by, at: at(0) }
}

fn resume(scope: HaltScope) -> TradingResumed {
    let by = HaltAuthor::User { user_id: UserId(Uuid::from_u128(2)) };
    TradingResumed { scope, reason: "over".to_owned(), by, at: at(1) }
}

fn btc() -> HaltScope {
    HaltScope::Symbol(symbol("BTC-USDT"))
}

fn account(name: &str) -> HaltScope {
    HaltScope::Account(AccountId::parse(name).unwrap())
}

fn around_100(_: &Symbol) -> Option<Quote> {
    Some(Quote { bid: price("99"), ask: price("101") })
}

/// A rich book that may sell short and holds `held` of BTC-USDT.
fn holding(held: Decimal) -> RiskBook {
    let mut book = RiskBook::default();
    opening(5, true, "1000000").iter().for_each(|event| book.apply(event));
    if !held.is_zero() {
        let side = if held > Decimal::ZERO { Side::Buy } else { Side::Sell };
        let mut life = Life::new(500, terms(side, &format!("{}@100", held.abs())));
        life.hear(crate::support::filled("held", &format!("{}@100", held.abs())));
        life.events.iter().for_each(|(event, _)| book.apply(event));
    }
    book
}

fn verdict(book: &RiskBook, terms: &OrderTerms) -> Option<DenialCode> {
    let instrument = instrument(terms.symbol.as_str());
    let ask = PreTrade { terms, instrument: &instrument, quotes: &around_100 };
    let authorization = book.authorize(&ask).unwrap();
    if authorization.outcome.is_err() {
        assert_eq!(authorization.verdicts.len(), 1, "the first check of all");
    }
    authorization.outcome.err().map(|denial| denial.code)
}

#[test]
fn each_mode_lets_through_what_it_says() {
    for mode in MODES {
        let mut book = holding(dec("3"));
        book.apply(&Event::TradingHalted(halt(HaltScope::Tenant, mode)));
        let reduces = (mode == HaltMode::Halt).then_some(DenialCode::TradingHalted);
        let opens = reduces.unwrap_or(DenialCode::TradingReduceOnly);
        let table = [
            (Side::Sell, "3@100", reduces),
            (Side::Sell, "3", reduces),
            (Side::Sell, "3.001@100", Some(opens)),
            (Side::Buy, "0.001@100", Some(opens)),
        ];
        for (side, text, expected) in table {
            assert_eq!(verdict(&book, &terms(side, text)), expected, "{mode} {side:?} {text}");
        }
        let open = Life::new(1, terms(Side::Sell, "2@100"));
        open.events.iter().for_each(|(event, _)| book.apply(event));
        assert_eq!(verdict(&book, &terms(Side::Sell, "1@100")), reduces, "{mode}");
        assert_eq!(
            verdict(&book, &terms(Side::Sell, "1.001@100")),
            Some(opens),
            "what is being sold is gone"
        );
        book.apply(&Event::TradingResumed(resume(HaltScope::Tenant)));
        assert_eq!(verdict(&book, &terms(Side::Buy, "1@100")), None);
    }
    let mut short = holding(dec("-2"));
    short.apply(&Event::TradingHalted(halt(account("paper"), HaltMode::ReduceOnly)));
    assert_eq!(verdict(&short, &terms(Side::Buy, "2@100")), None);
    assert_eq!(verdict(&short, &terms(Side::Buy, "2.001@100")), Some(DenialCode::TradingReduceOnly));
    assert_eq!(verdict(&short, &terms(Side::Sell, "0.001@100")), Some(DenialCode::TradingReduceOnly));
}

#[test]
fn a_scope_covers_what_it_names_and_the_strictest_counts() {
    let table = [
        (HaltScope::Platform, true, true),
        (HaltScope::Tenant, true, true),
        (account("paper"), true, true),
        (account("other"), false, false),
        (btc(), true, false),
    ];
    let mut ether = terms(Side::Buy, "1@100");
    ether.symbol = symbol("ETH-USDT");
    for (scope, stops_btc, stops_ether) in table {
        let mut book = holding(Decimal::ZERO);
        book.apply(&Event::TradingHalted(halt(scope.clone(), HaltMode::Halt)));
        let stops = |terms: &OrderTerms| verdict(&book, terms) == Some(DenialCode::TradingHalted);
        assert_eq!((stops(&terms(Side::Buy, "1@100")), stops(&ether)), (stops_btc, stops_ether), "{scope}");
    }
    let mut halts = HaltBook::default();
    assert!(halts.is_empty() && halts.strictest(&paper(), &symbol("BTC-USDT")).is_none());
    for (scope, mode) in [
        (HaltScope::Tenant, HaltMode::CancelAll),
        (btc(), HaltMode::Flatten),
        (account("paper"), HaltMode::CancelAll),
    ] {
        halts.apply(&Event::TradingHalted(halt(scope, mode)));
    }
    assert_eq!(halts.strictest(&paper(), &symbol("BTC-USDT")).unwrap().scope, btc());
    assert_eq!(halts.strictest(&paper(), &symbol("ETH-USDT")).unwrap().scope, HaltScope::Tenant);
}

#[test]
fn a_halt_tightens_repeats_silently_and_stands_until_resumed() {
    for (number, present) in MODES.into_iter().enumerate() {
        for (other, wanted) in MODES.into_iter().enumerate() {
            let mut halts = HaltBook::default();
            halts.apply(&Event::TradingHalted(halt(btc(), present)));
            let decided = halts.decide_halt(halt(btc(), wanted));
            match other.cmp(&number) {
                std::cmp::Ordering::Less => {
                    assert_eq!(decided, Err(HaltRejection::Stricter { scope: btc(), present }));
                }
                std::cmp::Ordering::Equal => assert_eq!(decided, Ok(None)),
                std::cmp::Ordering::Greater => {
                    assert_eq!(decided, Ok(Some(Event::TradingHalted(halt(btc(), wanted)))));
                }
            }
            let elsewhere = halts.decide_halt(halt(HaltScope::Tenant, wanted)).unwrap();
            assert!(elsewhere.is_some(), "another scope is another halt");
            assert_eq!(halts.decide_resume(resume(HaltScope::Tenant)), None);
            let resumed = halts.decide_resume(resume(btc())).unwrap();
            halts.apply(&resumed);
            assert!(halts.is_empty());
        }
    }
    let mut desk = DeskBook::default();
    let stranger = halt(account("nobody"), HaltMode::Halt);
    let unknown = HaltRejection::UnknownAccount { account: AccountId::parse("nobody").unwrap() };
    assert_eq!(desk.decide_halt(stranger), Err(unknown));
    opening(1, false, "1").iter().for_each(|event| desk.apply(event, at(0)));
    let event = desk.decide_halt(halt(account("paper"), HaltMode::Halt)).unwrap().unwrap();
    desk.apply(&event, at(0));
    let stored = serde_json::to_string(&desk).unwrap();
    let restored: DeskBook = serde_json::from_str(&stored).unwrap();
    assert_eq!(restored.halts(), desk.halts(), "it survives a snapshot");
    assert_eq!(restored.halts().iter().count(), 1);
}

#[test]
fn an_order_fits_into_what_is_left_to_close() {
    let instrument = instrument("BTC-USDT");
    let table =
        [("0.0009", None), ("0.001", Some("0.001")), ("1.23456", Some("1.234")), ("5000", Some("1000"))];
    for (quantity, expected) in table {
        assert_eq!(instrument.largest_order_within(dec(quantity)), expected.map(qty), "{quantity}");
    }
    assert_eq!(instrument.largest_order_within(dec("-1")), None);
}

proptest! {
    /// Whatever passes while only reductions do, all of it filled, never takes a position through zero; and what is
    /// flattened on top of open orders closes exactly what is left.
    #[test]
    fn reductions_and_flattening_never_overshoot(
        held in -8_i64..8,
        asked in prop::collection::vec((any::<bool>(), 1_i64..6, any::<bool>()), 0..12),
    ) {
        let held = Decimal::from(held);
        let mut book = holding(held);
        book.apply(&Event::TradingHalted(halt(HaltScope::Tenant, HaltMode::Flatten)));
        let mut passed = Vec::new();
        for (number, (buys, lots, is_market)) in asked.into_iter().enumerate() {
            let side = if buys { Side::Buy } else { Side::Sell };
            let text = if is_market { lots.to_string() } else { format!("{lots}@100") };
            let terms = terms(side, &text);
            if verdict(&book, &terms).is_none() {
                let life = Life::new(number as u128, terms.clone());
                life.events.iter().for_each(|(event, _)| book.apply(event));
                passed.push(terms.side.signed(terms.quantity).get());
            }
        }
        let all_filled = held + passed.iter().sum::<Decimal>();
        prop_assert!(all_filled.is_zero() || all_filled.is_sign_positive() == held.is_sign_positive());
        prop_assert!(all_filled.abs() <= held.abs());
        let left = book.to_flatten();
        let flattened: Decimal = left.iter().map(|one| match one.side {
            Side::Buy => one.quantity,
            Side::Sell => -one.quantity,
        }).sum();
        prop_assert_eq!(all_filled + flattened, Decimal::ZERO);
        for one in left {
            let order = one.order(instrument("BTC-USDT").largest_order_within(one.quantity).unwrap());
            prop_assert_eq!(verdict(&book, &order), None, "what is to be flattened passes");
        }
        book.apply(&Event::TradingHalted(halt(btc(), HaltMode::Halt)));
        prop_assert!(book.is_flattening() && book.to_flatten().is_empty(), "a stricter halt stands in its way");
        book.apply(&Event::TradingResumed(resume(HaltScope::Tenant)));
        prop_assert!(!book.is_flattening());
    }
}
