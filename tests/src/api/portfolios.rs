//! Portfolios: made, renamed, archived and restored; what is refused and why.

use crate::harness::trader::{limit, market};
use crate::harness::{Server, ServerOptions};
use serde_json::{Value, json};

fn within(mut order: Value, portfolio: &str) -> Value {
    order["portfolio"] = portfolio.into();
    order
}

#[tokio::test]
async fn a_portfolio_lives_from_its_making_to_its_archive() {
    let mut server = Server::start(ServerOptions::default()).await;
    let trader = server.trader("ann").await;
    let client = &trader.client;
    let listed = client.get("/portfolios").await;
    assert_eq!((listed.items().len(), &listed.items()[0]["id"]), (1, &json!("main")));

    let wanted = json!({ "id": "momentum", "name": "Momentum Fund" });
    let made = client.post("/portfolios", &wanted).await.expect(201).clone();
    assert_eq!((&made["name"], &made["status"]), (&json!("Momentum Fund"), &json!("active")));
    assert_eq!(client.post("/portfolios", &wanted).await.expect(200), &made, "the same again is the same");
    assert_eq!(client.post("/portfolios", &json!({ "id": "momentum" })).await.expect(200), &made);
    let other = json!({ "id": "momentum", "name": "Other" });
    let exists = client.post("/portfolios", &other).await;
    assert_eq!(exists.expect_error(409, "PORTFOLIO_EXISTS")["details"]["name"], "Momentum Fund");

    let renamed = client.put("/portfolios/momentum", &json!({ "name": "Größere Wette" })).await;
    assert_eq!(renamed.expect(200)["name"], "Größere Wette");
    assert_eq!(client.get("/portfolios/momentum").await.expect(200), renamed.expect(200));

    let resting = within(limit("buy", "ETH-USDT", ("0.1", "1000")), "momentum");
    let open = trader.place_until(&resting, &["accepted"]).await;
    assert_eq!(open["portfolio"], "momentum");
    let busy = client.delete("/portfolios/momentum").await;
    assert_eq!(busy.expect_error(409, "PORTFOLIO_HAS_OPEN_ORDERS")["details"]["open_orders"], 1);
    trader.close_all().await;
    trader.place_until(&within(market("buy", "BTC-USDT", "0.01"), "momentum"), &["filled"]).await;
    let holds = client.delete("/portfolios/momentum").await;
    assert_eq!(holds.expect_error(409, "PORTFOLIO_HAS_POSITIONS")["details"]["positions"], 1);
    trader.place_until(&within(market("sell", "BTC-USDT", "0.01"), "momentum"), &["filled"]).await;

    let archived = client.delete("/portfolios/momentum").await.expect(200).clone();
    assert_eq!(archived["status"], "archived");
    assert!(archived["archived_at"].is_string(), "{archived}");
    assert_eq!(client.delete("/portfolios/momentum").await.expect(200), &archived);
    let before = trader.last_seq().await;
    trader.place(&resting).await.expect_error(409, "PORTFOLIO_ARCHIVED");
    client.post("/portfolios", &wanted).await.expect_error(409, "PORTFOLIO_EXISTS");
    client.post("/portfolios", &json!({ "id": "momentum" })).await.expect_error(409, "PORTFOLIO_ARCHIVED");
    assert_eq!(trader.last_seq().await, before, "what is refused is not in the journal");

    server.terminate().await;
    server.start_again().await;
    let trader = trader.sign_in(server.client()).await;
    trader.await_serving().await;
    let client = &trader.client;
    assert_eq!(client.get("/portfolios/momentum").await.expect(200), &archived, "it outlives the process");
    let restored = client.put("/portfolios/momentum", &json!({ "status": "active" })).await;
    assert_eq!(restored.expect(200)["status"], "active");
    trader.place_until(&resting, &["accepted"]).await;
    trader.close_all().await;
    let kinds: Vec<Value> = trader.events().await.iter().map(|event| event["kind"].clone()).collect();
    for kind in ["portfolio_created", "portfolio_renamed", "portfolio_archived", "portfolio_restored"] {
        assert!(kinds.contains(&json!(kind)), "{kind} is in the journal");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_portfolio_is_named() {
    let server = Server::start(ServerOptions::default()).await;
    let trader = server.trader("ann").await;
    let client = &trader.client;
    let long = "x".repeat(65);
    for (body, code) in [
        (json!({ "id": "Momentum" }), "INVALID_PORTFOLIO"),
        (json!({ "id": "" }), "INVALID_PORTFOLIO"),
        (json!({ "name": "Momentum" }), "INVALID_PORTFOLIO"),
        (json!({ "id": "momentum", "name": " " }), "INVALID_PORTFOLIO_NAME"),
        (json!({ "id": "momentum", "name": long }), "INVALID_PORTFOLIO_NAME"),
        (json!({ "id": "momentum", "colour": "red" }), "FIELD_UNKNOWN"),
    ] {
        client.post("/portfolios", &body).await.expect_error(400, code);
    }
    client
        .put("/portfolios/main", &json!({ "name": "a\u{200b}b" }))
        .await
        .expect_error(400, "INVALID_PORTFOLIO_NAME");
    client
        .put("/portfolios/main", &json!({ "status": "gone" }))
        .await
        .expect_error(400, "INVALID_PORTFOLIO_STATUS");
    client.delete("/portfolios/main").await.expect_error(409, "PORTFOLIO_PERMANENT");
    client.put("/portfolios/nowhere", &json!({ "name": "x" })).await.expect_error(404, "PORTFOLIO_NOT_FOUND");
    for id in ["nowhere", "NOT-A-SLUG"] {
        client.get(&format!("/portfolios/{id}")).await.expect_error(404, "PORTFOLIO_NOT_FOUND");
        client.delete(&format!("/portfolios/{id}")).await.expect_error(404, "PORTFOLIO_NOT_FOUND");
    }
    let order = within(limit("buy", "ETH-USDT", ("0.1", "1000")), "nowhere");
    trader.place(&order).await.expect_error(400, "UNKNOWN_PORTFOLIO");
    // The cap counts the portfolio that is there from the beginning.
    for number in 1..200 {
        client.post("/portfolios", &json!({ "id": format!("p{number}") })).await.expect(201);
    }
    let full = client.post("/portfolios", &json!({ "id": "one-more" })).await;
    assert_eq!(full.expect_error(409, "TOO_MANY_PORTFOLIOS")["details"]["limit"], 200);
    assert_eq!(client.get("/portfolios").await.items().len(), 200);
}
