//! A venue that says what the test wants, when the test wants it.

use super::{Heard, btc};
use bulkhead_domain::instrument::{Instrument, InstrumentKind};
use bulkhead_domain::order::{Execution, Liquidity};
use bulkhead_domain::report::{ReportKind, VenueOrder, VenueOrderState, VenueReport};
use bulkhead_domain::{
    Amount, Currency, ExecutionId, Price, Qty, Timestamp, VenueClientId, VenueName, VenueOrderId,
};
use bulkhead_venues::{
    ClockKind, ConnectError, DisconnectCause, Level, MarketEvent, MarketInbox, MarketSubscription,
    NotDeliveredCause, Quote, RequestKind, SendError, SubmitOrder, Venue, VenueAccountKey, VenueInbox,
    VenueLink, VenueMessage, VenueRequest,
};
use rust_decimal::Decimal;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// The venue's clock stands at this.
pub(crate) const VENUE_NOW: Timestamp = Timestamp::EPOCH;

struct Wire {
    inbox: Option<VenueInbox>,
    is_connected: bool,
    connects_refused: u32,
    links: u32,
}

/// One venue with one account.
pub(crate) struct FakeVenue {
    wire: Arc<Mutex<Wire>>,
    requests: UnboundedSender<VenueRequest>,
    clock_kind: ClockKind,
}

struct FakeLink {
    wire: Arc<Mutex<Wire>>,
    requests: UnboundedSender<VenueRequest>,
}

fn lock(wire: &Mutex<Wire>) -> MutexGuard<'_, Wire> {
    wire.lock().unwrap()
}

impl FakeVenue {
    /// A venue, and the requests that reach it.
    pub(crate) fn new(clock_kind: ClockKind) -> (Arc<Self>, Heard<VenueRequest>) {
        let (requests, heard) = unbounded_channel();
        let wire = Wire { inbox: None, is_connected: false, connects_refused: 0, links: 0 };
        let this = Self { wire: Arc::new(Mutex::new(wire)), requests, clock_kind };
        (Arc::new(this), Heard(heard))
    }

    pub(crate) fn refuse_connects(&self, times: u32) {
        lock(&self.wire).connects_refused = times;
    }

    /// How many links were opened.
    pub(crate) fn link_count(&self) -> u32 {
        lock(&self.wire).links
    }

    pub(crate) fn connect_all(&self) {
        lock(&self.wire).is_connected = true;
        self.say(VenueMessage::Connected);
    }

    pub(crate) fn disconnect(&self) {
        lock(&self.wire).is_connected = false;
        self.say(VenueMessage::Disconnected { cause: DisconnectCause::Network });
    }

    /// Requests fail from now on, and the session has not heard of it yet.
    pub(crate) fn break_silently(&self) {
        lock(&self.wire).is_connected = false;
    }

    pub(crate) fn say(&self, message: VenueMessage) {
        let inbox = lock(&self.wire).inbox.clone();
        if let Some(inbox) = inbox {
            inbox(message);
        }
    }

    pub(crate) fn report(&self, venue_client_id: &VenueClientId, kind: ReportKind) {
        let venue_client_id = venue_client_id.clone();
        self.say(VenueMessage::Report(VenueReport { venue_client_id, venue_ts: VENUE_NOW, kind }));
    }
}

impl Venue for FakeVenue {
    fn name(&self) -> VenueName {
        VenueName::parse("paper").unwrap()
    }

    fn instruments(&self) -> Arc<[Instrument]> {
        let decimal = |text: &str| text.parse::<Decimal>().unwrap();
        Arc::new([Instrument {
            symbol: btc(),
            kind: InstrumentKind::Spot,
            base: Currency::parse("BTC").unwrap(),
            quote: Currency::parse("USDT").unwrap(),
            price_tick: Price::parse("0.01").unwrap(),
            quantity_step: Qty::parse("0.001").unwrap(),
            quantity_min: Qty::parse("0.001").unwrap(),
            quantity_max: Qty::parse("100000").unwrap(),
            notional_min: Price::parse("1").unwrap(),
            taker_fee_rate: decimal("0.001"),
            maker_fee_rate: decimal("0.0005"),
        }])
    }

