//! Historical value at risk and expected shortfall (conditional value at risk), by the conventions in use.
//!
//! With `n` returns sorted upwards as `x[0] ≤ x[1] ≤ …`, level `a` and `p = 1 - a`: quantiles are those of Hyndman and
//! Fan (The American Statistician 50, 1996); the shortfall is that of Rockafellar and Uryasev (Journal of Banking and
//! Finance 26, 2002), or one of its two simpler relatives. `p * n` is brought to the whole number that it misses by
//! rounding only: `(1 - 0.99) * 1000` is 10.000000000000009 in floating point, and `(1 - 0.9) * 10` falls short of one.

mod select;

use super::moments::sum;
use super::whole;
use crate::{QuantError, check};

/// Which order statistic is the quantile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuantileConvention {
    /// Between the two neighbours of position `p (n - 1)`, as NumPy, R and spreadsheets do by default (type 7).
    Linear,
    /// The lower neighbour of that position, `x[⌊p (n - 1)⌋]`: NumPy's `lower`.
    Lower,
    /// The `k`-th worst return, `x[k - 1]` with `k = ⌊p n⌋`, at least one.
    KthWorst,
}

/// Which returns the shortfall averages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShortfallConvention {
    /// The `k = ⌊p n⌋` worst, at least one. Never below the value at risk [`QuantileConvention::KthWorst`].
    MeanOfWorst,
    /// All at or below the quantile [`QuantileConvention::Linear`]. Never below that value at risk.
    MeanBeyondLinearQuantile,
    /// The worst `p n`, the last of which counts by its fraction: the minimum over `v` of `v + E[(loss - v)⁺] / p`, which
    /// is coherent. Never below the value at risk [`QuantileConvention::Linear`].
    RockafellarUryasev,
}

/// What a sample says of its losses beyond a level: all conventions out of one pass.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoricalTail {
    observations: usize,
    worst_count: usize,
    linear: f64,
    lower: f64,
    kth_worst: f64,
    mean_of_worst: f64,
    mean_beyond: f64,
    rockafellar_uryasev: f64,
}

/// Positions in the sorted sample that the conventions ask for.
pub(super) struct Positions {
    /// `p n`.
    pub(super) expected: f64,
    /// `⌊p n⌋`, at least one.
    pub(super) worst_count: usize,
    /// `⌊p (n - 1)⌋`, and what is beyond it.
    pub(super) lower: usize,
    pub(super) fraction: f64,
}

impl Positions {
    /// Fails unless `level` lies between zero and one and there are observations.
    pub(super) fn new(observations: usize, level: f64) -> Result<Self, QuantError> {
        check::fraction("level", level)?;
        if observations == 0 {
            return Err(QuantError::TooFew { what: "returns", needed: 1, got: 0 });
        }
        let share = 1.0 - level;
        let expected = snapped(share * observations as f64);
        let position = snapped(share * (observations - 1) as f64);
        Ok(Self {
            expected,
            worst_count: whole(expected).clamp(1, observations),
            lower: whole(position).min(observations - 1),
            fraction: position - position.floor(),
        })
    }

    /// The linear quantile of a sample that is sorted upwards at the positions that it reads.
    pub(super) fn linear(&self, sorted: &[f64]) -> f64 {
        let below = sorted[self.lower];
        let above = sorted[(self.lower + 1).min(sorted.len() - 1)];
        below + (above - below) * self.fraction
    }
}

impl HistoricalTail {
    /// The tail of a sample of returns, or of profits, beyond `level` (0.99 for one in a hundred). Time O(n).
    ///
    /// # Errors
    /// If there are no returns, one is not finite, or `level` is not strictly between zero and one.
    pub fn new(returns: &[f64], level: f64) -> Result<Self, QuantError> {
        let n = returns.len();
        let positions = Positions::new(n, level)?;
        let worst_count = positions.worst_count;
        let top = worst_count.max(positions.lower + 1).min(n - 1);
        let mut worst = select::smallest(returns, top + 1)?;
        let (left, _, _) = worst.select_nth_unstable_by(top, f64::total_cmp);
        let base = (worst_count - 1).min(positions.lower);
        if base < top {
            left.select_nth_unstable_by(base, f64::total_cmp);
            left[base..].sort_unstable_by(f64::total_cmp);
        }
        let linear = positions.linear(&worst);
        let sum_of_worst = sum(&worst[..worst_count]);
        let (beyond, count) = worst
            .iter()
            .filter(|&&value| value <= linear)
            .fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
        let full = whole(positions.expected).min(n);
        let partial = (positions.expected - full as f64) * worst[full.min(n - 1)];
        let full_sum = if full == 0 { 0.0 } else { sum_of_worst };
        let tail = Self {
            observations: n,
            worst_count,
            linear,
            lower: worst[positions.lower],
            kth_worst: worst[worst_count - 1],
            mean_of_worst: sum_of_worst / worst_count as f64,
            mean_beyond: beyond / count,
            rockafellar_uryasev: (full_sum + partial) / positions.expected,
        };
        // Finite values may be so large that a sum of them is not.
        for value in [tail.linear, tail.mean_of_worst, tail.mean_beyond, tail.rockafellar_uryasev] {
            check::finite("tail of returns", value)?;
        }
        Ok(tail)
    }

    /// Number of returns.
    #[must_use]
    pub const fn observations(&self) -> usize {
        self.observations
    }

    /// How many returns are the worst, `k`.
    #[must_use]
    pub const fn worst_count(&self) -> usize {
        self.worst_count
    }

    /// The loss that is exceeded with probability `1 - level`.
    #[must_use]
    pub fn value_at_risk(&self, convention: QuantileConvention) -> f64 {
        0.0 - match convention {
            QuantileConvention::Linear => self.linear,
            QuantileConvention::Lower => self.lower,
            QuantileConvention::KthWorst => self.kth_worst,
        }
    }

    /// The mean loss beyond the level: expected shortfall, or conditional value at risk.
    #[must_use]
    pub fn expected_shortfall(&self, convention: ShortfallConvention) -> f64 {
        0.0 - match convention {
            ShortfallConvention::MeanOfWorst => self.mean_of_worst,
            ShortfallConvention::MeanBeyondLinearQuantile => self.mean_beyond,
            ShortfallConvention::RockafellarUryasev => self.rockafellar_uryasev,
        }
    }
}

/// The whole number that `value` misses by rounding only, or `value`.
fn snapped(value: f64) -> f64 {
    const ROUNDING: f64 = 1e-9;
    let nearest = value.round();
    if (value - nearest).abs() <= ROUNDING * value { nearest } else { value }
}
