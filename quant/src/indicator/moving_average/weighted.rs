//! Averages over a window with fixed weights.

use crate::{
    QuantError,
    indicator::{
        Bar, Indicator,
        aggregate::{Sum, Sums, Trend},
        parameter,
        window::{Delay, Window},
    },
};
use serde::{Deserialize, Serialize};

/// Simple moving average: the mean of the latest `period` values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sma {
    window: Window<Sum>,
    share: f64,
}

impl Sma {
    /// # Errors
    /// Unless `period` is from 1 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        let period = parameter::period("period", period)?;
        Ok(Self { window: Window::new(period), share: 1.0 / period as f64 })
    }
}

impl Indicator for Sma {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        Some(self.window.push(Sum(price))?.0 * self.share)
    }
}

/// Weighted moving average: weights `period, period - 1, ..., 1` from the latest value to the oldest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wma {
    window: Window<Trend>,
}

impl Wma {
    /// # Errors
    /// Unless `period` is from 1 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        Ok(Self { window: Window::new(parameter::period("period", period)?) })
    }
}

impl Indicator for Wma {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        Some(self.window.push(Trend::of(price))?.weighted_mean())
    }
}

/// Triangular moving average: the simple average of a simple average, whose periods add up to `period + 1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TriangularAverage {
    first: Sma,
    second: Sma,
}

impl TriangularAverage {
    /// # Errors
    /// Unless `period` is from 1 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        let period = parameter::period("period", period)?;
        Ok(Self { first: Sma::new(period.div_ceil(2))?, second: Sma::new(period / 2 + 1)? })
    }
}

impl Indicator for TriangularAverage {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        let first = self.first.step(price)?;
        self.second.step(first)
    }
}

/// Hull's moving average (2005): `W(2 W(x, period / 2) - W(x, period), √period)`, whose lengths are rounded down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HullAverage {
    half: Wma,
    whole: Wma,
    root: Wma,
}

impl HullAverage {
    /// # Errors
    /// Unless `period` is from 2 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        let period = parameter::long_period("period", period)?;
        Ok(Self { half: Wma::new(period / 2)?, whole: Wma::new(period)?, root: Wma::new(period.isqrt())? })
    }
}

impl Indicator for HullAverage {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        let half = self.half.step(price);
        let whole = self.whole.step(price)?;
        self.root.step(2.0 * half? - whole)
    }
}

/// Volume weighted moving average: `Σ close volume / Σ volume`; the mean close where nothing was traded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Vwma {
    window: Window<Sums<3>>,
}

impl Vwma {
    /// # Errors
    /// Unless `period` is from 1 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        Ok(Self { window: Window::new(parameter::period("period", period)?) })
    }
}

impl Indicator for Vwma {
    type Input = Bar;
    type Output = f64;

    fn step(&mut self, bar: Bar) -> Option<f64> {
        let Sums([money, volume, close]) =
            self.window.push(Sums([bar.close * bar.volume, bar.volume, bar.close]))?;
        Some(if volume > 0.0 { money / volume } else { close / self.window.period() as f64 })
    }
}

/// Arnaud Legoux's moving average (2009): weights `exp(-(i - offset (period - 1))² / (2 (period / sigma)²))`.
///
/// The weights do not follow from each other, so that a step costs O(period).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alma {
    prices: Delay<f64>,
    weights: Vec<f64>,
}

impl Alma {
    /// # Errors
    /// Unless `period` is from 1 to 100000, `offset` from 0 to 1, and `sigma` above zero.
    pub fn new(period: usize, offset: f64, sigma: f64) -> Result<Self, QuantError> {
        let period = parameter::period("period", period)?;
        let sigma = parameter::factor("sigma", sigma)?;
        if !(0.0..=1.0).contains(&offset) {
            return Err(QuantError::OutOfRange { what: "offset", value: offset, expected: "from 0 to 1" });
        }
        let centre = (offset * (period as f64 - 1.0)).floor();
        let width = period as f64 / sigma;
        let weights: Vec<f64> =
            (0..period).map(|index| (-((index as f64 - centre) / width).powi(2) / 2.0).exp()).collect();
        let total: f64 = weights.iter().sum();
        Ok(Self {
            prices: Delay::new(period),
            weights: weights.iter().map(|weight| weight / total).collect(),
        })
    }
}

impl Indicator for Alma {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        self.prices.push(price);
        let prices = self.prices.full()?;
        Some(prices.zip(&self.weights).map(|(price, weight)| price * weight).sum())
    }
}
