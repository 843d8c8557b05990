//! Exponential smoothing that begins with the mean of its first values, as TA-Lib does it.

use super::parameter;
use crate::QuantError;
use serde::{Deserialize, Serialize};

/// `y ← y + a (x - y)`, begun with the mean of the first `period` values.
///
/// In this form a constant series stays exactly constant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Smoothing {
    period: usize,
    pub(super) gain: f64,
    seen: usize,
    pub(super) value: f64,
}

impl Smoothing {
    /// `a = 2 / (period + 1)`, that of the exponential moving average.
    pub(super) fn exponential(what: &'static str, period: usize) -> Result<Self, QuantError> {
        let period = parameter::period(what, period)?;
        Ok(Self { period, gain: 2.0 / (period as f64 + 1.0), seen: 0, value: 0.0 })
    }

    /// `a = 1 / period`, that of Wilder (1978).
    pub(super) fn wilder(what: &'static str, period: usize) -> Result<Self, QuantError> {
        let period = parameter::period(what, period)?;
        Ok(Self { period, gain: 1.0 / period as f64, seen: 0, value: 0.0 })
    }

    /// Takes a value; the smoothed one once `period` have been taken.
    pub(super) fn step(&mut self, value: f64) -> Option<f64> {
        if self.seen >= self.period {
            self.value += self.gain * (value - self.value);
            return Some(self.value);
        }
        self.seen += 1;
        self.value += (value - self.value) / self.seen as f64;
        (self.seen == self.period).then_some(self.value)
    }
}
