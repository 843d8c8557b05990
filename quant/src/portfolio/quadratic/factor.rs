//! The Cholesky factor of the covariance of a set of assets that gains and loses assets one by one.
//!
//! To gain one costs a triangular solve; to lose one, a sweep of plane rotations (Gill, Golub, Murray and Saunders
//! 1974): each of them far less than to factor anew.

use crate::matrix::{add_scaled, dot};
use crate::{Matrix, QuantError};

/// Part of a variance that the other assets must leave unexplained: below it, what is left is rounding.
const PIVOT_MIN: f64 = 1e-13;

/// Rows that are factored at once, so that the rows before them are read once for all of them.
const BLOCK: usize = 16;

/// The lower factor `L` row by row, of which row `i` has `i + 1` entries; and `L⁻¹ A` for what else is known of each
/// asset, the rows of `A`.
#[derive(Debug, Clone, Default)]
pub(super) struct Factor {
    rows: Vec<Vec<f64>>,
    beside: Vec<Vec<f64>>,
}

impl Factor {
    /// Factors the matrix of these assets; beside are their columns of another.
    ///
    /// # Errors
    /// If it is not positive definite to working precision.
    pub(super) fn of(matrix: &Matrix, assets: &[usize], beside: &Matrix) -> Result<Self, QuantError> {
        let mut factor = Self::default();
        for block in assets.chunks(BLOCK) {
            let begin = factor.rows.len();
            let mut rows: Vec<Vec<f64>> =
                block.iter().map(|&i| assets[..begin].iter().map(|&j| matrix[(i, j)]).collect()).collect();
            for (j, above) in factor.rows.iter().enumerate() {
                for quad in rows.chunks_mut(4) {
                    solve_entry(quad, above, j);
                }
            }
            for (place, (mut row, &i)) in rows.into_iter().zip(block).enumerate() {
                row.extend(block[..place].iter().map(|&j| matrix[(i, j)]));
                factor.finish(row, matrix[(i, i)], begin)?;
            }
        }
        for &i in assets {
            factor.append_beside((0..beside.rows()).map(|row| beside[(row, i)]).collect());
        }
        Ok(factor)
    }

    /// Adds an asset with these covariances to the ones before it, and what else is known of it.
    ///
    /// # Errors
    /// If the matrix would not be positive definite to working precision.
    pub(super) fn push(
        &mut self,
        covariances: Vec<f64>,
        variance: f64,
        beside: Vec<f64>,
    ) -> Result<(), QuantError> {
        self.finish(covariances, variance, 0)?;
        self.append_beside(beside);
        Ok(())
    }

    /// Solves what is beside the first row that has nothing beside it yet.
    fn append_beside(&mut self, mut beside: Vec<f64>) {
        let place = self.beside.len();
        let row = &self.rows[place];
        for (entry, before) in row.iter().zip(&self.beside) {
            add_scaled(&mut beside, -entry, before);
        }
        for value in &mut beside {
            *value /= row[place];
        }
        self.beside.push(beside);
    }

    /// Appends a row of which the first entries are solved already.
    fn finish(&mut self, mut row: Vec<f64>, variance: f64, solved: usize) -> Result<(), QuantError> {
        for (j, above) in self.rows.iter().enumerate().skip(solved) {
            row[j] = (row[j] - dot(&above[..j], &row[..j])) / above[j];
        }
        let pivot = variance - dot(&row, &row);
        if pivot.is_nan() || pivot <= variance * PIVOT_MIN {
            return Err(QuantError::NotPositiveDefinite { what: "covariance" });
        }
        row.push(pivot.sqrt());
        self.rows.push(row);
        Ok(())
    }

