//! A recording as the market: orders fill against what was quoted, and the end of the file is the end of the market.

use crate::harness::trader::{decimal, limit, market};
use crate::harness::{Server, ServerOptions, TestDir, eventually, program};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

/// Seconds of recorded market.
const SECONDS: u32 = 20;
const TRADES_HEADER: &str = "timestamp,symbol,trade_id,price,quantity,buyer_maker\n";
const QUOTES_HEADER: &str = "timestamp,symbol,bid,bid_size,ask,ask_size\n";

struct Recording {
    dir: TestDir,
}

fn moment(second: u32) -> String {
    format!("2021-01-08T00:00:{second:02}.000000Z")
}

impl Recording {
    /// A market that stands still at 39999 to 40001.
    fn new() -> Self {
        let recording = Self { dir: TestDir::new() };
        let (mut trades, mut quotes) = (TRADES_HEADER.to_owned(), QUOTES_HEADER.to_owned());
        for second in 0..SECONDS {
            writeln!(quotes, "{},BTC-USDT,39999,5,40001,5", moment(second)).unwrap();
            writeln!(trades, "{},BTC-USDT,{},40000,0.5,true", moment(second), second + 1).unwrap();
        }
        fs::write(recording.trades(), trades).unwrap();
        fs::write(recording.quotes(), quotes).unwrap();
        recording
    }

    fn trades(&self) -> PathBuf {
        self.dir.join("trades.csv")
    }

    fn quotes(&self) -> PathBuf {
        self.dir.join("quotes.csv")
    }

    fn arguments(&self) -> Vec<String> {
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        vec!["--replay-trades".into(), text(self.trades()), "--replay-quotes".into(), text(self.quotes())]
    }
}

#[tokio::test]
async fn orders_fill_against_what_was_quoted_until_the_recording_ends() {
    let recording = Recording::new();
    let server = Server::start(ServerOptions { arguments: recording.arguments() }).await;
    let trader = server.trader("ann").await;
    let bought = trader.place_until(&market("buy", "BTC-USDT", "0.2"), &["filled"]).await;
    assert_eq!(decimal(&bought["average_price"]), Decimal::from(40_001));
    assert!(bought["fills"][0]["ts"].as_str().unwrap().starts_with("2021-01-08T"), "{bought}");
    let sold = trader.place_until(&market("sell", "BTC-USDT", "0.1"), &["filled"]).await;
    assert_eq!(decimal(&sold["average_price"]), Decimal::from(39_999));
    let resting =
        trader.place_until(&limit("buy", "BTC-USDT", ("0.1", "35000")), &["accepted", "canceled"]).await;

    // The end of the recording closes the market: nothing is quoted, and what rested is over.
    let id = resting["id"].as_str().unwrap();
    trader.await_status(id, &["canceled", "expired"]).await;
    let refused = eventually("the market is closed", async || {
        let answer = trader.place(&market("buy", "BTC-USDT", "0.1")).await;
        match answer.status {
            403 => Some(answer.code().to_owned()),
            201 => {
                let order = trader.order(answer.body["data"]["id"].as_str().unwrap()).await;
                (order["status"] == "rejected").then(|| order["reason"]["code"].as_str().unwrap().to_owned())
            }
            _ => None,
        }
    })
    .await;
    assert!(["NO_MARKET_PRICE", "MARKET_CLOSED"].contains(&refused.as_str()), "{refused}");
    assert_eq!(trader.client.get("/positions/BTC-USDT").await.status, 200);
}

/// Nobody has to trade for it.
#[tokio::test]
async fn how_far_a_replay_is_and_its_end_are_in_the_log() {
    let recording = Recording::new();
    let mut arguments = recording.arguments();
    arguments.extend(["--speed".to_owned(), "20".to_owned()]);
    let server = Server::start(ServerOptions { arguments }).await;
    let rows = format!("rows_total={}", 2 * SECONDS);
    let end = eventually("the replay has ended", async || {
        server.log().lines().find(|line| line.contains("percent=100")).map(str::to_owned)
    })
    .await;
    assert!(end.contains(&rows), "{end}");
    assert!(server.log().matches("percent=").count() < 5, "said now and then only:\n{}", server.log());
}

/// What is wrong is named with its file, line and column, before anything starts.
#[tokio::test]
async fn a_bad_row_is_named_before_anything_starts() {
    let cases: [(&str, &str, Value); 4] = [
        ("39999,5,40001,5", "39999,five,40001,5", json!(["quotes.csv", "4", "bid_size"])),
        ("BTC-USDT,39999,5,40001,5", "BTC-USDT,39999,5", json!(["quotes.csv", "4"])),
        ("2021-01-08T00:00:02.000000Z,BTC", "yesterday,BTC", json!(["quotes.csv", "4", "timestamp"])),
        ("39999,5,40001,5", "40002,5,40001,5", json!(["quotes.csv", "4", "ask", "40001", "40002"])),
    ];
    for (good, bad, named) in cases {
        let recording = Recording::new();
        let text = fs::read_to_string(recording.quotes()).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines[3] = lines[3].replace(good, bad);
        fs::write(recording.quotes(), lines.join("\n") + "\n").unwrap();
        let data = recording.dir.join("data");
        let mut arguments =
            vec!["serve", "--listen", "127.0.0.1:0", "--no-demo", "--data", data.to_str().unwrap()];
        let replay = recording.arguments();
        arguments.extend(replay.iter().map(String::as_str));
        let finished = program::run("bulkhead", &arguments).await;
        assert_eq!(finished.code, Some(1), "{bad}: {}", finished.stderr);
        for part in named.as_array().unwrap() {
            let part = part.as_str().unwrap();
            assert!(finished.stderr.contains(part), "{bad}: {part} is named in {}", finished.stderr);
        }
        assert!(!finished.stderr.contains("panicked"), "{}", finished.stderr);
    }
}
