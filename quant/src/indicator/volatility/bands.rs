//! Bands about a middle.

use super::Atr;
use crate::{
    QuantError,
    indicator::{
        Bar, Indicator,
        aggregate::{Extent, Moments},
        output, parameter,
        smoothing::Smoothing,
        window::Window,
    },
};
use serde::{Deserialize, Serialize};

output!(
    /// A band and its middle.
    Band { upper, middle, lower }
);

/// Bollinger bands (1983): the simple average, and `width` standard deviations (of the window itself) about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bollinger {
    window: Window<Moments>,
    width: f64,
}

impl Bollinger {
    /// # Errors
    /// Unless `period` is from 2 to 100000 and `width` above zero.
    pub fn new(period: usize, width: f64) -> Result<Self, QuantError> {
        let period = parameter::long_period("period", period)?;
        Ok(Self { window: Window::new(period), width: parameter::factor("width", width)? })
    }
}

impl Indicator for Bollinger {
    type Input = f64;
    type Output = Band;

    fn step(&mut self, price: f64) -> Option<Band> {
        let moments = self.window.push(Moments::of(price))?;
        let reach = self.width * moments.variance().sqrt();
        Some(Band { upper: moments.mean + reach, middle: moments.mean, lower: moments.mean - reach })
    }
}

/// Keltner's channel as Raschke changed it: the exponential average of closes, and `width` average true ranges about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Keltner {
    average: Smoothing,
    atr: Atr,
    width: f64,
}

impl Keltner {
    /// # Errors
    /// Unless the periods are from 1 to 100000 and `width` above zero.
    pub fn new(period: usize, range_period: usize, width: f64) -> Result<Self, QuantError> {
        Ok(Self {
            average: Smoothing::exponential("period", period)?,
            atr: Atr::new(range_period)?,
            width: parameter::factor("width", width)?,
        })
    }
}

impl Indicator for Keltner {
    type Input = Bar;
    type Output = Band;

    fn step(&mut self, bar: Bar) -> Option<Band> {
        let middle = self.average.step(bar.close);
        let reach = self.width * self.atr.step(bar)?;
        let middle = middle?;
        Some(Band { upper: middle + reach, middle, lower: middle - reach })
    }
}

/// Donchian's channel (1960): the highest high, the lowest low, and their middle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Donchian {
    extent: Window<Extent>,
}

impl Donchian {
    /// # Errors
    /// Unless `period` is from 1 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        Ok(Self { extent: Window::new(parameter::period("period", period)?) })
    }
}

impl Indicator for Donchian {
    type Input = Bar;
    type Output = Band;

    fn step(&mut self, bar: Bar) -> Option<Band> {
        let extent = self.extent.push(Extent { high: bar.high, low: bar.low })?;
        Some(Band { upper: extent.high, middle: extent.middle(), lower: extent.low })
    }
}
