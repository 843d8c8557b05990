//! Average true range and average directional movement.

use super::{
    RangeColumns,
    kernel::{BLOCK, Decay, Scratch, check_ranges},
};
use crate::{
    QuantError, check,
    indicator::{Bar, Indicator, trend::Adx, volatility::Atr},
};

/// The true range at each bar; gives the last close.
fn true_ranges(bars: &RangeColumns<'_>, close: f64, factor: f64, out: &mut [f64]) {
    let mut before = close;
    for (((value, &high), &low), &close) in out.iter_mut().zip(bars.high).zip(bars.low).zip(bars.close) {
        let top = if high > before { high } else { before };
        let bottom = if low < before { low } else { before };
        *value = (top - bottom) * factor;
        before = close;
    }
}

/// An average true range that has warmed up.
pub(super) struct AtrKernel {
    close: f64,
    value: f64,
    share: f64,
    decay: Decay,
}

impl AtrKernel {
    pub(super) fn new(atr: &Atr, close: f64) -> Self {
        let share = atr.average.gain;
        Self { close, value: atr.average.value, share, decay: Decay::new(1.0 - share) }
    }

    /// The average at each of at most [`BLOCK`] bars.
    pub(super) fn run(&mut self, bars: &RangeColumns<'_>, out: &mut [f64]) {
        true_ranges(bars, self.close, self.share, out);
        self.close = bars.close.last().copied().unwrap_or(self.close);
        self.decay.run(out, &mut self.value);
    }
}

/// An average directional movement index that has warmed up.
pub(super) struct AdxKernel {
    bar: Bar,
    up: f64,
    down: f64,
    range: f64,
    value: f64,
    share: f64,
    decay: Decay,
}

impl AdxKernel {
    pub(super) fn new(adx: &Adx, bar: Bar) -> Self {
        let sums = &adx.movements;
        Self {
            bar,
            up: sums.up,
            down: sums.down,
            range: sums.range,
            value: adx.value,
            share: sums.share,
            decay: Decay::new(1.0 - sums.share),
        }
    }

    /// The index at each of at most [`BLOCK`] bars, of which there is one at least.
    pub(super) fn run(&mut self, bars: &RangeColumns<'_>, out: &mut [f64]) {
        let count = bars.close.len();
        let mut scratch: [Scratch; 2] = [[0.0; BLOCK]; 2];
        let [up, down] = scratch.each_mut().map(|column| &mut column[..count]);
        self.movements(bars, up, down);
        self.decay.run(up, &mut self.up);
        self.decay.run(down, &mut self.down);
        true_ranges(bars, self.bar.close, 1.0, out);
        self.decay.run(out, &mut self.range);
        self.bar = bars.at(count - 1);
        let mut all_move = true;
        for ((value, up), down) in out.iter_mut().zip(up).zip(down) {
            let total = *up + *down;
            let moves = (total > 0.0) & (*value > 0.0);
            all_move &= moves;
            let index = (100.0 * self.share) * (*up - *down).abs() / total;
            *value = if moves { index } else { -1.0 };
        }
        if all_move {
            self.decay.run(out, &mut self.value);
        } else {
            self.average(out);
        }
    }

    /// Writes the movements up and down.
    fn movements(&self, bars: &RangeColumns<'_>, up: &mut [f64], down: &mut [f64]) {
        let (mut high_before, mut low_before) = (self.bar.high, self.bar.low);
        for (((up, down), &high), &low) in up.iter_mut().zip(down).zip(bars.high).zip(bars.low) {
            let (rise, fall) = (high - high_before, low_before - low);
            *up = if (rise > fall) & (rise > 0.0) { rise } else { 0.0 };
            *down = if (fall > rise) & (fall > 0.0) { fall } else { 0.0 };
            (high_before, low_before) = (high, low);
        }
    }

    /// Averages shares of the index of which some are missing, marked by a negative one.
    fn average(&mut self, out: &mut [f64]) {
        for value in out {
            if *value >= 0.0 {
                self.value += *value - self.value * self.share;
            }
            *value = self.value;
        }
    }
}

/// Runs an indicator over the first bars.
pub(super) fn warm_up<I>(
    indicator: &mut I,
    bars: &RangeColumns<'_>,
    out: &mut [f64],
) -> Result<usize, QuantError>
where
    I: Indicator<Input = Bar, Output = f64>,
{
    let mut missing = 0;
    for (index, slot) in out.iter_mut().enumerate() {
        *slot = indicator.update(bars.at(index))?.unwrap_or(f64::NAN);
        if slot.is_nan() {
            missing = index + 1;
        }
    }
    Ok(missing)
}

/// The average true range (see [`Atr`]).
///
/// # Errors
/// As [`Atr::new`], or if a bar is not sound or the columns differ in length.
pub fn atr(bars: RangeColumns<'_>, period: usize, out: &mut [f64]) -> Result<usize, QuantError> {
    let count = bars.count()?;
    check::length("output", out.len(), count)?;
    let mut indicator = Atr::new(period)?;
    let start = count.min(period + 1);
    let missing = warm_up(&mut indicator, &bars, &mut out[..start])?;
    if start <= period {
        return Ok(missing);
    }
    let mut kernel = AtrKernel::new(&indicator, bars.close[start - 1]);
    for begin in (start..count).step_by(BLOCK) {
        let end = count.min(begin + BLOCK);
        let part = bars.part(begin..end);
        check_ranges(&part)?;
        kernel.run(&part, &mut out[begin..end]);
    }
    Ok(missing)
}

/// The average directional movement index (see [`Adx`]).
///
/// # Errors
/// As [`Adx::new`], or if a bar is not sound or the columns differ in length.
pub fn adx(bars: RangeColumns<'_>, period: usize, out: &mut [f64]) -> Result<usize, QuantError> {
    let count = bars.count()?;
    check::length("output", out.len(), count)?;
    let mut indicator = Adx::new(period)?;
    let start = count.min(2 * period);
    let missing = warm_up(&mut indicator, &bars, &mut out[..start])?;
    if start < 2 * period {
        return Ok(missing);
    }
    let mut kernel = AdxKernel::new(&indicator, bars.at(start - 1));
    for begin in (start..count).step_by(BLOCK) {
        let end = count.min(begin + BLOCK);
        let part = bars.part(begin..end);
        check_ranges(&part)?;
        kernel.run(&part, &mut out[begin..end]);
    }
    Ok(missing)
}
