//! Covariance and correlation of the returns of several assets.
//!
//! Observations are rows, assets are columns. All estimates are symmetric, and positive semidefinite up to rounding;
//! [`shrinkage`] gives one that is well conditioned, and [`definiteness`] repairs a matrix that came from elsewhere.

pub mod definiteness;
mod product;
pub mod shrinkage;

use super::moments::Divisor;
use crate::matrix::add_scaled;
use crate::{Matrix, QuantError, check};
use product::Packed;

/// The sample covariance.
///
/// # Errors
/// If there are no assets, too few observations for the divisor, or values so large that a product is not finite.
pub fn sample_covariance(observations: &Matrix, divisor: Divisor) -> Result<Matrix, QuantError> {
    let n = divisor.of(observations.rows())?;
    let centred = centred(observations)?;
    scaled(&packed(&centred).product(), n)
}

/// The exponentially weighted covariance of RiskMetrics (1996): mean zero, weights `λ^age` scaled to sum to one, the last
/// row being the youngest.
///
/// # Errors
/// If the decay is not between zero and one, there are no assets or observations, or a product is not finite.
pub fn ewma_covariance(observations: &Matrix, decay: f64) -> Result<Matrix, QuantError> {
    check::fraction("decay", decay)?;
    check_observations(observations)?;
    let n = observations.rows();
    let mut weights = vec![1.0; n];
    for i in (1..n).rev() {
        weights[i - 1] = weights[i] * decay;
    }
    let sum: f64 = weights.iter().sum();
    let packed = Packed::new(observations.columns(), n, |i, row| {
        let root = weights[i].sqrt();
        for (value, step) in row.iter_mut().zip(observations.row(i)) {
            *value = root * step;
        }
    });
    scaled(&packed.product(), sum)
}

/// The correlation that a covariance has: within minus one and one, and exactly one on the diagonal.
///
/// # Errors
/// If the covariance is not square and symmetric, or an asset does not vary.
pub fn correlation(covariance: &Matrix) -> Result<Matrix, QuantError> {
    covariance.check_square("covariance", covariance.rows())?;
    check_symmetric(covariance)?;
    let deviations = deviations(covariance)?;
    let n = covariance.rows();
    let mut correlation = Matrix::identity(n);
    for i in 0..n {
        for j in 0..i {
            let value = (covariance[(i, j)] / deviations[i] / deviations[j]).clamp(-1.0, 1.0);
            correlation[(i, j)] = value;
            correlation[(j, i)] = value;
        }
    }
    Ok(correlation)
}

/// The standard deviation of each asset.
///
/// # Errors
/// If the diagonal has an entry that is not above zero.
pub fn deviations(covariance: &Matrix) -> Result<Vec<f64>, QuantError> {
    let root = |variance: f64| {
        if variance > 0.0 { Ok(variance.sqrt()) } else { Err(QuantError::Constant { what: "an asset" }) }
    };
    covariance.diagonal().into_iter().map(root).collect()
}

/// Fails unless the matrix equals its transpose, up to rounding.
pub(super) fn check_symmetric(matrix: &Matrix) -> Result<(), QuantError> {
    const ROUNDING: f64 = 1e-9;
    for i in 0..matrix.rows() {
        for j in 0..i {
            let (a, b) = (matrix[(i, j)], matrix[(j, i)]);
            if (a - b).abs() > ROUNDING * a.abs().max(b.abs()) {
                return Err(QuantError::OutOfRange { what: "asymmetry", value: a - b, expected: "zero" });
            }
        }
    }
    Ok(())
}

fn check_observations(observations: &Matrix) -> Result<(), QuantError> {
    for (what, got) in [("observations", observations.rows()), ("assets", observations.columns())] {
        if got == 0 {
            return Err(QuantError::TooFew { what, needed: 1, got });
        }
    }
    Ok(())
}

/// The observations less their means. The first row is taken off before, so that a column that does not vary becomes
/// exactly zero.
fn centred(observations: &Matrix) -> Result<Matrix, QuantError> {
    check_observations(observations)?;
    let mut centred = observations.clone();
    let mut means = vec![0.0; observations.columns()];
    for i in 0..observations.rows() {
        add_scaled(centred.row_mut(i), -1.0, observations.row(0));
        add_scaled(&mut means, 1.0 / observations.rows() as f64, centred.row(i));
    }
    for i in 0..observations.rows() {
        add_scaled(centred.row_mut(i), -1.0, &means);
    }
    Ok(centred)
}

fn packed(centred: &Matrix) -> Packed {
    Packed::new(centred.columns(), centred.rows(), |i, row| row.copy_from_slice(centred.row(i)))
}

/// The sums over their divisor, if all are finite.
fn scaled(sums: &Matrix, divisor: f64) -> Result<Matrix, QuantError> {
    let (rows, columns) = (sums.rows(), sums.columns());
    let data = sums.as_slice().iter().map(|sum| sum / divisor).collect();
    Matrix::new(rows, columns, data)
}
