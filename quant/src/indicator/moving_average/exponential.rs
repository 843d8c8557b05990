//! Exponential averages and what is composed of them.

use crate::{
    QuantError, check,
    indicator::{Indicator, parameter, smoothing::Smoothing, window::Delay},
};
use serde::{Deserialize, Serialize};

/// Exponential moving average: `y ← y + 2 / (period + 1) (x - y)`, begun with the mean of the first period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ema {
    pub(in crate::indicator) smoothing: Smoothing,
}

impl Ema {
    /// # Errors
    /// Unless `period` is from 1 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        Ok(Self { smoothing: Smoothing::exponential("period", period)? })
    }
}

impl Indicator for Ema {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        self.smoothing.step(price)
    }
}

/// Wilder's average (1978), also smoothed or running average: `y ← y + (x - y) / period`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WilderAverage {
    smoothing: Smoothing,
}

impl WilderAverage {
    /// # Errors
    /// Unless `period` is from 1 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        Ok(Self { smoothing: Smoothing::wilder("period", period)? })
    }
}

impl Indicator for WilderAverage {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        self.smoothing.step(price)
    }
}

/// Double exponential moving average: `2 E - E(E)` (Mulloy, TASC 1/1994).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dema {
    first: Smoothing,
    second: Smoothing,
}

impl Dema {
    /// # Errors
    /// Unless `period` is from 1 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        let smoothing = Smoothing::exponential("period", period)?;
        Ok(Self { first: smoothing.clone(), second: smoothing })
    }
}

impl Indicator for Dema {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        let first = self.first.step(price)?;
        let second = self.second.step(first)?;
        Some(2.0 * first - second)
    }
}

/// Triple exponential moving average: `3 E - 3 E(E) + E(E(E))` (Mulloy, TASC 2/1994).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tema {
    first: Smoothing,
    second: Smoothing,
    third: Smoothing,
}

impl Tema {
    /// # Errors
    /// Unless `period` is from 1 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        let smoothing = Smoothing::exponential("period", period)?;
        Ok(Self { first: smoothing.clone(), second: smoothing.clone(), third: smoothing })
    }
}

impl Indicator for Tema {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        let first = self.first.step(price)?;
        let second = self.second.step(first)?;
        let third = self.third.step(second)?;
        Some(third + 3.0 * (first - second))
    }
}

/// Tillson's T3 (TASC 1/1998): six exponential averages in a row, the last four weighted by powers of the volume factor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct T3 {
    stages: Vec<Smoothing>,
    factor: f64,
}

impl T3 {
    const STAGES: usize = 6;

    /// # Errors
    /// Unless `period` is from 1 to 100000 and `volume_factor` from 0 to 1.
    pub fn new(period: usize, volume_factor: f64) -> Result<Self, QuantError> {
        let factor = check::not_negative("volume factor", volume_factor)?;
        if factor > 1.0 {
            return Err(QuantError::OutOfRange {
                what: "volume factor",
                value: factor,
                expected: "from 0 to 1",
            });
        }
        Ok(Self { stages: vec![Smoothing::exponential("period", period)?; Self::STAGES], factor })
    }
}

impl Indicator for T3 {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        let mut value = price;
        let mut latest = [0.0; 4];
        for stage in &mut self.stages {
            value = stage.step(value)?;
            latest.rotate_left(1);
            latest[3] = value;
        }
        let [third, fourth, fifth, sixth] = latest;
        let (once, twice) = (self.factor, self.factor * self.factor);
        let thrice = twice * once;
        Some(
            -thrice * sixth
                + 3.0 * (twice + thrice) * fifth
                + (-6.0 * twice - 3.0 * (once + thrice)) * fourth
                + (1.0 + 3.0 * once + thrice + 3.0 * twice) * third,
        )
    }
}

/// Zero lag exponential average: the exponential average of `2 x - x[(period - 1) / 2 ago]` (Ehlers and Way 2010).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ZeroLagEma {
    delay: Delay<f64>,
    smoothing: Smoothing,
}

impl ZeroLagEma {
    /// # Errors
    /// Unless `period` is from 3 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        let lag = parameter::period("lag of the period", period.saturating_sub(1) / 2)?;
        Ok(Self { delay: Delay::new(lag), smoothing: Smoothing::exponential("period", period)? })
    }
}

impl Indicator for ZeroLagEma {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        let before = self.delay.push(price)?;
        self.smoothing.step(2.0 * price - before)
    }
}
