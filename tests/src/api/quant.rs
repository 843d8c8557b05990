//! Option models, calibrations and portfolio construction, as a client sees them.

use crate::harness::trader::decimal;
use crate::harness::{Answer, PATIENCE, POLL, Server, ServerOptions, Trader};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is a number"))
}

#[track_caller]
fn assert_near(got: &Value, want: f64, within: f64) {
    assert!((number(got) - want).abs() <= within, "got {got}, want {want}");
}

/// Lewis's parameters.
fn heston() -> Value {
    json!({ "v0": 0.04, "kappa": 4.0, "theta": 0.25, "sigma": 1.0, "rho": -0.5 })
}

fn heston_price(strike: f64, expiry_years: f64) -> Value {
    json!({ "model": "heston", "spot": 100, "rate": 0.01, "dividend": 0.02, "strike": strike,
        "expiry_years": expiry_years, "type": "call", "parameters": heston() })
}

/// A surface of these many strikes at five expiries, priced by the server; odd prices are off by `noise`.
async fn quotes(trader: &Trader, strikes: u32, noise: f64) -> Vec<Value> {
    let mut quotes = Vec::new();
    for expiry_years in [0.25, 0.5, 1.0, 1.5, 2.0] {
        for n in 0..strikes {
            let strike = 70.0 + 60.0 * f64::from(n) / f64::from(strikes - 1);
            let answer = trader.client.post("/quant/price", &heston_price(strike, expiry_years)).await;
            let price = number(&answer.expect(200)["price"]) + noise * f64::from(n % 2);
            quotes.push(
                json!({ "strike": strike, "expiry_years": expiry_years, "price": price, "type": "call" }),
            );
        }
    }
    quotes
}

#[tokio::test]
async fn prices_are_the_published_ones() {
    let server = Server::start(ServerOptions::default()).await;
    let ann = server.trader("ann").await;
    // Alan Lewis, 2019.
    let answer = ann.client.post("/quant/price", &heston_price(100.0, 1.0)).await;
    let data = answer.expect(200);
    assert_near(&data["price"], 16.070_154_917_028_834, 1e-10);
    assert!(number(&data["greeks"]["delta"]) > 0.0 && data["greeks"]["parameters"]["kappa"].is_number());

    let option = json!({ "spot": 100, "rate": 0.05, "dividend": 0.02, "strike": 100, "expiry_years": 1, "type": "call" });
    let with = |more: Value| {
        let mut body = option.as_object().unwrap().clone();
        body.extend(more.as_object().unwrap().clone());
        Value::Object(body)
    };
    let plain = with(json!({ "model": "black_scholes", "parameters": { "volatility": 0.2 } }));
    let answer = ann.client.post("/quant/price", &plain).await;
    let data = answer.expect(200);
    assert_near(&data["price"], 9.227_005_508_154_061, 1e-12);
    assert_near(&data["greeks"]["volga"], 2.368_822_344_376_110_5, 1e-9);
    let back = ann.client.post("/quant/implied-vol", &with(json!({ "price": data["price"] }))).await;
    assert_near(&back.expect(200)["volatility"], 0.2, 1e-14);

    let refused = [
        (with(json!({ "model": "heston", "parameters": { "v0": 0.04 } })), 400, "FIELD_MISSING"),
        (with(json!({ "model": "magic", "parameters": {} })), 400, "INVALID_MODEL"),
        (
            with(json!({ "model": "black_scholes", "parameters": { "volatility": -0.2 } })),
            422,
            "INVALID_NUMBERS",
        ),
        (with(json!({ "model": "black_scholes", "parameters": { "volatility": "0.2" } })), 400, "FIELD_TYPE"),
        (with(json!({ "type": "both", "model": "black_scholes", "parameters": {} })), 400, "INVALID_MODEL"),
        (with(json!({ "strike": 0, "model": "heston", "parameters": heston() })), 422, "INVALID_NUMBERS"),
    ];
    for (body, status, code) in refused {
        ann.client.post("/quant/price", &body).await.expect_error(status, code);
    }
    for price in [-1.0, 0.0, 200.0] {
        let answer = ann.client.post("/quant/implied-vol", &with(json!({ "price": price }))).await;
        answer.expect_error(422, "INVALID_NUMBERS");
    }
}

