//! Moving average convergence divergence.

use super::kernel::{BLOCK, Follow, check_prices};
use crate::{QuantError, check, indicator::momentum::Macd};

/// The periods of the averages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MacdPeriods {
    pub fast: usize,
    pub slow: usize,
    pub signal: usize,
}

/// Buffers as long as the prices.
#[derive(Debug)]
pub struct MacdColumns<'a> {
    pub line: &'a mut [f64],
    pub signal: &'a mut [f64],
    pub histogram: &'a mut [f64],
}

impl MacdColumns<'_> {
    pub(super) fn check(&self, count: usize) -> Result<(), QuantError> {
        check::length("line", self.line.len(), count)?;
        check::length("signal", self.signal.len(), count)?;
        check::length("histogram", self.histogram.len(), count)
    }

    pub(super) fn part(&mut self, places: std::ops::Range<usize>) -> MacdColumns<'_> {
        MacdColumns {
            line: &mut self.line[places.clone()],
            signal: &mut self.signal[places.clone()],
            histogram: &mut self.histogram[places],
        }
    }
}

/// Averages that have warmed up.
pub(super) struct MacdKernel {
    fast: f64,
    slow: f64,
    signal: f64,
    follows: [Follow; 3],
}

impl MacdKernel {
    pub(super) fn new(macd: &Macd) -> Self {
        Self {
            fast: macd.fast.value,
            slow: macd.slow.value,
            signal: macd.signal.value,
            follows: [&macd.fast, &macd.slow, &macd.signal].map(|smoothing| Follow::new(smoothing.gain)),
        }
    }

    /// The lines at each of at most [`BLOCK`] prices.
    pub(super) fn run(&mut self, prices: &[f64], out: &mut MacdColumns<'_>) {
        let [fast, slow, signal] = self.follows;
        out.line.copy_from_slice(prices);
        fast.run(out.line, &mut self.fast);
        out.histogram.copy_from_slice(prices);
        slow.run(out.histogram, &mut self.slow);
        for ((line, signal), slow) in out.line.iter_mut().zip(out.signal.iter_mut()).zip(out.histogram.iter())
        {
            *line -= slow;
            *signal = *line;
        }
        signal.run(out.signal, &mut self.signal);
        for ((histogram, line), signal) in
            out.histogram.iter_mut().zip(out.line.iter()).zip(out.signal.iter())
        {
            *histogram = line - signal;
        }
    }
}

/// Moving average convergence divergence (see [`Macd`]).
///
/// # Errors
/// As [`Macd::new`], or if a price is not sound or a buffer is not as long as the prices.
pub fn macd(prices: &[f64], periods: MacdPeriods, mut out: MacdColumns<'_>) -> Result<usize, QuantError> {
    let count = prices.len();
    out.check(count)?;
    let mut indicator = Macd::new(periods.fast, periods.slow, periods.signal)?;
    let warm_up = periods.slow + periods.signal - 1;
    let start = count.min(warm_up);
    let MacdColumns { line, signal, histogram } = out.part(0..start);
    let missing = super::run(&mut indicator, &prices[..start], &mut [line, signal, histogram])?;
    if start < warm_up {
        return Ok(missing);
    }
    let mut kernel = MacdKernel::new(&indicator);
    for begin in (start..count).step_by(BLOCK) {
        let end = count.min(begin + BLOCK);
        check_prices(&prices[begin..end])?;
        kernel.run(&prices[begin..end], &mut out.part(begin..end));
    }
    Ok(missing)
}
