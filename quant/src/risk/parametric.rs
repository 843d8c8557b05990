//! Value at risk and expected shortfall of a distribution that is known by its moments.
//!
//! * Normal: `VaR = z σ - μ` and `ES = φ(z) / (1 - a) σ - μ`, `z` the normal quantile of the level `a`.
//! * Cornish-Fisher: the normal quantile bent by skewness `S` and excess kurtosis `K`,
//!   `w = z + (z² - 1) S/6 + (z³ - 3z) K/24 - (2z³ - 5z) S²/36` (Cornish and Fisher, 1938), at `z` of `1 - a`. Its
//!   shortfall is the exact mean of that transform of a normal beyond `z`. The transform is a distribution only where it
//!   rises with `z` (Maillard, A user's guide to the Cornish Fisher expansion, 2012); elsewhere there is no answer.

use super::moments::{Divisor, Moments};
use crate::{QuantError, check, normal};

/// A distribution as its moments tell it; mean and deviation in one unit, the others without.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub deviation: f64,
    /// Skewness, zero for a normal.
    pub skewness: f64,
    /// Kurtosis less three, zero for a normal.
    pub excess_kurtosis: f64,
}

/// A loss quantile and the mean loss beyond it, positive for losses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TailRisk {
    /// Value at risk.
    pub value_at_risk: f64,
    /// Expected shortfall.
    pub expected_shortfall: f64,
}

/// The Cornish-Fisher transform must rise at least up to here on both sides: one in 3.5 million.
pub const CORNISH_FISHER_QUANTILE_MAX: f64 = 5.0;

impl Shape {
    /// The shape of a series: its mean, its deviation by `divisor`, its (biased) skewness and excess kurtosis.
    ///
    /// # Errors
    /// If the series does not vary or has too few values.
    pub fn of(moments: &Moments, divisor: Divisor) -> Result<Self, QuantError> {
        Ok(Self {
            mean: moments.mean(),
            deviation: moments.deviation_above_zero(divisor)?,
            skewness: moments.skewness()?,
            excess_kurtosis: moments.excess_kurtosis()?,
        })
    }

    /// Risk beyond `level` of the normal distribution with this mean and deviation.
    ///
    /// # Errors
    /// If `level` is not strictly between zero and one, or mean or deviation are not finite or the latter is negative.
    pub fn normal_risk(&self, level: f64) -> Result<TailRisk, QuantError> {
        let z = normal::quantile(level)?;
        self.at(-z, -normal::pdf(z) / (1.0 - level))
    }

    /// Risk beyond `level` with skewness and kurtosis taken into account.
    ///
    /// # Errors
    /// As [`Self::normal_risk`]; and [`QuantError::OutOfRange`] where the transform does not rise throughout
    /// `|z| ≤` [`CORNISH_FISHER_QUANTILE_MAX`], or `level` lies beyond that.
    pub fn cornish_fisher_risk(&self, level: f64) -> Result<TailRisk, QuantError> {
        let z = -normal::quantile(level)?;
        let (s, k) =
            (check::finite("skewness", self.skewness)?, check::finite("kurtosis", self.excess_kurtosis)?);
        if z.abs() > CORNISH_FISHER_QUANTILE_MAX {
            let expected = "within five normal deviations for Cornish-Fisher";
            return Err(QuantError::OutOfRange { what: "level", value: level, expected });
        }
        let slope = lowest_slope(s, k);
        if slope.is_nan() || slope <= 0.0 {
            let expected = "above zero: this skewness and kurtosis are outside the domain of Cornish-Fisher";
            return Err(QuantError::OutOfRange { what: "slope of the quantile", value: slope, expected });
        }
        let square = z * z;
        let quantile = z + (square - 1.0) * s / 6.0 + z * (square - 3.0) * k / 24.0
            - z * (2.0 * square - 5.0) * s * s / 36.0;
        let beyond = 1.0 + z * s / 6.0 + (square - 1.0) * k / 24.0 - (2.0 * square - 1.0) * s * s / 36.0;
        self.at(quantile, -normal::pdf(z) * beyond / (1.0 - level))
    }

    /// Both measures, from standardised quantile and mean beyond it.
    fn at(&self, quantile: f64, beyond: f64) -> Result<TailRisk, QuantError> {
        check::finite("mean", self.mean)?;
        check::not_negative("deviation", self.deviation)?;
        Ok(TailRisk {
            value_at_risk: check::finite("value at risk", -(self.mean + quantile * self.deviation))?,
            expected_shortfall: check::finite("expected shortfall", -(self.mean + beyond * self.deviation))?,
        })
    }
}

/// The least derivative of the Cornish-Fisher transform, a parabola in `z`, between the bounds.
fn lowest_slope(s: f64, k: f64) -> f64 {
    let square = k / 8.0 - s * s / 6.0;
    let linear = s / 3.0;
    let constant = 1.0 - k / 8.0 + 5.0 * s * s / 36.0;
    let at = |z: f64| (square * z + linear) * z + constant;
    let ends = at(-CORNISH_FISHER_QUANTILE_MAX).min(at(CORNISH_FISHER_QUANTILE_MAX));
    let vertex = -linear / (2.0 * square);
    if square > 0.0 && vertex.abs() < CORNISH_FISHER_QUANTILE_MAX { ends.min(at(vertex)) } else { ends }
}
