//! What indicators take, and what makes it sound.

use crate::QuantError;
use serde::{Deserialize, Serialize};

/// The largest size of a price or a volume. Sums of products of values up to it stay finite.
pub const VALUE_MAX: f64 = 1e30;

/// A sample that can tell whether it is sound.
pub trait Sample: Copy {
    /// Fails unless every number is finite and of a size up to [`VALUE_MAX`], and the numbers fit together.
    ///
    /// # Errors
    /// Says which number is wrong.
    fn check(&self) -> Result<(), QuantError>;
}

/// A bar of trading.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    pub open: f64,
    pub high: f64,
    pub low: f64,
    pub close: f64,
    pub volume: f64,
}

/// Two numbers of the same time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    pub x: f64,
    pub y: f64,
}

impl Bar {
    /// The mean of high and low.
    #[must_use]
    pub fn median(&self) -> f64 {
        (self.high + self.low) / 2.0
    }

    /// The mean of high, low and close.
    #[must_use]
    pub fn typical(&self) -> f64 {
        (self.high + self.low + self.close) / 3.0
    }

    /// The difference of high and low.
    #[must_use]
    pub fn range(&self) -> f64 {
        self.high - self.low
    }

    /// The largest move that the bar covers, from the close before it (Wilder 1978).
    #[must_use]
    pub fn true_range(&self, close_before: f64) -> f64 {
        self.range().max((self.high - close_before).abs()).max((self.low - close_before).abs())
    }

    /// Where the close lies in the range, from -1 at the low to 1 at the high; zero if there is no range.
    pub(super) fn close_location(&self) -> f64 {
        let range = self.range();
        if range > 0.0 { ((self.close - self.low) - (self.high - self.close)) / range } else { 0.0 }
    }
}

/// `value`, if it is finite and not too large.
fn bounded(what: &'static str, value: f64) -> Result<f64, QuantError> {
    if value.abs() <= VALUE_MAX {
        Ok(value)
    } else if value.is_finite() {
        Err(QuantError::OutOfRange { what, value, expected: "of a size up to 1e30" })
    } else {
        Err(QuantError::NotFinite { what })
    }
}

impl Sample for f64 {
    fn check(&self) -> Result<(), QuantError> {
        bounded("value", *self).map(|_| ())
    }
}

impl Sample for Pair {
    fn check(&self) -> Result<(), QuantError> {
        bounded("first value", self.x)?;
        bounded("second value", self.y).map(|_| ())
    }
}

impl Sample for Bar {
    fn check(&self) -> Result<(), QuantError> {
        bounded("open", self.open)?;
        bounded("high", self.high)?;
        bounded("low", self.low)?;
        bounded("close", self.close)?;
        bounded("volume", self.volume)?;
        let inside = |value: f64| self.low <= value && value <= self.high;
        let refuse = |what, value, expected| Err(QuantError::OutOfRange { what, value, expected });
        if self.low > self.high {
            return refuse("low", self.low, "at most the high");
        }
        if !inside(self.open) {
            return refuse("open", self.open, "from low to high");
        }
        if !inside(self.close) {
            return refuse("close", self.close, "from low to high");
        }
        if self.volume < 0.0 {
            return refuse("volume", self.volume, "zero or more");
        }
        Ok(())
    }
}
