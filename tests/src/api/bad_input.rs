//! Whatever is sent, there is one stable code for it, nothing changes, and nothing breaks.

use crate::harness::trader::{limit, market, named};
use crate::harness::{Server, ServerOptions};
use hyper::body::Bytes;
use serde_json::{Value, json};

/// A good order with one field changed, and the code that names what is wrong.
fn changed() -> Vec<(&'static str, Value, &'static str)> {
    let digits = "1".repeat(40);
    vec![
        ("symbol", json!("DOGE-BONE"), "UNKNOWN_SYMBOL"),
        ("symbol", json!("btc usdt; drop table journal"), "UNKNOWN_SYMBOL"),
        ("symbol", json!(""), "UNKNOWN_SYMBOL"),
        ("side", json!("hold"), "INVALID_SIDE"),
        ("type", json!("wish"), "INVALID_ORDER_TYPE"),
        ("time_in_force", json!("forever"), "INVALID_TIME_IN_FORCE"),
        ("quantity", json!("0.0123456"), "QUANTITY_OFF_STEP"),
        ("quantity", json!("-1"), "QUANTITY_NEGATIVE"),
        ("quantity", json!("0"), "QUANTITY_ZERO"),
        ("quantity", json!("0.00"), "QUANTITY_ZERO"),
        ("quantity", json!(digits), "QUANTITY_TOO_MANY_DIGITS"),
        ("quantity", json!(format!("0.{digits}")), "QUANTITY_TOO_MANY_DIGITS"),
        ("quantity", json!("NaN"), "QUANTITY_NOT_A_NUMBER"),
        ("quantity", json!("Infinity"), "QUANTITY_NOT_A_NUMBER"),
        ("quantity", json!("1e-3"), "QUANTITY_NOT_A_NUMBER"),
        ("quantity", json!(""), "QUANTITY_NOT_A_NUMBER"),
        ("quantity", json!("0,5"), "QUANTITY_NOT_A_NUMBER"),
        ("quantity", json!("９"), "QUANTITY_NOT_A_NUMBER"),
        ("quantity", json!("9999999"), "QUANTITY_TOO_LARGE"),
        ("price", json!("30000.001"), "PRICE_OFF_TICK"),
        ("price", json!("-30000"), "PRICE_NEGATIVE"),
        ("price", json!("0"), "PRICE_ZERO"),
        ("price", json!("NaN"), "PRICE_NOT_A_NUMBER"),
        ("price", json!(digits), "PRICE_TOO_MANY_DIGITS"),
        ("price", Value::Null, "PRICE_REQUIRED"),
        ("account", json!("swiss"), "UNKNOWN_ACCOUNT"),
        ("account", json!("../paper"), "UNKNOWN_ACCOUNT"),
        ("portfolio", json!("hidden"), "UNKNOWN_PORTFOLIO"),
        ("client_order_id", json!("has space"), "INVALID_CLIENT_ORDER_ID"),
        ("client_order_id", json!("x".repeat(49)), "INVALID_CLIENT_ORDER_ID"),
        ("client_order_id", json!(""), "INVALID_CLIENT_ORDER_ID"),
        ("symbol", json!(7), "FIELD_TYPE"),
        ("side", json!(["buy"]), "FIELD_TYPE"),
        ("quantity", json!({ "amount": 1 }), "FIELD_TYPE"),
        ("quantity", json!(true), "FIELD_TYPE"),
        ("colour", json!("red"), "FIELD_UNKNOWN"),
    ]
}

/// A good order but for one field that occurs twice: neither of the two may win.
const TWICE: &str =
    r#"{"symbol":"BTC-USDT","side":"buy","type":"market","quantity":"0.01","quantity":"0.02"}"#;

/// The values of a good order in the order of its fields, without their names.
const NAMELESS: &str = r#"["never",null,null,"BTC-USDT","buy","market","0.01",null,null]"#;

