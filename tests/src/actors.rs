//! Actors that are killed and that panic, one after the other, under load: their tenant serves again and loses nothing,
//! and its neighbour notices nothing at all.

use crate::harness::checker::Case;
use crate::harness::load::{Load, LoadOptions};
use crate::harness::record::Record;
use crate::harness::trader::{limit, market, named};
use crate::harness::web_socket::Socket;
use crate::harness::{Client, Server, ServerOptions, eventually};
use bulkhead_checker::venue_log::{self, VenueRecord};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::atomic::Ordering;
use uuid::Uuid;

/// Below the tenant.
const ACTORS: [&str; 5] = ["core/ledger", "core/portfolio", "core/risk", "core/order_desk", "sessions/paper"];
const PROGRESS: u64 = 5;

/// What an admin does to one tenant.
struct Admin {
    client: Client,
    tenant_id: Uuid,
}

impl Admin {
    async fn of(server: &Server, tenant_id: Uuid) -> Self {
        Self { client: server.admin().await, tenant_id }
    }

    async fn tenant(&self, what: &str, body: &Value) -> crate::harness::Answer {
        self.client.post(&format!("/admin/tenants/{}/{what}", self.tenant_id), body).await
    }

    async fn kill(&self, path: &str) {
        self.tenant("actors/kill", &json!({ "path": path, "reason": "test" })).await.expect(202);
    }

    async fn panic(&self, path: &str) -> u16 {
        let fault = json!({ "tenant_id": self.tenant_id, "path": path, "kind": "panic" });
        self.client.post("/admin/faults", &fault).await.status
    }

    async fn tree(&self) -> Value {
        let answer = self.client.get(&format!("/admin/tenants/{}/tree", self.tenant_id)).await;
        answer.expect(200).clone()
    }

    /// How often the actor was started, if it is there and running.
    async fn incarnation(&self, path: &str) -> Option<u64> {
        let tree = self.tree().await;
        let found = find(&tree, path)?;
        (found["state"] == "running").then(|| found["incarnation"].as_u64().unwrap())
    }

    /// Waits until the actor runs in a later life than before.
    async fn await_later_than(&self, path: &str, before: u64) {
        eventually(&format!("{path} is started again"), async || {
            self.incarnation(path).await.filter(|now| *now > before)
        })
        .await;
    }
}

/// The actor whose path ends like this.
fn find<'a>(node: &'a Value, path: &str) -> Option<&'a Value> {
    if node["path"].as_str().is_some_and(|full| full.ends_with(path)) {
        return Some(node);
    }
    node["children"].as_array()?.iter().find_map(|child| find(child, path))
}

