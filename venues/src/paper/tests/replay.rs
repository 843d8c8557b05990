//! Recordings: order, clock, progress, the end, and what is said about a bad one.

use super::rig::{TestDir, account, dec};
use crate::link::{Funding, RequestId, RequestKind, VenueMessage, VenueRequest};
use crate::market::MarketEvent;
use crate::paper::{
    ConnectionId, Market, MarketConfig, PaperInput, PaperVenue, Replay, ReplayFiles, ReplayProgress,
};
use bulkhead_domain::order::Side;
use bulkhead_domain::report::{ReportKind, VenueOrderState};
use bulkhead_domain::{Amount, Currency, Timestamp};
use std::path::Path;

const TRADES: &str = "timestamp,symbol,trade_id,price,quantity,buyer_maker
2021-01-08T00:00:00.278000Z,BTC-USDT,1,39432.48,0.000263,True
2021-01-08T00:00:01.100000Z,BTC-USDT,2,39439.44,0.00031099999999999997,False
2021-01-08T00:00:03.000000Z,BTC-USDT,3,39430.00,7e-06,True
";
const QUOTES: &str = "timestamp,symbol,bid,bid_size,ask,ask_size
2021-01-08T00:00:01.076000Z,BTC-USDT,39432.99,0.0031,39433.62,0.066851
2021-01-08T00:00:02.000000Z,BTC-USDT,39430.71,0.031035000000000004,39444.95,0
";

fn files(dir: &TestDir, trades: &str, quotes: &str) -> ReplayFiles {
    let files = ReplayFiles { trades: dir.path().join("t.csv"), quotes: dir.path().join("q.csv"), speed: 2 };
    std::fs::write(&files.trades, trades).unwrap();
    std::fs::write(&files.quotes, quotes).unwrap();
    files
}

fn ts(text: &str) -> Timestamp {
    Timestamp::parse(&format!("2021-01-08T00:00:{text}Z")).unwrap()
}

#[test]
fn both_files_are_merged_in_recorded_time() {
    let dir = TestDir::new();
    let mut market = MarketConfig::Replay(files(&dir, TRADES, QUOTES)).open().unwrap();
    assert_eq!(market.instruments()[0].symbol.as_str(), "BTC-USDT");
    assert_eq!(market.instruments()[0].price_tick.to_string(), "0.01");
    let wall = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
    let clock = market.start(wall, Timestamp::EPOCH).unwrap();
    assert_eq!(clock.venue_time(wall), ts("00.278"));
    // Twice as fast: half a second is one recorded second.
    assert_eq!(clock.venue_time(wall.plus_micros(500_000)), ts("01.278"));
    let texts = |events: Vec<MarketEvent>| -> Vec<String> {
        let text = |event: &MarketEvent| match event {
            MarketEvent::Quote(quote) => format!("quote {:?} {:?}", quote.bids.first(), quote.asks.first()),
            MarketEvent::Trade(print) => format!("{:?} {}@{}", print.aggressor, print.quantity, print.price),
            MarketEvent::Closed { .. } => "closed".to_owned(),
        };
        events.iter().map(text).collect()
    };
    assert_eq!(texts(market.advance(ts("00.5")).unwrap()), ["Sell 0.000263@39432.48"]);
    assert_eq!(market.next_due(), Some(ts("01.076")));
    let second = texts(market.advance(ts("01.5")).unwrap());
    assert!(
        second[0].starts_with("quote Some(Level { price: Price(39432.99), quantity: Qty(0.0031)"),
        "{second:?}"
    );
    assert_eq!(second[1..], ["Buy 0.000311@39439.44"]);
    let progress = market.progress().unwrap();
    assert_eq!((progress.rows_done, progress.rows_total, progress.is_finished), (3, 5, false));
    assert_eq!(progress.recorded_time, ts("01.1"));
    let last = texts(market.advance(ts("59")).unwrap());
    assert_eq!(last[0], "quote Some(Level { price: Price(39430.71), quantity: Qty(0.031035) }) None");
    assert_eq!(last[1..], ["Sell 0.000007@39430", "closed"]);
    assert_eq!(market.next_due(), None);
    assert!(market.progress().unwrap().is_finished);
    assert!(market.advance(ts("59.5")).unwrap().is_empty());
}

#[test]
fn a_resumed_recording_goes_on_with_its_last_quote() {
    let dir = TestDir::new();
    let mut replay = Market::Replay(Box::new(Replay::open(files(&dir, TRADES, QUOTES)).unwrap()));
    let clock = replay.start(Timestamp::EPOCH, ts("01.5")).unwrap();
    assert_eq!(clock.venue_time(Timestamp::EPOCH), ts("01.5"));
    let events = replay.advance(ts("01.5")).unwrap();
    assert!(matches!(&events[..], [MarketEvent::Quote(quote)] if quote.ts == ts("01.076")), "{events:?}");
    let progress = replay.progress().unwrap();
    assert_eq!(
        progress,
        ReplayProgress { rows_done: 3, rows_total: 5, recorded_time: ts("01.5"), is_finished: false }
    );
}

