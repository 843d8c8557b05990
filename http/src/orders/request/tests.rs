use super::*;
use crate::body;
use axum::http::HeaderValue;
use bulkhead_domain::instrument::{Instrument, InstrumentKind};
use serde_json::Value;
use std::sync::Arc;

fn instruments() -> Instruments {
    let decimal = |text: &str| text.parse().unwrap();
    let instrument = Instrument {
        symbol: Symbol::parse("BTC-USDT").unwrap(),
        kind: InstrumentKind::Spot,
        base: bulkhead_domain::Currency::parse("BTC").unwrap(),
        quote: bulkhead_domain::Currency::parse("USDT").unwrap(),
        price_tick: Price::parse("0.01").unwrap(),
        quantity_step: Qty::parse("0.000001").unwrap(),
        quantity_min: Qty::parse("0.00001").unwrap(),
        quantity_max: Qty::parse("9000").unwrap(),
        notional_min: Price::parse("5").unwrap(),
        taker_fee_rate: decimal("0.001"),
        maker_fee_rate: decimal("0.001"),
    };
    Instruments::new(Arc::from([instrument]))
}

fn place(request: &Value, key: Option<&str>) -> Result<PlaceOrder, ApiError> {
    let mut headers = HeaderMap::new();
    if let Some(key) = key {
        headers.insert(IDEMPOTENCY_KEY_HEADER, HeaderValue::from_str(key).unwrap());
    }
    let request: PlaceOrderRequest = body::parse(request.to_string().as_bytes())?;
    request.validate(&headers, &instruments())
}

/// A good limit order with some fields replaced; null removes one.
fn with(change: &Value) -> Value {
    let mut request = json!({
        "symbol": "BTC-USDT", "side": "buy", "type": "limit", "quantity": "0.5", "price": "40000.00"
    });
    let fields = request.as_object_mut().unwrap();
    for (field, value) in change.as_object().unwrap() {
        if value.is_null() {
            fields.remove(field);
        } else {
            fields.insert(field.clone(), value.clone());
        }
    }
    request
}

#[test]
fn defaults_are_the_paper_account_and_the_kind_s_time_in_force() {
    let placed = place(&with(&json!({})), None).unwrap();
    assert_eq!(placed.terms.account.as_str(), "paper");
    assert_eq!(placed.terms.portfolio.as_str(), "main");
    assert_eq!(placed.terms.time_in_force, TimeInForce::Gtc);
    assert_eq!(placed.client_order_id.as_str(), placed.order_id.to_string());
    let market = place(&with(&json!({ "type": "market", "price": null })), None).unwrap();
    assert_eq!(market.terms.time_in_force, TimeInForce::Gtc);
}

