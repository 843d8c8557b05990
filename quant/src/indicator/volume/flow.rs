//! Volume over a window, weighted by what the price did.

use crate::{
    QuantError,
    indicator::{
        Bar, Indicator,
        aggregate::Sums,
        moving_average::{Ema, Sma},
        parameter, quotient,
        window::Window,
    },
};
use serde::{Deserialize, Serialize};

/// Money flow index (Quong and Soudack, TASC 3/1989): the share in percent of the money `typical price × volume` that
/// was traded at a higher typical price than the one before; zero without any.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MoneyFlow {
    price_before: Option<f64>,
    window: Window<Sums<2>>,
}

impl MoneyFlow {
    /// # Errors
    /// Unless `period` is from 2 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        Ok(Self { price_before: None, window: Window::new(parameter::long_period("period", period)?) })
    }
}

impl Indicator for MoneyFlow {
    type Input = Bar;
    type Output = f64;

    fn step(&mut self, bar: Bar) -> Option<f64> {
        let price = bar.typical();
        let before = self.price_before.replace(price)?;
        let money = price * bar.volume;
        let up = if price > before { money } else { 0.0 };
        let down = if price < before { money } else { 0.0 };
        let Sums([up, down]) = self.window.push(Sums([up, down]))?;
        Some(100.0 * quotient(up, up + down))
    }
}

/// Chaikin's money flow: `Σ place of the close × volume / Σ volume`, from -1 to 1; zero without volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChaikinMoneyFlow {
    window: Window<Sums<2>>,
}

impl ChaikinMoneyFlow {
    /// # Errors
    /// Unless `period` is from 1 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        Ok(Self { window: Window::new(parameter::period("period", period)?) })
    }
}

impl Indicator for ChaikinMoneyFlow {
    type Input = Bar;
    type Output = f64;

    fn step(&mut self, bar: Bar) -> Option<f64> {
        let sample = Sums([bar.close_location() * bar.volume, bar.volume]);
        let Sums([flow, volume]) = self.window.push(sample)?;
        Some(quotient(flow, volume))
    }
}

/// Elder's force index (1993): the exponential average of the change of the close times the volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForceIndex {
    close_before: Option<f64>,
    average: Ema,
}

impl ForceIndex {
    /// # Errors
    /// Unless `period` is from 1 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        Ok(Self { close_before: None, average: Ema::new(period)? })
    }
}

impl Indicator for ForceIndex {
    type Input = Bar;
    type Output = f64;

    fn step(&mut self, bar: Bar) -> Option<f64> {
        let before = self.close_before.replace(bar.close)?;
        self.average.step((bar.close - before) * bar.volume)
    }
}

/// Arms' ease of movement: the simple average of the move of the median price times the range, over the volume in units
/// of `scale`; zero without volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EaseOfMovement {
    median_before: Option<f64>,
    average: Sma,
    scale: f64,
}

impl EaseOfMovement {
    /// # Errors
    /// Unless `period` is from 1 to 100000 and `scale` above zero and at most 1e12.
    pub fn new(period: usize, scale: f64) -> Result<Self, QuantError> {
        if !(scale > 0.0 && scale <= 1e12) {
            let expected = "above zero and at most 1e12";
            return Err(QuantError::OutOfRange { what: "scale", value: scale, expected });
        }
        Ok(Self { median_before: None, average: Sma::new(period)?, scale })
    }
}

impl Indicator for EaseOfMovement {
    type Input = Bar;
    type Output = f64;

    fn step(&mut self, bar: Bar) -> Option<f64> {
        let median = bar.median();
        let before = self.median_before.replace(median)?;
        self.average.step(quotient((median - before) * bar.range() * self.scale, bar.volume))
    }
}

/// Volume oscillator: the fast simple average of the volume less the slow one, in percent of the slow one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VolumeOscillator {
    fast: Sma,
    slow: Sma,
}

impl VolumeOscillator {
    /// # Errors
    /// Unless the periods are from 1 to 100000 and `fast` is below `slow`.
    pub fn new(fast: usize, slow: usize) -> Result<Self, QuantError> {
        parameter::ordered(fast, slow)?;
        Ok(Self { fast: Sma::new(fast)?, slow: Sma::new(slow)? })
    }
}

impl Indicator for VolumeOscillator {
    type Input = Bar;
    type Output = f64;

    fn step(&mut self, bar: Bar) -> Option<f64> {
        let fast = self.fast.step(bar.volume);
        let slow = self.slow.step(bar.volume)?;
        Some(100.0 * quotient(fast? - slow, slow))
    }
}

/// Volume weighted average price since it began: `Σ typical price × volume / Σ volume`; the typical price before
/// anything was traded. A caller begins a new one with each session.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Vwap {
    value: f64,
    volume: f64,
}

impl Indicator for Vwap {
    type Input = Bar;
    type Output = f64;

    fn step(&mut self, bar: Bar) -> Option<f64> {
        let price = bar.typical();
        self.volume += bar.volume;
        let share = if self.volume > 0.0 { bar.volume / self.volume } else { 1.0 };
        // As a mean that moves, so that a constant price stays exactly constant.
        self.value += (price - self.value) * share;
        Some(self.value)
    }
}
