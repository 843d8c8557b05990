//! The program as an operator sees it: stopping, starting again, standing in its own way, and looking after the journal.

use crate::harness::postgres::Cluster;
use crate::harness::program;
use crate::harness::trader::{limit, market, named};
use crate::harness::{Client, Server, ServerOptions, TestDir, Trader, eventually};
use rustix::process::Signal;
use serde_json::Value;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};

async fn serve(data: &std::path::Path, listen: &str) -> program::Finished {
    program::run("bulkhead", &["serve", "--no-demo", "--listen", listen, "--data", data.to_str().unwrap()])
        .await
}

#[tokio::test]
async fn a_restart_keeps_everything_and_a_second_server_is_told_why_not() {
    let mut server = Server::start(ServerOptions::default()).await;
    let trader = server.trader("ann").await;
    let resting =
        trader.place_until(&named(limit("buy", "BTC-USDT", ("0.01", "30000")), "rests"), &["accepted"]).await;
    trader.place_until(&market("buy", "ETH-USDT", "1"), &["filled"]).await;
    let (events, trades) = (trader.events().await, trader.client.get("/trades").await.items().to_vec());
    let balances = trader.client.get("/balances").await.items().to_vec();

    let same_data = serve(&server.data(), "127.0.0.1:0").await;
    assert_eq!(same_data.code, Some(1));
    assert!(same_data.stderr.contains("in use by process"), "{}", same_data.stderr);
    let other = server.dir().join("other");
    let same_port = serve(&other, &server.address()).await;
    assert_eq!(same_port.code, Some(1));
    assert!(same_port.stderr.contains(&server.address()), "{}", same_port.stderr);
    assert!(!same_port.stderr.contains("panicked"), "{}", same_port.stderr);

    assert!(server.terminate().await.success(), "SIGTERM drains: {}", server.log());
    server.start_again().await;
    server.await_ready().await;
    assert!(!server.log().contains("_sqlx_migrations"), "what is there already is no news");
    let trader = trader.sign_in(server.client()).await;
    assert_eq!(trader.events().await[..events.len()], events, "the journal begins as it was");
    assert_eq!(trader.client.get("/trades").await.items(), trades);
    assert_eq!(trader.client.get("/balances").await.items(), balances);
    let id = resting["id"].as_str().unwrap();
    trader.await_serving().await;
    assert_eq!(trader.order(id).await["status"], "accepted", "an open order is still open");
    trader.client.delete(&format!("/orders/{id}")).await.expect(202);
    trader.await_status(id, &["canceled"]).await;
    assert!(server.terminate().await.success());
}

/// Whoever started it keeps it running.
#[tokio::test]
async fn a_private_postgres_that_is_killed_is_started_again() {
    let mut server = Server::start(ServerOptions::default()).await;
    let trader = server.trader("ann").await;
    trader.place_until(&market("buy", "ETH-USDT", "1"), &["filled"]).await;
    for number in 0..2 {
        server.cluster().kill().await;
        let order = named(market("buy", "ETH-USDT", "1"), &format!("after-{number}"));
        eventually("orders are durable again", async || {
            matches!(trader.place(&order).await.status, 200 | 201).then_some(())
        })
        .await;
    }
    server.await_ready().await;
    assert_eq!(server.log().matches("postgres runs again").count(), 2, "{}", server.log());
    assert!(server.terminate().await.success(), "{}", server.log());
    let left = std::fs::read_to_string(server.data().join("postgres/postmaster.pid"));
    assert!(left.is_err(), "it is stopped together with the server");
}

#[tokio::test]
async fn a_hangup_drains_like_any_other_signal_to_end() {
    let mut server = Server::start(ServerOptions::default()).await;
    assert!(server.hang_up().await.success(), "{}", server.log());
    assert!(server.log().contains("stopping"), "{}", server.log());
}

