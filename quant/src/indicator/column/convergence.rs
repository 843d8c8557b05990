//! Moving average convergence divergence.

use super::kernel::{BLOCK, Decay, Scratch, check_prices};
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
///
/// They are advanced as differences from what they were before the block, so that a constant series gives exact zeros.
pub(super) struct MacdKernel {
    averages: [f64; 2],
    gains: [f64; 2],
    decays: Decay<2>,
    signal: f64,
    signal_gain: f64,
    signal_decay: Decay<1>,
    scratch: Scratch,
}

impl MacdKernel {
    pub(super) fn new(macd: &Macd) -> Self {
        let (fast, slow) = (&macd.averages.fast, &macd.averages.slow);
        let gains = [fast.gain, slow.gain];
        Self {
            averages: [fast.value, slow.value],
            gains,
            decays: Decay::new(gains.map(|gain| 1.0 - gain)),
            signal: macd.signal.value,
            signal_gain: macd.signal.gain,
            signal_decay: Decay::new([1.0 - macd.signal.gain]),
            scratch: [[0.0; 2]; BLOCK],
        }
    }

    /// The lines at each of at most [`BLOCK`] prices.
    pub(super) fn run(&mut self, prices: &[f64], out: &mut MacdColumns<'_>) {
        let ([fast, slow], [fast_gain, slow_gain]) = (self.averages, self.gains);
        let scratch = &mut self.scratch[..prices.len()];
        for (slot, price) in scratch.iter_mut().zip(prices) {
            *slot = [fast_gain * (price - fast), slow_gain * (price - slow)];
        }
        let [fast_change, slow_change] = self.decays.run(scratch, [0.0; 2]);
        let signal = self.signal;
        for ((line, share), [to_fast, to_slow]) in out.line.iter_mut().zip(out.signal.iter_mut()).zip(scratch)
        {
            *line = (fast + *to_fast) - (slow + *to_slow);
            *share = self.signal_gain * (*line - signal);
        }
        let [signal_change] = self.signal_decay.run(out.signal.as_chunks_mut().0, [0.0]);
        for ((histogram, value), line) in
            out.histogram.iter_mut().zip(out.signal.iter_mut()).zip(out.line.iter())
        {
            *value += signal;
            *histogram = line - *value;
        }
        self.averages = [fast + fast_change, slow + slow_change];
        self.signal += signal_change;
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
