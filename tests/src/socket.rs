//! The WebSocket of the real server: who may listen, where it resumes, and what becomes of those who do not keep up.

use crate::harness::trader::{limit, market, named};
use crate::harness::web_socket::{Said, Socket};
use crate::harness::{PATIENCE, Server, ServerOptions, Trader};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Reads a channel's events until its last one is `upto`.
async fn read_upto(socket: &mut Socket, channel: &str, upto: i64) -> Vec<Value> {
    let mut frames = Vec::new();
    loop {
        let frame = socket.event(channel).await;
        let seq = frame["seq"].as_i64().unwrap_or_else(|| panic!("an event has a seq: {frame}"));
        frames.push(frame);
        if seq >= upto {
            return frames;
        }
    }
}

fn seqs(frames: &[Value]) -> Vec<i64> {
    frames.iter().map(|frame| frame["seq"].as_i64().unwrap()).collect()
}

async fn trade_a_little(trader: &Trader, count: usize) -> i64 {
    for _ in 0..count {
        trader.place_until(&market("buy", "BTC-USDT", "0.001"), &["filled"]).await;
    }
    trader.last_seq().await
}

#[tokio::test]
async fn a_socket_shows_the_journal_and_resumes_without_gap_or_repetition() {
    let server = Server::start(ServerOptions::default()).await;
    let trader = server.trader("ann").await;
    let (address, token) = (server.address(), trader.client.token());
    let half = trade_a_little(&trader, 4).await;

    let mut socket = Socket::follow(&address, token, &json!([{ "name": "events", "after_seq": 0 }])).await;
    let first = read_upto(&mut socket, "events", half).await;
    assert_eq!(seqs(&first), (1..=half).collect::<Vec<_>>());
    let chain: Vec<i64> = first.iter().map(|frame| frame["prev_seq"].as_i64().unwrap_or(0)).collect();
    assert_eq!(chain, (0..half).collect::<Vec<_>>(), "each names the one before it");
    drop(socket);

    // What happens meanwhile is not lost; what comes while it resumes is not repeated.
    let meanwhile = trade_a_little(&trader, 3).await;
    let mut socket = Socket::follow(&address, token, &json!([{ "name": "events", "after_seq": half }])).await;
    let end = trade_a_little(&trader, 3).await;
    assert!(end > meanwhile);
    let rest = read_upto(&mut socket, "events", end).await;
    assert_eq!(seqs(&rest), (half + 1..=end).collect::<Vec<_>>());

    let mut filtered = Socket::follow(
        &address,
        token,
        &json!([{ "name": "orders", "after_seq": 0 }, { "name": "trades", "after_seq": 0 }]),
    )
    .await;
    let last_trade = trader.client.get("/trades?limit=1").await.items()[0]["seq"].as_i64().unwrap();
    let trades = read_upto(&mut filtered, "trades", last_trade).await;
    assert_eq!(trades.len(), trader.client.get("/trades?limit=500").await.items().len());
    for pair in trades.windows(2) {
        assert_eq!(pair[1]["prev_seq"], pair[0]["seq"], "a filtered channel has a chain of its own");
    }
    assert!(trades.iter().all(|frame| frame["type"] == "trade_executed"), "{trades:?}");
}

