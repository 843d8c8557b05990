//! Indices of the strength of rises against falls.

use crate::{
    QuantError,
    indicator::{Indicator, parameter, quotient, smoothing::Smoothing},
};
use serde::{Deserialize, Serialize};

/// Wilder's averages of rises and falls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::indicator) struct Moves {
    price_before: Option<f64>,
    pub(in crate::indicator) rises: Smoothing,
    pub(in crate::indicator) falls: Smoothing,
}

impl Moves {
    fn new(period: usize) -> Result<Self, QuantError> {
        let smoothing = Smoothing::wilder("period", parameter::long_period("period", period)?)?;
        Ok(Self { price_before: None, rises: smoothing.clone(), falls: smoothing })
    }

    fn step(&mut self, price: f64) -> Option<(f64, f64)> {
        let change = price - self.price_before.replace(price)?;
        let rises = self.rises.step(change.max(0.0));
        let falls = self.falls.step((-change).max(0.0));
        Some((rises?, falls?))
    }
}

/// Relative strength index: `100 rises / (rises + falls)`, averaged as Wilder does (1978); zero without a move.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rsi {
    pub(in crate::indicator) moves: Moves,
}

impl Rsi {
    /// # Errors
    /// Unless `period` is from 2 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        Ok(Self { moves: Moves::new(period)? })
    }
}

impl Indicator for Rsi {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        let (rises, falls) = self.moves.step(price)?;
        Some(quotient(100.0 * rises, rises + falls))
    }
}

/// Chande momentum oscillator (1994), smoothed as in TA-Lib: `100 (rises - falls) / (rises + falls)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cmo {
    moves: Moves,
}

impl Cmo {
    /// # Errors
    /// Unless `period` is from 2 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        Ok(Self { moves: Moves::new(period)? })
    }
}

impl Indicator for Cmo {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        let (rises, falls) = self.moves.step(price)?;
        Some(quotient(100.0 * (rises - falls), rises + falls))
    }
}
