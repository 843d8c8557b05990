//! Anomalies in a stream of trades and quotes of one symbol: prices and sizes that do not fit what came before, quotes
//! that cannot be, and feeds that are silent.
//!
//! A [`Detector`] takes one tick at a time, in constant memory and time, and gives each a [`Verdict`]: a score from
//! zero to one and the reasons that reached their threshold. A reason's score is `z² / (z² + T²)` for a deviation `z`
//! and its threshold `T`: one half at the threshold, so that a verdict has reasons if and only if its score is at least
//! one half.
//!
//! What is usual is learned with medians, which a few bad ticks cannot move far (`scale`), and slow changes are found by
//! cumulative sums (`cusum`). A jump that stays is reported for [`LEVEL_SHIFT_TICKS`] ticks and then is the
//! level. Prices count by their logarithm: another unit of price or size changes nothing, and a price must be above
//! zero.

mod cusum;
mod detector;
mod price;
mod scale;
mod settings;

pub use detector::{Detector, State};
pub use price::LEVEL_SHIFT_TICKS;
pub use settings::Settings;

use serde::{Deserialize, Serialize};

/// A trade.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trade {
    /// When, in nanoseconds since any fixed moment.
    pub time_ns: i64,
    pub price: f64,
    pub size: f64,
}

/// The best bid and ask.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quote {
    /// When, in nanoseconds since the same moment as for trades.
    pub time_ns: i64,
    pub bid: f64,
    pub ask: f64,
}

/// What is wrong with a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// The price is far from the last one that was accepted.
    PriceJump,
    /// A price that was suspected has stayed, and is the level from here on.
    LevelShift,
    /// Small moves in one direction have added up.
    PriceDrift,
    /// The trade is far from the middle of bid and ask.
    OffMarket,
    /// The size is far above the usual.
    VolumeSpike,
    /// Sizes have been above the usual for a while.
    VolumeSurge,
    /// The bid is above the ask.
    CrossedQuote,
    /// The bid is the ask.
    LockedQuote,
    /// The spread is far above the usual.
    WideSpread,
    /// A trade came while the quote was old.
    StaleQuote,
    /// Nothing came for long.
    FeedGap,
}

/// A reason that reached its threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub reason: Reason,
    /// From one half to one.
    pub score: f64,
    /// The deviation behind it, in its own unit: robust standard deviations, a cumulative sum of them, seconds, or for a
    /// crossed quote the overlap as a share of the price.
    pub value: f64,
}

/// Whether enough has been seen to judge prices. What needs no history is judged from the first tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Readiness {
    WarmingUp,
    Ready,
}

/// What is thought of a tick.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The largest score of any reason, whether or not it reached its threshold.
    pub score: f64,
    /// The reasons that reached their threshold, in the order of their checks.
    pub findings: Vec<Finding>,
    pub readiness: Readiness,
}

impl Verdict {
    fn new(readiness: Readiness) -> Self {
        Self { score: 0.0, findings: Vec::new(), readiness }
    }

    /// Whether any reason reached its threshold.
    #[must_use]
    pub fn is_flagged(&self) -> bool {
        !self.findings.is_empty()
    }

    /// Whether this reason reached its threshold.
    #[must_use]
    pub fn has(&self, reason: Reason) -> bool {
        self.findings.iter().any(|finding| finding.reason == reason)
    }

    /// Counts a deviation against its threshold.
    fn weigh(&mut self, reason: Reason, value: f64, threshold: f64) {
        let ratio = (value / threshold).max(0.0);
        let score = if ratio > 1e150 { 1.0 } else { ratio * ratio / (ratio * ratio + 1.0) };
        self.score = self.score.max(score);
        if ratio >= 1.0 {
            self.findings.push(Finding { reason, score, value });
        }
    }

    /// Counts what is wrong by itself.
    fn report(&mut self, reason: Reason, score: f64, value: f64) {
        self.score = self.score.max(score);
        self.findings.push(Finding { reason, score, value });
    }
}
