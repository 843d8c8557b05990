//! The journal as the checker reads it: its own shapes of the payloads, and its own computation of the chain.

use crate::database::JournalRow;
use rust_decimal::Decimal;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// What the first row is chained to.
pub const GENESIS: [u8; 32] = [0; 32];

/// A payload, by kind.
#[derive(Debug, Clone)]
pub enum Payload {
    AccountOpened,
    HaltChanged,
    PortfolioCreated,
    /// Renamed, archived or restored.
    PortfolioChanged,
    CashDeposited(CashDeposited),
    OrderSubmitted(Box<OrderMade>),
    OrderDenied(Box<OrderMade>),
    OrderAccepted(OrderChanged),
    OrderRejected(OrderChanged),
    OrderFilled(Box<OrderFilled>),
    OrderOutcomeUnknown(OrderChanged),
    CancelRequested(OrderChanged),
    CancelRejected(OrderChanged),
    OrderCanceled(OrderChanged),
    OrderExpired(OrderChanged),
}

#[derive(Debug, Clone, Deserialize)]
pub struct CashDeposited {
    pub account: String,
    pub currency: String,
    pub amount: Decimal,
}

/// `order_submitted` and `order_denied`.
#[derive(Debug, Clone, Deserialize)]
pub struct OrderMade {
    pub order_id: Uuid,
    pub client_order_id: String,
    pub venue_client_id: String,
    pub terms: Terms,
    pub after: After,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Terms {
    pub portfolio: String,
    pub account: String,
    pub symbol: String,
    pub side: String,
    pub kind: Kind,
    pub quantity: Decimal,
    pub time_in_force: String,
    #[serde(default)]
    pub expires_at: Option<String>,
    #[serde(default)]
    pub post_only: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Kind {
    #[serde(rename = "type")]
    pub name: String,
    #[serde(default)]
    pub price: Option<Decimal>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct After {
    pub status: String,
    pub filled_quantity: Decimal,
    pub version: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub struct OrderRef {
    pub id: Uuid,
    pub client_order_id: String,
    pub portfolio: String,
    pub account: String,
    pub symbol: String,
    pub side: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct OrderChanged {
    pub order: OrderRef,
    pub after: After,
}

#[derive(Debug, Clone, Deserialize)]
pub struct OrderFilled {
    pub order: OrderRef,
    pub quote_currency: String,
    pub execution: Execution,
    pub after: After,
}

/// An execution, wherever it is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Execution {
    pub execution_id: String,
    pub price: Decimal,
    pub quantity: Decimal,
    pub fee: Decimal,
    pub fee_currency: String,
    pub liquidity: String,
}

/// A row with its payload.
#[derive(Debug, Clone)]
pub struct Entry {
    pub seq: i64,
    pub recorded_micros: i64,
    pub payload: Payload,
}

impl Payload {
    /// Reads a payload of version 1.
    pub fn parse(kind: &str, version: i16, text: &str) -> Result<Self, String> {
        if version != 1 {
            return Err(format!("version {version} of {kind} is not known to the checker"));
        }
        parse_kind(kind, text)
            .map_err(|error| format!("{kind}: {error}"))?
            .ok_or_else(|| format!("kind {kind} is not known to the checker"))
    }

    /// The order it is about, and what the order is said to look like after it.
    pub fn order(&self) -> Option<(Uuid, &After)> {
        match self {
            Self::AccountOpened
            | Self::HaltChanged
            | Self::PortfolioCreated
            | Self::PortfolioChanged
            | Self::CashDeposited(_) => None,
            Self::OrderSubmitted(made) | Self::OrderDenied(made) => Some((made.order_id, &made.after)),
            Self::OrderFilled(filled) => Some((filled.order.id, &filled.after)),
            Self::OrderAccepted(changed)
            | Self::OrderRejected(changed)
            | Self::OrderOutcomeUnknown(changed)
            | Self::CancelRequested(changed)
            | Self::CancelRejected(changed)
            | Self::OrderCanceled(changed)
            | Self::OrderExpired(changed) => Some((changed.order.id, &changed.after)),
        }
    }
}

fn parse_kind(kind: &str, text: &str) -> Result<Option<Payload>, serde_json::Error> {
    let changed = || serde_json::from_str::<OrderChanged>(text);
    let made = || serde_json::from_str::<OrderMade>(text).map(Box::new);
    let payload = match kind {
        "account_opened" => Payload::AccountOpened,
        "portfolio_created" => Payload::PortfolioCreated,
        "portfolio_renamed" | "portfolio_archived" | "portfolio_restored" => Payload::PortfolioChanged,
        "cash_deposited" => Payload::CashDeposited(serde_json::from_str(text)?),
        "order_submitted" => Payload::OrderSubmitted(made()?),
        "order_denied" => Payload::OrderDenied(made()?),
        "order_accepted" => Payload::OrderAccepted(changed()?),
        "order_rejected" => Payload::OrderRejected(changed()?),
        "order_filled" => Payload::OrderFilled(Box::new(serde_json::from_str(text)?)),
        "order_outcome_unknown" => Payload::OrderOutcomeUnknown(changed()?),
        "cancel_requested" => Payload::CancelRequested(changed()?),
        "cancel_rejected" => Payload::CancelRejected(changed()?),
        "order_canceled" => Payload::OrderCanceled(changed()?),
        "order_expired" => Payload::OrderExpired(changed()?),
        "trading_halted" | "trading_resumed" | "limits_changed" => Payload::HaltChanged,
        _ => return Ok(None),
    };
    Ok(Some(payload))
}

/// `sha256(previous | tenant | seq | event id | version | recorded_at | len(kind) | kind | payload)`, integers
/// big-endian: seq and microseconds in 8 bytes, version in 2, the length in 4.
pub fn chain_hash(previous: &[u8], row: &JournalRow) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(previous);
    hasher.update(row.tenant_id.as_bytes());
    hasher.update(row.seq.to_be_bytes());
    hasher.update(row.event_id.as_bytes());
    hasher.update(row.version.to_be_bytes());
    hasher.update(row.recorded_micros.to_be_bytes());
    hasher.update(u32::try_from(row.kind.len()).unwrap_or(u32::MAX).to_be_bytes());
    hasher.update(row.kind.as_bytes());
    hasher.update(row.payload.as_bytes());
    hasher.finalize().into()
}