#[test]
fn each_wrong_field_has_its_code() {
    let forty_digits = "1".repeat(40);
    let table = [
        (json!({ "quantity": 0.5 }), Code::FieldType),
        (json!({ "price": 40000 }), Code::FieldType),
        (json!({ "quantity": null }), Code::FieldMissing),
        (json!({ "leverage": "5" }), Code::FieldUnknown),
        (json!({ "quantity": "NaN" }), Code::QuantityNotANumber),
        (json!({ "quantity": "1e5" }), Code::QuantityNotANumber),
        (json!({ "quantity": "-1" }), Code::QuantityNegative),
        (json!({ "quantity": "0" }), Code::QuantityZero),
        (json!({ "quantity": "" }), Code::QuantityNotANumber),
        (json!({ "quantity": forty_digits }), Code::QuantityTooManyDigits),
        (json!({ "price": "inf" }), Code::PriceNotANumber),
        (json!({ "price": "0" }), Code::PriceZero),
        (json!({ "price": "1.123456789" }), Code::PriceTooManyDigits),
        (json!({ "price": "-5" }), Code::PriceNegative),
        (json!({ "price": null }), Code::PriceRequired),
        (json!({ "type": "market" }), Code::PriceNotAllowed),
        (json!({ "type": "stop" }), Code::InvalidOrderType),
        (json!({ "side": "Buy" }), Code::InvalidSide),
        (json!({ "time_in_force": "forever" }), Code::InvalidTimeInForce),
        (json!({ "time_in_force": "gtd" }), Code::ExpiresAtRequired),
        (json!({ "expires_at": "2030-01-02T03:04:05Z" }), Code::ExpiresAtNotAllowed),
        (json!({ "time_in_force": "day", "expires_at": "2030-01-02T03:04:05Z" }), Code::ExpiresAtNotAllowed),
        (json!({ "time_in_force": "gtd", "expires_at": "tomorrow" }), Code::InvalidExpiresAt),
        (json!({ "valid_until": "soon" }), Code::InvalidValidUntil),
        (json!({ "valid_until": 1 }), Code::FieldType),
        (json!({ "post_only": "yes" }), Code::FieldType),
        (json!({ "post_only": true, "time_in_force": "ioc" }), Code::PostOnlyNotAllowed),
        (json!({ "post_only": true, "time_in_force": "fok" }), Code::PostOnlyNotAllowed),
        (json!({ "post_only": true, "type": "market", "price": null }), Code::PostOnlyNotAllowed),
        (json!({ "symbol": "DOGE-USDT" }), Code::UnknownSymbol),
        (json!({ "symbol": "btc usdt" }), Code::UnknownSymbol),
        (json!({ "symbol": "" }), Code::UnknownSymbol),
        (json!({ "account": "Paper!" }), Code::UnknownAccount),
        (json!({ "portfolio": "" }), Code::UnknownPortfolio),
        (json!({ "client_order_id": "with space" }), Code::InvalidClientOrderId),
        (json!({ "client_order_id": "x".repeat(49) }), Code::InvalidClientOrderId),
        (json!({ "quantity": "0.5000001" }), Code::QuantityOffStep),
        (json!({ "price": "40000.001" }), Code::PriceOffTick),
        (json!({ "quantity": "0.000001" }), Code::QuantityTooSmall),
        (json!({ "quantity": "9001" }), Code::QuantityTooLarge),
        (json!({ "price": "1" }), Code::NotionalTooSmall),
        (json!({ "quantity": "9000", "price": "9999999999" }), Code::NotionalTooLarge),
    ];
    for (change, code) in table {
        let error = place(&with(&change), None).unwrap_err();
        assert_eq!(error.code(), code, "{change}: {error}");
        assert!(error.code().status().is_client_error());
    }
}

#[test]
fn instructions_become_terms_and_valid_until_stays_with_the_request() {
    let change = json!({ "time_in_force": "gtd", "expires_at": "2030-01-02T03:04:05Z", "post_only": true,
        "reduce_only": true, "valid_until": "2030-01-01T00:00:00Z" });
    let placed = place(&with(&change), None).unwrap();
    let time = |text: &str| Some(Timestamp::parse(text).unwrap());
    assert_eq!(placed.terms.expires_at, time("2030-01-02T03:04:05Z"));
    assert_eq!((placed.terms.post_only, placed.terms.reduce_only), (true, true));
    assert_eq!(placed.valid_until, time("2030-01-01T00:00:00Z"));
    let plain = place(&with(&json!({ "time_in_force": "day" })), None).unwrap();
    assert_eq!((plain.terms.time_in_force, plain.terms.expires_at), (TimeInForce::Day, None));
    assert_eq!((plain.terms.post_only, plain.terms.reduce_only, plain.valid_until), (false, false, None));
}

#[test]
fn a_number_where_a_string_belongs_is_explained() {
    let error = place(&with(&json!({ "quantity": 0.5 })), None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "FIELD_TYPE: quantity must be a JSON string holding a decimal number, such as \"0.25\", found the number 0.5"
    );
}

#[test]
fn the_idempotency_key_is_the_client_order_id_where_none_is_given() {
    let placed = place(&with(&json!({})), Some("key-1")).unwrap();
    assert_eq!(placed.client_order_id.as_str(), "key-1");
    let same = place(&with(&json!({ "client_order_id": "key-1" })), Some("key-1")).unwrap();
    assert_eq!(same.client_order_id.as_str(), "key-1");
    let differ = place(&with(&json!({ "client_order_id": "key-2" })), Some("key-1")).unwrap_err();
    assert_eq!(differ.code(), Code::IdempotencyKeyMismatch);
    assert_eq!(place(&with(&json!({})), Some("not a key")).unwrap_err().code(), Code::InvalidClientOrderId);
}