#[tokio::test]
async fn a_calibration_finds_the_parameters_and_keeps_them() {
    let server = Server::start(ServerOptions::default()).await;
    let (ann, bob) = (server.trader("ann").await, server.trader("bob").await);
    let quotes = quotes(&ann, 10, 0.0).await;
    let body = json!({ "underlying": "X", "spot": 100, "rate": 0.01, "dividend": 0.02, "quotes": quotes });
    let data = finished(&ann, ann.client.post("/quant/calibrate/heston", &body).await).await;
    for (name, want) in heston().as_object().unwrap() {
        assert_near(&data["parameters"][name], number(want), 1e-5);
    }
    assert_eq!(data["feller"], json!(true));
    let kept_as: Uuid = data["kept_as"].as_str().unwrap().parse().unwrap();

    let smile = json!({ "underlying": "X", "forward": 0.03, "expiry_years": 1, "beta": 0.5, "quotes": [
        { "strike": 0.02, "volatility": 0.32 }, { "strike": 0.03, "volatility": 0.24 },
        { "strike": 0.04, "volatility": 0.22 } ] });
    let data = finished(&ann, ann.client.post("/quant/calibrate/sabr", &smile).await).await;
    assert!(number(&data["rmse_volatility"]) < 1e-6, "three quotes, three parameters: {data}");

    // Pulled back by three tenths at each step, and pushed by what looks like chance.
    let mut level = 1.0;
    let series: Vec<f64> = (0_u32..300)
        .map(|n| {
            level +=
                0.3 * (1.0 - level) + 0.02 * (f64::from(n.wrapping_mul(2_654_435_761) >> 22) / 512.0 - 1.0);
            level
        })
        .collect();
    let body = json!({ "underlying": "Y", "series": series });
    let data = finished(&ann, ann.client.post("/quant/calibrate/ou", &body).await).await;
    assert_eq!(data["mean_reverting"], json!(true), "{data}");
    assert!(number(&data["unit_root_statistic"]) < -2.86 && data["kept_as"].is_string(), "{data}");
    let walk: Vec<f64> = (0..50).map(f64::from).collect();
    let data = finished(&ann, ann.client.post("/quant/calibrate/ou", &json!({ "series": walk })).await).await;
    assert_eq!((&data["mean_reverting"], &data["reason"]), (&json!(false), &json!("no_pull")));

    let current = ann.client.get("/quant/parameters?underlying=X").await;
    let models: Vec<&Value> = current.items().iter().map(|item| &item["model"]).collect();
    assert_eq!(models, ["heston", "sabr"]);
    assert_eq!(current.items()[0]["id"], json!(kept_as.to_string()));
    assert!(current.items()[0]["quality"]["rmse_price"].is_number());
    let history = ann.client.get("/quant/parameters?view=history&limit=1").await;
    let cursor = history.body["meta"]["next_cursor"].as_str().unwrap().to_owned();
    let older = ann.client.get(&format!("/quant/parameters?view=history&limit=500&cursor={cursor}")).await;
    assert!(older.items().iter().any(|item| item["id"] == json!(kept_as.to_string())));
    assert_eq!(bob.client.get("/quant/parameters").await.items(), [] as [Value; 0], "they are Ann's");

    let few =
        json!({ "spot": 100, "quotes": [{ "strike": 100, "expiry_years": 1, "price": 10, "type": "call" }] });
    ann.client.post("/quant/calibrate/heston", &few).await.expect_error(422, "INVALID_NUMBERS");
    ann.client.get("/quant/parameters?model=%00").await.expect_error(400, "INVALID_QUERY");
    let odd = json!({ "underlying": "a b", "series": [1.0, 2.0, 1.0] });
    ann.client.post("/quant/calibrate/ou", &odd).await.expect_error(400, "INVALID_UNDERLYING");
}

