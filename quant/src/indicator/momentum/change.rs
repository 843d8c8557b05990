//! Changes of the price over a horizon, and sums of such changes.

use crate::{
    QuantError,
    indicator::{
        Indicator,
        moving_average::{Sma, Wma},
        output, parameter, quotient,
        window::Delay,
    },
};
use serde::{Deserialize, Serialize};

/// Momentum: the price less the one `period` samples ago.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Momentum {
    prices: Delay<f64>,
}

impl Momentum {
    /// # Errors
    /// Unless `period` is from 1 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        Ok(Self { prices: Delay::new(parameter::period("period", period)?) })
    }
}

impl Indicator for Momentum {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        Some(price - self.prices.push(price)?)
    }
}

/// Rate of change in percent: `100 (x / x[period ago] - 1)`; zero where the old price is zero.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RateOfChange {
    prices: Delay<f64>,
}

impl RateOfChange {
    /// # Errors
    /// Unless `period` is from 1 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        Ok(Self { prices: Delay::new(parameter::period("period", period)?) })
    }
}

impl Indicator for RateOfChange {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        let before = self.prices.push(price)?;
        Some(100.0 * quotient(price - before, before))
    }
}

/// Detrended price oscillator, as one knows it at the time: the price from `period / 2 + 1` samples ago less the simple
/// average of today.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dpo {
    prices: Delay<f64>,
    average: Sma,
}

impl Dpo {
    /// # Errors
    /// Unless `period` is from 1 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        let average = Sma::new(period)?;
        Ok(Self { prices: Delay::new(period / 2 + 1), average })
    }
}

impl Indicator for Dpo {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        let before = self.prices.push(price);
        let average = self.average.step(price)?;
        Some(before? - average)
    }
}

/// Coppock's curve (1962): the weighted average of the sum of two rates of change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Coppock {
    long: RateOfChange,
    short: RateOfChange,
    average: Wma,
}

impl Coppock {
    /// # Errors
    /// Unless the periods are from 1 to 100000 and `short` is below `long`.
    pub fn new(long: usize, short: usize, average: usize) -> Result<Self, QuantError> {
        parameter::ordered(short, long)?;
        Ok(Self {
            long: RateOfChange::new(long)?,
            short: RateOfChange::new(short)?,
            average: Wma::new(average)?,
        })
    }
}

impl Indicator for Coppock {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        let short = self.short.step(price);
        let long = self.long.step(price)?;
        self.average.step(long + short?)
    }
}

output!(
    /// The oscillator and its average.
    KstValue { line, signal }
);

/// Pring's "know sure thing" (TASC 9/1992): the sum of the averages of four rates of change with weights 1 to 4, and
/// its simple average of 9.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KnowSureThing {
    changes: Vec<(RateOfChange, Sma)>,
    signal: Sma,
}

impl KnowSureThing {
    /// Horizons of the rates of change with the periods of their averages.
    const STAGES: [(usize, usize); 4] = [(10, 10), (15, 10), (20, 10), (30, 15)];

    /// # Errors
    /// Unless `signal` is from 1 to 100000.
    pub fn new(signal: usize) -> Result<Self, QuantError> {
        let stage = |(change, average)| Ok((RateOfChange::new(change)?, Sma::new(average)?));
        let changes: Result<Vec<_>, QuantError> = Self::STAGES.into_iter().map(stage).collect();
        Ok(Self { changes: changes?, signal: Sma::new(signal)? })
    }
}

impl Indicator for KnowSureThing {
    type Input = f64;
    type Output = KstValue;

    fn step(&mut self, price: f64) -> Option<KstValue> {
        let mut line = Some(0.0);
        let mut weight = 0.0;
        for (change, average) in &mut self.changes {
            weight += 1.0;
            let smooth = change.step(price).and_then(|change| average.step(change));
            line = line.zip(smooth).map(|(line, smooth)| line + weight * smooth);
        }
        let line = line?;
        Some(KstValue { line, signal: self.signal.step(line)? })
    }
}
