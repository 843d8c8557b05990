//! Volatility's place among its own past: the simple companion of the hidden Markov model.
//!
//! Volatility is the root mean square of the last `window` returns; its percentile is the share of the last `history`
//! values that lie below it, ties counting half. Both know the past only.

use crate::learn::{check_count, check_size};
use crate::{QuantError, check};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Longest window and longest history.
const LENGTH_MAX: usize = 100_000;

/// How volatility is ranked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VolatilityRegimeOptions {
    /// Returns in a measurement.
    pub window: usize,
    /// Measurements that a new one is ranked among.
    pub history: usize,
    /// Percentile below which the market is calm, from zero to one.
    pub calm_below: f64,
    /// Percentile above which the market is turbulent.
    pub turbulent_above: f64,
}

/// How volatile a market is, by its own standards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum VolatilityLevel {
    /// Less than usual.
    Calm,
    /// As usual.
    Normal,
    /// More than usual.
    Turbulent,
}

/// A measurement and its rank.
#[derive(Debug, Clone, PartialEq)]
pub struct VolatilityReading {
    /// Root mean square of the last returns, per period of a return.
    pub volatility: f64,
    /// Share of past measurements below, from zero to one.
    pub percentile: f64,
    /// The level of the percentile.
    pub level: VolatilityLevel,
}

/// The last returns and measurements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredVolatility")]
pub struct VolatilityRegime {
    options: VolatilityRegimeOptions,
    returns: VecDeque<f64>,
    volatilities: VecDeque<f64>,
    #[serde(skip)]
    sorted: Vec<f64>,
}

#[derive(Deserialize)]
struct StoredVolatility {
    options: VolatilityRegimeOptions,
    returns: VecDeque<f64>,
    volatilities: VecDeque<f64>,
}

impl VolatilityRegime {
    /// Starts without a past.
    ///
    /// # Errors
    /// If a length or a percentile is out of range.
    pub fn new(options: VolatilityRegimeOptions) -> Result<Self, QuantError> {
        check_count("window", options.window, 1..=LENGTH_MAX)?;
        check_count("history", options.history, 2..=LENGTH_MAX)?;
        check::fraction("calm percentile", options.calm_below)?;
        check::fraction("turbulent percentile", options.turbulent_above)?;
        if options.calm_below > options.turbulent_above {
            return Err(QuantError::Infeasible { what: "calm lies below turbulent" });
        }
        let (returns, volatilities) = (VecDeque::new(), VecDeque::new());
        Ok(Self { options, returns, volatilities, sorted: Vec::new() })
    }

    /// Takes in a return; tells the level once the history is full.
    ///
    /// # Errors
    /// If the return is not finite or not of sound size; nothing has then changed.
    pub fn update(&mut self, value: f64) -> Result<Option<VolatilityReading>, QuantError> {
        check_size("return", &[value])?;
        push(&mut self.returns, value, self.options.window);
        if self.returns.len() < self.options.window {
            return Ok(None);
        }
        // Summed anew each time: a running sum would keep the rounding of an outlier that has long left.
        let squares: f64 = self.returns.iter().map(|value| value * value).sum();
        let volatility = (squares / self.options.window as f64).sqrt();
        let reading = (self.sorted.len() == self.options.history).then(|| self.rank(volatility));
        if let Some(oldest) = push(&mut self.volatilities, volatility, self.options.history) {
            self.sorted.remove(self.sorted.partition_point(|past| *past < oldest));
        }
        self.sorted.insert(self.sorted.partition_point(|past| *past < volatility), volatility);
        Ok(reading)
    }

    fn rank(&self, volatility: f64) -> VolatilityReading {
        let below = self.sorted.partition_point(|past| *past < volatility) as f64;
        let not_above = self.sorted.partition_point(|past| *past <= volatility) as f64;
        let percentile = 0.5 * (below + not_above) / self.sorted.len() as f64;
        let level = if percentile < self.options.calm_below {
            VolatilityLevel::Calm
        } else if percentile > self.options.turbulent_above {
            VolatilityLevel::Turbulent
        } else {
            VolatilityLevel::Normal
        };
        VolatilityReading { volatility, percentile, level }
    }
}

impl TryFrom<StoredVolatility> for VolatilityRegime {
    type Error = QuantError;

    fn try_from(stored: StoredVolatility) -> Result<Self, QuantError> {
        let StoredVolatility { options, returns, volatilities } = stored;
        let empty = Self::new(options)?;
        let mut sorted = Vec::from(volatilities.clone());
        check_count("returns", returns.len(), 0..=empty.options.window)?;
        check_count("volatilities", sorted.len(), 0..=empty.options.history)?;
        check_size("returns", &Vec::from(returns.clone()))?;
        check_size("volatilities", &sorted)?;
        sorted.sort_unstable_by(f64::total_cmp);
        Ok(Self { returns, volatilities, sorted, ..empty })
    }
}

/// Appends a value, and takes out the oldest if there are then too many.
fn push(values: &mut VecDeque<f64>, value: f64, most: usize) -> Option<f64> {
    let oldest = if values.len() == most { values.pop_front() } else { None };
    values.push_back(value);
    oldest
}