    /// Takes the asset at this place out.
    pub(super) fn remove(&mut self, place: usize) {
        self.rows.remove(place);
        let mut carried_beside = self.beside.remove(place);
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
            let (cosine, sine) = (carried / length, last / length);
            rotations.push((cosine, sine));
            row[i] = length;
            row.pop();
            for (value, carried) in self.beside[i].iter_mut().zip(&mut carried_beside) {
                (*value, *carried) = (cosine * *carried + sine * *value, cosine * *value - sine * *carried);
            }
        }
    }

    /// A column of what is beside.
    pub(super) fn column_beside(&self, column: usize) -> Vec<f64> {
        self.beside.iter().map(|row| row[column]).collect()
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

/// Solves entry `j` of up to four rows, which are read side by side.
fn solve_entry(rows: &mut [Vec<f64>], above: &[f64], j: usize) {
    if let [a, b, c, d] = rows {
        let products = dots([&a[..j], &b[..j], &c[..j], &d[..j]], &above[..j]);
        for (row, product) in [a, b, c, d].into_iter().zip(products) {
            row[j] = (row[j] - product) / above[j];
        }
    } else {
        for row in rows {
            row[j] = (row[j] - dot(&above[..j], &row[..j])) / above[j];
        }
    }
}

/// The inner products of four vectors with one.
fn dots(rows: [&[f64]; 4], with: &[f64]) -> [f64; 4] {
    let mut sums = [[0.0; 2]; 4];
    let (pairs, rest) = with.as_chunks::<2>();
    let chunks = rows.map(|row| row.as_chunks::<2>());
    let [(a, _), (b, _), (c, _), (d, _)] = chunks;
    for ((pair, (a, b)), (c, d)) in pairs.iter().zip(a.iter().zip(b)).zip(c.iter().zip(d)) {
        for lane in 0..2 {
            sums[0][lane] += a[lane] * pair[lane];
            sums[1][lane] += b[lane] * pair[lane];
            sums[2][lane] += c[lane] * pair[lane];
            sums[3][lane] += d[lane] * pair[lane];
        }
    }
    let mut products = sums.map(|[even, odd]| even + odd);
    for (product, (_, last)) in products.iter_mut().zip(chunks) {
        *product += dot(last, rest);
    }
    products
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix64;

    /// Factors asset by asset, with two more numbers for each.
    fn factored(matrix: &Matrix, assets: &[usize]) -> Factor {
        let mut factor = Factor::default();
        for (place, &i) in assets.iter().enumerate() {
            let covariances = assets[..place].iter().map(|&j| matrix[(i, j)]).collect();
            factor.push(covariances, matrix[(i, i)], vec![1.0, i as f64]).unwrap();
        }
        factor
    }

    fn assert_same(rows: &[Vec<f64>], others: &[Vec<f64>]) {
        assert_eq!(rows.len(), others.len());
        for (row, want) in rows.iter().zip(others) {
            assert_eq!(row.len(), want.len());
            for (a, b) in row.iter().zip(want) {
                assert!((a - b).abs() < 1e-10, "{row:?} {want:?}");
            }
        }
    }

    fn matrix(n: usize) -> Matrix {
        let mut random = SplitMix64::new(3);
        let noise = Matrix::new(n, 2 * n, (0..2 * n * n).map(|_| random.normal()).collect()).unwrap();
        noise.multiply(&noise.transpose())
    }

    #[test]
    fn taking_an_asset_out_is_the_same_as_never_having_it() {
        let matrix = matrix(12);
        for gone in 0..12 {
            let mut assets: Vec<usize> = (0..12).collect();
            let mut factor = factored(&matrix, &assets);
            factor.remove(gone);
            assets.remove(gone);
            let fresh = factored(&matrix, &assets);
            assert_same(&factor.rows, &fresh.rows);
            assert_same(&factor.beside, &fresh.beside);
        }
    }

    #[test]
    fn blocks_give_the_same_factor() {
        for n in [1, 3, 4, 16, 17, 35, 70] {
            let matrix = matrix(n);
            let assets: Vec<usize> = (0..n).rev().collect();
            let beside = Matrix::from_rows(&[vec![1.0; n], (0..n).map(|i| i as f64).collect()]).unwrap();
            let (at_once, one_by_one) =
                (Factor::of(&matrix, &assets, &beside).unwrap(), factored(&matrix, &assets));
            assert_same(&at_once.rows, &one_by_one.rows);
            assert_same(&at_once.beside, &one_by_one.beside);
        }
    }

    #[test]
    fn what_is_beside_is_solved_too() {
        let matrix = matrix(9);
        let factor = factored(&matrix, &(0..9).collect::<Vec<_>>());
        let mut ones = vec![1.0; 9];
        factor.forward(&mut ones);
        assert_same(&[factor.column_beside(0)], &[ones]);
    }
}