/// The answer of a computation, waiting for its job if it has one.
async fn finished(trader: &Trader, answer: Answer) -> Value {
    if answer.status == 200 {
        return answer.body["data"].clone();
    }
    let id = answer.expect(202)["id"].as_str().unwrap().to_owned();
    let place = answer.headers["location"].to_str().unwrap();
    assert_eq!(place, format!("/api/v1/jobs/{id}"));
    let job = await_job(trader, &id).await;
    assert_eq!(job["status"], "done", "{job}");
    job["result"].clone()
}

async fn await_job(trader: &Trader, id: &str) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let job = trader.client.get(&format!("/jobs/{id}")).await.expect(200).clone();
        if !["queued", "running"].contains(&job["status"].as_str().unwrap()) {
            return job;
        }
        assert!(Instant::now() < deadline, "{job}");
        sleep(POLL).await;
    }
}

/// Far more calibrations than there is room for: each is answered, with its result, a job, or the reason why not; and
/// orders go on meanwhile.
#[tokio::test]
async fn a_flood_of_calibrations_waits_in_line() {
    let server = Server::start(ServerOptions::default()).await;
    let (ann, bob) = (server.trader("ann").await, server.trader("bob").await);
    let quotes = quotes(&ann, 60, 0.2).await;
    let body = json!({ "spot": 100, "rate": 0.01, "dividend": 0.02, "quotes": quotes });
    let mut calls = JoinSet::new();
    for _ in 0..60 {
        let (client, body) = (ann.client.clone(), body.clone());
        calls.spawn(async move { client.post("/quant/calibrate/heston", &body).await });
    }
    for n in 0..5 {
        let order = json!({ "client_order_id": format!("meanwhile-{n}"), "symbol": "BTC-USDT", "side": "buy",
            "type": "market", "quantity": "0.01" });
        bob.place(&order).await.expect(201);
    }
    let answers = calls.join_all().await;
    let count = |status| answers.iter().filter(|answer| answer.status == status).count();
    for answer in answers.iter().filter(|answer| answer.status == 429) {
        answer.expect_error(429, "TOO_MANY_JOBS");
    }
    let jobs: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 202).collect();
    assert!(!jobs.is_empty() && count(429) > 0, "jobs {}, refused {}", jobs.len(), count(429));
    assert!(answers.iter().all(|answer| [200, 202, 422, 429].contains(&answer.status)), "{answers:?}");
    let id = |answer: &Answer| answer.body["data"]["id"].as_str().unwrap().to_owned();
    bob.client.get(&format!("/jobs/{}", id(jobs[0]))).await.expect_error(404, "JOB_NOT_FOUND");
    bob.client.delete(&format!("/jobs/{}", id(jobs[0]))).await.expect_error(404, "JOB_NOT_FOUND");
    for job in &jobs {
        ann.client.delete(&format!("/jobs/{}", id(job))).await.expect(202);
    }
    for job in &jobs {
        let job = await_job(&ann, &id(job)).await;
        // Whoever was at its end already was not stopped any more.
        assert!(["canceled", "done", "failed"].contains(&job["status"].as_str().unwrap()), "{job}");
    }
    let listed = ann.client.get("/jobs").await;
    assert_eq!(listed.items().len(), count(202), "what was answered at once needs no job");
}

