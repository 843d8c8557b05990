//! The journal's events. A kind and a version name a payload's shape for ever; old versions are read through
//! upcasters in [`Event::decode`].

use crate::named_book::PortfolioName;
use crate::order::{
    CanceledBy, Execution, Mode, OrderRef, OrderStatus, OrderTerms, Origin, UnknownCause, Verdict,
};
use crate::risk::{HaltAuthor, HaltMode, HaltScope, Limits};
use crate::{
    AccountId, Amount, ClientOrderId, Currency, EventId, OrderId, PortfolioId, Price, Qty, Timestamp,
    VenueClientId, VenueName, VenueOrderId,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Something that happened in a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    AccountOpened(AccountOpened),
    PortfolioCreated(PortfolioCreated),
    CashDeposited(CashDeposited),
    OrderSubmitted(OrderSubmitted),
    OrderDenied(OrderDenied),
    OrderAccepted(OrderAccepted),
    OrderRejected(OrderRejected),
    OrderFilled(OrderFilled),
    OrderOutcomeUnknown(OrderOutcomeUnknown),
    CancelRequested(CancelRequested),
    CancelRejected(CancelRejected),
    OrderCanceled(OrderCanceled),
    OrderExpired(OrderExpired),
    PortfolioRenamed(PortfolioRenamed),
    PortfolioArchived(PortfolioArchived),
    PortfolioRestored(PortfolioRestored),
    TradingHalted(TradingHalted),
    TradingResumed(TradingResumed),
    LimitsChanged(LimitsChanged),
}

/// An event at its place in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEvent {
    pub seq: i64,
    pub event_id: EventId,
    pub recorded_at: Timestamp,
    pub event: Event,
}

/// A venue account exists from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountOpened {
    pub account: AccountId,
    pub venue: VenueName,
    pub mode: Mode,
    /// What equity and margin are counted in.
    pub currency: Currency,
    /// Exposure may be this many times equity.
    #[serde(with = "rust_decimal::serde::str")]
    pub leverage_max: Decimal,
    pub shorts_allowed: bool,
}

/// A named book exists from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortfolioCreated {
    pub portfolio: PortfolioId,
    /// What people call it; its id if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<PortfolioName>,
}

/// A book is called otherwise from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortfolioRenamed {
    pub portfolio: PortfolioId,
    pub name: PortfolioName,
}

/// A book takes no new orders from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortfolioArchived {
    pub portfolio: PortfolioId,
}

/// An archived book takes orders again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortfolioRestored {
    pub portfolio: PortfolioId,
}

/// Money came in from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CashDeposited {
    pub portfolio: PortfolioId,
    pub account: AccountId,
    pub currency: Currency,
    pub amount: Amount,
}

/// What an order looks like after an event, for readers that keep no state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderAfter {
    pub status: OrderStatus,
    pub filled_quantity: Qty,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_price: Option<Amount>,
    pub version: u64,
}

/// Intent, authorisation and reservation of an order, made durable before the venue hears of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderSubmitted {
    pub order_id: OrderId,
    pub client_order_id: ClientOrderId,
    pub venue_client_id: VenueClientId,
    pub mode: Mode,
    pub origin: Origin,
    pub terms: OrderTerms,
    pub quote_currency: Currency,
    pub verdicts: Vec<Verdict>,
    pub reserved_price: Price,
    pub after: OrderAfter,
}

/// An order that the pre-trade chain refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderDenied {
    pub order_id: OrderId,
    pub client_order_id: ClientOrderId,
    pub venue_client_id: VenueClientId,
    pub mode: Mode,
    pub origin: Origin,
    pub terms: OrderTerms,
    pub quote_currency: Currency,
    pub verdicts: Vec<Verdict>,
    pub code: String,
    pub message: String,
    pub after: OrderAfter,
}

/// The venue has the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderAccepted {
    pub order: OrderRef,
    pub venue_order_id: VenueOrderId,
    pub venue_ts: Timestamp,
    pub after: OrderAfter,
}

