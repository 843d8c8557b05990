//! The Cholesky factor of the covariance of a set of assets that gains and loses assets one by one.
//!
//! To gain one costs a triangular solve; to lose one, a sweep of plane rotations (Gill, Golub, Murray and Saunders
//! 1974): each of them far less than to factor anew.

use crate::QuantError;
use crate::matrix::{add_scaled, dot};

/// Part of a variance that the other assets must leave unexplained: below it, what is left is rounding.
const PIVOT_MIN: f64 = 1e-13;

/// The lower factor, row by row; row `i` has `i + 1` entries.
#[derive(Debug, Clone, Default)]
pub(super) struct Factor {
    rows: Vec<Vec<f64>>,
}

impl Factor {
    /// Adds an asset with these covariances to the ones before it.
    ///
    /// # Errors
    /// If the matrix would not be positive definite to working precision.
    pub(super) fn push(&mut self, mut covariances: Vec<f64>, variance: f64) -> Result<(), QuantError> {
        self.forward(&mut covariances);
        let pivot = variance - dot(&covariances, &covariances);
        if pivot.is_nan() || pivot <= variance * PIVOT_MIN {
            return Err(QuantError::NotPositiveDefinite { what: "covariance" });
        }
        covariances.push(pivot.sqrt());
        self.rows.push(covariances);
        Ok(())
    }

    /// Takes the asset at this place out.
    pub(super) fn remove(&mut self, place: usize) {
        self.rows.remove(place);
        let mut rotations: Vec<(f64, f64)> = Vec::with_capacity(self.rows.len() - place);
        for i in place..self.rows.len() {
            let row = &mut self.rows[i];
            let mut carried = row[place];
            for (&(cosine, sine), j) in rotations.iter().zip(place..) {
                let next = row[j + 1];
                row[j] = cosine * carried + sine * next;
                carried = cosine * next - sine * carried;
            }
            let last = row[i + 1];
            let length = carried.hypot(last);
            rotations.push((carried / length, last / length));
            row[i] = length;
            row.pop();
        }
    }

    /// Turns `v` into `L⁻¹ v`.
    pub(super) fn forward(&self, v: &mut [f64]) {
        for (i, row) in self.rows.iter().enumerate() {
            v[i] = (v[i] - dot(&row[..i], &v[..i])) / row[i];
        }
    }

    /// Turns `v` into `L⁻ᵀ v`.
    pub(super) fn backward(&self, v: &mut [f64]) {
        for (i, row) in self.rows.iter().enumerate().rev() {
            let (before, from) = v.split_at_mut(i);
            from[0] /= row[i];
            add_scaled(before, -from[0], &row[..i]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Matrix;
    use crate::random::SplitMix64;

    fn factored(matrix: &Matrix, assets: &[usize]) -> Factor {
        let mut factor = Factor::default();
        for (place, &i) in assets.iter().enumerate() {
            let covariances = assets[..place].iter().map(|&j| matrix[(i, j)]).collect();
            factor.push(covariances, matrix[(i, i)]).unwrap();
        }
        factor
    }

    #[test]
    fn taking_an_asset_out_is_the_same_as_never_having_it() {
        let n = 12;
        let mut random = SplitMix64::new(3);
        let noise = Matrix::new(n, n, (0..n * n).map(|_| random.normal()).collect()).unwrap();
        let matrix = noise.multiply(&noise.transpose());
        for gone in 0..n {
            let mut assets: Vec<usize> = (0..n).collect();
            let mut factor = factored(&matrix, &assets);
            factor.remove(gone);
            assets.remove(gone);
            let fresh = factored(&matrix, &assets);
            for (row, want) in factor.rows.iter().zip(&fresh.rows) {
                assert_eq!(row.len(), want.len());
                for (a, b) in row.iter().zip(want) {
                    assert!((a - b).abs() < 1e-11, "{gone}: {row:?} {want:?}");
                }
            }
        }
    }
}
