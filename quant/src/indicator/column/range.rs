//! Average true range and average directional movement.

use super::{
    RangeColumns,
    kernel::{BLOCK, Decay, Scratch, check_ranges, range_fault},
};
use crate::{
    QuantError, check,
    indicator::{Bar, Indicator, trend::Adx, volatility::Atr},
};
use fearless_simd::{Level, dispatch};

/// The true range times `factor` at each bar but the first.
///
/// Checks the bars in passing, which costs less than to read them twice.
#[inline(always)]
fn true_ranges(bars: &RangeColumns<'_>, factor: f64, out: &mut [f64]) -> Result<(), QuantError> {
    let numbers = bars.high[1..].iter().zip(&bars.low[1..]).zip(&bars.close[1..]);
    let mut faults = 0;
    for ((value, ((&high, &low), &close)), &before) in out.iter_mut().zip(numbers).zip(bars.close) {
        let top = if high > before { high } else { before };
        let bottom = if low < before { low } else { before };
        *value = (top - bottom) * factor;
        faults |= range_fault(high, low, close);
    }
    if faults == 0 { Ok(()) } else { check_ranges(bars) }
}

/// An average true range that has warmed up.
pub(super) struct AtrKernel {
    value: f64,
    share: f64,
    decay: Decay<1>,
}

impl AtrKernel {
    pub(super) fn new(atr: &Atr) -> Self {
        let share = atr.average.gain;
        Self { value: atr.average.value, share, decay: Decay::new([1.0 - share]) }
    }

    /// The average at each of at most [`BLOCK`] bars, after one that was taken before.
    ///
    /// # Errors
    /// If a bar is not sound.
    #[inline(always)]
    pub(super) fn run(&mut self, bars: &RangeColumns<'_>, out: &mut [f64]) -> Result<(), QuantError> {
        true_ranges(bars, self.share, out)?;
        [self.value] = self.decay.run(out.as_chunks_mut().0, [self.value]);
        Ok(())
    }
}

/// An average directional movement index that has warmed up.
pub(super) struct AdxKernel {
    /// The sums of movements, up counted above zero and down below, and of their sizes.
    sums: [f64; 2],
    value: f64,
    share: f64,
    decays: Decay<2>,
    decay: Decay<1>,
    scratch: Scratch,
}

impl AdxKernel {
    pub(super) fn new(adx: &Adx) -> Self {
        let movements = &adx.movements;
        let keep = 1.0 - movements.share;
        Self {
            sums: [movements.up - movements.down, movements.up + movements.down],
            value: adx.value,
            share: movements.share,
            decays: Decay::new([keep; 2]),
            decay: Decay::new([keep]),
            scratch: [[0.0; 2]; BLOCK],
        }
    }

    /// The index at each of at most [`BLOCK`] bars, after one that was taken before.
    #[inline(always)]
    pub(super) fn run(&mut self, bars: &RangeColumns<'_>, out: &mut [f64]) {
        let scratch = &mut self.scratch[..out.len()];
        movements(bars, scratch);
        self.sums = self.decays.run(scratch, self.sums);
        let mut still = 0;
        for (value, [movement, size]) in out.iter_mut().zip(scratch) {
            let moves = *size > 0.0;
            still |= u64::from(!moves);
            let index = (100.0 * self.share) * movement.abs() / *size;
            *value = if moves { index } else { -1.0 };
        }
        if still == 0 {
            [self.value] = self.decay.run(out.as_chunks_mut().0, [self.value]);
        } else {
            self.average(out);
        }
    }

    /// Averages shares of the index of which some are missing, marked by a negative one.
    #[inline(always)]
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

/// The movement at each bar but the first, up above zero and down below, and its size.
#[inline(always)]
fn movements(bars: &RangeColumns<'_>, out: &mut [[f64; 2]]) {
    let highs = bars.high.iter().zip(&bars.high[1..]);
    let lows = bars.low.iter().zip(&bars.low[1..]);
    for (slot, ((high_before, high), (low_before, low))) in out.iter_mut().zip(highs.zip(lows)) {
        let (rise, fall) = (high - high_before, low_before - low);
        let up = if (rise > fall) & (rise > 0.0) { rise } else { 0.0 };
        let down = if (fall > rise) & (fall > 0.0) { fall } else { 0.0 };
        *slot = [up - down, up + down];
    }
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
    let level = Level::new();
    let mut kernel = AtrKernel::new(&indicator);
    for begin in (start..count).step_by(BLOCK) {
        let end = count.min(begin + BLOCK);
        dispatch!(level, _ => kernel.run(&bars.part(begin - 1..end), &mut out[begin..end]))?;
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
    let level = Level::new();
    let mut kernel = AdxKernel::new(&indicator);
    for begin in (start..count).step_by(BLOCK) {
        let end = count.min(begin + BLOCK);
        dispatch!(level, _ => check_ranges(&bars.part(begin..end)))?;
        dispatch!(level, _ => kernel.run(&bars.part(begin - 1..end), &mut out[begin..end]));
    }
    Ok(missing)
}