/// The venue does not have the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRejected {
    pub order: OrderRef,
    pub code: String,
    pub message: String,
    /// Concluded from the venue not knowing the order, rather than from its refusal.
    pub inferred: bool,
    pub after: OrderAfter,
}

/// An execution, which also proves acceptance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderFilled {
    pub order: OrderRef,
    pub mode: Mode,
    pub quote_currency: Currency,
    pub venue_order_id: VenueOrderId,
    pub execution: Execution,
    /// Arrived after the order was closed for another reason.
    pub late: bool,
    pub after: OrderAfter,
}

/// The venue may or may not have done what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderOutcomeUnknown {
    pub order: OrderRef,
    pub cause: UnknownCause,
    pub after: OrderAfter,
}

/// Somebody wants the order gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelRequested {
    pub order: OrderRef,
    pub by: CanceledBy,
    pub after: OrderAfter,
}

/// The venue did not cancel; the order lives on as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelRejected {
    pub order: OrderRef,
    pub message: String,
    pub after: OrderAfter,
}

/// The order is over; fills it had are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCanceled {
    pub order: OrderRef,
    pub by: CanceledBy,
    pub venue_ts: Timestamp,
    pub after: OrderAfter,
}

/// The order's time ran out at the venue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderExpired {
    pub order: OrderRef,
    pub venue_ts: Timestamp,
    pub after: OrderAfter,
}

/// Trading is stopped in a scope until it is resumed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradingHalted {
    #[serde(flatten)]
    pub scope: HaltScope,
    pub mode: HaltMode,
    pub reason: String,
    pub by: HaltAuthor,
    pub at: Timestamp,
}

/// A scope's halt is lifted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradingResumed {
    #[serde(flatten)]
    pub scope: HaltScope,
    pub reason: String,
    pub by: HaltAuthor,
    pub at: Timestamp,
}

/// A scope's limits are these from now on; without any it has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitsChanged {
    #[serde(flatten)]
    pub scope: HaltScope,
    pub limits: Limits,
    /// How often limits of the tenant have been changed, this time included.
    pub version: u64,
    pub by: HaltAuthor,
    pub at: Timestamp,
}

/// A journal row this version of the platform cannot read.
#[derive(Debug, thiserror::Error)]
pub enum EventDecodeError {
    #[error("event kind {kind} version {version} is not known")]
    UnknownKind { kind: String, version: i16 },
    #[error("payload of {kind} version {version} does not parse: {source}")]
    Payload { kind: String, version: i16, source: serde_json::Error },
}

/// What most payloads fit in; a guess too low costs a copy.
const PAYLOAD_CAPACITY: usize = 1_024;

/// Ties each variant to the kind it is stored under. All kinds are at version 1.
macro_rules! event_kinds {
    ($($variant:ident => $kind:literal),+ $(,)?) => {
        impl Event {
            /// Every kind there is, in the order of the enum.
            pub const KINDS: &'static [&'static str] = &[$($kind),+];

            /// The stable name this event is stored under.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $kind),+ }
            }

            /// The payload as it is stored and hashed.
            pub fn payload(&self) -> String {
                let mut bytes = Vec::with_capacity(PAYLOAD_CAPACITY);
                let written = match self { $(Self::$variant(data) => serde_json::to_writer(&mut bytes, data)),+ };
                written.expect("event payloads have string keys and finite values only");
                String::from_utf8(bytes).expect("JSON is written as UTF-8")
            }

            /// Reads a stored event of any version.
            pub fn decode(kind: &str, version: i16, payload: &str) -> Result<Self, EventDecodeError> {
                let decoded = match (kind, version) {
                    $(($kind, 1) => serde_json::from_str(payload).map(Self::$variant),)+
                    _ => return Err(EventDecodeError::UnknownKind { kind: kind.to_owned(), version }),
                };
                decoded.map_err(|source| EventDecodeError::Payload { kind: kind.to_owned(), version, source })
            }
        }
    };
}

