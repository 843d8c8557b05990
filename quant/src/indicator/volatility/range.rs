//! Ranges and falls of prices.

use crate::{
    QuantError,
    indicator::{
        Bar, Indicator,
        aggregate::{Extent, Sum},
        parameter, quotient,
        smoothing::Smoothing,
        window::Window,
    },
};
use serde::{Deserialize, Serialize};

/// The true range: the largest move that the bar covers, from the close before it (Wilder 1978).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TrueRange {
    close_before: Option<f64>,
}

impl Indicator for TrueRange {
    type Input = Bar;
    type Output = f64;

    fn step(&mut self, bar: Bar) -> Option<f64> {
        let before = self.close_before.replace(bar.close)?;
        Some(bar.true_range(before))
    }
}

/// Average true range: Wilder's average of it, begun with the mean of the first period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Atr {
    range: TrueRange,
    pub(in crate::indicator) average: Smoothing,
}

impl Atr {
    /// # Errors
    /// Unless `period` is from 1 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        Ok(Self { range: TrueRange::default(), average: Smoothing::wilder("period", period)? })
    }
}

impl Indicator for Atr {
    type Input = Bar;
    type Output = f64;

    fn step(&mut self, bar: Bar) -> Option<f64> {
        self.average.step(self.range.step(bar)?)
    }
}

/// The average true range in percent of the close; zero where the close is zero.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Natr {
    atr: Atr,
}

impl Natr {
    /// # Errors
    /// Unless `period` is from 1 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        Ok(Self { atr: Atr::new(period)? })
    }
}

impl Indicator for Natr {
    type Input = Bar;
    type Output = f64;

    fn step(&mut self, bar: Bar) -> Option<f64> {
        Some(100.0 * quotient(self.atr.step(bar)?, bar.close))
    }
}

/// The choppiness index (Dreiss 1993): `100 log(Σ true range / (highest - lowest)) / log(period)`; 100 without a range.
///
/// From 0 for a straight trend to 100 for none; gaps before the window can take it a little beyond.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choppiness {
    range: TrueRange,
    sum: Window<Sum>,
    extent: Window<Extent>,
    scale: f64,
}

impl Choppiness {
    /// # Errors
    /// Unless `period` is from 2 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        let period = parameter::long_period("period", period)?;
        Ok(Self {
            range: TrueRange::default(),
            sum: Window::new(period),
            extent: Window::new(period),
            scale: 100.0 / (period as f64).ln(),
        })
    }
}

impl Indicator for Choppiness {
    type Input = Bar;
    type Output = f64;

    fn step(&mut self, bar: Bar) -> Option<f64> {
        let extent = self.extent.push(Extent { high: bar.high, low: bar.low });
        let path = self.sum.push(Sum(self.range.step(bar)?))?.0;
        let Extent { high, low } = extent?;
        let ratio = quotient(path, high - low);
        Some(if ratio > 0.0 { ratio.ln() * self.scale } else { 100.0 })
    }
}

/// The mass index (Dorsey, TASC 6/1992): the sum over a window of `E(range) / E(E(range))`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MassIndex {
    first: Smoothing,
    second: Smoothing,
    sum: Window<Sum>,
}

impl MassIndex {
    /// # Errors
    /// Unless the periods are from 1 to 100000.
    pub fn new(average: usize, period: usize) -> Result<Self, QuantError> {
        let smoothing = Smoothing::exponential("average period", average)?;
        let sum = Window::new(parameter::period("period", period)?);
        Ok(Self { first: smoothing.clone(), second: smoothing, sum })
    }
}

impl Indicator for MassIndex {
    type Input = Bar;
    type Output = f64;

    fn step(&mut self, bar: Bar) -> Option<f64> {
        let first = self.first.step(bar.range())?;
        let second = self.second.step(first)?;
        Some(self.sum.push(Sum(quotient(first, second)))?.0)
    }
}

/// The ulcer index (Martin 1987): the root of the mean squared fall in percent from the highest price of the window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UlcerIndex {
    extent: Window<Extent>,
    squares: Window<Sum>,
}

impl UlcerIndex {
    /// # Errors
    /// Unless `period` is from 1 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        let period = parameter::period("period", period)?;
        Ok(Self { extent: Window::new(period), squares: Window::new(period) })
    }
}

impl Indicator for UlcerIndex {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        let peak = self.extent.push(Extent { high: price, low: price })?.high;
        let fall = 100.0 * quotient(price - peak, peak);
        let squares = self.squares.push(Sum(fall * fall))?.0;
        Some((squares / self.squares.period() as f64).sqrt())
    }
}
