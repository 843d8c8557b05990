//! Edges of identifiers, numbers, times, instruments, the hash chain and the filter of used ids.

use crate::history::instrument;
use crate::support::{TENANT, at, dec, price, qty, terms};
use bulkhead_domain::chain::ChainLink;
use bulkhead_domain::filter::IdFilter;
use bulkhead_domain::instrument::InstrumentRuleError;
use bulkhead_domain::money::{NOTIONAL_LIMIT, SCALE_MAX};
use bulkhead_domain::order::Side;
use bulkhead_domain::{
    AccountId, Amount, ClientOrderId, DecimalError, EventId, ExecutionId, GENESIS_HASH, OrderId, Price, Qty,
    Symbol, TenantId, Timestamp, VenueClientId,
};
use proptest::prelude::*;
use rust_decimal::Decimal;
use std::collections::HashSet;
use uuid::Uuid;

#[test]
fn numbers_end_where_products_stop_being_exact() {
    assert_eq!(price("9999999999.99999999").get(), dec("9999999999.99999999"));
    for (text, error) in [
        ("10000000000", DecimalError::TooManyDigits),
        ("0.000000001", DecimalError::TooManyDigits),
        ("0", DecimalError::Zero),
        ("-0.00000001", DecimalError::Negative),
        ("", DecimalError::NotANumber),
    ] {
        assert_eq!(Price::parse(text), Err(error), "{text:?}");
    }
    assert_eq!(Price::try_from(dec("1.000000000000")), Ok(price("1")), "trailing zeros are no digits");
    assert_eq!(Qty::try_from(Decimal::ZERO), Ok(Qty::ZERO));
    assert_eq!(Qty::try_from(dec("-1")), Err(DecimalError::Negative));
    assert_eq!(qty("1").saturating_minus(qty("2")), Qty::ZERO);
    assert_eq!(price("1.50").to_string(), "1.5");
    assert_eq!(SCALE_MAX, 8);
}

#[test]
fn amounts_round_half_to_even_at_sixteen_places() {
    assert_eq!(Amount::rounded(dec("0.00000000000000005")).get(), Decimal::ZERO);
    assert_eq!(Amount::rounded(dec("0.00000000000000015")).get(), dec("0.0000000000000002"));
    assert_eq!(Amount::from(dec("1.10")).minus(Amount::from(dec("1.1"))), Amount::ZERO);
}

#[test]
fn instrument_rules_say_what_would_be_right() {
    let instrument = instrument("BTC-USDT");
    let check = |text: &str| instrument.check(&terms(Side::Buy, text));
    assert_eq!(check("1@100"), Ok(()));
    assert_eq!(check("0.001"), Ok(()), "a market order's worth is for risk to judge");
    assert!(matches!(check("1@100.001"), Err(InstrumentRuleError::PriceOffTick { .. })));
    assert!(matches!(check("1.0001@100"), Err(InstrumentRuleError::QuantityOffStep { .. })));
    assert!(matches!(check("0.0009@100"), Err(InstrumentRuleError::QuantityTooSmall { .. })));
    assert!(matches!(check("1001@100"), Err(InstrumentRuleError::QuantityTooLarge { .. })));
    assert!(matches!(check("0.001@100"), Err(InstrumentRuleError::NotionalTooSmall { .. })));
    assert!(matches!(check("1000@9999999999"), Err(InstrumentRuleError::NotionalTooLarge { .. })));
}

#[test]
fn identifiers_keep_to_their_alphabet_and_length_in_json_too() {
    assert!(ClientOrderId::parse(&"x".repeat(48)).is_ok());
    assert!(ExecutionId::parse("any printable: no").is_err());
    assert!(ExecutionId::parse("a/b|c!").is_ok());
    assert!(Symbol::parse("btc-usdt").is_err());
    assert!(serde_json::from_str::<AccountId>("\"Paper\"").is_err());
    assert_eq!(serde_json::to_string(&AccountId::parse("paper").unwrap()).unwrap(), "\"paper\"");
    assert!("not-a-uuid".parse::<OrderId>().is_err());
    let said = ClientOrderId::parse("").unwrap_err().to_string();
    assert_eq!(said, "client_order_id must be 1 to 48 characters of A-Z a-z 0-9 . _ -");
}

