//! What to hold: weights from returns and their covariance, and the trades to get there.
//!
//! Weights are fractions of the equity. Covariances and expected returns are of one horizon, whatever it is, and the
//! answers are of the same horizon. Every method wants a symmetric covariance without assets that never move; where it
//! must be positive definite as well, a singular one is refused rather than repaired, so that whoever asks decides how
//! to shrink it.

pub mod black_litterman;
pub mod hierarchical;
pub mod limits;
pub mod linkage;
pub mod mean_variance;
pub mod rebalance;
pub mod risk_parity;
pub mod sizing;

mod quadratic;

use crate::{Matrix, QuantError, check};

/// Most assets that a portfolio is made of.
pub const ASSETS_MAX: usize = 2_000;

/// Largest size of an expected return or a variance, and the inverse of the smallest variance: far beyond any market,
/// and small enough that no product of a few of them overflows.
const MAGNITUDE_MAX: f64 = 1e100;

/// How far two entries that mirror each other may differ, and a correlation exceed one, by rounding.
const ASYMMETRY_MAX: f64 = 1e-9;

/// The standard deviations, if the covariance is finite, square and symmetric, of at most [`ASSETS_MAX`] assets that
/// all vary, with no correlation beyond one.
fn deviations(covariance: &Matrix) -> Result<Vec<f64>, QuantError> {
    let n = covariance.rows();
    if n > ASSETS_MAX {
        return Err(QuantError::TooMany { what: "covariance", most: ASSETS_MAX, got: n });
    }
    covariance.check_square("covariance", n)?;
    check::series("covariance", covariance.as_slice(), 1)?;
    let variances = covariance.diagonal();
    if let Some(&value) =
        variances.iter().find(|variance| !(MAGNITUDE_MAX.recip()..=MAGNITUDE_MAX).contains(*variance))
    {
        return Err(QuantError::OutOfRange { what: "variance", value, expected: "from 1e-100 to 1e100" });
    }
    let deviations: Vec<f64> = variances.iter().map(|variance| variance.sqrt()).collect();
    for i in 1..n {
        for j in 0..i {
            let (entry, mirror) = (covariance[(i, j)], covariance[(j, i)]);
            let most = deviations[i] * deviations[j];
            if (entry - mirror).abs() > ASYMMETRY_MAX * most {
                return Err(QuantError::OutOfRange {
                    what: "covariance",
                    value: entry - mirror,
                    expected: "symmetric",
                });
            }
            if entry.abs() > (1.0 + ASYMMETRY_MAX) * most {
                return Err(QuantError::NotPositiveDefinite { what: "covariance" });
            }
        }
    }
    Ok(deviations)
}

/// The correlations that belong to a covariance and its standard deviations.
fn correlations(covariance: &Matrix, deviations: &[f64]) -> Matrix {
    let inverse: Vec<f64> = deviations.iter().map(|deviation| deviation.recip()).collect();
    let mut correlations = covariance.clone();
    for (i, factor) in inverse.iter().enumerate() {
        let row = correlations.row_mut(i);
        for (entry, other) in row.iter_mut().zip(&inverse) {
            *entry *= factor * other;
        }
        row[i] = 1.0;
    }
    correlations
}

/// Fails unless there is one moderate number per asset.
fn check_per_asset(what: &'static str, values: &[f64], assets: usize) -> Result<(), QuantError> {
    check::length(what, values.len(), assets)?;
    check::series(what, values, 0)?;
    values.iter().try_for_each(|value| check_moderate(what, *value))
}

/// Fails unless the number is finite and no larger than any market needs.
fn check_moderate(what: &'static str, value: f64) -> Result<(), QuantError> {
    check::finite(what, value)?;
    if value.abs() <= MAGNITUDE_MAX {
        Ok(())
    } else {
        Err(QuantError::OutOfRange { what, value, expected: "no larger than 1e100" })
    }
}

/// The weights of one sign divided by their sum.
fn normalised(mut weights: Vec<f64>) -> Vec<f64> {
    let sum: f64 = weights.iter().sum();
    for weight in &mut weights {
        *weight /= sum;
    }
    weights
}
