//! Positions, cash and profit add up, to the last digit.

use crate::harness::trader::{decimal, limit, market};
use crate::harness::{Server, ServerOptions, Trader};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const START: i64 = 100_000;

/// Quantity per symbol, cash and fees, as the executions say.
async fn sums(trader: &Trader) -> (BTreeMap<String, Decimal>, Decimal, Decimal) {
    let (mut held, mut cash, mut fees) = (BTreeMap::new(), Decimal::from(START), Decimal::ZERO);
    let trades = trader.client.get("/trades?limit=500").await;
    for trade in trades.items() {
        let quantity = decimal(&trade["quantity"]);
        let signed = if trade["side"] == "buy" { quantity } else { -quantity };
        *held.entry(trade["symbol"].as_str().unwrap().to_owned()).or_insert(Decimal::ZERO) += signed;
        cash -= signed * decimal(&trade["price"]) + decimal(&trade["fee"]);
        fees += decimal(&trade["fee"]);
    }
    (held, cash, fees)
}

fn sum(values: &[Value], field: &str) -> Decimal {
    values.iter().map(|value| decimal(&value[field])).sum()
}

#[tokio::test]
async fn a_portfolio_is_the_sum_of_its_executions() {
    let server = Server::start(ServerOptions::default()).await;
    let trader = server.trader("ann").await;
    for path in ["/portfolio", "/positions", "/balances"] {
        let unknown = trader.client.get(&format!("{path}?account=zz")).await;
        unknown.expect_error(400, "UNKNOWN_ACCOUNT");
        let unknown = trader.client.get(&format!("{path}?portfolio=zz")).await;
        unknown.expect_error(400, "UNKNOWN_PORTFOLIO");
    }
    let untouched = trader.client.get("/portfolio").await;
    assert_eq!(decimal(&untouched.expect(200)["cash"]), Decimal::from(START));
    for (side, symbol, quantity) in [
        ("buy", "BTC-USDT", "0.5"),
        ("buy", "ETH-USDT", "3"),
        ("sell", "BTC-USDT", "0.2"),
        ("buy", "BTC-USDT", "0.1"),
        ("sell", "ETH-USDT", "3"),
        ("sell", "SOL-USDT", "10"),
    ] {
        trader.place_until(&market(side, symbol, quantity), &["filled"]).await;
    }
    trader.place_until(&limit("buy", "XRP-USDT", ("100", "0.3")), &["accepted"]).await;

    let (held, cash, fees) = sums(&trader).await;
    let portfolio = trader.client.get("/portfolio").await.expect(200).clone();
    let positions = portfolio["positions"].as_array().unwrap();
    assert_eq!(decimal(&portfolio["cash"]), cash);
    assert_eq!(decimal(&portfolio["fees"]), fees);
    assert_eq!(portfolio["as_of_seq"].as_i64().unwrap(), trader.last_seq().await);
    for position in positions {
        let symbol = position["symbol"].as_str().unwrap();
        assert_eq!(decimal(&position["quantity"]), held[symbol], "{symbol}");
        if !held[symbol].is_zero() {
            let value = decimal(&position["mark_price"]) * held[symbol];
            assert_eq!(decimal(&position["market_value"]), value.normalize(), "{symbol}");
        }
    }
    let open: Vec<Value> = positions.iter().filter(|one| !one["market_value"].is_null()).cloned().collect();
    assert_eq!(decimal(&portfolio["equity"]), cash + sum(&open, "market_value"));
    let pnl = decimal(&portfolio["realized_pnl"]) + decimal(&portfolio["unrealized_pnl"]) - fees;
    let gained = decimal(&portfolio["equity"]) - Decimal::from(START);
    assert!((pnl - gained).abs() < "0.000001".parse().unwrap(), "{pnl} gained, equity says {gained}");

    let balances = trader.client.get("/balances").await;
    assert_eq!(sum(balances.items(), "amount"), cash, "{}", balances.body);
    let bitcoin = trader.client.get("/positions/BTC-USDT").await;
    assert_eq!(bitcoin.status, 200, "{}", bitcoin.body);
    trader.client.get("/positions/DOGE-USDT").await.expect_error(404, "POSITION_NOT_FOUND");
    trader.close_all().await;
}

#[tokio::test]
async fn what_a_new_tenant_has_and_may_trade() {
    let server = Server::start(ServerOptions::default()).await;
    let trader = server.trader("ann").await;
    let accounts = trader.client.get("/accounts").await;
    assert_eq!(accounts.body["data"][0]["mode"], "paper", "{}", accounts.body);
    assert_eq!(trader.client.get("/tenants/me").await.expect(200)["id"], json!(trader.tenant_id));
    let instruments = trader.client.get("/instruments").await;
    let symbols: Vec<&Value> = instruments.items().iter().map(|one| &one["symbol"]).collect();
    assert!(symbols.contains(&&json!("BTC-USDT")), "{symbols:?}");
    trader.client.get("/instruments/BTC-USDT").await.expect(200);
    trader.client.get("/instruments/NO-SUCH").await.expect_error(404, "INSTRUMENT_NOT_FOUND");
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(server.client().get_root(path).await.status, 200, "{path}");
    }
    assert_eq!(server.client().get_root("/docs/").await.status, 200);
    let clock = server.client().get("/clock").await;
    assert!(clock.expect(200)["unix_micros"].as_i64().unwrap() > 1_700_000_000_000_000, "{}", clock.body);
}
