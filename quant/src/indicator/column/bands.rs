//! Bollinger bands.
//!
//! The window is the tail of one stretch of `period` prices and the head of the next. With both taken about the price
//! between them their sums and sums of squares add up without cancelling, and nothing has to be taken away.

use super::kernel::check_prices;
use crate::{QuantError, check, indicator::volatility::Bollinger};
use fearless_simd::{Level, dispatch};

/// The period, and the width in standard deviations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BollingerParameters {
    pub period: usize,
    pub width: f64,
}

/// Buffers as long as the prices.
#[derive(Debug)]
pub struct BandColumns<'a> {
    pub upper: &'a mut [f64],
    pub middle: &'a mut [f64],
    pub lower: &'a mut [f64],
}

impl BandColumns<'_> {
    pub(super) fn check(&self, count: usize) -> Result<(), QuantError> {
        check::length("upper band", self.upper.len(), count)?;
        check::length("middle", self.middle.len(), count)?;
        check::length("lower band", self.lower.len(), count)
    }

    pub(super) fn part(&mut self, places: std::ops::Range<usize>) -> BandColumns<'_> {
        BandColumns {
            upper: &mut self.upper[places.clone()],
            middle: &mut self.middle[places.clone()],
            lower: &mut self.lower[places],
        }
    }
}

/// Sums over the tails of a stretch, and where in the next stretch the window ends.
pub(super) struct BandKernel {
    share: f64,
    width: f64,
    centre: f64,
    position: usize,
    /// Sums and sums of squares over the tail from each place on.
    tails: Vec<[f64; 2]>,
    /// The same over the head of the current stretch.
    head: [f64; 2],
}

impl BandKernel {
    /// A kernel for parameters that have been checked.
    pub(super) fn new(parameters: BollingerParameters) -> Self {
        Self {
            share: 1.0 / parameters.period as f64,
            width: parameters.width,
            centre: 0.0,
            position: parameters.period,
            tails: vec![[0.0; 2]; parameters.period + 1],
            head: [0.0; 2],
        }
    }

    /// Begins a stretch after these prices, as many as the period.
    #[inline(always)]
    fn turn(&mut self, stretch: &[f64]) {
        self.centre = stretch[stretch.len() - 1];
        let mut tail = [0.0; 2];
        for (slot, price) in self.tails.iter_mut().rev().skip(1).zip(stretch.iter().rev()) {
            let value = price - self.centre;
            tail = [tail[0] + value, tail[1] + value * value];
            *slot = tail;
        }
        self.position = 0;
        self.head = [0.0; 2];
    }

    /// The bands at `prices[begin..]`, before which there are at least as many as the period.
    #[inline(always)]
    pub(super) fn run(&mut self, prices: &[f64], begin: usize, out: &mut BandColumns<'_>) {
        let period = self.tails.len() - 1;
        let mut done = 0;
        while done < out.middle.len() {
            let place = begin + done;
            if self.position == period {
                self.turn(&prices[place - period..place]);
            }
            let count = (period - self.position).min(out.middle.len() - done);
            self.stretch(&prices[place..place + count], &mut out.part(done..done + count));
            done += count;
        }
        let bands = out.upper.iter_mut().zip(out.middle.iter()).zip(out.lower.iter_mut());
        for ((upper, middle), lower) in bands {
            let variance = if *upper > 0.0 { *upper } else { 0.0 };
            let reach = self.width * variance.sqrt();
            *upper = middle + reach;
            *lower = middle - reach;
        }
    }

    /// The means, and in place of the upper bands the variances, at prices of one stretch.
    #[inline(always)]
    fn stretch(&mut self, prices: &[f64], out: &mut BandColumns<'_>) {
        let tails = &self.tails[self.position + 1..];
        let mut head = self.head;
        let places = out.middle.iter_mut().zip(out.upper.iter_mut()).zip(prices).zip(tails);
        for (((middle, variance), price), tail) in places {
            let value = price - self.centre;
            head = [head[0] + value, head[1] + value * value];
            let mean = (tail[0] + head[0]) * self.share;
            *middle = self.centre + mean;
            *variance = (tail[1] + head[1]) * self.share - mean * mean;
        }
        self.head = head;
        self.position += prices.len();
    }
}

/// Bollinger bands (see [`Bollinger`]).
///
/// # Errors
/// As [`Bollinger::new`], or if a price is not sound or a buffer is not as long as the prices.
pub fn bollinger(
    prices: &[f64],
    parameters: BollingerParameters,
    mut out: BandColumns<'_>,
) -> Result<usize, QuantError> {
    let count = prices.len();
    out.check(count)?;
    let mut indicator = Bollinger::new(parameters.period, parameters.width)?;
    dispatch!(Level::new(), _ => check_prices(prices))?;
    let start = count.min(parameters.period);
    let BandColumns { upper, middle, lower } = out.part(0..start);
    let missing = super::run(&mut indicator, &prices[..start], &mut [upper, middle, lower])?;
    let mut kernel = BandKernel::new(parameters);
    dispatch!(Level::new(), _ => kernel.run(prices, start, &mut out.part(start..count)));
    Ok(missing)
}