#[tokio::test]
async fn portfolios_are_constructed_from_returns_or_a_covariance() {
    let server = Server::start(ServerOptions::default()).await;
    let ann = server.trader("ann").await;
    let symbols = ["A", "B", "C"];
    let covariance = [[0.04, 0.006, 0.0], [0.006, 0.09, 0.01], [0.0, 0.01, 0.16]];
    let ask = |more: Value| {
        let mut body = json!({ "symbols": symbols, "covariance": covariance }).as_object().unwrap().clone();
        body.extend(more.as_object().unwrap().clone());
        Value::Object(body)
    };
    let returns = json!([0.05, 0.08, 0.12]);
    let methods = [
        json!({ "method": "min_variance" }),
        json!({ "method": "max_sharpe", "expected_returns": returns, "risk_free_rate": 0.01 }),
        json!({ "method": "target_return", "expected_returns": returns, "target_return": 0.09 }),
        json!({ "method": "target_volatility", "expected_returns": returns, "target_volatility": 0.2 }),
        json!({ "method": "max_utility", "expected_returns": returns, "risk_aversion": 3 }),
        json!({ "method": "risk_parity" }),
        json!({ "method": "risk_parity", "budgets": [0.5, 0.3, 0.2] }),
        json!({ "method": "hierarchical_risk_parity", "linkage": "ward" }),
        json!({ "method": "inverse_volatility" }),
        json!({ "method": "black_litterman", "market_weights": [0.5, 0.3, 0.2],
            "views": [{ "exposures": { "A": 1, "B": -1 }, "expected_return": 0.02 }] }),
        json!({ "method": "min_variance", "upper": [0.5, 0.5, 0.5],
            "groups": [{ "symbols": ["A", "B"], "max": 0.6 }] }),
    ];
    for more in methods {
        let data = finished(&ann, ann.client.post("/portfolio/optimize", &ask(more.clone())).await).await;
        let weights: Vec<f64> =
            data["weights"].as_array().unwrap().iter().map(|item| number(&item["weight"])).collect();
        assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{more}: {data}");
        let shares: f64 =
            data["weights"].as_array().unwrap().iter().map(|item| number(&item["risk_share"])).sum();
        assert!((shares - 1.0).abs() < 1e-9, "{more}: {data}");
        if more["groups"].is_array() {
            assert!(weights[0] + weights[1] <= 0.6 + 1e-9, "{data}");
        }
    }
    let rows: Vec<Vec<f64>> = (0..60)
        .map(|t| (0..3).map(|i| 0.01 * (f64::from((t * (i + 3) + i) % 11) - 4.8) / 5.0).collect())
        .collect();
    for estimator in ["sample", "ledoit_wolf", "ewma"] {
        let body =
            json!({ "method": "min_variance", "symbols": symbols, "returns": rows, "estimator": estimator });
        let data = finished(&ann, ann.client.post("/portfolio/optimize", &body).await).await;
        assert!(number(&data["volatility"]) > 0.0 && data["expected_return"].is_number(), "{data}");
    }
    let refused = [
        (ask(json!({ "method": "luck" })), 400, "INVALID_MODEL"),
        (ask(json!({ "method": "max_sharpe" })), 400, "FIELD_MISSING"),
        (ask(json!({ "method": "risk_parity", "upper": [0.5, 0.5, 0.5] })), 400, "FIELD_UNKNOWN"),
        (
            ask(json!({ "method": "min_variance", "symbols": ["A", "B", "C".repeat(65)] })),
            422,
            "INVALID_NUMBERS",
        ),
        (ask(json!({ "method": "target_return", "expected_returns": returns })), 400, "FIELD_MISSING"),
        (
            ask(json!({ "method": "target_return", "expected_returns": returns, "target_return": 9 })),
            422,
            "INFEASIBLE",
        ),
        (ask(json!({ "method": "min_variance", "upper": [0.1, 0.1, 0.1] })), 422, "INFEASIBLE"),
        (ask(json!({ "method": "min_variance", "symbols": ["A", "A", "B"] })), 422, "INVALID_NUMBERS"),
        (ask(json!({ "method": "min_variance", "covariance": [[1.0]] })), 422, "INVALID_NUMBERS"),
        (
            ask(json!({ "method": "min_variance", "covariance": [[1, 2, 0], [2, 1, 0], [0, 0, 1]] })),
            422,
            "INVALID_NUMBERS",
        ),
        (json!({ "method": "min_variance", "symbols": ["A"] }), 400, "FIELD_MISSING"),
    ];
    for (body, status, code) in refused {
        ann.client.post("/portfolio/optimize", &body).await.expect_error(status, code);
    }
}

