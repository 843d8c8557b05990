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
    super::run(&mut Sma::new(period)?, prices, &mut [out])
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
