//! What an order may ask for beyond price and quantity: never to take, only to reduce, to end by itself; and what a
//! request may: to be forgotten when it comes too late.

use crate::harness::trader::{limit, market, named};
use crate::harness::{Server, ServerOptions, Trader, eventually};
use serde_json::{Value, json};

const LONG_PAST: &str = "2020-01-02T03:04:05Z";
const FAR_OFF: &str = "2999-01-02T03:04:05Z";

fn with(mut body: Value, change: &Value) -> Value {
    for (field, value) in change.as_object().unwrap() {
        body[field] = value.clone();
    }
    body
}

fn resting(name: &str, change: &Value) -> Value {
    with(named(limit("buy", "BTC-USDT", ("0.01", "30000")), name), change)
}

/// Two seconds from now by the server's clock.
async fn soon(trader: &Trader) -> String {
    eventually("a minute with two seconds left", async || {
        let clock = trader.client.get("/clock").await;
        let now = clock.expect(200)["time"].as_str().unwrap().to_owned();
        let second: u32 = now[17..19].parse().unwrap();
        (second < 58).then(|| format!("{}{:02}{}", &now[..17], second + 2, &now[19..]))
    })
    .await
}

#[tokio::test]
async fn orders_end_by_themselves_at_the_venue() {
    let server = Server::start(ServerOptions::default()).await;
    let trader = server.trader("ann").await;
    let until = soon(&trader).await;
    let body = resting("until", &json!({ "time_in_force": "gtd", "expires_at": until }));
    let order = trader.place_until(&body, &["accepted"]).await;
    assert_eq!((&order["time_in_force"], &order["expires_at"]), (&json!("gtd"), &json!(until)));
    let id = order["id"].as_str().unwrap();
    let ended = trader.await_status(id, &["expired"]).await;
    assert_eq!((&ended["phase"], &ended["fills"]), (&json!("closed"), &json!([])));
    let life = trader.client.get(&format!("/orders/{id}/events")).await;
    let kinds: Vec<&str> = life.items().iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["order_submitted", "order_accepted", "order_expired"]);
    assert!(life.items()[2]["data"]["venue_ts"].as_str().unwrap() >= until.as_str(), "{}", life.body);
    assert_eq!(trader.place(&body).await.expect(200)["id"], id, "it is still the same order");

    let day = trader.place_until(&resting("day", &json!({ "time_in_force": "day" })), &["accepted"]).await;
    assert_eq!(day["expires_at"], Value::Null);
    let late = resting("late", &json!({ "time_in_force": "gtd", "expires_at": LONG_PAST }));
    let late = trader.place_until(&late, &["rejected"]).await;
    assert_eq!(late["reason"]["code"], "EXPIRES_AT_PASSED");
    for (change, code) in [
        (json!({ "time_in_force": "gtd" }), "EXPIRES_AT_REQUIRED"),
        (json!({ "expires_at": FAR_OFF }), "EXPIRES_AT_NOT_ALLOWED"),
        (json!({ "time_in_force": "gtd", "expires_at": "never" }), "INVALID_EXPIRES_AT"),
    ] {
        trader.place(&resting("never", &change)).await.expect_error(400, code);
    }
    trader.close_all().await;
}

#[tokio::test]
async fn post_only_orders_make_and_reduce_only_orders_reduce() {
    let server = Server::start(ServerOptions::default()).await;
    let trader = server.trader("ann").await;
    let post_only = json!({ "post_only": true });
    let rests = trader.place_until(&resting("rests", &post_only), &["accepted"]).await;
    assert_eq!((&rests["post_only"], &rests["reduce_only"]), (&json!(true), &json!(false)));
    let taking = with(limit("buy", "BTC-USDT", ("0.01", "900000")), &post_only);
    let taking = trader.place_until(&taking, &["rejected"]).await;
    assert_eq!(taking["reason"]["code"], "POST_ONLY_WOULD_TAKE");
    let ioc = resting("never", &json!({ "post_only": true, "time_in_force": "ioc" }));
    trader.place(&ioc).await.expect_error(400, "POST_ONLY_NOT_ALLOWED");

    let reduce = |side: &str, quantity: &str| {
        with(market(side, "ETH-USDT", quantity), &json!({ "reduce_only": true }))
    };
    let denied = trader.place(&reduce("sell", "1")).await;
    let order = denied.expect_error(403, "REDUCE_ONLY_EXCEEDED")["details"]["order"].clone();
    assert_eq!((&order["status"], &order["reduce_only"]), (&json!("denied"), &json!(true)));
    trader.place_until(&market("buy", "ETH-USDT", "2"), &["filled"]).await;
    let closing = with(limit("sell", "ETH-USDT", ("1.5", "900000")), &json!({ "reduce_only": true }));
    trader.place_until(&closing, &["accepted"]).await;
    trader.place(&reduce("sell", "1")).await.expect_error(403, "REDUCE_ONLY_EXCEEDED");
    trader.place_until(&reduce("sell", "0.5"), &["filled"]).await;
    trader.close_all().await;
}

#[tokio::test]
async fn a_request_that_comes_too_late_leads_to_nothing() {
    let server = Server::start(ServerOptions::default()).await;
    let trader = server.trader("ann").await;
    // A tenant begins with its first use.
    trader.client.get("/portfolio").await.expect(200);
    let seq = trader.last_seq().await;
    let late = resting("late", &json!({ "valid_until": LONG_PAST }));
    let error = trader.place(&late).await;
    let error = error.expect_error(400, "VALID_UNTIL_PASSED");
    assert_eq!(
        (&error["outcome"], &error["details"]["field"]),
        (&json!("not_executed"), &json!("valid_until"))
    );
    let wrong = resting("late", &json!({ "valid_until": "soon" }));
    trader.place(&wrong).await.expect_error(400, "INVALID_VALID_UNTIL");
    assert_eq!(trader.last_seq().await, seq, "nothing was journaled");
    let in_time = trader.place(&resting("late", &json!({ "valid_until": FAR_OFF }))).await;
    let id = &in_time.expect(201)["id"];
    assert_eq!(
        &trader.place(&late).await.expect(200)["id"],
        id,
        "an order that exists is found, however late"
    );
    trader.close_all().await;
}
