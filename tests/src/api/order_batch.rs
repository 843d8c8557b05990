//! Orders that are only tried, and several orders in one request.

use crate::harness::trader::{decimal, limit, market, named};
use crate::harness::{Server, ServerOptions};
use hyper::body::Bytes;
use serde_json::{Value, json};

fn resting(name: &str) -> Value {
    named(limit("buy", "BTC-USDT", ("0.01", "30000")), name)
}

#[tokio::test]
async fn an_order_that_is_tried_meets_every_check_and_leaves_nothing() {
    let server = Server::start(ServerOptions::default()).await;
    let trader = server.trader("ann").await;
    // A tenant begins with its first use.
    trader.client.get("/portfolio").await.expect(200);
    let seq = trader.last_seq().await;
    let tried = trader.client.post("/orders/test", &resting("tried")).await;
    let view = tried.expect(200);
    assert_eq!((&view["would"], &view["order_id"]), (&json!("submit"), &Value::Null));
    let reserved = &view["reservation"];
    assert_eq!((decimal(&reserved["price"]), decimal(&reserved["value"])), (30_000.into(), 300.into()));
    assert_eq!((&reserved["quantity"], &reserved["currency"]), (&json!("0.01"), &json!("USDT")));
    let verdicts = view["verdicts"].as_array().unwrap();
    assert!(verdicts.len() >= 6 && verdicts.iter().all(|verdict| verdict["passed"] == true), "{view}");

    let dear = trader.client.post("/orders/test", &named(market("buy", "BTC-USDT", "90"), "dear")).await;
    let details = dear.expect_error(400, "INSUFFICIENT_FUNDS")["details"].clone();
    assert_eq!((&details["denial"], &details["order"]), (&json!("INSUFFICIENT_FUNDS"), &Value::Null));
    let last = details["verdicts"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["passed"], &last["code"]), (&json!(false), &json!("INSUFFICIENT_FUNDS")));
    let reducing = json!({ "symbol": "BTC-USDT", "side": "sell", "type": "market", "quantity": "1", "reduce_only": true });
    trader.client.post("/orders/test", &reducing).await.expect_error(403, "REDUCE_ONLY_EXCEEDED");
    let mut wrong = resting("tried");
    wrong["price"] = "30000.001".into();
    trader.client.post("/orders/test", &wrong).await.expect_error(400, "PRICE_OFF_TICK");
    let mut late = resting("tried");
    late["valid_until"] = "2020-01-02T03:04:05Z".into();
    trader.client.post("/orders/test", &late).await.expect_error(400, "VALID_UNTIL_PASSED");
    let mut lost = resting("tried");
    lost["portfolio"] = "hidden".into();
    trader.client.post("/orders/test", &lost).await.expect_error(400, "UNKNOWN_PORTFOLIO");
    assert_eq!(trader.last_seq().await, seq, "nothing was journaled");
    trader.client.get("/orders/by-client-id/tried").await.expect_error(404, "ORDER_NOT_FOUND");

    let order = trader.place_until(&resting("tried"), &["accepted"]).await;
    for _ in 0..2 {
        let again = trader.client.post("/orders/test", &resting("tried")).await;
        assert_eq!(
            (&again.expect(200)["would"], &again.expect(200)["order_id"]),
            (&json!("find"), &order["id"])
        );
        let mut other = resting("tried");
        other["quantity"] = "0.02".into();
        trader.client.post("/orders/test", &other).await.expect_error(409, "CLIENT_ORDER_ID_REUSED");
        // The second time it is over, and only the table knows it.
        trader.close_all().await;
    }
}

#[tokio::test]
async fn every_order_of_a_batch_has_an_outcome_of_its_own() {
    let server = Server::start(ServerOptions::default()).await;
    let trader = server.trader("ann").await;
    let mut off_tick = resting("off-tick");
    off_tick["price"] = "30000.001".into();
    let mut twice = resting("one");
    twice["quantity"] = "0.02".into();
    let dear = named(market("buy", "BTC-USDT", "90"), "dear");
    let orders = json!({ "orders": [resting("one"), off_tick, dear, resting("one"), twice, resting("two")] });
    let answer = trader.client.post("/orders/batch", &orders).await;
    let results = answer.items();
    let shown: Vec<(u64, u64, &str)> = results
        .iter()
        .map(|result| {
            let code = result["error"]["code"].as_str().unwrap_or_default();
            (result["index"].as_u64().unwrap(), result["status"].as_u64().unwrap(), code)
        })
        .collect();
    assert_eq!(
        shown,
        [
            (0, 201, ""),
            (1, 400, "PRICE_OFF_TICK"),
            (2, 400, "INSUFFICIENT_FUNDS"),
            (3, 200, ""),
            (4, 409, "CLIENT_ORDER_ID_REUSED"),
            (5, 201, ""),
        ]
    );
    assert_eq!(results[0]["order"]["id"], results[3]["order"]["id"]);
    assert_eq!(results[2]["error"]["details"]["order"]["status"], "denied");
    for at in [0, 5] {
        let id = results[at]["order"]["id"].as_str().unwrap();
        trader.await_status(id, &["accepted"]).await;
    }
    let listed = trader.client.get("/orders").await;
    assert_eq!(listed.items().len(), 3, "two orders and a denied one: {}", listed.body);
    trader.close_all().await;
}

#[tokio::test]
async fn a_batch_is_bounded_and_its_shape_is_checked_first() {
    let server = Server::start(ServerOptions::default()).await;
    let trader = server.trader("ann").await;
    let seq = trader.last_seq().await;
    for count in [0, 51] {
        let orders: Vec<Value> = (0..count).map(|number| resting(&format!("o{number}"))).collect();
        let answer = trader.client.post("/orders/batch", &json!({ "orders": orders })).await;
        answer.expect_error(400, "INVALID_BATCH");
    }
    let odd = json!({ "orders": [resting("fine"), { "symbol": "BTC-USDT", "colour": "red" }] });
    trader.client.post("/orders/batch", &odd).await.expect_error(400, "FIELD_UNKNOWN");
    let none = trader.client.post_bytes("/orders/batch", Bytes::from_static(b"{}")).await;
    none.expect_error(400, "FIELD_MISSING");
    assert_eq!(trader.last_seq().await, seq, "nothing was journaled");
    let orders: Vec<Value> = (0..50).map(|number| resting(&format!("o{number}"))).collect();
    let answer = trader.client.post("/orders/batch", &json!({ "orders": orders })).await;
    assert!(answer.items().iter().all(|result| result["status"] == 201), "{}", answer.body);
    let names: Vec<&str> =
        answer.items().iter().map(|result| result["order"]["client_order_id"].as_str().unwrap()).collect();
    let asked: Vec<String> = (0..50).map(|number| format!("o{number}")).collect();
    assert_eq!(names, asked, "in the order of the request");
    trader.close_all().await;
}
