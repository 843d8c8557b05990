//! Exponentially weighted volatility, as RiskMetrics has it (Technical Document, 4th edition, 1996): mean zero,
//! `v[t] = λ v[t-1] + (1 - λ) r[t]²`, begun with the square of the first return.

use crate::{QuantError, check};
use serde::{Deserialize, Serialize};

/// The decay of RiskMetrics for daily returns.
pub const DAILY_DECAY: f64 = 0.94;

/// A variance that follows the returns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EwmaVariance {
    decay: f64,
    variance: Option<f64>,
}

impl EwmaVariance {
    /// A variance that has seen no return yet.
    ///
    /// # Errors
    /// Unless the decay lies between zero and one.
    pub fn new(decay: f64) -> Result<Self, QuantError> {
        Ok(Self { decay: check::fraction("decay", decay)?, variance: None })
    }

    /// Takes one more return; the variance for the next period.
    ///
    /// # Errors
    /// If the return is not finite, or too large to square; the variance is then as it was.
    pub fn update(&mut self, step: f64) -> Result<f64, QuantError> {
        let square = check::finite("squared return", step * step)?;
        let variance = self.variance.map_or(square, |last| self.decay * last + (1.0 - self.decay) * square);
        self.variance = Some(variance);
        Ok(variance)
    }

    /// The variance per period, if there was a return.
    #[must_use]
    pub const fn variance(&self) -> Option<f64> {
        self.variance
    }
}

/// The volatility per period after each return.
///
/// # Errors
/// If there is no return, one is not finite, or the decay does not lie between zero and one.
pub fn ewma_volatilities(returns: &[f64], decay: f64) -> Result<Vec<f64>, QuantError> {
    check::series("returns", returns, 1)?;
    let mut variance = EwmaVariance::new(decay)?;
    returns.iter().map(|&step| Ok(variance.update(step)?.sqrt())).collect()
}