/// Neither the ready line nor the log has anybody who reads it.
#[tokio::test]
async fn a_server_outlives_the_readers_of_its_output() {
    let dir = TestDir::new();
    let data = dir.join("data");
    let mut command = program::command("bulkhead");
    command.args(["serve", "--no-demo", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
    drop((lines, child.stderr.take()));
    let client = Client::new(ready["listen"].as_str().unwrap());
    let trader = Trader::sign_up(client, "ann").await;
    // Starting a tenant and losing the database are both told in the log.
    let cluster = Cluster::of(&data);
    cluster.kill().await;
    eventually("it serves without anybody listening", async || {
        (trader.place(&market("buy", "ETH-USDT", "1")).await.status == 201).then_some(())
    })
    .await;
    program::signal(child.id().unwrap(), Signal::TERM);
    assert_eq!(child.wait().await.unwrap().code(), Some(0));
    cluster.remove();
}

/// What `| head` does.
#[tokio::test]
async fn a_command_whose_reader_has_left_ends_quietly() {
    let server = Server::start(ServerOptions::default()).await;
    let trader = server.trader("ann").await;
    trader.place_until(&market("buy", "ETH-USDT", "1"), &["filled"]).await;
    let (data, tenant) = (server.data(), trader.tenant_id.to_string());
    for arguments in [vec!["tenant", "list"], vec!["journal", "show", "--tenant", &tenant]] {
        let mut command = program::command("bulkhead");
        command.args(&arguments).arg("--data").arg(&data).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().await.unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {stderr}");
        assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
    }
}

#[tokio::test]
async fn the_journal_is_verified_from_the_database_alone() {
    let mut server = Server::start(ServerOptions::default()).await;
    let trader = server.trader("ann").await;
    trader.place_until(&market("buy", "ETH-USDT", "1"), &["filled"]).await;
    let data = server.data();
    let data = data.to_str().unwrap().to_owned();
    let verify = ["journal", "verify", "--data", &data];
    let beside = program::run("bulkhead", &verify).await;
    assert_eq!(beside.code, Some(0), "beside the running server: {}{}", beside.stdout, beside.stderr);

    let tenant = trader.tenant_id.to_string();
    let shown = program::run("bulkhead", &["journal", "show", "--data", &data, "--tenant", &tenant]).await;
    let seqs: Vec<i64> = shown
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["seq"].as_i64().unwrap())
        .collect();
    assert_eq!(seqs, (1..=trader.last_seq().await).collect::<Vec<_>>());
    let show = ["journal", "show", "--data", &data, "--limit", "2", "--tenant"];
    let cut = program::run("bulkhead", &[&show[..], &[&tenant]].concat()).await;
    assert_eq!((cut.code, cut.stdout.lines().count()), (Some(0), 2), "{}", cut.stderr);
    assert!(cut.stderr.contains("--after 2"), "says that there is more: {}", cut.stderr);
    let nobody = uuid::Uuid::nil().to_string();
    let unknown = program::run("bulkhead", &[&show[..], &[&nobody]].concat()).await;
    assert_eq!(unknown.code, Some(1), "{}", unknown.stdout);
    assert!(unknown.stderr.contains(&nobody), "{}", unknown.stderr);
    let listed = program::run("bulkhead", &["tenant", "list", "--data", &data]).await;
    assert!(listed.stdout.contains(&tenant), "{}", listed.stdout);

    let sql = "update journal set payload = replace(payload, 'ETH', 'BTC') where kind = 'order_submitted'";
    server.cluster().execute("bulkhead", sql).await;
    let bad = trader.events().await;
    let bad = bad.iter().find(|event| event["kind"] == "order_submitted").unwrap()["seq"].to_string();
    for _ in 0..2 {
        let tampered = program::run("bulkhead", &verify).await;
        assert_eq!(tampered.code, Some(1), "{}", tampered.stdout);
        let text = format!("{}{}", tampered.stdout, tampered.stderr);
        assert!(text.contains(&bad) && text.contains(&tenant), "names tenant and seq {bad}: {text}");
        // The second time without the server: the command starts the database for itself.
        if server.is_running() {
            server.terminate().await;
        }
    }
}

/// A venue that cannot have its log does not say that it is ready.
#[tokio::test]
async fn a_venue_is_ready_when_it_has_its_log() {
    let dir = TestDir::new();
    let data = dir.join("venue");
    let venue = |listen: &str| {
        let mut command = program::command("bulkhead");
        command.args(["venue", "paper", "--listen", listen, "--data"]).arg(&data);
        command
    };
    let first = program::Running::start(venue("127.0.0.1:0"), &dir.join("venue.log")).await;
    let second = venue("127.0.0.1:0").output().await.unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(second.stdout.is_empty(), "{}", String::from_utf8_lossy(&second.stdout));
    assert!(String::from_utf8_lossy(&second.stderr).contains("in use"));
    let third = venue(&first.listen()).output().await.unwrap();
    assert_eq!(third.status.code(), Some(1));
    let said = String::from_utf8_lossy(&third.stderr);
    assert!(said.contains("another process listens on"), "{said}");
    assert!(first.terminate().await.success());
}

#[tokio::test]
async fn settings_that_mean_nothing_are_refused() {
    let unknown = program::run("bulkhead", &["serve", "--lisen", "127.0.0.1:0"]).await;
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.stderr.contains("--lisen"), "{}", unknown.stderr);
    let mut command = program::command("bulkhead");
    command.args(["serve", "--listen", "127.0.0.1:0"]).env("BULKHEAD_LISEN", "x");
    let output = command.output().await.unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("BULKHEAD_LISEN"));
    let dir = TestDir::new();
    let data = dir.join("data");
    let replay =
        ["serve", "--replay-trades", "/nowhere/t.csv", "--replay-quotes", "/nowhere/q.csv", "--data"];
    let replay = program::run("bulkhead", &[&replay[..], &[data.to_str().unwrap()]].concat()).await;
    assert_eq!(replay.stderr.matches("(os error 2)").count(), 1, "{}", replay.stderr);
    let missing = program::run("bulkhead", &["journal", "verify", "--data", "/nonexistent/bulkhead"]).await;
    assert_ne!(missing.code, Some(0));
    assert!(missing.stderr.contains("/nonexistent/bulkhead"), "{}", missing.stderr);
}
