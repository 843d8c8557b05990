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
    Centred::new(observations)?.covariance(n)
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
    packed.product(sum)
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

/// Observations less their means. The first row is taken off before, so that a column that does not vary becomes exactly
/// zero.
struct Centred<'a> {
    observations: &'a Matrix,
    means: Vec<f64>,
}

impl<'a> Centred<'a> {
    fn new(observations: &'a Matrix) -> Result<Self, QuantError> {
        check_observations(observations)?;
        let mut centred = Self { observations, means: vec![0.0; observations.columns()] };
        let mut sums = centred.means.clone();
        centred.each_row(|row| add_scaled(&mut sums, 1.0, row));
        centred.means = sums.iter().map(|sum| sum / observations.rows() as f64).collect();
        Ok(centred)
    }

    /// Sums of products over `divisor`.
    fn covariance(&self, divisor: f64) -> Result<Matrix, QuantError> {
        let (rows, columns) = (self.observations.rows(), self.observations.columns());
        Packed::new(columns, rows, |i, row| self.write_row(i, row)).product(divisor)
    }

    fn write_row(&self, i: usize, row: &mut [f64]) {
        let parts = self.observations.row(i).iter().zip(self.observations.row(0)).zip(&self.means);
        for (target, ((value, first), mean)) in row.iter_mut().zip(parts) {
            *target = (value - first) - mean;
        }
    }

    fn each_row(&self, mut visit: impl FnMut(&[f64])) {
        let mut row = vec![0.0; self.observations.columns()];
        for i in 0..self.observations.rows() {
            self.write_row(i, &mut row);
            visit(&row);
        }
    }
}