/// Bodies that are no order at all.
fn bodies() -> Vec<(Bytes, u16, &'static str)> {
    let deep = "[".repeat(100_000);
    vec![
        (Bytes::new(), 400, "BODY_EMPTY"),
        ("{".into(), 400, "BODY_NOT_JSON"),
        ("nonsense".into(), 400, "BODY_NOT_JSON"),
        (Bytes::from_static(b"\xff\xfe\x00"), 400, "BODY_NOT_JSON"),
        (r#"{"symbol":"BTC-USDT"}"#.into(), 400, "FIELD_MISSING"),
        (TWICE.into(), 400, "FIELD_DUPLICATE"),
        ("[]".into(), 400, "FIELD_TYPE"),
        (NAMELESS.into(), 400, "FIELD_TYPE"),
        ("null".into(), 400, "FIELD_TYPE"),
        (deep.into(), 400, "BODY_NOT_JSON"),
        (vec![b' '; 10 * 1024 * 1024].into(), 413, "BODY_TOO_LARGE"),
    ]
}

#[tokio::test]
async fn nothing_bad_gets_in() {
    let server = Server::start(ServerOptions::default()).await;
    let trader = server.trader("ann").await;
    let good = named(limit("buy", "BTC-USDT", ("0.01", "30000")), "good");
    let id = trader.place(&good).await.expect(201)["id"].as_str().unwrap().to_owned();
    let before = trader.await_status(&id, &["accepted"]).await;
    let seq = trader.last_seq().await;

    let mut complaints = Vec::new();
    for (field, value, code) in changed() {
        let mut body = named(limit("buy", "BTC-USDT", ("0.01", "30000")), "never");
        body[field] = value.clone();
        let answer = trader.place(&body).await;
        let is_right = answer.status == 400 && answer.code() == code;
        if !is_right || answer.body["error"]["outcome"] != "not_executed" {
            complaints.push(format!(
                "{field} = {value}: {} {} instead of {code}",
                answer.status,
                answer.code()
            ));
        }
    }
    for (body, status, code) in bodies() {
        let start = String::from_utf8_lossy(&body[..body.len().min(20)]).into_owned();
        let answer = trader.client.post_bytes("/orders", body).await;
        if (answer.status, answer.code()) != (status, code) {
            complaints.push(format!(
                "{start}: {} {} instead of {status} {code}",
                answer.status,
                answer.code()
            ));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));

    let priced = named(
        json!({ "symbol": "BTC-USDT", "side": "buy", "type": "market", "quantity": "1", "price": "1" }),
        "never",
    );
    trader.place(&priced).await.expect_error(400, "PRICE_NOT_ALLOWED");
    trader.place(&market("buy", "BTC-USDT", "0.000001")).await.expect_error(400, "QUANTITY_TOO_SMALL");
    let mut other = good.clone();
    other["quantity"] = "0.02".into();
    trader.place(&other).await.expect_error(409, "CLIENT_ORDER_ID_REUSED");
    let groups = json!({
        "method": "min_variance", "symbols": ["A", "B"], "covariance": [[1, 0], [0, 1]], "groups": [[["A"], 0, 1]]
    });
    let nested = trader.client.post("/portfolio/optimize", &groups).await;
    nested.expect_error(400, "FIELD_TYPE");
    assert_eq!(nested.body["error"]["details"]["field"], "groups[0]", "{}", nested.body);
    trader.client.get("/orders/not-an-id").await.expect_error(400, "INVALID_ID");
    trader.client.get("/nowhere").await.expect_error(404, "ROUTE_NOT_FOUND");
    trader.client.post("/clock", &json!({})).await.expect_error(405, "METHOD_NOT_ALLOWED");
    trader.client.get("/orders/by-client-id/never").await.expect_error(404, "ORDER_NOT_FOUND");

    assert_eq!(trader.last_seq().await, seq, "nothing was journaled");
    assert_eq!(trader.order(&id).await, before, "nothing changed");
    let log = server.log();
    assert!(!log.contains("panicked"), "nothing panicked");
    // What was refused before there was an order leaves its name free.
    trader.place(&named(limit("buy", "BTC-USDT", ("0.01", "30000")), "never")).await.expect(201);
}
