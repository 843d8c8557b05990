//! The relative strength index.

use super::kernel::{BLOCK, Decay, Scratch, check_prices};
use crate::{QuantError, check, indicator::momentum::Rsi};

/// An index that has warmed up.
pub(super) struct RsiKernel {
    price: f64,
    rises: f64,
    falls: f64,
    share: f64,
    decay: Decay,
}

impl RsiKernel {
    pub(super) fn new(rsi: &Rsi, price: f64) -> Self {
        let moves = &rsi.moves;
        let share = moves.rises.gain;
        Self {
            price,
            rises: moves.rises.value,
            falls: moves.falls.value,
            share,
            decay: Decay::new(1.0 - share),
        }
    }

    /// The index at each of at most [`BLOCK`] prices.
    pub(super) fn run(&mut self, prices: &[f64], out: &mut [f64]) {
        let (mut rises, mut falls): (Scratch, Scratch) = ([0.0; BLOCK], [0.0; BLOCK]);
        let (rises, falls) = (&mut rises[..prices.len()], &mut falls[..prices.len()]);
        let mut before = self.price;
        for ((rise, fall), &price) in rises.iter_mut().zip(falls.iter_mut()).zip(prices) {
            let change = (price - before) * self.share;
            *rise = if change > 0.0 { change } else { 0.0 };
            *fall = *rise - change;
            before = price;
        }
        self.price = before;
        self.decay.run(rises, &mut self.rises);
        self.decay.run(falls, &mut self.falls);
        for ((value, rise), fall) in out.iter_mut().zip(rises).zip(falls) {
            let total = *rise + *fall;
            let index = 100.0 * *rise / total;
            *value = if total > 0.0 { index } else { 0.0 };
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
    let mut kernel = RsiKernel::new(&indicator, prices[start - 1]);
    for (prices, out) in prices[start..].chunks(BLOCK).zip(out[start..].chunks_mut(BLOCK)) {
        check_prices(prices)?;
        kernel.run(prices, out);
    }
    Ok(missing)
}
