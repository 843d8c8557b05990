//! The kill switch over the real server: what it stops, who may lift it, and that it outlives the process.

use crate::harness::trader::{decimal, limit, market, named};
use crate::harness::web_socket::Socket;
use crate::harness::{Server, ServerOptions, Trader, eventually};
use serde_json::{Value, json};

fn halt(scope: &str, name: Option<&str>, mode: &str) -> Value {
    let mut body = json!({ "scope": scope, "mode": mode, "reason": "drill" });
    if let Some(name) = name {
        body["name"] = name.into();
    }
    body
}

async fn resume(trader: &Trader, scope: &str, name: Option<&str>) -> Value {
    let mut body = halt(scope, name, "");
    body.as_object_mut().unwrap().remove("mode");
    trader.client.post("/risk/resume", &body).await.expect(200).clone()
}

async fn position(trader: &Trader) -> String {
    let portfolio = trader.client.get("/portfolio").await;
    let positions = portfolio.expect(200)["positions"].as_array().unwrap().clone();
    let held = positions.iter().find(|one| one["symbol"] == "BTC-USDT");
    held.map_or_else(|| "0".to_owned(), |one| one["quantity"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_halt_cancels_refuses_survives_a_kill_and_is_lifted_with_a_reason() {
    let mut server = Server::start(ServerOptions::default()).await;
    let mut ann = server.trader("ann").await;
    assert_eq!(ann.client.get("/risk/state").await.expect(200), &json!({ "trading": "active", "halts": [] }));
    let resting = named(limit("buy", "BTC-USDT", ("0.01", "30000")), "rests");
    let id = ann.place_until(&resting, &["accepted"]).await["id"].as_str().unwrap().to_owned();

    let halted = ann.client.post("/risk/halt", &halt("tenant", None, "halt")).await;
    let halted = halted.expect(200);
    assert_eq!((&halted["changed"], &halted["cancels_requested"]), (&json!(true), &json!(1)));
    let one = &halted["halts"][0];
    assert_eq!((&one["scope"], &one["name"], &one["mode"]), (&json!("tenant"), &json!(null), &json!("halt")));
    assert_eq!((&one["reason"], &one["by"]["kind"]), (&json!("drill"), &json!("user")));
    ann.await_status(&id, &["canceled"]).await;
    let denied = ann.place(&named(market("buy", "BTC-USDT", "0.1"), "stopped")).await;
    let order = denied.expect_error(403, "TRADING_HALTED")["details"]["order"].clone();
    assert_eq!(order["status"], "denied");
    let again = ann.client.post("/risk/halt", &halt("tenant", None, "halt")).await;
    assert_eq!(again.expect(200)["changed"], false);
    let milder = ann.client.post("/risk/halt", &halt("tenant", None, "reduce_only")).await;
    assert_eq!(milder.expect_error(409, "HALT_IS_STRICTER")["details"]["present"], "halt");

    server.kill().await;
    server.start_again().await;
    ann = ann.sign_in(server.client()).await;
    let state = eventually("the tenant is back", async || {
        let state = ann.client.get("/risk/state").await;
        (state.status == 200).then_some(state)
    })
    .await;
    assert_eq!(state.expect(200)["trading"], "halt", "{}", state.body);
    let denied = eventually("the tenant answers", async || {
        let denied = ann.place(&market("sell", "BTC-USDT", "0.1")).await;
        (denied.status == 403).then_some(denied)
    })
    .await;
    denied.expect_error(403, "TRADING_HALTED");

    let resumed = resume(&ann, "tenant", None).await;
    assert_eq!((&resumed["changed"], &resumed["trading"]), (&json!(true), &json!("active")));
    assert_eq!(resume(&ann, "tenant", None).await["changed"], false);
    ann.place_until(&market("buy", "BTC-USDT", "0.01"), &["filled"]).await;
    let events = ann.events().await;
    let ours = |kind: &str| events.iter().filter(|event| event["kind"] == kind).count();
    assert_eq!((ours("trading_halted"), ours("trading_resumed")), (1, 1), "repeating records nothing");
}

#[tokio::test]
async fn reducing_passes_where_only_reducing_may_and_flattening_closes() {
    let server = Server::start(ServerOptions::default()).await;
    let (ann, bob) = (server.trader("ann").await, server.trader("bob").await);
    ann.place_until(&market("buy", "BTC-USDT", "0.3"), &["filled"]).await;
    bob.place_until(&market("buy", "BTC-USDT", "0.3"), &["filled"]).await;
    let body = halt("symbol", Some("BTC-USDT"), "reduce_only");
    let halted = ann.client.post("/risk/halt", &body).await;
    assert_eq!(halted.expect(200)["trading"], "active", "the rest of the tenant trades on");
    ann.place(&market("buy", "BTC-USDT", "0.1")).await.expect_error(403, "TRADING_REDUCE_ONLY");
    ann.place(&market("sell", "BTC-USDT", "0.4")).await.expect_error(403, "TRADING_REDUCE_ONLY");
    ann.place_until(&market("sell", "BTC-USDT", "0.1"), &["filled"]).await;
    ann.place_until(&market("buy", "ETH-USDT", "0.1"), &["filled"]).await;
    let rests = named(limit("sell", "BTC-USDT", ("0.1", "900000")), "rests");
    let id = ann.place_until(&rests, &["accepted"]).await["id"].as_str().unwrap().to_owned();

    let channels = json!([{ "name": "risk", "after_seq": 0 }]);
    let mut socket = Socket::follow(&server.address(), ann.client.token(), &channels).await;
    let seen = socket.event("risk").await;
    assert_eq!((&seen["type"], &seen["data"]["mode"]), (&json!("risk_alert"), &json!("reduce_only")));
    assert_eq!((&seen["data"]["scope"], &seen["data"]["name"]), (&json!("symbol"), &json!("BTC-USDT")));

    ann.client.post("/risk/halt", &halt("account", Some("paper"), "cancel_all")).await.expect(200);
    ann.await_status(&id, &["canceled"]).await;
    assert_eq!(decimal(&json!(position(&ann).await)), decimal(&json!("0.2")), "cancelling closes nothing");
    ann.client.post("/risk/halt", &halt("symbol", Some("BTC-USDT"), "flatten")).await.expect(200);
    eventually("the position is closed", async || (position(&ann).await == "0").then_some(())).await;
    assert_eq!(decimal(&json!(position(&bob).await)), decimal(&json!("0.3")), "another tenant's is not");
    bob.place_until(&market("buy", "BTC-USDT", "0.1"), &["filled"]).await;
    resume(&ann, "symbol", Some("BTC-USDT")).await;
    resume(&ann, "account", Some("paper")).await;
    let kinds = ["cancel_all", "flatten"].map(|mode| json!(mode));
    for expected in kinds {
        assert_eq!(socket.event("risk").await["data"]["mode"], expected);
    }
    let resumed = socket.event("risk").await;
    assert_eq!(
        (&resumed["data"]["event"], &resumed["data"]["mode"]),
        (&json!("trading_resumed"), &Value::Null)
    );
    ann.place_until(&market("buy", "BTC-USDT", "0.1"), &["filled"]).await;
}

#[tokio::test]
async fn a_halt_says_what_is_wrong_with_it() {
    let server = Server::start(ServerOptions::default()).await;
    let ann = server.trader("ann").await;
    let long = "x".repeat(201);
    let table = [
        (json!({ "scope": "world", "mode": "halt", "reason": "r" }), "INVALID_SCOPE"),
        (json!({ "scope": "platform", "mode": "halt", "reason": "r" }), "INVALID_SCOPE"),
        (json!({ "scope": "tenant", "name": "x", "mode": "halt", "reason": "r" }), "INVALID_SCOPE"),
        (json!({ "scope": "account", "mode": "halt", "reason": "r" }), "INVALID_SCOPE"),
        (json!({ "scope": "account", "name": "nobody", "mode": "halt", "reason": "r" }), "UNKNOWN_ACCOUNT"),
        (json!({ "scope": "account", "name": "No Body", "mode": "halt", "reason": "r" }), "UNKNOWN_ACCOUNT"),
        (json!({ "scope": "symbol", "name": "DOGE", "mode": "halt", "reason": "r" }), "UNKNOWN_SYMBOL"),
        (json!({ "scope": "tenant", "mode": "stop", "reason": "r" }), "INVALID_HALT_MODE"),
        (json!({ "scope": "tenant", "mode": "halt", "reason": " " }), "INVALID_REASON"),
        (json!({ "scope": "tenant", "mode": "halt", "reason": long }), "INVALID_REASON"),
        (json!({ "scope": "tenant", "mode": "halt", "reason": "a\nb" }), "INVALID_REASON"),
        (json!({ "scope": "tenant", "mode": "halt" }), "FIELD_MISSING"),
    ];
    for (body, code) in table {
        ann.client.post("/risk/halt", &body).await.expect_error(400, code);
    }
    let state = ann.client.get("/risk/state").await;
    assert_eq!(state.expect(200)["halts"], json!([]), "nothing was halted");
}

#[tokio::test]
async fn whoever_trades_may_halt_and_only_whoever_manages_may_resume() {
    let server = Server::start(ServerOptions::default()).await;
    let mut ann = server.trader("ann").await;
    let resuming = json!({ "scope": "tenant", "reason": "over" });
    for (role, halts, resumes) in
        [("viewer", 403, 403), ("trader", 200, 403), ("admin", 200, 200), ("owner", 200, 200)]
    {
        let sql = format!("update app_user set role = '{role}' where email = '{}'", ann.email);
        server.cluster().execute("bulkhead", &sql).await;
        ann = ann.sign_in(server.client()).await;
        let halted = ann.client.post("/risk/halt", &halt("tenant", None, "reduce_only")).await;
        assert_eq!(halted.status, halts, "{role}: {}", halted.body);
        let resumed = ann.client.post("/risk/resume", &resuming).await;
        assert_eq!(resumed.status, resumes, "{role}: {}", resumed.body);
        if resumes == 403 {
            let details = &resumed.expect_error(403, "FORBIDDEN")["details"];
            assert_eq!(details["permission"], "manage_tenant", "{role}");
        }
        ann.client.get("/risk/state").await.expect(200);
    }
}

#[tokio::test]
async fn the_platforms_halt_is_lifted_by_the_platform_only() {
    let server = Server::start(ServerOptions::default()).await;
    let (ann, bob) = (server.trader("ann").await, server.trader("bob").await);
    let admin = server.admin().await;
    let path = |what: &str| format!("/admin/tenants/{}/{what}", ann.tenant_id);
    let body = json!({ "mode": "halt", "reason": "margin call" });
    ann.client.post(&path("halt"), &body).await.expect_error(403, "FORBIDDEN");
    let halted = admin.post(&path("halt"), &body).await;
    assert_eq!(halted.expect(200)["halts"][0]["by"]["kind"], "platform_admin");
    ann.place(&market("buy", "BTC-USDT", "0.1")).await.expect_error(403, "TRADING_HALTED");
    bob.place_until(&market("buy", "BTC-USDT", "0.1"), &["filled"]).await;
    let resumed = resume(&ann, "tenant", None).await;
    assert_eq!((&resumed["changed"], &resumed["trading"]), (&json!(false), &json!("halt")));
    let reason = json!({ "reason": "met" });
    ann.client.post(&path("resume"), &reason).await.expect_error(403, "FORBIDDEN");
    let milder = json!({ "mode": "reduce_only", "reason": "r" });
    admin.post(&path("halt"), &milder).await.expect_error(409, "HALT_IS_STRICTER");
    admin.post(&path("resume"), &json!({ "reason": "" })).await.expect_error(400, "INVALID_REASON");
    assert_eq!(admin.post(&path("resume"), &reason).await.expect(200)["trading"], "active");
    ann.place_until(&market("buy", "BTC-USDT", "0.1"), &["filled"]).await;
    let nobody = format!("/admin/tenants/{}/halt", uuid::Uuid::new_v4());
    admin.post(&nobody, &body).await.expect_error(404, "TENANT_NOT_FOUND");
}

#[tokio::test]
async fn limits_are_set_held_to_versioned_and_kept() {
    let mut server = Server::start(ServerOptions::default()).await;
    let mut ann = server.trader("ann").await;
    let empty = json!({ "version": 0, "limits": [] });
    assert_eq!(ann.client.get("/risk/limits").await.expect(200), &empty);
    let body = json!({ "scope": "symbol", "name": "BTC-USDT", "order_quantity_max": "0.50", "open_orders_max": 5,
        "price_collar_percent": "90" });
    let set = ann.client.post("/risk/limits", &body).await;
    let one = set.expect(200)["limits"][0].clone();
    assert_eq!((&one["scope"], &one["name"]), (&json!("symbol"), &json!("BTC-USDT")));
    assert_eq!((&one["order_quantity_max"], &one["order_notional_max"]), (&json!("0.5"), &Value::Null));
    ann.place_until(&market("buy", "BTC-USDT", "0.5"), &["filled"]).await;
    let denied = ann.place(&market("buy", "BTC-USDT", "0.6")).await;
    let details = denied.expect_error(403, "ORDER_QUANTITY_LIMIT")["details"].clone();
    assert_eq!((&details["limit"], &details["would_be"]), (&json!("0.5"), &json!("0.6")));
    assert_eq!(details["order"]["status"], "denied");
    ann.place(&limit("buy", "BTC-USDT", ("0.1", "100"))).await.expect_error(403, "PRICE_COLLAR");
    ann.place_until(&market("buy", "ETH-USDT", "0.6"), &["filled"]).await;

    let seq = ann.last_seq().await;
    assert_eq!(ann.client.post("/risk/limits", &body).await.expect(200)["version"], 1);
    assert_eq!(ann.last_seq().await, seq, "the same limits again change nothing");
    let table = [
        (json!({ "order_notional_max": "1000" }), "ORDER_NOTIONAL_LIMIT"),
        (json!({ "position_notional_max": "1000" }), "POSITION_LIMIT"),
        (json!({ "gross_exposure_max": "1000" }), "GROSS_EXPOSURE_LIMIT"),
        (json!({ "net_exposure_max": "1000" }), "NET_EXPOSURE_LIMIT"),
        (json!({ "open_orders_max": 0 }), "OPEN_ORDERS_LIMIT"),
        (json!({ "symbols_denied": ["BTC-USDT"] }), "SYMBOL_NOT_ALLOWED"),
        (json!({ "symbols_allowed": ["ETH-USDT"] }), "SYMBOL_NOT_ALLOWED"),
    ];
    for (mut body, code) in table {
        body["scope"] = "tenant".into();
        ann.client.post("/risk/limits", &body).await.expect(200);
        ann.place(&market("buy", "BTC-USDT", "0.4")).await.expect_error(403, code);
    }
    ann.client.post("/risk/limits", &json!({ "scope": "tenant" })).await.expect(200);
    for (field, value, code) in [
        ("order_quantity_max", json!("-1"), "INVALID_LIMIT"),
        ("order_quantity_max", json!("many"), "INVALID_LIMIT"),
        ("symbols_denied", json!(["DOGE"]), "UNKNOWN_SYMBOL"),
        ("name", json!("nobody"), "INVALID_SCOPE"),
    ] {
        let mut body = json!({ "scope": "tenant" });
        body[field] = value;
        ann.client.post("/risk/limits", &body).await.expect_error(400, code);
    }
    let nobody = json!({ "scope": "account", "name": "nobody", "open_orders_max": 1 });
    ann.client.post("/risk/limits", &nobody).await.expect_error(400, "UNKNOWN_ACCOUNT");
    let version = ann.client.get("/risk/limits").await.expect(200)["version"].clone();
    assert_eq!(version, 9);
    for (if_match, status) in [("\"8\"", 412), ("x", 400), ("\"9\"", 200)] {
        let body = json!({ "scope": "tenant", "open_orders_max": 7 });
        let answer = ann.client.post_if_match("/risk/limits", if_match, &body).await;
        assert_eq!(answer.status, status, "{if_match}: {}", answer.body);
    }

    server.kill().await;
    server.start_again().await;
    ann = ann.sign_in(server.client()).await;
    let kept = eventually("the tenant is back", async || {
        let kept = ann.client.get("/risk/limits").await;
        (kept.status == 200).then_some(kept)
    })
    .await;
    assert_eq!(
        (&kept.expect(200)["version"], kept.expect(200)["limits"].as_array().unwrap().len()),
        (&json!(10), 2)
    );
    let sql = format!("update app_user set role = 'trader' where email = '{}'", ann.email);
    server.cluster().execute("bulkhead", &sql).await;
    ann = ann.sign_in(server.client()).await;
    ann.client.post("/risk/limits", &json!({ "scope": "tenant" })).await.expect_error(403, "FORBIDDEN");
}