#[tokio::test]
async fn sizes_are_quantities_an_order_takes() {
    let server = Server::start(ServerOptions::default()).await;
    let ann = server.trader("ann").await;
    let size = |more: Value| {
        let mut body = json!({ "symbol": "BTC-USDT", "price": "40000", "equity": "100000" })
            .as_object()
            .unwrap()
            .clone();
        body.extend(more.as_object().unwrap().clone());
        Value::Object(body)
    };
    let stop = json!({ "method": "fixed_fraction", "risk_fraction": 0.01, "stop_price": "38000" });
    let answer = ann.client.post("/risk/size", &size(stop)).await;
    let data = answer.expect(200);
    assert_eq!((data["side"].as_str(), data["tradable"].as_bool()), (Some("buy"), Some(true)));
    // A hundredth of the equity is lost when half a coin falls by 2,000.
    assert_eq!(decimal(&data["quantity"]), "0.5".parse().unwrap());
    let short = json!({ "method": "fixed_fraction", "risk_fraction": 0.01, "stop_price": "42000" });
    assert_eq!(ann.client.post("/risk/size", &size(short)).await.expect(200)["side"], "sell");
    let bet = json!({ "method": "kelly", "win_probability": 0.6, "odds": 1, "fraction": 1 });
    assert_near(&ann.client.post("/risk/size", &size(bet)).await.expect(200)["fraction"], 0.2, 1e-12);
    let asset = json!({ "method": "kelly", "excess_return": 0.5, "volatility": 0.5 });
    let capped = ann.client.post("/risk/size", &size(asset)).await;
    assert_near(&capped.expect(200)["fraction"], 1.0, 1e-12);
    let target = json!({ "method": "volatility", "target_volatility": 0.15, "volatility": 0.6 });
    let answer = ann.client.post("/risk/size", &size(target)).await;
    assert_near(&answer.expect(200)["fraction"], 0.25, 1e-12);
    // Price and equity are the tenant's own if it says nothing.
    let own = json!({ "method": "fixed_fraction", "symbol": "BTC-USDT", "risk_fraction": 0.1 });
    let answer = ann.client.post("/risk/size", &own).await;
    let data = answer.expect(200);
    assert_eq!(decimal(&data["equity"]), "100000".parse().unwrap());
    let order =
        json!({ "symbol": "BTC-USDT", "side": data["side"], "type": "market", "quantity": data["quantity"] });
    ann.place(&order).await.expect(201);

    let refused = [
        (size(json!({ "method": "luck" })), 400, "INVALID_MODEL"),
        (size(json!({ "method": "kelly" })), 400, "FIELD_MISSING"),
        (
            size(json!({ "method": "kelly", "excess_return": 0.1, "volatility": -0.5 })),
            422,
            "INVALID_NUMBERS",
        ),
        (size(json!({ "method": "fixed_fraction", "risk_fraction": -0.01 })), 422, "INVALID_NUMBERS"),
        (size(json!({ "method": "fixed_fraction", "risk_fraction": 5 })), 422, "INVALID_NUMBERS"),
        (
            size(json!({ "method": "fixed_fraction", "risk_fraction": 0.1, "equity": "-5" })),
            422,
            "INVALID_NUMBERS",
        ),
        (size(json!({ "method": "kelly", "win_probability": 1.5, "odds": 1 })), 422, "INVALID_NUMBERS"),
        (
            size(json!({ "method": "volatility", "target_volatility": 0.1, "volatility": 0 })),
            422,
            "INVALID_NUMBERS",
        ),
        (
            size(json!({ "method": "fixed_fraction", "risk_fraction": 0.1, "stop_price": "40000" })),
            400,
            "STOP_AT_PRICE",
        ),
        (
            size(json!({ "method": "fixed_fraction", "risk_fraction": 0.1, "symbol": "NO-SUCH" })),
            400,
            "UNKNOWN_SYMBOL",
        ),
        (
            size(json!({ "method": "fixed_fraction", "risk_fraction": 0.1, "price": 40000 })),
            400,
            "FIELD_TYPE",
        ),
    ];
    for (body, status, code) in refused {
        ann.client.post("/risk/size", &body).await.expect_error(status, code);
    }
}
