//! Signals: what to buy or sell, how strongly, and how far to believe it.
//!
//! Each method is a pure function that gives a [`Signal`] together with the numbers behind it. They share one way to
//! confidence: an edge over its standard error is a `z`, and the confidence is `2 Φ(|z|) − 1`, the probability that the
//! sign is right if the error is normal and nothing was believed before, less the one that it is wrong. All are
//! antisymmetric: the mirrored input gives the opposite direction, the negated strength and the same confidence.

pub mod consensus;
pub mod mean_reversion;
pub mod term_structure;
pub mod volatility;

use crate::{QuantError, check, normal};
use serde::{Deserialize, Serialize};

/// No `z` is larger; the normal distribution ends long before.
const Z_MAX: f64 = 1e6;

/// Which side to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    Buy,
    Sell,
    Flat,
}

/// A recommendation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    pub direction: Direction,
    /// From −1 (sell) to 1 (buy). It is also there below the threshold at which the direction leaves flat.
    pub strength: f64,
    /// From zero to one.
    pub confidence: f64,
}

impl Direction {
    /// The direction of a number that is at least as large as the threshold on either side.
    fn of(value: f64, threshold: f64) -> Self {
        if value >= threshold && value > 0.0 {
            Self::Buy
        } else if value <= -threshold && value < 0.0 {
            Self::Sell
        } else {
            Self::Flat
        }
    }
}

/// `2 Φ(|z|) − 1`.
fn confidence(z: f64) -> f64 {
    (1.0 - 2.0 * normal::cdf(-z.abs())).max(0.0)
}

/// The quotient of an edge and its error; without an error, certainty in the direction of the edge.
fn z_of(edge: f64, standard_error: f64) -> f64 {
    if standard_error > 0.0 {
        (edge / standard_error).clamp(-Z_MAX, Z_MAX)
    } else if edge == 0.0 {
        0.0
    } else {
        Z_MAX.copysign(edge)
    }
}

/// Fails unless the first is above zero and not above the second.
fn check_thresholds(entry: f64, full: f64) -> Result<(), QuantError> {
    check::positive("entry threshold", entry)?;
    check::positive("full threshold", full)?;
    if entry <= full {
        return Ok(());
    }
    Err(QuantError::OutOfRange {
        what: "entry threshold",
        value: entry,
        expected: "at most the full threshold",
    })
}
