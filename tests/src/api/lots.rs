//! Lots add up to the position, whatever the method.

use crate::harness::trader::{decimal, market};
use crate::harness::{Server, ServerOptions};
use rust_decimal::Decimal;
use serde_json::{Value, json};

fn sum(values: &Value, field: &str) -> Decimal {
    values.as_array().unwrap().iter().map(|value| decimal(&value[field])).sum()
}

#[tokio::test]
async fn lots_are_the_position_by_every_method() {
    let server = Server::start(ServerOptions::default()).await;
    let trader = server.trader("ann").await;
    let client = &trader.client;
    client.get("/lots?symbol=BTC-USDT").await.expect_error(404, "POSITION_NOT_FOUND");
    client.post("/portfolios", &json!({ "id": "other" })).await.expect(201);
    for (side, quantity, portfolio) in [
        ("buy", "0.03", "main"),
        ("buy", "0.02", "main"),
        ("sell", "0.04", "main"),
        ("buy", "0.01", "main"),
        ("buy", "0.02", "other"),
    ] {
        let mut order = market(side, "BTC-USDT", quantity);
        order["portfolio"] = portfolio.into();
        trader.place_until(&order, &["filled"]).await;
    }
    let position = client.get("/positions/BTC-USDT?portfolio=main").await.items()[0].clone();
    let trades = client.get("/trades?symbol=BTC-USDT&portfolio=main&limit=500").await;
    let fees: Decimal = trades.items().iter().map(|trade| decimal(&trade["fee"])).sum();
    let cash: Decimal = trades
        .items()
        .iter()
        .map(|trade| {
            let value = decimal(&trade["price"]) * decimal(&trade["quantity"]);
            if trade["side"] == "buy" { -value } else { value }
        })
        .sum();
    for method in ["fifo", "lifo", "average"] {
        let answer = client.get(&format!("/lots?symbol=BTC-USDT&method={method}&portfolio=main")).await;
        let [book] = answer.items() else { panic!("one portfolio and account: {}", answer.body) };
        assert_eq!((&book["method"], &book["portfolio"]), (&json!(method), &json!("main")));
        assert_eq!(book["as_of_seq"], trades.items()[0]["seq"], "{method}");
        assert_eq!(decimal(&book["quantity"]), decimal(&position["quantity"]), "{method}");
        assert_eq!(sum(&book["lots"], "quantity"), decimal(&book["quantity"]), "{method}");
        assert_eq!(book["lots"].as_array().unwrap().len(), book["lot_count"], "{method}");
        // What was realised less what the open lots cost is the money that moved.
        let money = decimal(&book["realized_pnl"]) - sum(&book["lots"], "cost");
        assert_eq!(money, cash, "{method}");
        assert_eq!(decimal(&book["closed_fees"]) + sum(&book["lots"], "fees"), fees, "{method}");
        if method == "average" {
            assert_eq!(book["realized_pnl"], position["realized_pnl"]);
            assert_eq!(book["lots"][0]["price"], position["average_price"]);
        }
    }
    assert_eq!(client.get("/lots?symbol=BTC-USDT").await.items().len(), 2, "each portfolio has its own");
    client.get("/lots?symbol=NO-SUCH").await.expect_error(400, "UNKNOWN_SYMBOL");
    client.get("/lots?symbol=BTC-USDT&method=best").await.expect_error(400, "INVALID_QUERY");
    client.get("/lots").await.expect_error(400, "INVALID_QUERY");
}