#[test]
fn times_stay_within_what_can_be_written() {
    assert_eq!(Timestamp::from_micros(i64::MAX).to_string(), "9999-12-31T23:59:59.999999Z");
    assert_eq!(Timestamp::from_micros(i64::MIN).to_string(), "0000-01-01T00:00:00.000000Z");
    assert_eq!(Timestamp::EPOCH.plus_micros(-1).to_string(), "1969-12-31T23:59:59.999999Z");
    let finer = Timestamp::parse("2021-01-08T00:00:00.2780019Z").unwrap();
    assert_eq!(finer, Timestamp::parse("2021-01-08T00:00:00.278001Z").unwrap());
}

#[test]
fn a_link_of_the_chain_covers_every_part_of_its_row() {
    let link = ChainLink {
        tenant_id: TENANT,
        seq: 1,
        event_id: EventId(Uuid::from_u128(1)),
        kind: "ab",
        version: 1,
        recorded_at: at(0),
        payload: "c",
    };
    let others = [
        ChainLink { tenant_id: TenantId(Uuid::from_u128(8)), ..link },
        ChainLink { seq: 2, ..link },
        ChainLink { event_id: EventId(Uuid::from_u128(2)), ..link },
        // The same bytes cut elsewhere.
        ChainLink { kind: "a", payload: "bc", ..link },
        ChainLink { version: 2, ..link },
        ChainLink { recorded_at: at(1), ..link },
        ChainLink { payload: "d", ..link },
    ];
    let mut hashes: HashSet<[u8; 32]> = others.iter().map(|other| other.hash(&GENESIS_HASH)).collect();
    let first = link.hash(&GENESIS_HASH);
    assert_eq!(first, link.hash(&GENESIS_HASH));
    hashes.insert(first);
    hashes.insert(link.hash(&first));
    assert_eq!(hashes.len(), others.len() + 2);
    let hex: String = first.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hex, "b8a7cb622e98817fde7396f7a4b6ed02619f15adcd195e34e7c703ea7ad140ee",
        "written journals are verified by this for ever"
    );
}

#[test]
fn venue_client_ids_are_pinned() {
    let id = VenueClientId::derive(TENANT, OrderId(Uuid::from_u128(1)));
    assert_eq!(id.as_str(), "c6nh658t0mdvz6r97kyh2ytsf1", "orders at venues are found by this for ever");
}

#[test]
fn an_empty_filter_knows_nothing_and_costs_nothing() {
    let filter = IdFilter::default();
    assert!(!filter.may_contain("a") && !filter.may_contain(""));
    assert_eq!(serde_json::to_string(&filter).unwrap(), "{\"slices\":[]}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_filter_never_forgets_through_growth_and_storage(ids in prop::collection::hash_set("[a-z0-9]{1,12}", 1..600), cut in any::<prop::sample::Index>()) {
        let ids: Vec<String> = ids.into_iter().collect();
        let cut = cut.index(ids.len());
        let mut filter = IdFilter::default();
        ids[..cut].iter().for_each(|id| filter.insert(id));
        let mut stored: IdFilter = serde_json::from_str(&serde_json::to_string(&filter).unwrap()).unwrap();
        for id in &ids[cut..] {
            stored.insert(id);
            filter.insert(id);
        }
        prop_assert!(ids.iter().all(|id| stored.may_contain(id)));
        prop_assert_eq!(stored, filter);
    }

    #[test]
    fn a_notional_below_the_limit_is_exact(price_units in 1i64..1_000_000_000_000, quantity_units in 1i64..1_000_000_000_000) {
        let (price, quantity) = (Decimal::new(price_units, 8), Decimal::new(quantity_units, 8));
        let notional = Price::try_from(price).unwrap().notional(Qty::try_from(quantity).unwrap()).get();
        prop_assert!(notional < NOTIONAL_LIMIT);
        let exact = i128::from(price_units) * i128::from(quantity_units);
        prop_assert_eq!(notional, Decimal::from_i128_with_scale(exact, 16));
    }
}
