//! The relative strength index.

use super::kernel::{BLOCK, Decay, Scratch, check_prices};
use crate::{QuantError, check, indicator::momentum::Rsi};
use fearless_simd::{Level, dispatch};

/// An index that has warmed up.
pub(super) struct RsiKernel {
    /// The averages of rises, and of moves of both kinds.
    averages: [f64; 2],
    share: f64,
    decay: Decay<2>,
    scratch: Scratch,
}

impl RsiKernel {
    pub(super) fn new(rsi: &Rsi) -> Self {
        let (rises, falls) = (&rsi.moves.rises, &rsi.moves.falls);
        Self {
            averages: [rises.value, rises.value + falls.value],
            share: rises.gain,
            decay: Decay::new([1.0 - rises.gain; 2]),
            scratch: [[0.0; 2]; BLOCK],
        }
    }

    /// The index at each of at most [`BLOCK`] prices, after one that was taken before.
    #[inline(always)]
    pub(super) fn run(&mut self, prices: &[f64], out: &mut [f64]) {
        let scratch = &mut self.scratch[..out.len()];
        for (slot, (before, price)) in scratch.iter_mut().zip(prices.iter().zip(&prices[1..])) {
            let change = (price - before) * self.share;
            *slot = [if change > 0.0 { change } else { 0.0 }, change.abs()];
        }
        self.averages = self.decay.run(scratch, self.averages);
        for (value, [rises, moves]) in out.iter_mut().zip(scratch) {
            let index = 100.0 * *rises / *moves;
            *value = if *moves > 0.0 { index } else { 0.0 };
        }
    }
}

/// The relative strength index (see [`Rsi`]).
///
/// # Errors
/// As [`Rsi::new`], or if a price is not sound or the buffer is not as long as the prices.
pub fn rsi(prices: &[f64], period: usize, out: &mut [f64]) -> Result<usize, QuantError> {
    check::length("output", out.len(), prices.len())?;
    let mut indicator = Rsi::new(period)?;
    let start = prices.len().min(period + 1);
    let missing = super::run(&mut indicator, &prices[..start], &mut [&mut out[..start]])?;
    if start <= period {
        return Ok(missing);
    }
    let level = Level::new();
    let mut kernel = RsiKernel::new(&indicator);
    for begin in (start..prices.len()).step_by(BLOCK) {
        let end = prices.len().min(begin + BLOCK);
        dispatch!(level, _ => check_prices(&prices[begin..end]))?;
        dispatch!(level, _ => kernel.run(&prices[begin - 1..end], &mut out[begin..end]));
    }
    Ok(missing)
}
