//! Limits by example, one case for each check on either side of it, and against random orders that nothing exceeds them.

use crate::history::instrument;
use crate::support::{Life, at, dec, filled, opening, price, symbol, terms};
use bulkhead_domain::event::LimitsChanged;
use bulkhead_domain::order::{OrderTerms, Side, Verdict};
use bulkhead_domain::risk::{
    ChangeLimits, DenialCode, HaltAuthor, HaltScope, LimitBook, Limits, LimitsRejection, PreTrade, Quote,
    RiskBook,
};
use bulkhead_domain::{Event, Symbol, UserId};
use proptest::prelude::*;
use rust_decimal::Decimal;
use uuid::Uuid;

fn by() -> HaltAuthor {
    HaltAuthor::User { user_id: UserId(Uuid::from_u128(1)) }
}

fn around_100(_: &Symbol) -> Option<Quote> {
    Some(Quote { bid: price("99"), ask: price("101") })
}

fn limited(scope: HaltScope, limits: Limits) -> RiskBook {
    let mut book = RiskBook::default();
    opening(5, true, "1000000").iter().for_each(|event| book.apply(event));
    book.apply(&Event::LimitsChanged(LimitsChanged { scope, limits, version: 1, by: by(), at: at(0) }));
    book
}

fn hold(book: &mut RiskBook, number: u128, text: (Side, &str)) {
    let mut life = Life::new(number, terms(text.0, text.1));
    life.hear(filled(&format!("f{number}"), text.1));
    life.events.iter().for_each(|(event, _)| book.apply(event));
}

fn judge(book: &RiskBook, terms: &OrderTerms) -> (Option<DenialCode>, Verdict) {
    let instrument = instrument(terms.symbol.as_str());
    let ask = PreTrade { terms, instrument: &instrument, quotes: &around_100 };
    let authorization = book.authorize(&ask).unwrap();
    let last = authorization.verdicts.last().unwrap().clone();
    (authorization.outcome.err().map(|denial| denial.code), last)
}

fn some(text: &str) -> Option<Decimal> {
    Some(dec(text))
}

#[test]
fn each_limit_holds_exactly_and_says_its_numbers() {
    let none = Limits::default;
    // With 2 held long and 1 being bought, at a mark of 100: what passes, what does not, and the numbers then.
    let table = [
        (
            Limits { order_quantity_max: some("3"), ..none() },
            "3@100",
            "3.001@100",
            DenialCode::OrderQuantityLimit,
            ("3", "3.001"),
        ),
        (
            Limits { order_notional_max: some("300"), ..none() },
            "3@100",
            "3@100.01",
            DenialCode::OrderNotionalLimit,
            ("300", "300.03"),
        ),
        (
            Limits { position_notional_max: some("600"), ..none() },
            "3@100",
            "3.001@100",
            DenialCode::PositionLimit,
            ("600", "600.1"),
        ),
        (
            Limits { gross_exposure_max: some("600"), ..none() },
            "3@100",
            "3.001@100",
            DenialCode::GrossExposureLimit,
            ("600", "600.1"),
        ),
        (
            Limits { net_exposure_max: some("600"), ..none() },
            "3@100",
            "3.001@100",
            DenialCode::NetExposureLimit,
            ("600", "600.1"),
        ),
        (
            Limits { price_collar_percent: some("5"), ..none() },
            "1@95",
            "1@94.99",
            DenialCode::PriceCollar,
            ("5", "5.01"),
        ),
    ];
    for (limits, passes, refused, code, (limit, would_be)) in table {
        for scope in [HaltScope::Tenant, HaltScope::Symbol(symbol("BTC-USDT"))] {
            let mut book = limited(scope, limits.clone());
            hold(&mut book, 1, (Side::Buy, "2@100"));
            let open = Life::new(2, terms(Side::Buy, "1@100"));
            open.events.iter().for_each(|(event, _)| book.apply(event));
            assert_eq!(judge(&book, &terms(Side::Buy, passes)).0, None, "{code}");
            let (denied, verdict) = judge(&book, &terms(Side::Buy, refused));
            assert_eq!(denied, Some(code));
            assert_eq!(
                (verdict.limit.as_deref(), verdict.would_be.as_deref()),
                (Some(limit), Some(would_be))
            );
            let mut other = terms(Side::Buy, "1@100");
            other.symbol = symbol("ETH-USDT");
            assert_eq!(judge(&book, &other).0, None, "{code}");
        }
        let elsewhere = limited(HaltScope::Symbol(symbol("ETH-USDT")), limits);
        assert_eq!(judge(&elsewhere, &terms(Side::Buy, refused)).0, None, "{code}: another symbol's limit");
    }
}

