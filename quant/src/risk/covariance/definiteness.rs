//! Repair of a covariance that is not positive definite, as one put together from pairs or from views may be.
//!
//! By shrinking: `(1 - s) Σ + s diag(Σ)` with the least `s` that has a Cholesky factor, found by bisection (Higham,
//! Strabić and Šego, Restoring definiteness via shrinking, SIAM Review 58, 2016). Variances stay as they are, and so do
//! the unit diagonal of a correlation and the signs of all entries; nothing needs eigenvalues.

use super::{check_symmetric, deviations};
use crate::matrix::Cholesky;
use crate::{Matrix, QuantError};

/// A positive definite matrix, and what it took.
#[derive(Debug, Clone, PartialEq)]
pub struct Repaired {
    /// The matrix, which has a Cholesky factor.
    pub matrix: Matrix,
    /// Weight of the diagonal: zero if nothing had to be done, at most one.
    pub shrinkage: f64,
}

/// Halvings of the interval: the weight is within 1e-6 of the least.
const HALVINGS_MAX: usize = 20;

/// The matrix with its entries off the diagonal shrunk just enough to be positive definite.
///
/// # Errors
/// If the matrix is not square and symmetric, or an entry of its diagonal is not above zero.
pub fn restore_definiteness(matrix: &Matrix) -> Result<Repaired, QuantError> {
    matrix.check_square("covariance", matrix.rows())?;
    check_symmetric(matrix)?;
    deviations(matrix)?;
    if is_definite(matrix) {
        return Ok(Repaired { matrix: matrix.clone(), shrinkage: 0.0 });
    }
    let (mut too_little, mut enough) = (0.0, 1.0);
    for _ in 0..HALVINGS_MAX {
        let middle = 0.5 * (too_little + enough);
        if is_definite(&shrunk(matrix, middle)) {
            enough = middle;
        } else {
            too_little = middle;
        }
    }
    Ok(Repaired { matrix: shrunk(matrix, enough), shrinkage: enough })
}

fn is_definite(matrix: &Matrix) -> bool {
    Cholesky::new(matrix, "covariance").is_ok()
}

fn shrunk(matrix: &Matrix, weight: f64) -> Matrix {
    let mut shrunk = matrix.clone();
    for i in 0..matrix.rows() {
        for value in shrunk.row_mut(i) {
            *value *= 1.0 - weight;
        }
        shrunk[(i, i)] = matrix[(i, i)];
    }
    shrunk
}