#[tokio::test]
async fn a_socket_is_proven_by_its_header_or_its_first_frame() {
    let server = Server::start(ServerOptions::default()).await;
    let (ann, bob) = (server.trader("ann").await, server.trader("bob").await);
    let (address, token) = (server.address(), ann.client.token());

    let mut socket = Socket::connect(&address, None).await;
    let proven = socket.ask(&json!({ "op": "auth", "id": 1, "token": token })).await;
    assert_eq!((&proven["op"], &proven["id"]), (&json!("authenticated"), &json!(1)));
    let pong = socket.ask(&json!({ "op": "ping", "id": "p" })).await;
    assert_eq!((&pong["op"], &pong["id"]), (&json!("pong"), &json!("p")));
    let refused = socket
        .ask(&json!({ "op": "subscribe", "channels": [{ "name": "weather" }, { "name": "orders", "after_seq": 9_999 }] }))
        .await;
    let codes: Vec<&Value> =
        refused["errors"].as_array().unwrap().iter().map(|one| &one["error"]["code"]).collect();
    assert_eq!(codes, [&json!("UNKNOWN_CHANNEL"), &json!("AFTER_SEQ_IN_FUTURE")]);
    for (frame, code) in [("nonsense", "BODY_NOT_JSON"), ("{\"op\":\"fly\"}", "INVALID_FRAME")] {
        let value: Value = serde_json::from_str(frame).unwrap_or_else(|_| json!(frame));
        let answer = socket.ask(&value).await;
        assert_eq!(answer["op"], "error", "{answer}");
        if value.is_object() {
            assert_eq!(answer["error"]["code"], code, "{answer}");
        }
    }
    let mixed = socket
        .ask(&json!({ "op": "subscribe", "id": "1", "channels": [
            { "name": "orders", "after_seq": 0 }, { "name": "portfolio" },
            { "name": "market.trades", "symbols": ["BTC-USDT"] }
        ] }))
        .await;
    assert_eq!((&mixed["op"], &mixed["id"]), (&json!("subscribed"), &json!("1")), "{mixed}");
    let followed: Vec<&Value> =
        mixed["channels"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(followed, [&json!("orders"), &json!("portfolio")], "{mixed}");
    assert_eq!(mixed["errors"].as_array().unwrap().len(), 1, "{mixed}");
    assert_eq!(mixed["errors"][0]["name"], "market.trades", "{mixed}");
    assert_eq!(mixed["errors"][0]["error"]["code"], "UNKNOWN_CHANNEL", "{mixed}");
    let unread = socket.ask(&json!({ "op": "ping", "id": 9, "colour": "red" })).await;
    assert_eq!((&unread["id"], &unread["error"]["code"]), (&json!(9), &json!("FIELD_UNKNOWN")), "{unread}");
    let other = socket.ask(&json!({ "op": "auth", "token": bob.client.token() })).await;
    assert_eq!(other["error"]["code"], "FORBIDDEN", "a socket stays its user's");

    for first in [json!({ "op": "auth", "token": "nonsense" }), json!({ "op": "ping" }), json!("nonsense")] {
        let mut stranger = Socket::connect(&address, None).await;
        stranger.send(&first).await;
        assert_eq!(stranger.await_close().await.0, 4001, "{first}");
    }
    // The end of the session is the end of its sockets.
    let mut listening = Socket::follow(&address, token, &json!([{ "name": "orders" }])).await;
    ann.client.post("/auth/logout", &json!({})).await.expect(200);
    assert_eq!(listening.await_close().await.0, 4001);
}

#[tokio::test]
async fn the_portfolio_channel_shows_the_present_picture() {
    let server = Server::start(ServerOptions::default()).await;
    let (ann, bob) = (server.trader("ann").await, server.trader("bob").await);
    let mut socket =
        Socket::follow(&server.address(), ann.client.token(), &json!([{ "name": "portfolio" }])).await;
    let snapshot = socket.event("portfolio").await;
    assert_eq!((&snapshot["type"], &snapshot["data"]["cash"]), (&json!("snapshot"), &json!("100000")));
    bob.place_until(&market("buy", "BTC-USDT", "0.2"), &["filled"]).await;
    ann.place_until(&market("buy", "BTC-USDT", "0.1"), &["filled"]).await;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let update = socket.event("portfolio").await;
        assert_eq!(update["type"], "portfolio_update");
        let held = &update["data"]["positions"][0]["quantity"];
        assert!(held.is_null() || *held == "0.1", "nobody else's position: {update}");
        if *held == "0.1" {
            assert!(update["seq"].as_i64() > snapshot["seq"].as_i64());
            break;
        }
        assert!(Instant::now() < deadline, "the picture follows");
    }
}

/// A client that does not read is told where it was, and resumes there.
#[tokio::test]
async fn a_slow_consumer_is_disconnected_and_misses_nothing() {
    let server = Server::start(ServerOptions::default()).await;
    let trader = server.trader("ann").await;
    let (address, token) = (server.address(), trader.client.token());
    let channels = json!([{ "name": "events", "after_seq": 0 }, { "name": "orders", "after_seq": 0 }]);
    let mut slow = Socket::follow(&address, token, &channels).await;
    make_noise(&trader, 16, 170).await;
    let end = trader.last_seq().await;
    let mut seen: Vec<i64> = Vec::new();
    loop {
        match slow.next().await {
            Said::Frame(frame) if frame["ch"] == "events" => seen.extend(frame["seq"].as_i64()),
            Said::Frame(_) => {}
            Said::Closed { code, reason } => {
                assert_eq!(code, 4008, "{reason}");
                assert!(reason.contains("after_seq="), "{reason}");
                break;
            }
            Said::Broken => panic!("it ended without saying where to resume"),
        }
        assert_ne!(seen.last(), Some(&end), "a client that did not read for so long was disconnected");
    }
    let after = i64::try_from(seen.len()).unwrap();
    assert_eq!(seen, (1..=after).collect::<Vec<_>>(), "in order, without a gap");
    let mut again = Socket::follow(&address, token, &json!([{ "name": "events", "after_seq": after }])).await;
    assert_eq!(seqs(&read_upto(&mut again, "events", end).await), (after + 1..=end).collect::<Vec<_>>());
}

/// More events than the buffers between the two hold.
async fn make_noise(trader: &Trader, workers: usize, orders: usize) {
    let work = |worker: usize| {
        let trader = trader.clone();
        tokio::spawn(async move {
            for number in 0..orders {
                let name = format!("s{worker}-{number}");
                let mut body = named(limit("buy", "BTC-USDT", ("0.001", "30000")), &name);
                body["time_in_force"] = "ioc".into();
                trader.place(&body).await;
            }
        })
    };
    let busy: Vec<_> = (0..workers).map(work).collect();
    for worker in busy {
        timeout(Duration::from_secs(120), worker).await.expect("the noise ends").unwrap();
    }
    trader.close_all().await;
}