/// Which file is changed how (what is replaced, by what), and what is then said.
const BAD: &[(&str, &str, &str, &str)] = &[
    ("t", "price", "prise", "line 1, column 4: found \"prise\", expected the header \"price\""),
    ("q", ",ask_size", "", "line 1, column 6: found nothing, expected the header \"ask_size\""),
    ("q", "ask_size", "ask_size,more", "line 1, column 7: found 7 columns, expected 6 columns"),
    ("t", "39439.44", "abc", "line 3, column price: found \"abc\", expected a positive price"),
    ("t", "39439.44", "-1", "line 3, column price: found \"-1\", expected a positive price"),
    ("t", "False", "maybe", "line 3, column buyer_maker: found \"maybe\", expected True or False"),
    ("t", ",2,", ",x,", "line 3, column trade_id: found \"x\", expected a whole number"),
    ("t", "0.000263,True", "0.000263", "line 2, column buyer_maker: found nothing, expected True or False"),
    ("t", "7e-06,True", "7e-06,True,1", "line 4, column 7: found 7 columns, expected 6 columns"),
    ("q", "0.066851", "NaN", "line 2, column ask_size: found \"NaN\", expected a size of zero or more"),
    (
        "q",
        "39433.62",
        "39432.98",
        "line 2, column ask: found \"39432.98\", expected a price not below the bid of 39432.99",
    ),
    (
        "q",
        "2021-01-08T00:00:02",
        "on",
        "line 3, column timestamp: found \"on.000000Z\", expected an RFC 3339 timestamp",
    ),
    (
        "t",
        "BTC-USDT",
        "BTCUSDT",
        "line 2, column symbol: found \"BTCUSDT\", expected a symbol such as BTC-USDT",
    ),
    ("t", TRADES, "", "line 1, column 1: found nothing, expected the header \"timestamp\""),
    (
        "q",
        "00:00:02.0",
        "00:00:00.0",
        "line 3, column timestamp: found 2021-01-08T00:00:00.000000Z, expected a time not before 2021-01-08T00:00:01.076000Z",
    ),
];

#[test]
fn bad_recordings_are_refused_with_the_exact_place() {
    for (file, from, to, expected) in BAD {
        let dir = TestDir::new();
        let (mut trades, mut quotes) = (TRADES.to_owned(), QUOTES.to_owned());
        let changed = if *file == "t" { &mut trades } else { &mut quotes };
        *changed = changed.replace(from, to);
        let error = Replay::open(files(&dir, &trades, &quotes)).unwrap_err().to_string();
        let expected = format!("{}, {expected}", dir.path().join(format!("{file}.csv")).display());
        assert_eq!(error, expected);
    }
    let dir = TestDir::new();
    let header = |text: &str| text.lines().next().unwrap().to_owned();
    let empty = Replay::open(files(&dir, &header(TRADES), &header(QUOTES))).unwrap_err().to_string();
    assert!(empty.ends_with("q.csv: no rows; expected at least one"), "{empty}");
    let missing = ReplayFiles { trades: "/nowhere/t.csv".into(), quotes: "/nowhere/q.csv".into(), speed: 1 };
    assert!(Replay::open(missing).unwrap_err().to_string().starts_with("cannot read /nowhere/t.csv"));
}

/// Buys at market throughout a whole recording, and leaves a bid far away that the end cancels.
fn trade_through(files: ReplayFiles) -> (usize, ReplayProgress) {
    let dir = TestDir::new();
    let mut market = MarketConfig::Replay(files).open().unwrap();
    let mut venue = PaperVenue::open(dir.path(), &market.instruments()).unwrap();
    market.start(Timestamp::EPOCH, venue.now()).unwrap();
    let ask = |venue: &mut PaperVenue, now, kind| {
        let (request_id, account) = (RequestId(1), account(1));
        let request = VenueRequest { request_id, account, expires_at: now, kind };
        venue.step(now, [PaperInput::Request { connection: ConnectionId(1), request }]).unwrap()
    };
    let funding = Funding { currency: Currency::parse("USDT").unwrap(), amount: Amount::from(dec("1000")) };
    ask(&mut venue, Timestamp::EPOCH, RequestKind::OpenAccount(funding));
    let (mut fills, mut sent) = (0, 0);
    while let Some(due) = market.next_due() {
        let events = market.advance(due).unwrap();
        let mut outputs = venue.step(due, events.into_iter().map(PaperInput::Market)).unwrap();
        let text = if sent == 0 { "0.01@1000" } else { "0.001" };
        let kind = RequestKind::Submit(super::rig::order(&format!("o{sent}"), Side::Buy, text));
        outputs.extend(ask(&mut venue, due, kind));
        sent += 1;
        for output in outputs {
            let VenueMessage::Report(report) = output.message else { continue };
            fills += usize::from(matches!(report.kind, ReportKind::Filled { .. }));
        }
    }
    let query = RequestKind::QueryOrder { venue_client_id: super::rig::id("o0") };
    let now = venue.now();
    let outputs = ask(&mut venue, now, query);
    let VenueMessage::Report(report) = &outputs[0].message else { panic!("{outputs:?}") };
    let ReportKind::State { order: Some(order) } = &report.kind else { panic!("{report:?}") };
    assert!(matches!(order.state, VenueOrderState::Canceled { .. }), "{order:?}");
    (fills, market.progress().unwrap())
}

#[test]
fn the_end_of_a_recording_closes_the_market() {
    let dir = TestDir::new();
    let (fills, progress) = trade_through(files(&dir, TRADES, QUOTES));
    assert!(fills > 0);
    assert_eq!((progress.rows_done, progress.is_finished), (5, true));
}

#[test]
fn a_real_recording_plays_to_its_end() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/market-data");
    let file = |kind: &str| data.join(format!("btcusdt-{kind}-2021-01-08.csv"));
    let files = ReplayFiles { trades: file("trades"), quotes: file("quotes"), speed: 1 };
    if !files.trades.exists() || !files.quotes.exists() {
        println!("skipped: no recordings beside the workspace");
        return;
    }
    let (fills, progress) = trade_through(files);
    assert!(fills > 1_000, "{fills}");
    assert_eq!(progress.rows_done, progress.rows_total);
    assert!(progress.is_finished);
}
