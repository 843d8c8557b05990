//! Events as frames. A batch's frames are made once, when the first socket wants them, and shared by all.

use axum::extract::ws::Utf8Bytes;
use bulkhead_actors::CommittedBatch;
use bulkhead_domain::event::{Event, OrderAfter, OrderFilled};
use bulkhead_domain::order::{Liquidity, Mode, OrderRef, OrderStatus, OrderTerms, Side};
use bulkhead_domain::risk::{HaltAuthor, HaltMode, HaltScope};
use bulkhead_domain::tenant::StreamHeads;
use bulkhead_domain::{Amount, ClientOrderId, OrderId, Price, Qty, RecordedEvent, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::{Arc, OnceLock};

/// A channel that is the journal, filtered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stream {
    Orders,
    Trades,
    Risk,
    Events,
}

/// One event as one channel shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) seq: i64,
    pub(crate) text: Utf8Bytes,
}

/// What goes over the wire.
#[derive(Serialize)]
pub(crate) struct Envelope<'a, T> {
    pub(crate) ch: &'a str,
    pub(crate) seq: Option<i64>,
    pub(crate) prev_seq: Option<i64>,
    #[serde(rename = "type")]
    pub(crate) kind: &'a str,
    pub(crate) ts: Timestamp,
    pub(crate) data: T,
}

/// The frames of one batch, each channel's made when it is first wanted.
#[derive(Debug, Default)]
pub(crate) struct BatchFrames {
    orders: OnceLock<Vec<Frame>>,
    trades: OnceLock<Vec<Frame>>,
    risk: OnceLock<Vec<Frame>>,
    events: OnceLock<Vec<Frame>>,
}

/// What an event did to an order.
#[derive(Serialize)]
struct OrderUpdate<'a> {
    event: &'static str,
    #[serde(flatten)]
    order: OrderIdentity<'a>,
    status: OrderStatus,
    filled_quantity: Qty,
    average_price: Option<Amount>,
    version: u64,
    /// Why, where the event says.
    reason: Option<Reason<'a>>,
}

#[derive(Serialize)]
struct OrderIdentity<'a> {
    id: OrderId,
    client_order_id: &'a str,
    portfolio: &'a str,
    account: &'a str,
    symbol: &'a str,
    side: Side,
}

#[derive(Serialize)]
struct Reason<'a> {
    code: &'a str,
    message: &'a str,
}

/// An execution.
#[derive(Serialize)]
struct TradeExecuted<'a> {
    execution_id: &'a str,
    order_id: OrderId,
    client_order_id: &'a str,
    portfolio: &'a str,
    account: &'a str,
    mode: Mode,
    symbol: &'a str,
    side: Side,
    price: Price,
    quantity: Qty,
    fee: Amount,
    fee_currency: &'a str,
    liquidity: Liquidity,
    late: bool,
    ts: Timestamp,
}

/// Trading was halted or resumed.
#[derive(Serialize)]
struct RiskAlert<'a> {
    event: &'static str,
    #[serde(flatten)]
    scope: &'a HaltScope,
    /// Absent of a resumption.
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<HaltMode>,
    /// Absent of a change of limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    by: &'a HaltAuthor,
}

impl Stream {
    /// The channel's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Trades => "trades",
            Self::Risk => "risk",
            Self::Events => "events",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Orders, Self::Trades, Self::Risk, Self::Events]
            .into_iter()
            .find(|stream| stream.name() == name)
    }

    /// Whether the channel shows this event.
    pub(crate) fn shows(self, event: &Event) -> bool {
        match self {
            Self::Orders => event.is_order_event(),
            Self::Trades => event.is_trade(),
            Self::Risk => event.is_risk_event(),
            Self::Events => true,
        }
    }

    /// The channel's last event.
    pub(crate) const fn head(self, heads: &StreamHeads) -> i64 {
        match self {
            Self::Orders => heads.orders,
            Self::Trades => heads.trades,
            Self::Risk => heads.risk,
            Self::Events => heads.events,
        }
    }

    /// The event as a frame; `None` if the channel does not show it. `prev_seq` is `None` when it is not known.
    pub(crate) fn frame(self, recorded: &RecordedEvent, prev_seq: Option<i64>) -> Option<Frame> {
        let (seq, ts) = (recorded.seq, recorded.recorded_at);
        let wrap = |kind: &str, data: Box<RawValue>| {
            let envelope = Envelope { ch: self.name(), seq: Some(seq), prev_seq, kind, ts, data };
            serde_json::to_string(&envelope).ok().map(|text| Frame { seq, text: text.into() })
        };
        let event = &recorded.event;
        match self {
            Self::Orders => wrap("order_update", raw(&order_update(event)?)?),
            Self::Trades => match event {
                Event::OrderFilled(data) => wrap("trade_executed", raw(&trade_executed(data))?),
                _ => None,
            },
            Self::Risk => wrap("risk_alert", raw(&risk_alert(event)?)?),
            Self::Events => wrap(event.kind(), RawValue::from_string(event.payload()).ok()?),
        }
    }
}

