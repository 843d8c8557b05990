//! Builders: an order and its life, reports about it, a tenant's accounts.

use bulkhead_domain::event::{AccountOpened, CashDeposited, OrderAfter, OrderSubmitted, PortfolioCreated};
use bulkhead_domain::invariants::check_order;
use bulkhead_domain::order::{
    CanceledBy, Execution, Liquidity, Mode, OrderKind, OrderRejection, OrderStatus, OrderTerms, Origin,
    ReportDecision, Side, TimeInForce, UnknownCause,
};
use bulkhead_domain::report::{ReportKind, VenueCancelCause, VenueOrder, VenueOrderState, VenueReport};
use bulkhead_domain::{
    AccountId, Amount, ClientOrderId, Currency, Event, ExecutionId, Order, OrderId, PortfolioId, Price, Qty,
    Symbol, TenantId, Timestamp, VenueClientId, VenueName, VenueOrderId,
};
use rust_decimal::Decimal;
use uuid::Uuid;

pub(crate) const TENANT: TenantId = TenantId(Uuid::from_u128(7));

pub(crate) fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(crate) fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

pub(crate) fn qty(text: &str) -> Qty {
    Qty::parse(text).unwrap()
}

pub(crate) fn symbol(text: &str) -> Symbol {
    Symbol::parse(text).unwrap()
}

pub(crate) fn currency(text: &str) -> Currency {
    Currency::parse(text).unwrap()
}

pub(crate) fn paper() -> AccountId {
    AccountId::parse("paper").unwrap()
}

pub(crate) fn book() -> PortfolioId {
    PortfolioId::parse("main").unwrap()
}

pub(crate) fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + micros)
}

pub(crate) fn venue_id(text: &str) -> VenueOrderId {
    VenueOrderId::parse(text).unwrap()
}

/// `terms(Side::Buy, "10@100")`, or without a price a market order.
pub(crate) fn terms(side: Side, text: &str) -> OrderTerms {
    let (quantity, kind) = match text.split_once('@') {
        Some((quantity, at)) => (quantity, OrderKind::Limit { price: price(at) }),
        None => (text, OrderKind::Market),
    };
    OrderTerms {
        portfolio: book(),
        account: paper(),
        symbol: symbol("BTC-USDT"),
        side,
        kind,
        quantity: qty(quantity),
        time_in_force: TimeInForce::Gtc,
        expires_at: None,
        post_only: false,
        reduce_only: false,
    }
}

pub(crate) fn unset() -> OrderAfter {
    OrderAfter { status: OrderStatus::Submitted, filled_quantity: Qty::ZERO, average_price: None, version: 1 }
}

pub(crate) fn submitted(number: u128, terms: OrderTerms) -> OrderSubmitted {
    let order_id = OrderId(Uuid::from_u128(number));
    OrderSubmitted {
        order_id,
        client_order_id: ClientOrderId::parse(&format!("client-{number}")).unwrap(),
        venue_client_id: VenueClientId::derive(TENANT, order_id),
        mode: Mode::Paper,
        origin: Origin::User,
        reserved_price: terms.kind.limit_price().unwrap_or(price("100")),
        terms,
        quote_currency: currency("USDT"),
        verdicts: Vec::new(),
        after: unset(),
    }
}

pub(crate) fn execution(id: &str, text: &str) -> Execution {
    let (quantity, at_price) = text.split_once('@').unwrap();
    Execution {
        execution_id: ExecutionId::parse(id).unwrap(),
        price: price(at_price),
        quantity: qty(quantity),
        fee: Amount::from(dec("0.01")),
        fee_currency: currency("USDT"),
        liquidity: Liquidity::Taker,
        venue_ts: at(0),
    }
}

pub(crate) fn accepted(id: &str) -> ReportKind {
    ReportKind::Accepted { venue_order_id: venue_id(id) }
}

pub(crate) fn filled(id: &str, text: &str) -> ReportKind {
    ReportKind::Filled { venue_order_id: venue_id("v1"), execution: execution(id, text) }
}

pub(crate) fn canceled(cause: VenueCancelCause) -> ReportKind {
    ReportKind::Canceled { cause }
}

pub(crate) fn cancel_rejected() -> ReportKind {
    ReportKind::CancelRejected { message: "too late".to_owned() }
}

pub(crate) fn rejected() -> ReportKind {
    ReportKind::Rejected { code: "NO".to_owned(), message: "no".to_owned() }
}

pub(crate) fn found(state: VenueOrderState, executions: Vec<Execution>) -> ReportKind {
    let filled_quantity = executions.iter().fold(Qty::ZERO, |sum, one| sum.plus(one.quantity));
    let order = VenueOrder { venue_order_id: venue_id("v1"), state, filled_quantity, executions };
    ReportKind::State { order: Some(order) }
}

