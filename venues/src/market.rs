//! What a venue publishes about its market.

use bulkhead_domain::order::Side;
use bulkhead_domain::{Price, Qty, Symbol, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Takes market events. Must not block; may be called from any thread.
pub type MarketInbox = Arc<dyn Fn(MarketEvent) + Send + Sync>;

/// The size displayed at one price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    pub price: Price,
    pub quantity: Qty,
}

/// The displayed book of one symbol, best level first; replaces the one before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    pub symbol: Symbol,
    pub bids: Arc<[Level]>,
    pub asks: Arc<[Level]>,
    /// By the venue's clock.
    pub ts: Timestamp,
    /// Grows with every quote of the symbol; its displayed size is there once per generation and account.
    pub generation: u64,
}

/// A trade between others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradePrint {
    pub symbol: Symbol,
    pub price: Price,
    pub quantity: Qty,
    /// Who took the liquidity: a sell means that the buyer's order was resting.
    pub aggressor: Side,
    /// By the venue's clock.
    pub ts: Timestamp,
    pub trade_id: u64,
}

/// One change of a market.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum MarketEvent {
    Quote(Quote),
    Trade(TradePrint),
    /// No more trading in this symbol.
    Closed {
        symbol: Symbol,
        ts: Timestamp,
    },
}

impl MarketEvent {
    /// The symbol it is about.
    pub fn symbol(&self) -> &Symbol {
        match self {
            Self::Quote(quote) => &quote.symbol,
            Self::Trade(print) => &print.symbol,
            Self::Closed { symbol, .. } => symbol,
        }
    }

    /// When it happened, by the venue's clock.
    pub fn ts(&self) -> Timestamp {
        match self {
            Self::Quote(quote) => quote.ts,
            Self::Trade(print) => print.ts,
            Self::Closed { ts, .. } => *ts,
        }
    }
}