#[test]
fn orders_are_counted_and_symbols_are_listed() {
    let mut book = limited(HaltScope::Tenant, Limits { open_orders_max: Some(1), ..Limits::default() });
    assert_eq!(judge(&book, &terms(Side::Buy, "1@100")).0, None);
    let open = Life::new(2, terms(Side::Buy, "1@100"));
    open.events.iter().for_each(|(event, _)| book.apply(event));
    let (denied, verdict) = judge(&book, &terms(Side::Buy, "1@100"));
    assert_eq!((denied, verdict.would_be.as_deref()), (Some(DenialCode::OpenOrdersLimit), Some("2")));
    assert!(book.release(open.order.id));
    assert_eq!(judge(&book, &terms(Side::Buy, "1@100")).0, None);
    let listed = |allowed: Option<&str>, denied: &str| {
        let symbols_allowed = allowed.map(|name| [symbol(name)].into());
        let limits = Limits { symbols_allowed, symbols_denied: [symbol(denied)].into(), ..Limits::default() };
        judge(&limited(HaltScope::Tenant, limits), &terms(Side::Buy, "1@100")).0
    };
    assert_eq!(listed(Some("BTC-USDT"), "ETH-USDT"), None);
    assert_eq!(listed(None, "ETH-USDT"), None);
    assert_eq!(listed(None, "BTC-USDT"), Some(DenialCode::SymbolNotAllowed));
    assert_eq!(listed(Some("ETH-USDT"), "XRP-USDT"), Some(DenialCode::SymbolNotAllowed));
}

#[test]
fn what_only_reduces_is_bound_by_the_collar_alone() {
    let limits = Limits {
        order_quantity_max: some("0.001"),
        order_notional_max: some("0.001"),
        position_notional_max: some("0.001"),
        gross_exposure_max: some("0.001"),
        net_exposure_max: some("0.001"),
        open_orders_max: Some(0),
        symbols_denied: [symbol("BTC-USDT")].into(),
        price_collar_percent: some("10"),
        ..Limits::default()
    };
    let mut book = limited(HaltScope::Tenant, limits);
    hold(&mut book, 1, (Side::Buy, "2@100"));
    assert_eq!(judge(&book, &terms(Side::Sell, "2@100")).0, None);
    assert_eq!(judge(&book, &terms(Side::Sell, "2")).0, None);
    assert_eq!(judge(&book, &terms(Side::Sell, "2@111")).0, Some(DenialCode::PriceCollar));
    assert_eq!(judge(&book, &terms(Side::Sell, "2.001@100")).0, Some(DenialCode::SymbolNotAllowed));
}

#[test]
fn a_change_is_made_once_and_on_the_version_it_was_based_on() {
    let mut book = LimitBook::default();
    let change = |limit: &str, expected_version| ChangeLimits {
        scope: HaltScope::Tenant,
        limits: Limits { order_quantity_max: some(limit), ..Limits::default() },
        expected_version,
        by: by(),
        at: at(0),
    };
    let event = book.decide(change("1", Some(0))).unwrap().unwrap();
    book.apply(&event);
    assert_eq!(book.version, 1);
    assert_eq!(book.decide(change("1", None)), Ok(None));
    let stale = LimitsRejection::VersionMismatch { expected: 0, present: 1 };
    assert_eq!(book.decide(change("2", Some(0))), Err(stale));
    let event =
        book.decide(ChangeLimits { limits: Limits::default(), ..change("1", Some(1)) }).unwrap().unwrap();
    book.apply(&event);
    assert_eq!((book.version, book.iter().count()), (2, 0), "no limits, no entry");
}

proptest! {
    /// Whatever is asked at once: with everything that passed filled, no limit is exceeded.
    #[test]
    fn no_sequence_of_open_orders_exceeds_a_limit(
        asked in prop::collection::vec((any::<bool>(), any::<bool>(), 1_i64..5), 0..20),
        position in 1_i64..9,
        gross in 1_i64..12,
        net in 1_i64..9,
    ) {
        let hundred = Decimal::ONE_HUNDRED;
        let mut book = limited(HaltScope::Tenant, Limits {
            position_notional_max: Some(Decimal::from(position) * hundred),
            gross_exposure_max: Some(Decimal::from(gross) * hundred),
            net_exposure_max: Some(Decimal::from(net) * hundred),
            ..Limits::default()
        });
        let (mut bought, mut sold) = ([0_i64; 2], [0_i64; 2]);
        let mut count = 0;
        for (number, (buys, other, lots)) in asked.into_iter().enumerate() {
            let side = if buys { Side::Buy } else { Side::Sell };
            let mut terms = terms(side, &format!("{lots}@100"));
            if other {
                terms.symbol = symbol("ETH-USDT");
            }
            if judge(&book, &terms).0.is_none() {
                let life = Life::new(number as u128, terms);
                life.events.iter().for_each(|(event, _)| book.apply(event));
                count += 1;
                let sum = if buys { &mut bought } else { &mut sold };
                sum[usize::from(other)] += lots;
            }
        }
        prop_assert_eq!(book.reservation_count(), count, "no reservation is lost");
        let worst = |at: usize| bought[at].max(sold[at]);
        prop_assert!(worst(0) <= position && worst(1) <= position);
        prop_assert!(worst(0) + worst(1) <= gross);
        prop_assert!(bought.iter().sum::<i64>() <= net && sold.iter().sum::<i64>() <= net);
    }
}
