//! Averages that go faster in a trend.

use crate::{
    QuantError,
    indicator::{
        Indicator, aggregate::Sum, aggregate::Sums, parameter, quotient, window::Delay, window::Window,
    },
};
use serde::{Deserialize, Serialize};

/// Kaufman's adaptive moving average (1995): `y ← y + c² (x - y)`, where `c` goes from `2 / 31` to `2 / 3` with the
/// share of the net move in the sum of all moves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kama {
    prices: Delay<f64>,
    moves: Window<Sum>,
    price_before: Option<f64>,
    value: Option<f64>,
}

impl Kama {
    const FAST: f64 = 2.0 / 3.0;
    const SLOW: f64 = 2.0 / 31.0;

    /// # Errors
    /// Unless `period` is from 1 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        let period = parameter::period("period", period)?;
        Ok(Self { prices: Delay::new(period), moves: Window::new(period), price_before: None, value: None })
    }
}

impl Indicator for Kama {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        let oldest = self.prices.push(price);
        let before = self.price_before.replace(price)?;
        let path = self.moves.push(Sum((price - before).abs()))?.0;
        let net = (price - oldest?).abs();
        let efficiency = if path > net { net / path } else { 1.0 };
        let constant = efficiency * (Self::FAST - Self::SLOW) + Self::SLOW;
        let value = self.value.unwrap_or(before);
        let next = value + (price - value) * (constant * constant);
        self.value = Some(next);
        Some(next)
    }
}

/// Variable index dynamic average (Chande, TASC 10/1995): an exponential average whose constant is multiplied by the
/// size of the unsmoothed Chande momentum of the same period. It begins with the price before the first momentum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Vidya {
    gain: f64,
    moves: Window<Sums<2>>,
    price_before: Option<f64>,
    value: Option<f64>,
}

impl Vidya {
    /// # Errors
    /// Unless `period` is from 1 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        let period = parameter::period("period", period)?;
        let gain = 2.0 / (period as f64 + 1.0);
        Ok(Self { gain, moves: Window::new(period), price_before: None, value: None })
    }
}

impl Indicator for Vidya {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        let before = self.price_before.replace(price)?;
        let change = price - before;
        let Sums([up, down]) = self.moves.push(Sums([change.max(0.0), (-change).max(0.0)]))?;
        let momentum = quotient((up - down).abs(), up + down);
        let value = self.value.unwrap_or(before);
        let next = value + self.gain * momentum * (price - value);
        self.value = Some(next);
        Some(next)
    }
}

/// McGinley's dynamic (1990): `y ← y + (x - y) / (period (x / y)⁴)`, begun with the first price.
///
/// Where the divisor is below 1, for a price that fell to less than `y / period^¼`, the average takes the price.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct McGinley {
    period: f64,
    value: Option<f64>,
}

impl McGinley {
    /// # Errors
    /// Unless `period` is from 1 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        Ok(Self { period: parameter::period("period", period)? as f64, value: None })
    }
}

impl Indicator for McGinley {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        let value = self.value.unwrap_or(price);
        let divisor = (self.period * quotient(price, value).powi(4)).max(1.0);
        let next = value + (price - value) / divisor;
        self.value = Some(next);
        Some(next)
    }
}
