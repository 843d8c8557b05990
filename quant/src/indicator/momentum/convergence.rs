//! Differences of averages.

use super::RateOfChange;
use crate::{
    QuantError,
    indicator::{Bar, Indicator, moving_average::Sma, output, parameter, quotient, smoothing::Smoothing},
};
use serde::{Deserialize, Serialize};

output!(
    /// The line, its average, and their difference.
    MacdValue { line, signal, histogram }
);

/// A fast and a slow exponential average.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::indicator) struct Averages {
    skipped: usize,
    pub(in crate::indicator) fast: Smoothing,
    pub(in crate::indicator) slow: Smoothing,
}

impl Averages {
    fn new(fast: usize, slow: usize) -> Result<Self, QuantError> {
        parameter::ordered(fast, slow)?;
        Ok(Self {
            skipped: 0,
            fast: Smoothing::exponential("fast period", fast)?,
            slow: Smoothing::exponential("slow period", slow)?,
        })
    }

    /// Averages of which the fast one begins so late that both have their first value at once.
    fn aligned(fast: usize, slow: usize) -> Result<Self, QuantError> {
        let averages = Self::new(fast, slow)?;
        Ok(Self { skipped: slow - fast, ..averages })
    }

    fn step(&mut self, price: f64) -> Option<(f64, f64)> {
        let slow = self.slow.step(price);
        if self.skipped > 0 {
            self.skipped -= 1;
            return None;
        }
        let fast = self.fast.step(price);
        Some((fast?, slow?))
    }
}

/// Moving average convergence divergence (Appel 1979): the fast exponential average less the slow one, and the
/// exponential average of that. As in TA-Lib, both averages have their first value at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Macd {
    pub(in crate::indicator) averages: Averages,
    pub(in crate::indicator) signal: Smoothing,
}

impl Macd {
    /// # Errors
    /// Unless the periods are from 1 to 100000 and `fast` is below `slow`.
    pub fn new(fast: usize, slow: usize, signal: usize) -> Result<Self, QuantError> {
        let averages = Averages::aligned(fast, slow)?;
        Ok(Self { averages, signal: Smoothing::exponential("signal period", signal)? })
    }
}

impl Indicator for Macd {
    type Input = f64;
    type Output = MacdValue;

    fn step(&mut self, price: f64) -> Option<MacdValue> {
        let (fast, slow) = self.averages.step(price)?;
        let line = fast - slow;
        let signal = self.signal.step(line)?;
        Some(MacdValue { line, signal, histogram: line - signal })
    }
}

/// Absolute price oscillator: the fast exponential average less the slow one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Apo {
    averages: Averages,
}

impl Apo {
    /// # Errors
    /// Unless the periods are from 1 to 100000 and `fast` is below `slow`.
    pub fn new(fast: usize, slow: usize) -> Result<Self, QuantError> {
        Ok(Self { averages: Averages::new(fast, slow)? })
    }
}

impl Indicator for Apo {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        self.averages.step(price).map(|(fast, slow)| fast - slow)
    }
}

/// Percentage price oscillator: the absolute one in percent of the slow average.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ppo {
    averages: Averages,
}

impl Ppo {
    /// # Errors
    /// Unless the periods are from 1 to 100000 and `fast` is below `slow`.
    pub fn new(fast: usize, slow: usize) -> Result<Self, QuantError> {
        Ok(Self { averages: Averages::new(fast, slow)? })
    }
}

impl Indicator for Ppo {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        self.averages.step(price).map(|(fast, slow)| 100.0 * quotient(fast - slow, slow))
    }
}

/// Awesome oscillator (Williams, "New Trading Dimensions", 1998): the difference of simple averages of median prices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Awesome {
    fast: Sma,
    slow: Sma,
}

impl Awesome {
    /// # Errors
    /// Unless the periods are from 1 to 100000 and `fast` is below `slow`.
    pub fn new(fast: usize, slow: usize) -> Result<Self, QuantError> {
        parameter::ordered(fast, slow)?;
        Ok(Self { fast: Sma::new(fast)?, slow: Sma::new(slow)? })
    }
}

impl Indicator for Awesome {
    type Input = Bar;
    type Output = f64;

    fn step(&mut self, bar: Bar) -> Option<f64> {
        let fast = self.fast.step(bar.median());
        let slow = self.slow.step(bar.median())?;
        Some(fast? - slow)
    }
}

/// TRIX (Hutson 1983): the rate of change in percent of a triple exponential average.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trix {
    first: Smoothing,
    second: Smoothing,
    third: Smoothing,
    change: RateOfChange,
}

impl Trix {
    /// # Errors
    /// Unless `period` is from 1 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        let smoothing = Smoothing::exponential("period", period)?;
        Ok(Self {
            first: smoothing.clone(),
            second: smoothing.clone(),
            third: smoothing,
            change: RateOfChange::new(1)?,
        })
    }
}

impl Indicator for Trix {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        let first = self.first.step(price)?;
        let second = self.second.step(first)?;
        let third = self.third.step(second)?;
        self.change.step(third)
    }
}

/// True strength index (Blau, TASC 11/1991): `100 E(E(Δ)) / E(E(|Δ|))`, the long average first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tsi {
    price_before: Option<f64>,
    moves: [Smoothing; 2],
    sizes: [Smoothing; 2],
}

impl Tsi {
    /// # Errors
    /// Unless the periods are from 1 to 100000.
    pub fn new(long: usize, short: usize) -> Result<Self, QuantError> {
        let stages =
            [Smoothing::exponential("long period", long)?, Smoothing::exponential("short period", short)?];
        Ok(Self { price_before: None, moves: stages.clone(), sizes: stages })
    }
}

impl Indicator for Tsi {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        let change = price - self.price_before.replace(price)?;
        let twice = |[first, second]: &mut [Smoothing; 2], value| second.step(first.step(value)?);
        let net = twice(&mut self.moves, change);
        let total = twice(&mut self.sizes, change.abs())?;
        Some(100.0 * quotient(net?, total))
    }
}