async fn check(server: &Server, record: &Record) {
    let database_url = server.cluster().url("bulkhead");
    let venue_log = server.venue_log();
    let case = Case { record: record.path(), venue_log: &venue_log, database_url: &database_url };
    case.run().await.assert_green();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_actor_may_die_under_load_and_the_neighbour_notices_nothing() {
    let mut server = Server::start(ServerOptions::with(&["--allow-faults"])).await;
    let load = Load::start(&server, LoadOptions { seed: 71, tenants: 1, connections: 8 }).await;
    let neighbour = Load::start(&server, LoadOptions { seed: 72, tenants: 1, connections: 4 }).await;
    let admin = Admin::of(&server, load.tenants[0].trader.tenant_id).await;
    load.await_progress(PROGRESS).await;
    for path in ACTORS {
        let before = admin.incarnation(path).await.unwrap_or_else(|| panic!("{path} runs"));
        load.await_in_flight(1).await;
        admin.kill(path).await;
        admin.await_later_than(path, before).await;
        load.await_progress(PROGRESS).await;

        let before = eventually("the actor runs", async || admin.incarnation(path).await).await;
        assert_eq!(admin.panic(path).await, 202, "{path}");
        admin.await_later_than(path, before).await;
        load.await_progress(PROGRESS).await;
        neighbour.await_progress(1).await;
    }
    let tree = admin.tree().await;
    for path in ACTORS {
        let actor = find(&tree, path).unwrap();
        let causes = actor["recent_restarts"].to_string();
        assert!(causes.contains("panic"), "{path} shows why it was started again: {causes}");
    }
    let troubles = neighbour.tenants[0].troubles.load(Ordering::Relaxed);
    let (record, neighbours) = (load.finish().await, neighbour.finish().await);
    check(&server, &record).await;
    check(&server, &neighbours).await;
    assert_eq!(troubles, 0, "the neighbour had no trouble at all");
    server.terminate().await;
}

fn is_canceled_at_venue(log: &Path, venue_client_id: &str) -> bool {
    let lines = venue_log::read(log).unwrap();
    lines.iter().any(|line| {
        matches!(&line.record, VenueRecord::Canceled(canceled) if canceled.venue_client_id == venue_client_id)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_loop_quarantines_its_tenant_and_nobody_else() {
    let server = Server::start(ServerOptions::with(&["--allow-faults"])).await;
    let (ann, bob) = (server.trader("ann").await, server.trader("bob").await);
    let admin = Admin::of(&server, ann.tenant_id).await;
    let resting = named(limit("buy", "BTC-USDT", ("0.01", "30000")), "rests");
    let order = ann.place_until(&resting, &["accepted"]).await;
    let neighbours = bob.place_until(&resting, &["accepted"]).await;
    let id = order["id"].as_str().unwrap();
    let mut following =
        Socket::follow(&server.address(), ann.client.token(), &json!([{ "name": "orders" }])).await;

    // Each panic waits for the actor to be there again; questions make it meet its fault.
    let refused = eventually("the tenant is quarantined", async || {
        admin.panic("core/order_desk").await;
        let answer = ann.place(&named(market("buy", "BTC-USDT", "90"), &Uuid::new_v4().to_string())).await;
        (answer.code() == "QUARANTINED").then_some(answer)
    })
    .await;
    let error = refused.expect_error(503, "QUARANTINED");
    assert_eq!((&error["outcome"], &error["retryable"]), (&json!("not_executed"), &json!(true)));
    let canceled = order["venue_client_id"].as_str().unwrap();
    eventually("the open order is cancelled at the venue", async || {
        is_canceled_at_venue(&server.venue_log(), canceled).then_some(())
    })
    .await;

    // History is readable, nothing can be written.
    assert!(ann.events().await.len() > 3);
    let doubted = ann.order(id).await;
    assert_eq!(doubted["id"], order["id"]);
    // The venue was told to cancel it, and nobody writes down what came of it.
    assert_eq!((&doubted["status"], &doubted["certainty"]), (&json!("unknown"), &json!("unknown")));
    let (code, reason) = following.await_close().await;
    assert_eq!(code, 4009, "{reason}");
    assert!(reason.contains("QUARANTINED"), "{reason}");
    for path in ["/orders", "/trades", "/orders/by-client-id/rests"] {
        assert_eq!(ann.client.get(path).await.status, 200, "{path}");
    }
    ann.client.delete(&format!("/orders/{id}")).await.expect_error(503, "QUARANTINED");
    eventually("the tree says so", async || (admin.tree().await["state"] == "quarantined").then_some(()))
        .await;

    // The neighbour trades on, its order untouched.
    assert_eq!(bob.order(neighbours["id"].as_str().unwrap()).await["status"], "accepted");
    bob.place_until(&market("buy", "BTC-USDT", "0.01"), &["filled"]).await;

    admin.tenant("release", &json!({})).await.expect(202);
    ann.await_serving().await;
    ann.await_status(id, &["canceled"]).await;
    assert_eq!(ann.place(&resting).await.expect(200)["id"], order["id"]);
    ann.place_until(&market("buy", "BTC-USDT", "0.01"), &["filled"]).await;
}

#[tokio::test]
async fn an_idle_tenant_leaves_memory_and_comes_back_with_its_first_message() {
    let server = Server::start(ServerOptions::with(&["--idle-after", "1"])).await;
    let (ann, bob) = (server.trader("ann").await, server.trader("bob").await);
    let (anns, bobs) = (Admin::of(&server, ann.tenant_id).await, Admin::of(&server, bob.tenant_id).await);
    ann.await_serving().await;
    let resting = bob.place_until(&limit("buy", "BTC-USDT", ("0.01", "30000")), &["accepted"]).await;
    let events = ann.events().await;

    let is_gone = async |admin: &Admin| admin.tree().await["children"].as_array().unwrap().is_empty();
    eventually("the idle tenant is stopped", async || is_gone(&anns).await.then_some(())).await;
    assert!(!is_gone(&bobs).await, "not while an order is open");
    bobs.tenant("passivate", &json!({})).await.expect_error(409, "ACTOR_CONFLICT");

    let order = ann.place_until(&market("buy", "BTC-USDT", "0.01"), &["filled"]).await;
    assert_eq!(ann.events().await[..events.len()], events);
    assert!(!is_gone(&anns).await, "not while something is held");
    ann.place_until(&market("sell", "BTC-USDT", "0.01"), &["filled"]).await;
    bob.client.delete(&format!("/orders/{}", resting["id"].as_str().unwrap())).await.expect(202);
    eventually("both are stopped", async || (is_gone(&anns).await && is_gone(&bobs).await).then_some(()))
        .await;
    // What is read from the tables does not wake anybody; what is asked of the actors does.
    assert_eq!(ann.order(order["id"].as_str().unwrap()).await["status"], "filled");
    assert_eq!(ann.client.get("/portfolio").await.status, 200);
    assert!(!is_gone(&anns).await);
}

#[tokio::test]
async fn faults_need_the_flag_and_an_admin() {
    let server = Server::start(ServerOptions::default()).await;
    let ann = server.trader("ann").await;
    ann.await_serving().await;
    let admin = Admin::of(&server, ann.tenant_id).await;
    let fault = json!({ "tenant_id": ann.tenant_id, "path": "core/order_desk", "kind": "panic" });
    admin.client.post("/admin/faults", &fault).await.expect_error(403, "FAULTS_DISABLED");
    ann.client.post("/admin/faults", &fault).await.expect_error(403, "FORBIDDEN");
    let kill = json!({ "path": "core/nobody", "reason": "test" });
    admin.tenant("actors/kill", &kill).await.expect_error(404, "ACTOR_NOT_FOUND");
    let nobody = Admin { client: admin.client.clone(), tenant_id: Uuid::new_v4() };
    nobody.tenant("quarantine", &json!({ "reason": "test" })).await.expect_error(404, "TENANT_NOT_FOUND");

    let silent = json!({ "path": "core/order_desk" });
    for path in ["actors/kill", "actors/restart", "quarantine"] {
        let mut body = if path == "quarantine" { json!({}) } else { silent.clone() };
        admin.tenant(path, &body).await.expect_error(400, "FIELD_MISSING");
        body["reason"] = "  ".into();
        admin.tenant(path, &body).await.expect_error(400, "FIELD_MISSING");
    }

    // By hand, without any fault.
    let order = ann.place_until(&limit("buy", "BTC-USDT", ("0.01", "30000")), &["accepted"]).await;
    admin.tenant("quarantine", &json!({ "reason": "by hand" })).await.expect(202);
    let refused = ann.place(&market("buy", "BTC-USDT", "0.01")).await;
    let message = refused.expect_error(503, "QUARANTINED")["message"].as_str().unwrap().to_owned();
    assert!(!message.contains("failures"), "nothing failed: {message}");
    let canceled = order["venue_client_id"].as_str().unwrap();
    eventually("the open order is cancelled at the venue", async || {
        is_canceled_at_venue(&server.venue_log(), canceled).then_some(())
    })
    .await;
    admin.tenant("release", &json!({})).await.expect(202);
    ann.await_status(order["id"].as_str().unwrap(), &["canceled"]).await;
}