pub(crate) fn not_found() -> ReportKind {
    ReportKind::State { order: None }
}

/// An order with its history. Every step checks what must hold between any two states of an order.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    pub(crate) order: Order,
    pub(crate) events: Vec<(Event, Timestamp)>,
}

impl Life {
    pub(crate) fn new(number: u128, terms: OrderTerms) -> Self {
        let (data, now) = (submitted(number, terms), at(0));
        let order = Order::submitted(&data, now);
        Self { order, events: vec![(Event::OrderSubmitted(data), now)] }
    }

    /// A buy of 10 at 100.
    pub(crate) fn buy() -> Self {
        Self::new(1, terms(Side::Buy, "10@100"))
    }

    /// The same after these reports.
    pub(crate) fn after(reports: impl IntoIterator<Item = ReportKind>) -> Self {
        let mut life = Self::buy();
        for kind in reports {
            life.hear(kind);
        }
        life
    }

    fn now(&self) -> Timestamp {
        at(i64::try_from(self.events.len()).unwrap())
    }

    pub(crate) fn hear(&mut self, kind: ReportKind) -> ReportDecision {
        let venue_client_id = self.order.venue_client_id.clone();
        let report = VenueReport { venue_client_id, venue_ts: at(1), kind };
        let decision = self.order.decide_report(&report, self.now());
        self.record(decision.events.clone());
        let again = self.order.decide_report(&report, self.now());
        assert!(again.events.is_empty(), "a repeated report says nothing new: {:?}", again.events);
        decision
    }

    pub(crate) fn cancel(&mut self, by: CanceledBy) -> Result<usize, OrderRejection> {
        let events = self.order.decide_cancel(by, self.now())?;
        let count = events.len();
        self.record(events);
        Ok(count)
    }

    pub(crate) fn doubt(&mut self, cause: UnknownCause) -> usize {
        let events = self.order.decide_unknown(cause, self.now());
        let count = events.len();
        self.record(events);
        count
    }

    fn record(&mut self, events: Vec<Event>) {
        for event in events {
            let (before, now) = (self.order.clone(), self.now());
            self.order.apply(&event, now);
            check_step(&before, &event, &self.order);
            self.events.push((event, now));
        }
    }

    /// What the recorded events alone make.
    pub(crate) fn replayed(&self) -> Order {
        let mut events = self.events.iter();
        let Some((Event::OrderSubmitted(data), created)) = events.next() else { panic!("no beginning") };
        let mut order = Order::submitted(data, *created);
        for (event, now) in events {
            let decoded = Event::decode(event.kind(), Event::VERSION, &event.payload()).unwrap();
            order.apply(&decoded, *now);
        }
        order
    }

    pub(crate) fn status(&self) -> OrderStatus {
        self.order.status()
    }
}

fn check_step(before: &Order, event: &Event, after: &Order) {
    check_order(after).unwrap();
    assert_eq!(after.version, before.version + 1, "a version is one event");
    assert!(after.is_closed() || !before.is_closed(), "closed stays closed: {event:?}");
    if before.is_closed() {
        assert_eq!(after.phase, before.phase, "the reason stays: {event:?}");
    }
    assert!(after.filled_quantity() >= before.filled_quantity(), "fills are kept: {event:?}");
    if let Event::OrderFilled(data) = event {
        assert_eq!(data.late, before.is_closed());
        assert!(after.is_closed() || after.pending == before.pending, "a pending request survives a fill");
        let sum = before.filled_quantity().plus(data.execution.quantity);
        assert_eq!(after.filled_quantity(), sum, "a fill counts once");
    }
    let payload: serde_json::Value = serde_json::from_str(&event.payload()).unwrap();
    assert_eq!(payload["after"], serde_json::to_value(after.after()).unwrap(), "an event tells what it made");
}

/// A tenant's first events.
pub(crate) fn opening(leverage_max: i64, shorts_allowed: bool, cash: &str) -> Vec<Event> {
    vec![
        Event::PortfolioCreated(PortfolioCreated { portfolio: book(), name: None }),
        Event::AccountOpened(AccountOpened {
            account: paper(),
            venue: VenueName::parse("paper").unwrap(),
            mode: Mode::Paper,
            currency: currency("USDT"),
            leverage_max: Decimal::from(leverage_max),
            shorts_allowed,
        }),
        Event::CashDeposited(CashDeposited {
            portfolio: book(),
            account: paper(),
            currency: currency("USDT"),
            amount: Amount::from(dec(cash)),
        }),
    ]
}
