//! Moving average convergence divergence.

use super::kernel::{BLOCK, check_prices};
use crate::{QuantError, check, indicator::momentum::Macd};
use fearless_simd::{Level, dispatch};

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

/// An average of numbers about nothing, two at a time: the second waits as long as the first.
#[derive(Clone, Copy)]
struct Average {
    gain: f64,
    keep: f64,
    keep_twice: f64,
}

impl Average {
    fn new(gain: f64) -> Self {
        let keep = 1.0 - gain;
        Self { gain, keep, keep_twice: keep * keep }
    }

    /// What `value` becomes with each of the two.
    #[inline(always)]
    fn step(self, value: f64, numbers: [f64; 2]) -> [f64; 2] {
        let [first, second] = numbers.map(|number| self.gain * number);
        [self.keep * value + first, self.keep_twice * value + (self.keep * first + second)]
    }
}

/// Averages that have warmed up: the fast, the slow, and that of their difference.
pub(super) struct MacdKernel {
    values: [f64; 3],
    averages: [Average; 3],
}

impl MacdKernel {
    pub(super) fn new(macd: &Macd) -> Self {
        let (fast, slow, signal) = (&macd.averages.fast, &macd.averages.slow, &macd.signal);
        Self {
            values: [fast.value, slow.value, signal.value],
            averages: [fast.gain, slow.gain, signal.gain].map(Average::new),
        }
    }

    /// The lines at each of a block of prices.
    ///
    /// Prices are taken about the first of them, so that a constant series gives exact zeros. Not a part of its caller,
    /// where wider registers may be in use: with them the compiler packs the averages together, and to pack and unpack
    /// takes twice the time.
    #[inline(never)]
    pub(super) fn run(&mut self, prices: &[f64], out: &mut MacdColumns<'_>) {
        let centre = prices.first().copied().unwrap_or(0.0);
        self.values = [self.values[0] - centre, self.values[1] - centre, self.values[2]];
        let (pairs, last) = prices.as_chunks::<2>();
        let (lines, last_line) = out.line.as_chunks_mut::<2>();
        let (signals, last_signal) = out.signal.as_chunks_mut::<2>();
        let (histograms, last_histogram) = out.histogram.as_chunks_mut::<2>();
        let places = lines.iter_mut().zip(signals).zip(histograms);
        for (pair, ((line, signal), histogram)) in pairs.iter().zip(places) {
            let steps = self.steps(pair.map(|price| price - centre));
            self.values = steps.map(|step| step[1]);
            *line = [steps[0][0] - steps[1][0], steps[0][1] - steps[1][1]];
            *signal = steps[2];
            *histogram = [line[0] - signal[0], line[1] - signal[1]];
        }
        let places = last_line.iter_mut().zip(last_signal).zip(last_histogram);
        for (price, ((line, signal), histogram)) in last.iter().zip(places) {
            self.values = self.steps([price - centre, 0.0]).map(|step| step[0]);
            *line = self.values[0] - self.values[1];
            *signal = self.values[2];
            *histogram = *line - *signal;
        }
        self.values = [self.values[0] + centre, self.values[1] + centre, self.values[2]];
    }

    /// What the averages become with each of two numbers.
    #[inline(always)]
    fn steps(&self, numbers: [f64; 2]) -> [[f64; 2]; 3] {
        let [fast, slow, signal] = self.averages;
        let to_fast = fast.step(self.values[0], numbers);
        let to_slow = slow.step(self.values[1], numbers);
        let line = [to_fast[0] - to_slow[0], to_fast[1] - to_slow[1]];
        [to_fast, to_slow, signal.step(self.values[2], line)]
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
    let level = Level::new();
    let mut kernel = MacdKernel::new(&indicator);
    for begin in (start..count).step_by(BLOCK) {
        let end = count.min(begin + BLOCK);
        dispatch!(level, _ => check_prices(&prices[begin..end]))?;
        kernel.run(&prices[begin..end], &mut out.part(begin..end));
    }
    Ok(missing)
}
