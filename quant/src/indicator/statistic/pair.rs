//! How two values move together.

use crate::{
    QuantError,
    indicator::{Indicator, Pair, aggregate::Comoments, parameter, quotient, window::Window},
};
use serde::{Deserialize, Serialize};

/// Beta: the slope of the least squares line through the relative changes, those of `x` across and those of `y` up; as
/// in TA-Lib, zero where the changes of `x` do not vary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Beta {
    before: Option<Pair>,
    window: Window<Comoments>,
}

impl Beta {
    /// # Errors
    /// Unless `period` is from 1 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        Ok(Self { before: None, window: Window::new(parameter::period("period", period)?) })
    }
}

impl Indicator for Beta {
    type Input = Pair;
    type Output = f64;

    fn step(&mut self, pair: Pair) -> Option<f64> {
        let before = self.before.replace(pair)?;
        let x = quotient(pair.x - before.x, before.x);
        let y = quotient(pair.y - before.y, before.y);
        let moments = self.window.push(Comoments::of(x, y))?;
        Some(quotient(moments.xy, moments.xx))
    }
}

/// Pearson's correlation, from -1 to 1; zero where either value does not vary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Correlation {
    window: Window<Comoments>,
}

impl Correlation {
    /// # Errors
    /// Unless `period` is from 1 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        Ok(Self { window: Window::new(parameter::period("period", period)?) })
    }
}

impl Indicator for Correlation {
    type Input = Pair;
    type Output = f64;

    fn step(&mut self, pair: Pair) -> Option<f64> {
        let moments = self.window.push(Comoments::of(pair.x, pair.y))?;
        Some(quotient(moments.xy, moments.xx.sqrt() * moments.yy.sqrt()).clamp(-1.0, 1.0))
    }
}
