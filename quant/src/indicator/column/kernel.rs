//! What the kernels share: checks of a block, and recurrences that advance four steps at a time.

use super::RangeColumns;
use crate::{
    QuantError,
    indicator::{Sample, VALUE_MAX},
};

/// Samples in a block: the columns that all kernels read and write for it fit the nearest cache together.
pub(super) const BLOCK: usize = 128;

/// Intermediate results for a block, two for each sample.
pub(super) type Scratch = [[f64; 2]; BLOCK];

/// Fails if a price is not sound. Without an early end, and with masks as wide as the prices, the loop works on several
/// at once.
#[inline(always)]
pub(super) fn check_prices(prices: &[f64]) -> Result<(), QuantError> {
    let faults = prices.iter().fold(0, |faults, price| faults | fault(price.abs() <= VALUE_MAX));
    if faults == 0 {
        return Ok(());
    }
    prices.iter().try_for_each(Sample::check)
}

/// Fails if a bar is not sound.
#[inline(always)]
pub(super) fn check_ranges(bars: &RangeColumns<'_>) -> Result<(), QuantError> {
    let numbers = bars.high.iter().zip(bars.low).zip(bars.close);
    let faults = numbers.fold(0, |faults, ((&high, &low), &close)| faults | range_fault(high, low, close));
    if faults == 0 {
        return Ok(());
    }
    (0..bars.close.len()).try_for_each(|index| bars.at(index).check())
}

/// One if the bar is not sound, zero if it is.
#[inline(always)]
pub(super) fn range_fault(high: f64, low: f64, close: f64) -> u64 {
    fault(low <= close) | fault(close <= high) | fault(high <= VALUE_MAX) | fault(low >= -VALUE_MAX)
}

/// One if something is not sound, as wide as the numbers that are compared.
#[inline(always)]
fn fault(is_sound: bool) -> u64 {
    u64::from(!is_sound)
}

/// The recurrences `y ← keep y + x`, of `N` numbers at once.
///
/// A step has to wait for the one before. Four at a time wait once: `y₄ = keep⁴ y + (keep³ x₁ + keep² x₂ + keep x₃ +
/// x₄)`, where the bracket waits for nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decay<const N: usize> {
    powers: [[f64; N]; 3],
}

impl<const N: usize> Decay<N> {
    pub(super) fn new(keep: [f64; N]) -> Self {
        let two = keep.map(|keep| keep * keep);
        Self { powers: [keep, two, two.map(|two| two * two)] }
    }

    /// Turns every `x` into the `y` after it, beginning from `state`; gives the last one.
    #[inline(always)]
    pub(super) fn run(self, values: &mut [[f64; N]], state: [f64; N]) -> [f64; N] {
        let [one, two, four] = self.powers;
        let mut y = state;
        let (quads, rest) = values.as_chunks_mut::<4>();
        for quad in quads {
            let [first, second, third, fourth] = *quad;
            let bracket = advance(two, advance(one, first, second), advance(one, third, fourth));
            let first = advance(one, y, first);
            let second = advance(one, first, second);
            let third = advance(one, second, third);
            *quad = [first, second, third, advance(four, y, bracket)];
            y = quad[3];
        }
        for value in rest {
            y = advance(one, y, *value);
            *value = y;
        }
        y
    }
}

/// `keep y + x`.
#[inline(always)]
fn advance<const N: usize>(keep: [f64; N], y: [f64; N], x: [f64; N]) -> [f64; N] {
    std::array::from_fn(|lane| keep[lane] * y[lane] + x[lane])
}