    fn clock(&self) -> Timestamp {
        VENUE_NOW
    }

    fn clock_kind(&self) -> ClockKind {
        self.clock_kind
    }

    fn connect(&self, _: VenueAccountKey, inbox: VenueInbox) -> Result<Arc<dyn VenueLink>, ConnectError> {
        let mut wire = lock(&self.wire);
        if wire.connects_refused > 0 {
            wire.connects_refused -= 1;
            return Err(ConnectError::TooManyConnections);
        }
        wire.links += 1;
        if wire.is_connected {
            inbox(VenueMessage::Connected);
        }
        wire.inbox = Some(inbox);
        Ok(Arc::new(FakeLink { wire: self.wire.clone(), requests: self.requests.clone() }))
    }

    fn subscribe(&self, _: MarketInbox) -> Result<MarketSubscription, ConnectError> {
        Ok(MarketSubscription::new(|| {}))
    }
}

impl VenueLink for FakeLink {
    fn send(&self, request: VenueRequest) -> Result<(), SendError> {
        if !lock(&self.wire).is_connected {
            return Err(SendError::NotDelivered(NotDeliveredCause::Disconnected));
        }
        drop(self.requests.send(request));
        Ok(())
    }

    fn clock(&self) -> Timestamp {
        VENUE_NOW
    }
}

impl Heard<VenueRequest> {
    /// The next request that is not about money.
    pub(crate) async fn order_request(&mut self) -> RequestKind {
        loop {
            let kind = self.next().await.kind;
            if !matches!(kind, RequestKind::OpenAccount(_)) {
                return kind;
            }
        }
    }

    pub(crate) async fn submit(&mut self) -> SubmitOrder {
        match self.order_request().await {
            RequestKind::Submit(order) => order,
            other => panic!("a submission was expected: {other:?}"),
        }
    }

    pub(crate) async fn cancel(&mut self) -> VenueClientId {
        match self.order_request().await {
            RequestKind::Cancel { venue_client_id } => venue_client_id,
            other => panic!("a cancel was expected: {other:?}"),
        }
    }

    pub(crate) async fn query(&mut self) -> VenueClientId {
        match self.order_request().await {
            RequestKind::QueryOrder { venue_client_id } => venue_client_id,
            other => panic!("a question was expected: {other:?}"),
        }
    }
}

pub(crate) fn accepted() -> ReportKind {
    ReportKind::Accepted { venue_order_id: VenueOrderId::parse("v1").unwrap() }
}

pub(crate) fn execution(id: &str, text: &str) -> Execution {
    let (quantity, price) = text.split_once('@').unwrap();
    Execution {
        execution_id: ExecutionId::parse(id).unwrap(),
        price: Price::parse(price).unwrap(),
        quantity: Qty::parse(quantity).unwrap(),
        fee: Amount::ZERO,
        fee_currency: Currency::parse("USDT").unwrap(),
        liquidity: Liquidity::Taker,
        venue_ts: VENUE_NOW,
    }
}

pub(crate) fn filled(id: &str, text: &str) -> ReportKind {
    ReportKind::Filled { venue_order_id: VenueOrderId::parse("v1").unwrap(), execution: execution(id, text) }
}

/// The venue has the order open, with these executions.
pub(crate) fn found_open(executions: Vec<Execution>) -> ReportKind {
    let filled_quantity = executions.iter().fold(Qty::ZERO, |sum, one| sum.plus(one.quantity));
    let venue_order_id = VenueOrderId::parse("v1").unwrap();
    let order = VenueOrder { venue_order_id, state: VenueOrderState::Open, filled_quantity, executions };
    ReportKind::State { order: Some(order) }
}

pub(crate) fn quote(bid: &str, ask: &str) -> MarketEvent {
    let level = |text: &str| -> Arc<[Level]> {
        Arc::new([Level { price: Price::parse(text).unwrap(), quantity: Qty::parse("10").unwrap() }])
    };
    MarketEvent::Quote(Quote {
        symbol: btc(),
        bids: level(bid),
        asks: level(ask),
        ts: VENUE_NOW,
        generation: 1,
    })
}
