//! Moving averages.

use super::kernel::{BLOCK, Decay, check_prices};
use crate::{
    QuantError, check,
    indicator::moving_average::{Ema, Sma},
};

/// The simple moving average (see [`Sma`]).
///
/// # Errors
/// As [`Sma::new`], or if a price is not sound or the buffer is not as long as the prices.
pub fn sma(prices: &[f64], period: usize, out: &mut [f64]) -> Result<usize, QuantError> {
    check::length("output", out.len(), prices.len())?;
    let mut indicator = Sma::new(period)?;
    check_prices(prices)?;
    let start = prices.len().min(period);
    let missing = super::run(&mut indicator, &prices[..start], &mut [&mut out[..start]])?;
    let mut tails = vec![0.0; period];
    let stretches = prices.chunks(period).zip(prices[start..].chunks(period));
    for ((before, prices), out) in stretches.zip(out[start..].chunks_mut(period)) {
        sma_stretch((before, prices), &mut tails, out);
    }
    Ok(missing)
}

/// The averages at the prices that follow a whole stretch, at most as many: sums over a tail of the stretch and over a
/// head of what follows, so that nothing has to be taken away.
fn sma_stretch((before, prices): (&[f64], &[f64]), tails: &mut [f64], out: &mut [f64]) {
    let share = 1.0 / before.len() as f64;
    let mut sum = 0.0;
    // The last place stays zero: the window then lies wholly in what follows.
    for (tail, price) in tails.iter_mut().rev().skip(1).zip(before.iter().rev()) {
        sum += price;
        *tail = sum;
    }
    let mut head = 0.0;
    for ((value, price), tail) in out.iter_mut().zip(prices).zip(tails) {
        head += price;
        *value = (*tail + head) * share;
    }
}

/// The exponential moving average (see [`Ema`]).
///
/// # Errors
/// As [`Ema::new`], or if a price is not sound or the buffer is not as long as the prices.
pub fn ema(prices: &[f64], period: usize, out: &mut [f64]) -> Result<usize, QuantError> {
    check::length("output", out.len(), prices.len())?;
    let mut indicator = Ema::new(period)?;
    let start = prices.len().min(period);
    let missing = super::run(&mut indicator, &prices[..start], &mut [&mut out[..start]])?;
    let (gain, mut value) = (indicator.smoothing.gain, indicator.smoothing.value);
    let decay = Decay::new([1.0 - gain]);
    for (prices, out) in prices[start..].chunks(BLOCK).zip(out[start..].chunks_mut(BLOCK)) {
        check_prices(prices)?;
        for (slot, price) in out.iter_mut().zip(prices) {
            *slot = gain * (price - value);
        }
        // About the average before the block, so that a constant series stays exactly constant.
        let [change] = decay.run(out.as_chunks_mut().0, [0.0]);
        for slot in &mut *out {
            *slot += value;
        }
        value += change;
    }
    Ok(missing)
}
