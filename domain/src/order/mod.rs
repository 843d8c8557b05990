//! An order as a few independent fields; what a user sees as its status is derived from them.
//!
//! 1. Fills are keyed by execution id and count once, in whatever phase they arrive.
//! 2. A closed order never opens again.
//! 3. A pending cancel survives a fill.
//! 4. Not knowing what the venue did is a state ([`Certainty::Unknown`]), independent of the phase.
//! 5. `version` grows by one with every event that is applied.

mod apply;
mod decide;
mod status;
mod terms;

pub use decide::{NOT_AT_VENUE, OrderRejection, ReportDecision};
pub use status::OrderStatus;
pub use terms::TermsRuleError;

use crate::{
    AccountId, Amount, ClientOrderId, Currency, ExecutionId, OrderId, PortfolioId, Price, Qty, SignedQty,
    Symbol, Timestamp, VenueClientId, VenueOrderId,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which way an order trades.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Buy,
    Sell,
}

impl Side {
    /// The quantity with this side's sign.
    pub fn signed(self, quantity: Qty) -> SignedQty {
        match self {
            Self::Buy => SignedQty::from(quantity.get()),
            Self::Sell => SignedQty::from(-quantity.get()),
        }
    }
}

/// The kind of an order with the terms only that kind has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OrderKind {
    Market,
    Limit { price: Price },
}

impl OrderKind {
    /// The limit price, where the kind has one.
    pub fn limit_price(self) -> Option<Price> {
        match self {
            Self::Market => None,
            Self::Limit { price } => Some(price),
        }
    }
}

/// How long an order stays at the venue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeInForce {
    /// Until it is filled or cancelled.
    Gtc,
    /// What fills at once; the rest is cancelled.
    Ioc,
    /// All at once or nothing.
    Fok,
    /// Until `expires_at`, by the venue's clock.
    Gtd,
    /// Until the end of the UTC day, by the venue's clock.
    Day,
}

/// Whether real money moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    Paper,
    Live,
}

/// Who brought an order into being.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    User,
    /// The platform's own protection: a kill switch that closes positions.
    Platform,
}

/// What the caller wants.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OrderTerms {
    pub portfolio: PortfolioId,
    pub account: AccountId,
    pub symbol: Symbol,
    pub side: Side,
    pub kind: OrderKind,
    pub quantity: Qty,
    pub time_in_force: TimeInForce,
    /// When a `gtd` order ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Never takes liquidity: the venue refuses it rather than fill it at once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub post_only: bool,
    /// May only make the position smaller.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reduce_only: bool,
}

/// Where an order is in its life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum Phase {
    /// Durable here, not yet acknowledged by the venue.
    Submitting,
    /// Live at the venue.
    Working,
    Closed {
        reason: CloseReason,
    },
}

/// Why an order is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum CloseReason {
    /// Refused here, before the venue heard of it.
    Denied {
        code: String,
        message: String,
    },
    /// Refused by the venue. `inferred` when the venue proved only that it has no such order.
    Rejected {
        code: String,
        message: String,
        inferred: bool,
    },
    Canceled {
        by: CanceledBy,
    },
    Expired,
    Filled,
}

/// Who cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CanceledBy {
    User,
    /// Unsolicited: time in force, self-trade prevention, end of session.
    Venue,
    /// The platform's own protection: a kill switch or a quarantine.
    Platform,
}

/// Whether the venue's view of the order is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum Certainty {
    Confirmed,
    Unknown { since: Timestamp, cause: UnknownCause },
}

/// What made an outcome unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownCause {
    /// The venue did not answer before the request's deadline.
    Timeout,
    /// The connection went away with the request in flight.
    Disconnected,
    /// The venue answered that it does not know either (5xx).
    VenueError,
    /// The process that sent it, or was about to, ended before an answer was recorded.
    Restarted,
}

/// A request about the order that the venue has not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum Pending {
    Cancel { by: CanceledBy },
}

/// Whether a fill took liquidity or provided it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Liquidity {
    Maker,
    Taker,
}

/// One execution at the venue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    pub execution_id: ExecutionId,
    pub price: Price,
    pub quantity: Qty,
    pub fee: Amount,
    pub fee_currency: Currency,
    pub liquidity: Liquidity,
    /// When it happened, by the venue's clock.
    pub venue_ts: Timestamp,
}

/// The identity of an order and what its effects are booked by; repeated in each of its events, so that an
/// event can be read on its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRef {
    pub id: OrderId,
    pub client_order_id: ClientOrderId,
    pub portfolio: PortfolioId,
    pub account: AccountId,
    pub symbol: Symbol,
    pub side: Side,
}

/// The outcome of one pre-trade check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The check's stable name, for example `buying_power`.
    pub check: String,
    pub passed: bool,
    /// The denial code, when it did not pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What a limit allows, where the check is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// What it would have been with the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub would_be: Option<String>,
}

/// An order and all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub id: OrderId,
    pub client_order_id: ClientOrderId,
    pub venue_client_id: VenueClientId,
    pub venue_order_ids: Vec<VenueOrderId>,
    pub mode: Mode,
    pub origin: Origin,
    pub terms: OrderTerms,
    /// What the instrument is priced in; cash moves in it.
    pub quote_currency: Currency,
    pub verdicts: Vec<Verdict>,
    /// What one unit was reserved at; absent on a denied order.
    pub reserved_price: Option<Price>,
    pub phase: Phase,
    pub certainty: Certainty,
    pub pending: Option<Pending>,
    pub fills: BTreeMap<ExecutionId, Execution>,
    pub version: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Order {
    /// The part repeated in every event.
    pub fn reference(&self) -> OrderRef {
        OrderRef {
            id: self.id,
            client_order_id: self.client_order_id.clone(),
            portfolio: self.terms.portfolio.clone(),
            account: self.terms.account.clone(),
            symbol: self.terms.symbol.clone(),
            side: self.terms.side,
        }
    }

    /// Whether nothing more is expected of it (a late fill may still come).
    pub fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed { .. })
    }

    /// Whether it is over only because the venue said that it never had it.
    pub(crate) fn is_inferred_rejected(&self) -> bool {
        matches!(self.phase, Phase::Closed { reason: CloseReason::Rejected { inferred: true, .. } })
    }

    /// Whether the venue's view of it is unknown.
    pub fn is_unknown(&self) -> bool {
        matches!(self.certainty, Certainty::Unknown { .. })
    }

    /// The sum of all fills.
    pub fn filled_quantity(&self) -> Qty {
        self.fills.values().fold(Qty::ZERO, |sum, fill| sum.plus(fill.quantity))
    }

    /// What is still to be filled, zero once closed.
    pub fn leaves_quantity(&self) -> Qty {
        if self.is_closed() {
            Qty::ZERO
        } else {
            self.terms.quantity.saturating_minus(self.filled_quantity())
        }
    }

    /// The quantity-weighted price of all fills, rounded to 16 places.
    pub fn average_price(&self) -> Option<Amount> {
        let quantity = self.filled_quantity().get();
        if quantity.is_zero() {
            return None;
        }
        let cost: Decimal = self.fills.values().map(|fill| fill.price.notional(fill.quantity).get()).sum();
        Some(Amount::rounded(cost / quantity))
    }

    /// The venue's latest name for it.
    pub fn venue_order_id(&self) -> Option<&VenueOrderId> {
        self.venue_order_ids.last()
    }
}
