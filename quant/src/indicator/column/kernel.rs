//! What the kernels share: checks of a block, and recurrences that advance four steps at a time.

use super::RangeColumns;
use crate::{
    QuantError,
    indicator::{Sample, VALUE_MAX},
};

/// Samples in a block: the scratch columns of the largest kernel fit the nearest cache.
pub(super) const BLOCK: usize = 256;

/// A column of intermediate results.
pub(super) type Scratch = [f64; BLOCK];

/// Fails if a price is not sound. Without an early end the loop works on several prices at once.
pub(super) fn check_prices(prices: &[f64]) -> Result<(), QuantError> {
    let are_sound = prices.iter().fold(true, |sound, price| sound & (price.abs() <= VALUE_MAX));
    if are_sound {
        return Ok(());
    }
    prices.iter().try_for_each(Sample::check)
}

/// Fails if a bar is not sound.
pub(super) fn check_ranges(bars: &RangeColumns<'_>) -> Result<(), QuantError> {
    let limits = bars.high.iter().zip(bars.low).zip(bars.close);
    let are_sound = limits.fold(true, |sound, ((high, low), close)| {
        sound & (low <= close) & (close <= high) & (high <= &VALUE_MAX) & (low >= &-VALUE_MAX)
    });
    if are_sound {
        return Ok(());
    }
    (0..bars.close.len()).try_for_each(|index| bars.at(index).check())
}

/// The recurrence `y ← keep y + x`.
///
/// A step has to wait for the one before. Four at a time wait once: `y₄ = keep⁴ y + (keep³ x₁ + keep² x₂ + keep x₃ +
/// x₄)`, where the bracket waits for nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decay {
    powers: [f64; 4],
}

impl Decay {
    pub(super) fn new(keep: f64) -> Self {
        Self { powers: [keep, keep * keep, keep * keep * keep, keep * keep * keep * keep] }
    }

    /// Turns every `x` into the `y` after it; the last one becomes the state.
    pub(super) fn run(self, values: &mut [f64], state: &mut f64) {
        let [one, two, three, four] = self.powers;
        let mut y = *state;
        let (quads, rest) = values.as_chunks_mut::<4>();
        for quad in quads {
            let [first, second, third, fourth] = *quad;
            let second = one * first + second;
            let third = one * second + third;
            let fourth = one * third + fourth;
            *quad = [one * y + first, two * y + second, three * y + third, four * y + fourth];
            y = quad[3];
        }
        for value in rest {
            y = one * y + *value;
            *value = y;
        }
        *state = y;
    }
}

/// The recurrence `y ← y + gain (x - y)`, which keeps a constant series exactly constant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Follow {
    gain: f64,
    powers: [f64; 3],
}

impl Follow {
    pub(super) fn new(gain: f64) -> Self {
        let keep = 1.0 - gain;
        Self { gain, powers: [keep, keep * keep, keep * keep * keep] }
    }

    /// Turns every `x` into the `y` after it; the last one becomes the state.
    pub(super) fn run(self, values: &mut [f64], state: &mut f64) {
        let [one, two, three] = self.powers;
        let mut y = *state;
        let (quads, rest) = values.as_chunks_mut::<4>();
        for quad in quads {
            let [first, second, third, fourth] = quad.map(|x| self.gain * (x - y));
            let early = three * first + two * second;
            let second = one * first + second;
            let late = one * third + fourth;
            let third = one * second + third;
            *quad = [y + first, y + second, y + third, y + (early + late)];
            y = quad[3];
        }
        for value in rest {
            y += self.gain * (*value - y);
            *value = y;
        }
        *state = y;
    }
}
