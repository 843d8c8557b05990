//! Oscillators: where the price lies in what it covered of late.

use super::Rsi;
use crate::{
    QuantError,
    indicator::{
        Bar, Indicator, aggregate::Extent, moving_average::Sma, output, parameter, quotient, window::Delay,
        window::Window,
    },
};
use serde::{Deserialize, Serialize};

output!(
    /// The oscillator and its average, in percent.
    StochasticValue { k, d }
);

/// The fast stochastic oscillator (Lane 1984): where the close lies between the lowest low and the highest high in
/// percent, and the simple average of that; zero where both are one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StochasticFast {
    extent: Window<Extent>,
    average: Sma,
}

impl StochasticFast {
    /// # Errors
    /// Unless the periods are from 1 to 100000.
    pub fn new(period: usize, average: usize) -> Result<Self, QuantError> {
        let extent = Window::new(parameter::period("period", period)?);
        Ok(Self { extent, average: Sma::new(average)? })
    }

    fn step_price(&mut self, Extent { high, low }: Extent, close: f64) -> Option<StochasticValue> {
        let k = 100.0 * self.extent.push(Extent { high, low })?.location(close);
        Some(StochasticValue { k, d: self.average.step(k)? })
    }
}

impl Indicator for StochasticFast {
    type Input = Bar;
    type Output = StochasticValue;

    fn step(&mut self, bar: Bar) -> Option<StochasticValue> {
        self.step_price(Extent { high: bar.high, low: bar.low }, bar.close)
    }
}

/// The slow stochastic oscillator: the averaged fast one, and the simple average of that.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stochastic {
    fast: StochasticFast,
    average: Sma,
}

impl Stochastic {
    /// # Errors
    /// Unless the periods are from 1 to 100000.
    pub fn new(period: usize, slowing: usize, average: usize) -> Result<Self, QuantError> {
        Ok(Self { fast: StochasticFast::new(period, slowing)?, average: Sma::new(average)? })
    }
}

impl Indicator for Stochastic {
    type Input = Bar;
    type Output = StochasticValue;

    fn step(&mut self, bar: Bar) -> Option<StochasticValue> {
        let k = self.fast.step(bar)?.d;
        Some(StochasticValue { k, d: self.average.step(k)? })
    }
}

/// The fast stochastic oscillator of the relative strength index (Chande and Kroll 1994).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StochasticRsi {
    rsi: Rsi,
    stochastic: StochasticFast,
}

impl StochasticRsi {
    /// # Errors
    /// Unless the periods are from 1 to 100000, and that of the index from 2.
    pub fn new(rsi: usize, period: usize, average: usize) -> Result<Self, QuantError> {
        Ok(Self { rsi: Rsi::new(rsi)?, stochastic: StochasticFast::new(period, average)? })
    }
}

impl Indicator for StochasticRsi {
    type Input = f64;
    type Output = StochasticValue;

    fn step(&mut self, price: f64) -> Option<StochasticValue> {
        let rsi = self.rsi.step(price)?;
        self.stochastic.step_price(Extent { high: rsi, low: rsi }, rsi)
    }
}

/// Williams' %R (1973): how far the close lies below the highest high, from -100 to 0; zero without a range.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WilliamsR {
    extent: Window<Extent>,
}

impl WilliamsR {
    /// # Errors
    /// Unless `period` is from 1 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        Ok(Self { extent: Window::new(parameter::period("period", period)?) })
    }
}

impl Indicator for WilliamsR {
    type Input = Bar;
    type Output = f64;

    fn step(&mut self, bar: Bar) -> Option<f64> {
        let Extent { high, low } = self.extent.push(Extent { high: bar.high, low: bar.low })?;
        Some(if high > low { -100.0 * ((high - bar.close) / (high - low)) } else { 0.0 })
    }
}

/// Commodity channel index (Lambert 1980): the typical price less its mean, over 0.015 of the mean deviation.
///
/// All deviations change with the mean, so that a step costs O(period).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cci {
    prices: Delay<f64>,
    share: f64,
}

impl Cci {
    /// # Errors
    /// Unless `period` is from 1 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        let period = parameter::period("period", period)?;
        Ok(Self { prices: Delay::new(period), share: 1.0 / period as f64 })
    }
}

impl Indicator for Cci {
    type Input = Bar;
    type Output = f64;

    fn step(&mut self, bar: Bar) -> Option<f64> {
        let price = bar.typical();
        self.prices.push(price);
        // Relative to the latest price, so that a constant series deviates by exactly nothing.
        let mean = self.prices.full()?.map(|value| value - price).sum::<f64>() * self.share;
        let deviation =
            self.prices.full()?.map(|value| (value - price - mean).abs()).sum::<f64>() * self.share;
        Some(quotient(-mean, 0.015 * deviation))
    }
}
