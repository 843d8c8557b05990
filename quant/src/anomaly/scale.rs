//! What is usual, in constant memory: a median, a median absolute deviation and a nine-tenths one, which all forget.
//!
//! After a warm-up, whose values are kept and give all three exactly, every value moves them by one step in its
//! direction, as large as the deviation allows and no larger for a value that is further out: Robbins and Monro's
//! stochastic approximation (1951) of a quantile (Tierney 1983), with a step that does not shrink, so that it follows.
//! The deviations move by a factor.
//!
//! 1.4826 times the median absolute deviation estimates the standard deviation of normal values (Rousseeuw and Croux
//! 1993). Most ticks of a liquid market move the price by nothing or by the least step and a few by far more, of which
//! the median knows nothing; so the nine-tenths deviation over its normal value, 1.6449, counts if it is larger. Up to
//! a tenth of bad ticks do not move that far.

use serde::{Deserialize, Serialize};

/// From a median absolute deviation to a standard deviation.
const TO_STANDARD: f64 = 1.482_602_218_505_602;
/// From the deviation that nine tenths stay within to a standard deviation.
const TAIL_TO_STANDARD: f64 = 1.0 / 1.644_853_626_951_472_7;
const TAIL_SHARE: f64 = 0.1;
/// After so many outliers without another value between, the deviation is widened at once: what is usual has changed.
const OUTLIERS_IN_A_ROW: u32 = 3;
const WIDENING: f64 = 1.5;

/// Median and deviation of a stream of values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Scale {
    WarmingUp { seen: usize, values: Vec<f64> },
    Ready { median: f64, deviation: f64, tail: f64, outliers: u32 },
}

/// How a scale learns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Learning {
    pub(super) warm_up_ticks: usize,
    pub(super) gain: f64,
    /// The deviation is never taken to be below this.
    pub(super) floor: f64,
}

impl Default for Scale {
    fn default() -> Self {
        Self::WarmingUp { seen: 0, values: Vec::new() }
    }
}

impl Scale {
    pub(super) fn is_ready(&self) -> bool {
        matches!(self, Self::Ready { .. })
    }

    /// How many robust standard deviations a value lies above the median. The deviation is taken to be at least `floor`.
    pub(super) fn standardised(&self, value: f64, floor: f64) -> Option<f64> {
        match self {
            Self::WarmingUp { .. } => None,
            Self::Ready { median, deviation, tail, .. } => {
                let standard = (TO_STANDARD * deviation.max(floor)).max(TAIL_TO_STANDARD * tail);
                Some((value - median) / standard)
            }
        }
    }

    /// Learns from a value; from none during the warm-up counts a tick that tells nothing.
    pub(super) fn learn(&mut self, value: Option<f64>, is_outlier: bool, learning: Learning) {
        match self {
            Self::WarmingUp { seen, values } => {
                *seen += 1;
                values.extend(value);
                if *seen >= learning.warm_up_ticks {
                    let (median, deviation, tail) = measured(values);
                    let (deviation, tail) = (deviation.max(learning.floor), tail.max(learning.floor));
                    *self = Self::Ready { median, deviation, tail, outliers: 0 };
                }
            }
            Self::Ready { median, deviation, tail, outliers } => {
                let Some(value) = value else { return };
                let distance = value - *median;
                *median += learning.gain * *deviation * sign(distance);
                let distance = distance.abs();
                *deviation *= if distance > *deviation { 1.0 + learning.gain } else { 1.0 - learning.gain };
                let beyond = if distance > *tail { 1.0 } else { 0.0 };
                *tail *= 1.0 + 2.0 * learning.gain * (beyond - TAIL_SHARE);
                *outliers = if is_outlier { *outliers + 1 } else { 0 };
                if *outliers >= OUTLIERS_IN_A_ROW {
                    *deviation *= WIDENING;
                    *tail *= WIDENING;
                    *outliers = 0;
                }
                *deviation = deviation.max(learning.floor);
                *tail = tail.max(learning.floor);
            }
        }
    }

    /// Whether a stored scale can have come from here.
    pub(super) fn is_sound(&self, warm_up_ticks: usize) -> bool {
        match self {
            Self::WarmingUp { seen, values } => {
                *seen < warm_up_ticks && values.len() <= *seen && values.iter().all(|value| value.is_finite())
            }
            Self::Ready { median, deviation, tail, outliers } => {
                let is_positive = |value: &f64| value.is_finite() && *value > 0.0;
                median.is_finite()
                    && is_positive(deviation)
                    && is_positive(tail)
                    && *outliers < OUTLIERS_IN_A_ROW
            }
        }
    }
}

/// One, minus one, or zero for zero.
fn sign(value: f64) -> f64 {
    if value == 0.0 { 0.0 } else { value.signum() }
}

/// The median of values, and the median and nine-tenths distance from it; zeros for none.
fn measured(values: &mut [f64]) -> (f64, f64, f64) {
    let centre = median(values);
    for value in values.iter_mut() {
        *value = (*value - centre).abs();
    }
    let deviation = median(values);
    (centre, deviation, values.get(values.len() * 9 / 10).copied().unwrap_or(0.0))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        count if count % 2 == 1 => values[middle],
        _ => 0.5 * values[middle - 1] + 0.5 * values[middle],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix64;

    const LEARNING: Learning = Learning { warm_up_ticks: 32, gain: 0.01, floor: 1e-9 };

    /// The median and the standard deviation as estimated on average, and the latter by the tail.
    fn learned(count: u32, value: impl Fn(&mut SplitMix64) -> f64) -> [f64; 3] {
        let mut random = SplitMix64::new(5);
        let mut scale = Scale::default();
        let mut sums = [0.0; 3];
        for i in 0..2 * count {
            scale.learn(Some(value(&mut random)), false, LEARNING);
            if let (Scale::Ready { median, deviation, tail, .. }, true) = (&scale, i >= count) {
                for (sum, value) in
                    sums.iter_mut().zip([*median, deviation * TO_STANDARD, tail * TAIL_TO_STANDARD])
                {
                    *sum += value / f64::from(count);
                }
            }
        }
        sums
    }

    #[test]
    fn normal_values_are_measured() {
        let [median, deviation, tail] = learned(20_000, |random| 3.0 + 2.0 * random.normal());
        assert!((median - 3.0).abs() < 0.1, "{median}");
        assert!((deviation - 2.0).abs() < 0.1, "{deviation}");
        assert!((tail - 2.0).abs() < 0.1, "{tail}");
    }

    #[test]
    fn a_few_wild_values_do_little() {
        let wild = |random: &mut SplitMix64| if random.below(50) == 0 { 1e6 } else { random.normal() };
        let [median, deviation, tail] = learned(20_000, wild);
        assert!(median.abs() < 0.1, "{median}");
        assert!(deviation < 1.1, "{deviation}");
        assert!(tail < 1.2, "{tail}");
    }

    #[test]
    fn the_warm_up_is_exact() {
        assert_eq!(measured(&mut [5.0, 1.0, 2.0, 100.0]), (3.5, 2.0, 96.5));
        assert_eq!(measured(&mut []), (0.0, 0.0, 0.0));
    }
}
