use super::*;
use bulkhead_domain::event::{CashDeposited, OrderAfter, OrderFilled};
use bulkhead_domain::order::{Execution, Liquidity, Mode, OrderRef, OrderStatus, Side};
use bulkhead_domain::{
    AccountId, Amount, ClientOrderId, Currency, Event, EventId, ExecutionId, OrderId, PortfolioId, Price,
    Qty, RecordedEvent, Symbol, Timestamp, VenueOrderId,
};
use serde_json::Value;
use uuid::Uuid;

fn deposit() -> Event {
    Event::CashDeposited(CashDeposited {
        portfolio: PortfolioId::parse("main").unwrap(),
        account: AccountId::parse("paper").unwrap(),
        currency: Currency::parse("USDT").unwrap(),
        amount: Amount::ZERO,
    })
}

fn fill() -> Event {
    Event::OrderFilled(OrderFilled {
        order: OrderRef {
            id: OrderId(Uuid::nil()),
            client_order_id: ClientOrderId::parse("c").unwrap(),
            portfolio: PortfolioId::parse("main").unwrap(),
            account: AccountId::parse("paper").unwrap(),
            symbol: Symbol::parse("BTC-USDT").unwrap(),
            side: Side::Buy,
        },
        mode: Mode::Paper,
        quote_currency: Currency::parse("USDT").unwrap(),
        venue_order_id: VenueOrderId::parse("v").unwrap(),
        execution: Execution {
            execution_id: ExecutionId::parse("x").unwrap(),
            price: Price::parse("2").unwrap(),
            quantity: Qty::parse("3").unwrap(),
            fee: Amount::ZERO,
            fee_currency: Currency::parse("USDT").unwrap(),
            liquidity: Liquidity::Taker,
            venue_ts: Timestamp::EPOCH,
        },
        late: false,
        after: OrderAfter {
            status: OrderStatus::Filled,
            filled_quantity: Qty::parse("3").unwrap(),
            average_price: None,
            version: 2,
        },
    })
}

/// A journal in batches, and the feed that publishes them.
struct Journal {
    sender: broadcast::Sender<Arc<CommittedBatch>>,
    heads: StreamHeads,
}

impl Journal {
    fn new() -> Self {
        Self { sender: broadcast::channel(4).0, heads: StreamHeads::default() }
    }

    fn subscribe(&self) -> Live {
        Live::new(FeedSubscription { heads: self.heads, receiver: self.sender.subscribe() })
    }

    fn commit(&mut self, events: Vec<Event>) -> Arc<CommittedBatch> {
        let heads_before = self.heads;
        let record = |event: Event| {
            let seq = self.heads.events + 1;
            self.heads.advance(seq, &event);
            RecordedEvent { seq, event_id: EventId(Uuid::nil()), recorded_at: Timestamp::EPOCH, event }
        };
        let batch = Arc::new(CommittedBatch::new(events.into_iter().map(record).collect(), heads_before));
        drop(self.sender.send(batch.clone()));
        batch
    }
}

fn sent(live: &mut Live, channels: &mut [Followed]) -> Vec<(String, i64, i64)> {
    let mut frames = Vec::new();
    while let Some(batch) = live.try_next().unwrap() {
        live.take(&batch, channels, |frame| {
            let value: Value = serde_json::from_str(frame.text.as_str()).unwrap();
            let number = |name: &str| value[name].as_i64().unwrap();
            frames.push((value["ch"].as_str().unwrap().to_owned(), number("seq"), number("prev_seq")));
        });
    }
    frames
}

#[test]
fn channels_show_their_events_once_with_the_one_before() {
    let mut journal = Journal::new();
    journal.commit(vec![deposit(), fill()]);
    let mut live = journal.subscribe();
    let mut channels =
        [Stream::Trades, Stream::Events].map(|stream| Followed::from_now(stream, live.heads()));
    journal.commit(vec![deposit(), fill()]);
    journal.commit(vec![fill()]);
    let frame = |ch: &str, seq, prev_seq| (ch.to_owned(), seq, prev_seq);
    let expected = [
        frame("trades", 4, 2),
        frame("events", 3, 2),
        frame("events", 4, 3),
        frame("trades", 5, 4),
        frame("events", 5, 4),
    ];
    assert_eq!(sent(&mut live, &mut channels), expected);
    assert_eq!(live.position(), 5);
}

#[test]
fn a_batch_that_was_in_the_heads_already_is_not_repeated() {
    let mut journal = Journal::new();
    let receiver = journal.sender.subscribe();
    journal.commit(vec![fill()]);
    let mut live = Live::new(FeedSubscription { heads: journal.heads, receiver });
    let mut channels = [Followed::from_now(Stream::Trades, live.heads())];
    assert_eq!(sent(&mut live, &mut channels), []);
}

#[test]
fn a_channel_behind_is_left_to_the_table() {
    let mut journal = Journal::new();
    journal.commit(vec![fill()]);
    let mut live = journal.subscribe();
    let mut channels = [Followed::resumed(Stream::Trades, 0)];
    journal.commit(vec![fill()]);
    assert_eq!(sent(&mut live, &mut channels), []);
    assert!(channels[0].is_behind(live.position()));
    assert_eq!(live.position(), 2);
}

#[test]
fn a_missing_batch_leaves_every_channel_behind_instead_of_a_hole() {
    let mut journal = Journal::new();
    let mut live = journal.subscribe();
    let mut channels = [Followed::from_now(Stream::Events, live.heads())];
    let _ = live.try_next().unwrap();
    journal.heads.advance(1, &deposit());
    journal.commit(vec![deposit()]);
    assert_eq!(sent(&mut live, &mut channels), []);
    assert!(channels[0].is_behind(live.position()));
}

#[test]
fn who_falls_behind_is_told() {
    let mut journal = Journal::new();
    let mut live = journal.subscribe();
    for _ in 0..6 {
        journal.commit(vec![deposit()]);
    }
    assert!(matches!(live.try_next(), Err(FeedEnd::Lagged)));
    drop(journal);
    let mut rest = 0;
    let end = loop {
        match live.try_next() {
            Ok(Some(_)) => rest += 1,
            Ok(None) => {}
            Err(end) => break end,
        }
    };
    assert!(matches!(end, FeedEnd::Closed));
    assert_eq!(rest, 4);
}

#[test]
fn frames_are_made_once_and_shared() {
    let mut journal = Journal::new();
    let batch = journal.commit(vec![fill()]);
    let frames = BatchFrames::of(&batch).unwrap();
    let again = BatchFrames::of(&batch).unwrap();
    let text = frames.get(&batch, Stream::Trades)[0].text.as_str();
    assert!(std::ptr::eq(text, again.get(&batch, Stream::Trades)[0].text.as_str()));
    let value: Value = serde_json::from_str(text).unwrap();
    assert_eq!(value["type"], "trade_executed");
    assert_eq!(value["data"]["price"], "2");
    let order: Value = serde_json::from_str(frames.get(&batch, Stream::Orders)[0].text.as_str()).unwrap();
    assert_eq!(
        (order["type"].as_str(), order["data"]["status"].as_str()),
        (Some("order_update"), Some("filled"))
    );
}
