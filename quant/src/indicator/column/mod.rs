//! Indicators over whole columns, into buffers of the caller.
//!
//! [`run`] takes any indicator. The ones that are asked for most have kernels of their own, which work block by block:
//! a block fits the nearest cache, its loops have no branches and keep several chains of dependent operations going at
//! once, in the widest registers there are, and recurrences advance four steps at a time. [`overview`] makes five
//! indicators in one pass. The numbers are those of the incremental form but for rounding, to 1e-12 of the prices.
//!
//! Every function gives the number of samples before the first value, and fills the buffers up to there with NaN.
//! Buffers that are used again cost no page faults. After an error the buffers hold nothing of use.

mod average;
mod bands;
mod convergence;
mod kernel;
mod overview;
mod range;
mod strength;

pub use average::{ema, sma};
pub use bands::{BandColumns, BollingerParameters, bollinger};
pub use convergence::{MacdColumns, MacdPeriods, macd};
pub use overview::{OverviewColumns, OverviewParameters, overview};
pub use range::{adx, atr};
pub use strength::rsi;

use super::{Bar, Indicator, Output, Pair, Sample};
use crate::{QuantError, check};

/// Bars as columns of one length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BarColumns<'a> {
    pub open: &'a [f64],
    pub high: &'a [f64],
    pub low: &'a [f64],
    pub close: &'a [f64],
    pub volume: &'a [f64],
}

/// Pairs as columns of one length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairColumns<'a> {
    pub x: &'a [f64],
    pub y: &'a [f64],
}

/// Highs, lows and closes as columns of one length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RangeColumns<'a> {
    pub high: &'a [f64],
    pub low: &'a [f64],
    pub close: &'a [f64],
}

/// Samples that are kept by columns.
pub trait Series: Copy {
    /// What is at each place.
    type Sample: Sample;

    /// The number of samples.
    ///
    /// # Errors
    /// If the columns differ in length.
    fn count(&self) -> Result<usize, QuantError>;

    /// The sample at a place below the count.
    fn at(&self, index: usize) -> Self::Sample;
}

impl Series for &[f64] {
    type Sample = f64;

    fn count(&self) -> Result<usize, QuantError> {
        Ok(self.len())
    }

    fn at(&self, index: usize) -> f64 {
        self[index]
    }
}

impl Series for PairColumns<'_> {
    type Sample = Pair;

    fn count(&self) -> Result<usize, QuantError> {
        check::length("second column", self.y.len(), self.x.len())?;
        Ok(self.x.len())
    }

    fn at(&self, index: usize) -> Pair {
        Pair { x: self.x[index], y: self.y[index] }
    }
}

impl Series for BarColumns<'_> {
    type Sample = Bar;

    fn count(&self) -> Result<usize, QuantError> {
        let count = self.close.len();
        check::length("opens", self.open.len(), count)?;
        check::length("highs", self.high.len(), count)?;
        check::length("lows", self.low.len(), count)?;
        check::length("volumes", self.volume.len(), count)?;
        Ok(count)
    }

    fn at(&self, index: usize) -> Bar {
        Bar {
            open: self.open[index],
            high: self.high[index],
            low: self.low[index],
            close: self.close[index],
            volume: self.volume[index],
        }
    }
}

impl RangeColumns<'_> {
    fn count(&self) -> Result<usize, QuantError> {
        check::length("highs", self.high.len(), self.close.len())?;
        check::length("lows", self.low.len(), self.close.len())?;
        Ok(self.close.len())
    }

    fn part(&self, places: std::ops::Range<usize>) -> Self {
        Self { high: &self.high[places.clone()], low: &self.low[places.clone()], close: &self.close[places] }
    }

    /// Nothing that the kernels compute depends on the open or the volume.
    fn at(&self, index: usize) -> Bar {
        let close = self.close[index];
        Bar { open: close, high: self.high[index], low: self.low[index], close, volume: 0.0 }
    }
}

/// Runs an indicator over columns, one buffer for each of its outputs in their order. It goes on from its state.
///
/// # Errors
/// If the columns and buffers differ in length or number, or a sample is not sound; the indicator has then not changed.
pub fn run<I, S>(indicator: &mut I, series: S, outputs: &mut [&mut [f64]]) -> Result<usize, QuantError>
where
    I: Indicator,
    S: Series<Sample = I::Input>,
{
    let count = series.count()?;
    check::length("outputs", outputs.len(), I::Output::NAMES.len())?;
    for output in outputs.iter() {
        check::length("output", output.len(), count)?;
    }
    for index in 0..count {
        series.at(index).check()?;
    }
    let mut missing = 0;
    for index in 0..count {
        if let Some(value) = indicator.step(series.at(index)) {
            for (output, number) in outputs.iter_mut().zip(value.array().as_ref()) {
                output[index] = *number;
            }
        } else {
            missing = index + 1;
            for output in outputs.iter_mut() {
                output[index] = f64::NAN;
            }
        }
    }
    Ok(missing)
}