impl BatchFrames {
    /// The frames of a batch, shared by all who ask.
    pub(crate) fn of(batch: &CommittedBatch) -> Option<Arc<Self>> {
        batch.rendered(|_| Self::default())
    }

    /// The channel's frames, made now if nobody wanted them before.
    pub(crate) fn get(&self, batch: &CommittedBatch, stream: Stream) -> &[Frame] {
        let slot = match stream {
            Stream::Orders => &self.orders,
            Stream::Trades => &self.trades,
            Stream::Risk => &self.risk,
            Stream::Events => &self.events,
        };
        slot.get_or_init(|| render(batch, stream))
    }
}

fn render(batch: &CommittedBatch, stream: Stream) -> Vec<Frame> {
    let mut heads = batch.heads_before;
    let mut frames = Vec::new();
    for recorded in &batch.events {
        frames.extend(stream.frame(recorded, Some(stream.head(&heads))));
        heads.advance(recorded.seq, &recorded.event);
    }
    frames
}

fn raw<T: Serialize>(value: &T) -> Option<Box<RawValue>> {
    serde_json::value::to_raw_value(value).ok()
}

fn order_update(event: &Event) -> Option<OrderUpdate<'_>> {
    let (order, after, reason) = match event {
        Event::AccountOpened(_)
        | Event::PortfolioCreated(_)
        | Event::PortfolioRenamed(_)
        | Event::PortfolioArchived(_)
        | Event::PortfolioRestored(_)
        | Event::CashDeposited(_)
        | Event::TradingHalted(_)
        | Event::TradingResumed(_)
        | Event::LimitsChanged(_) => return None,
        Event::OrderSubmitted(data) => {
            (identity(data.order_id, &data.client_order_id, &data.terms), &data.after, None)
        }
        Event::OrderDenied(data) => {
            let order = identity(data.order_id, &data.client_order_id, &data.terms);
            (order, &data.after, Some(Reason { code: &data.code, message: &data.message }))
        }
        Event::OrderAccepted(data) => referenced(&data.order, &data.after),
        Event::OrderRejected(data) => {
            let (order, after, _) = referenced(&data.order, &data.after);
            (order, after, Some(Reason { code: &data.code, message: &data.message }))
        }
        Event::OrderFilled(data) => referenced(&data.order, &data.after),
        Event::OrderOutcomeUnknown(data) => referenced(&data.order, &data.after),
        Event::CancelRequested(data) => referenced(&data.order, &data.after),
        Event::CancelRejected(data) => {
            let (order, after, _) = referenced(&data.order, &data.after);
            (order, after, Some(Reason { code: "CANCEL_REJECTED", message: &data.message }))
        }
        Event::OrderCanceled(data) => referenced(&data.order, &data.after),
        Event::OrderExpired(data) => referenced(&data.order, &data.after),
    };
    Some(OrderUpdate {
        event: event.kind(),
        order,
        status: after.status,
        filled_quantity: after.filled_quantity,
        average_price: after.average_price,
        version: after.version,
        reason,
    })
}

fn identity<'a>(id: OrderId, client_order_id: &'a ClientOrderId, terms: &'a OrderTerms) -> OrderIdentity<'a> {
    OrderIdentity {
        id,
        client_order_id: client_order_id.as_str(),
        portfolio: terms.portfolio.as_str(),
        account: terms.account.as_str(),
        symbol: terms.symbol.as_str(),
        side: terms.side,
    }
}

type Parts<'a> = (OrderIdentity<'a>, &'a OrderAfter, Option<Reason<'a>>);

fn referenced<'a>(order: &'a OrderRef, after: &'a OrderAfter) -> Parts<'a> {
    let identity = OrderIdentity {
        id: order.id,
        client_order_id: order.client_order_id.as_str(),
        portfolio: order.portfolio.as_str(),
        account: order.account.as_str(),
        symbol: order.symbol.as_str(),
        side: order.side,
    };
    (identity, after, None)
}

fn risk_alert(event: &Event) -> Option<RiskAlert<'_>> {
    let (scope, mode, reason, by) = match event {
        Event::TradingHalted(data) => (&data.scope, Some(data.mode), Some(data.reason.as_str()), &data.by),
        Event::TradingResumed(data) => (&data.scope, None, Some(data.reason.as_str()), &data.by),
        Event::LimitsChanged(data) => (&data.scope, None, None, &data.by),
        _ => return None,
    };
    Some(RiskAlert { event: event.kind(), scope, mode, reason, by })
}

fn trade_executed(data: &OrderFilled) -> TradeExecuted<'_> {
    let (order, execution) = (&data.order, &data.execution);
    TradeExecuted {
        execution_id: execution.execution_id.as_str(),
        order_id: order.id,
        client_order_id: order.client_order_id.as_str(),
        portfolio: order.portfolio.as_str(),
        account: order.account.as_str(),
        mode: data.mode,
        symbol: order.symbol.as_str(),
        side: order.side,
        price: execution.price,
        quantity: execution.quantity,
        fee: execution.fee,
        fee_currency: execution.fee_currency.as_str(),
        liquidity: execution.liquidity,
        late: data.late,
        ts: execution.venue_ts,
    }
}