event_kinds! {
    AccountOpened => "account_opened",
    PortfolioCreated => "portfolio_created",
    CashDeposited => "cash_deposited",
    OrderSubmitted => "order_submitted",
    OrderDenied => "order_denied",
    OrderAccepted => "order_accepted",
    OrderRejected => "order_rejected",
    OrderFilled => "order_filled",
    OrderOutcomeUnknown => "order_outcome_unknown",
    CancelRequested => "cancel_requested",
    CancelRejected => "cancel_rejected",
    OrderCanceled => "order_canceled",
    OrderExpired => "order_expired",
    PortfolioRenamed => "portfolio_renamed",
    PortfolioArchived => "portfolio_archived",
    PortfolioRestored => "portfolio_restored",
    TradingHalted => "trading_halted",
    TradingResumed => "trading_resumed",
    LimitsChanged => "limits_changed",
}

impl Event {
    /// The version new events of this kind are written with.
    pub const VERSION: i16 = 1;

    /// The order this event is about, if it is about one.
    pub fn order_id(&self) -> Option<OrderId> {
        match self {
            Self::AccountOpened(_)
            | Self::PortfolioCreated(_)
            | Self::PortfolioRenamed(_)
            | Self::PortfolioArchived(_)
            | Self::PortfolioRestored(_)
            | Self::CashDeposited(_)
            | Self::TradingHalted(_)
            | Self::TradingResumed(_)
            | Self::LimitsChanged(_) => None,
            Self::OrderSubmitted(data) => Some(data.order_id),
            Self::OrderDenied(data) => Some(data.order_id),
            Self::OrderAccepted(data) => Some(data.order.id),
            Self::OrderRejected(data) => Some(data.order.id),
            Self::OrderFilled(data) => Some(data.order.id),
            Self::OrderOutcomeUnknown(data) => Some(data.order.id),
            Self::CancelRequested(data) => Some(data.order.id),
            Self::CancelRejected(data) => Some(data.order.id),
            Self::OrderCanceled(data) => Some(data.order.id),
            Self::OrderExpired(data) => Some(data.order.id),
        }
    }

    /// Completes an order event with what the order looks like after it.
    pub(crate) fn set_after(&mut self, after: OrderAfter) {
        match self {
            Self::AccountOpened(_)
            | Self::PortfolioCreated(_)
            | Self::PortfolioRenamed(_)
            | Self::PortfolioArchived(_)
            | Self::PortfolioRestored(_)
            | Self::CashDeposited(_)
            | Self::TradingHalted(_)
            | Self::TradingResumed(_)
            | Self::LimitsChanged(_) => {}
            Self::OrderSubmitted(data) => data.after = after,
            Self::OrderDenied(data) => data.after = after,
            Self::OrderAccepted(data) => data.after = after,
            Self::OrderRejected(data) => data.after = after,
            Self::OrderFilled(data) => data.after = after,
            Self::OrderOutcomeUnknown(data) => data.after = after,
            Self::CancelRequested(data) => data.after = after,
            Self::CancelRejected(data) => data.after = after,
            Self::OrderCanceled(data) => data.after = after,
            Self::OrderExpired(data) => data.after = after,
        }
    }

    /// Whether this event belongs to the stream `orders`.
    pub fn is_order_event(&self) -> bool {
        self.order_id().is_some()
    }

    /// Whether this event belongs to the stream `trades`.
    pub fn is_trade(&self) -> bool {
        matches!(self, Self::OrderFilled(_))
    }

    /// Whether this event belongs to the stream `risk`.
    pub fn is_risk_event(&self) -> bool {
        matches!(self, Self::TradingHalted(_) | Self::TradingResumed(_) | Self::LimitsChanged(_))
    }

    /// The same order, placed by somebody else than a user.
    #[must_use]
    pub fn placed_by(mut self, origin: Origin) -> Self {
        match &mut self {
            Self::OrderSubmitted(data) => data.origin = origin,
            Self::OrderDenied(data) => data.origin = origin,
            _ => {}
        }
        self
    }
}

impl OrderAfter {
    /// What stands in an event until the event has been applied once.
    pub(crate) fn unset() -> Self {
        Self { status: OrderStatus::Submitted, filled_quantity: Qty::ZERO, average_price: None, version: 0 }
    }
}
