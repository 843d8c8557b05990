//! The life of orders, their history, and the journal behind them.

use crate::harness::trader::{decimal, limit, market, named};
use crate::harness::{Server, ServerOptions, Trader};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A resting order far below the market.
fn resting(name: &str) -> Value {
    named(limit("buy", "BTC-USDT", ("0.01", "30000")), name)
}

fn kinds_of(events: &[Value], order_id: &str) -> Vec<String> {
    let is_about =
        |event: &&Value| event["data"]["order_id"] == order_id || event["data"]["order"]["id"] == order_id;
    events.iter().filter(is_about).map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn orders_rest_fill_and_are_cancelled() {
    let server = Server::start(ServerOptions::default()).await;
    let trader = server.trader("ann").await;

    let placed = trader.place(&resting("rests")).await;
    let id = placed.expect(201)["id"].as_str().unwrap().to_owned();
    assert_eq!(placed.expect(201)["status"], "submitted");
    trader.await_status(&id, &["accepted"]).await;
    let canceled = trader.client.delete(&format!("/orders/{id}")).await;
    assert_eq!(canceled.expect(202)["status"], "pending_cancel");
    let order = trader.await_status(&id, &["canceled"]).await;
    assert_eq!(
        (&order["phase"], &order["certainty"], &order["pending"]),
        (&json!("closed"), &json!("confirmed"), &Value::Null)
    );
    let again = trader.client.delete(&format!("/orders/{id}")).await;
    again.expect_error(409, "ORDER_CLOSED");

    let filled = trader.place_until(&market("buy", "BTC-USDT", "0.5"), &["filled"]).await;
    let fills = filled["fills"].as_array().unwrap();
    let sum: Decimal = fills.iter().map(|fill| decimal(&fill["quantity"])).sum();
    assert_eq!((sum, decimal(&filled["filled_quantity"])), (decimal(&json!("0.5")), sum));
    let paid: Decimal = fills.iter().map(|fill| decimal(&fill["price"]) * decimal(&fill["quantity"])).sum();
    assert_eq!(decimal(&filled["average_price"]).round_dp(8), (paid / sum).round_dp(8));

    let events = trader.events().await;
    let kinds = ["order_submitted", "order_accepted", "cancel_requested", "order_canceled"];
    assert_eq!(kinds_of(&events, &id), kinds);
    let life = trader.client.get(&format!("/orders/{id}/events")).await;
    let shown: Vec<&str> = life.items().iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(shown, kinds);
    let seqs: Vec<i64> = events.iter().map(|event| event["seq"].as_i64().unwrap()).collect();
    assert_eq!(seqs, (1..=i64::try_from(events.len()).unwrap()).collect::<Vec<_>>(), "no gap from 1 on");
    let by_name = trader.client.get("/orders/by-client-id/rests").await;
    assert_eq!(by_name.expect(200)["id"], id);
    check_trades(&trader, &filled).await;
}

async fn check_trades(trader: &Trader, filled: &Value) {
    let trades = trader.client.get("/trades?limit=500").await;
    let of_order: Vec<&Value> =
        trades.items().iter().filter(|trade| trade["order_id"] == filled["id"]).collect();
    assert_eq!(of_order.len(), filled["fills"].as_array().unwrap().len());
    let newest_first =
        trades.items().windows(2).all(|pair| pair[0]["seq"].as_i64() > pair[1]["seq"].as_i64());
    assert!(newest_first, "{}", trades.body);
    let id = of_order[0]["execution_id"].as_str().unwrap();
    assert_eq!(trader.client.get(&format!("/trades/{id}")).await.expect(200), of_order[0]);
}

#[tokio::test]
async fn a_client_order_id_is_one_order_for_ever() {
    let mut server = Server::start(ServerOptions::default()).await;
    let mut trader = server.trader("ann").await;
    let first = trader.place(&resting("once")).await;
    let id = first.expect(201)["id"].clone();
    let before = trader.await_status(id.as_str().unwrap(), &["accepted"]).await["version"].clone();
    let seq = trader.last_seq().await;
    assert_eq!(trader.place(&resting("once")).await.expect(200)["id"], id);
    for (field, value) in [("quantity", "0.02"), ("price", "30001"), ("side", "sell"), ("symbol", "ETH-USDT")]
    {
        let mut other = resting("once");
        other[field] = value.into();
        trader.place(&other).await.expect_error(409, "CLIENT_ORDER_ID_REUSED");
    }
    // The same request at once, over many connections.
    let attempts = (0..16).map(|_| {
        let trader = trader.clone();
        tokio::spawn(async move { trader.place(&resting("at-once")).await })
    });
    let mut statuses = Vec::new();
    let mut ids = BTreeSet::new();
    for attempt in attempts.collect::<Vec<_>>() {
        let answer = attempt.await.unwrap();
        statuses.push(answer.status);
        ids.insert(answer.body["data"]["id"].as_str().unwrap().to_owned());
    }
    assert_eq!((ids.len(), statuses.iter().filter(|status| **status == 201).count()), (1, 1), "{statuses:?}");
    let ours = |events: &[Value]| kinds_of(events, id.as_str().unwrap()).len();
    assert_eq!(
        ours(&trader.events().await),
        2,
        "repeating changed nothing after seq {seq}, version {before}"
    );

    // A denial is as final as an order.
    let dear = named(market("buy", "BTC-USDT", "90"), "too-dear");
    let denied = trader.place(&dear).await;
    let order = denied.expect_error(400, "INSUFFICIENT_FUNDS")["details"]["order"].clone();
    assert_eq!(order["status"], "denied");
    let again = trader.place(&dear).await;
    assert_eq!(again.expect_error(400, "INSUFFICIENT_FUNDS")["details"]["order"]["id"], order["id"]);

    server.terminate().await;
    server.start_again().await;
    trader = trader.sign_in(server.client()).await;
    trader.await_serving().await;
    assert_eq!(trader.place(&resting("once")).await.expect(200)["id"], id);
    assert_eq!(
        trader.place(&dear).await.expect_error(400, "INSUFFICIENT_FUNDS")["details"]["order"]["id"],
        order["id"]
    );
    let mut other = resting("once");
    other["quantity"] = "0.02".into();
    trader.place(&other).await.expect_error(409, "CLIENT_ORDER_ID_REUSED");
}

#[tokio::test]
async fn lists_are_paged_filtered_and_newest_first() {
    let server = Server::start(ServerOptions::default()).await;
    let trader = server.trader("ann").await;
    let mut placed = Vec::new();
    for number in 0..7 {
        let answer = trader.place(&resting(&format!("n{number}"))).await;
        placed.insert(0, answer.expect(201)["id"].clone());
    }
    let mut seen = Vec::new();
    let mut path = "/orders?limit=3".to_owned();
    for _ in 0..5 {
        let page = trader.client.get(&path).await;
        assert!(page.items().len() <= 3);
        seen.extend(page.items().iter().map(|order| order["id"].clone()));
        match page.body["meta"]["next_cursor"].as_str() {
            Some(cursor) => path = format!("/orders?limit=3&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, placed, "every order once, newest first");
    assert_eq!(trader.client.get("/orders?symbol=ETH-USDT").await.items().len(), 0);
    assert_eq!(trader.client.get("/orders?side=buy&symbol=BTC-USDT").await.items().len(), 7);
    for path in [
        "/orders?limit=0",
        "/orders?limit=501",
        "/orders?color=red",
        "/orders?status=lovely",
        "/trades?limit=x",
    ] {
        let refused = trader.client.get(path).await;
        let error = refused.expect_error(400, "INVALID_QUERY");
        assert!(!error["message"].as_str().unwrap().contains("deserialize"), "{error}");
        let parameter = error["details"]["parameter"].as_str().unwrap();
        assert!(path.contains(parameter), "{path} names what is wrong: {error}");
    }
    let lovely = trader.client.get("/orders?status=lovely").await;
    assert!(lovely.body["error"]["message"].as_str().unwrap().contains("accepted, "), "{}", lovely.body);
    for path in ["/orders/by-client-id/%F0", "/orders/%FF", "/trades/%C3", "/positions/%80"] {
        trader.client.get(path).await.expect_error(400, "INVALID_ID");
    }
    trader.client.get("/orders?cursor=nonsense").await.expect_error(400, "INVALID_CURSOR");
    let all = trader.client.delete("/orders").await;
    assert_eq!(all.expect(202).as_array().unwrap().len(), 7);
    trader.close_all().await;
}

/// As many orders as may be open, and one more.
#[tokio::test]
async fn the_number_of_open_orders_is_capped() {
    const OPEN_MAX: usize = 2_000;
    let server = Server::start(ServerOptions::default()).await;
    let trader = server.trader("ann").await;
    let cheap = |number: usize| named(limit("buy", "XRP-USDT", ("20", "0.3")), &format!("open-{number}"));
    let mut refused = None;
    for first in (0..OPEN_MAX * 2).step_by(50) {
        let attempts = (first..first + 50).map(|number| {
            let (trader, body) = (trader.clone(), cheap(number));
            tokio::spawn(async move { trader.place(&body).await })
        });
        for attempt in attempts.collect::<Vec<_>>() {
            let answer = attempt.await.unwrap();
            assert!(matches!(answer.status, 201 | 429), "{}", answer.body);
            if answer.status == 429 {
                refused = Some(answer);
            }
        }
        if refused.is_some() {
            break;
        }
    }
    refused.expect("there is a cap").expect_error(429, "TOO_MANY_OPEN_ORDERS");
    trader.close_all().await;
    trader.place(&resting("room-again")).await.expect(201);
}

/// The first order of a tenant starts the tenant's session with the venue, and must not get lost on the way there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_order_of_a_tenant_reaches_the_venue() {
    const TENANTS: usize = 24;
    let server = Server::start(ServerOptions::default()).await;
    let mut traders = Vec::new();
    for number in 0..TENANTS {
        traders.push(server.trader(&format!("first-{number}")).await);
    }
    let firsts = traders.into_iter().map(|trader| {
        tokio::spawn(async move { trader.place_until(&resting("first"), &["accepted", "rejected"]).await })
    });
    for first in firsts.collect::<Vec<_>>() {
        let order = first.await.unwrap();
        assert_eq!(order["status"], "accepted", "{order}");
    }
}
