//! Dense matrices of modest size, and what positive definite ones are solved with.

use crate::{QuantError, check};
use std::ops::{Index, IndexMut};

/// A matrix in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    rows: usize,
    columns: usize,
    data: Vec<f64>,
}

/// The lower factor `L` of a positive definite matrix `L Lᵀ`.
#[derive(Debug, Clone, PartialEq)]
pub struct Cholesky {
    lower: Matrix,
}

impl Matrix {
    /// A matrix of zeros.
    #[must_use]
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Self { rows, columns, data: vec![0.0; rows * columns] }
    }

    /// The identity of order `n`.
    #[must_use]
    pub fn identity(n: usize) -> Self {
        let mut matrix = Self::zeros(n, n);
        for i in 0..n {
            matrix[(i, i)] = 1.0;
        }
        matrix
    }

    /// A matrix from its entries, row by row.
    ///
    /// # Errors
    /// Unless there are `rows * columns` entries, all finite.
    pub fn new(rows: usize, columns: usize, data: Vec<f64>) -> Result<Self, QuantError> {
        check::length("matrix", data.len(), rows.saturating_mul(columns))?;
        check::series("matrix", &data, 0)?;
        Ok(Self { rows, columns, data })
    }

    /// A matrix from its rows.
    ///
    /// # Errors
    /// Unless all rows are of one length and finite.
    pub fn from_rows<R: AsRef<[f64]>>(rows: &[R]) -> Result<Self, QuantError> {
        let columns = rows.first().map_or(0, |row| row.as_ref().len());
        let mut data = Vec::with_capacity(rows.len() * columns);
        for row in rows {
            check::length("row of matrix", row.as_ref().len(), columns)?;
            data.extend_from_slice(row.as_ref());
        }
        Self::new(rows.len(), columns, data)
    }

    /// Number of rows.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    #[must_use]
    pub const fn columns(&self) -> usize {
        self.columns
    }

    /// One row.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f64] {
        &self.data[row * self.columns..(row + 1) * self.columns]
    }

    /// One row, to write to.
    #[must_use]
    pub fn row_mut(&mut self, row: usize) -> &mut [f64] {
        &mut self.data[row * self.columns..(row + 1) * self.columns]
    }

    /// All entries, row by row.
    #[must_use]
    pub fn as_slice(&self) -> &[f64] {
        &self.data
    }

    /// The entries on the diagonal.
    #[must_use]
    pub fn diagonal(&self) -> Vec<f64> {
        (0..self.rows.min(self.columns)).map(|i| self[(i, i)]).collect()
    }

    /// The transpose.
    #[must_use]
    pub fn transpose(&self) -> Self {
        let mut turned = Self::zeros(self.columns, self.rows);
        for i in 0..self.rows {
            for j in 0..self.columns {
                turned[(j, i)] = self[(i, j)];
            }
        }
        turned
    }

    /// The product with a vector of as many entries as there are columns.
    #[must_use]
    pub fn times(&self, vector: &[f64]) -> Vec<f64> {
        debug_assert_eq!(vector.len(), self.columns, "the vector fits the matrix");
        (0..self.rows).map(|i| dot(self.row(i), vector)).collect()
    }

    /// `vectorᵀ · self · vector`, for a square matrix.
    #[must_use]
    pub fn quadratic(&self, vector: &[f64]) -> f64 {
        dot(&self.times(vector), vector)
    }

    /// The product of two matrices that fit.
    #[must_use]
    pub fn multiply(&self, other: &Self) -> Self {
        debug_assert_eq!(self.columns, other.rows, "the matrices fit");
        let mut product = Self::zeros(self.rows, other.columns);
        for i in 0..self.rows {
            for k in 0..self.columns {
                let factor = self[(i, k)];
                add_scaled(product.row_mut(i), factor, other.row(k));
            }
        }
        product
    }

    /// Fails unless the matrix is square and of order `n`, finite by construction.
    pub(crate) fn check_square(&self, what: &'static str, n: usize) -> Result<(), QuantError> {
        check::length(what, self.rows, n)?;
        check::length(what, self.columns, n)
    }
}

impl Index<(usize, usize)> for Matrix {
    type Output = f64;

    fn index(&self, (row, column): (usize, usize)) -> &f64 {
        &self.data[row * self.columns + column]
    }
}

impl IndexMut<(usize, usize)> for Matrix {
    fn index_mut(&mut self, (row, column): (usize, usize)) -> &mut f64 {
        &mut self.data[row * self.columns + column]
    }
}

impl Cholesky {
    /// Factors a symmetric matrix, of which only the lower half is read.
    ///
    /// # Errors
    /// If the matrix is not square or not positive definite to working precision.
    pub fn new(matrix: &Matrix, what: &'static str) -> Result<Self, QuantError> {
        let n = matrix.rows();
        matrix.check_square(what, n)?;
        let mut lower = Matrix::zeros(n, n);
        for i in 0..n {
            let (above, rest) = lower.data.split_at_mut(i * n);
            let row = &mut rest[..n];
            for j in 0..i {
                let other = &above[j * n..j * n + j + 1];
                row[j] = (matrix[(i, j)] - dot(&row[..j], &other[..j])) / other[j];
            }
            let pivot = matrix[(i, i)] - dot(&row[..i], &row[..i]);
            // What is left of a diagonal entry after cancellation is noise below this.
            if pivot.is_nan() || pivot <= matrix[(i, i)].abs() * f64::EPSILON * 8.0 {
                return Err(QuantError::NotPositiveDefinite { what });
            }
            row[i] = pivot.sqrt();
        }
        Ok(Self { lower })
    }

    /// The lower factor.
    #[must_use]
    pub const fn lower(&self) -> &Matrix {
        &self.lower
    }

    /// The `x` of `L Lᵀ x = vector`.
    #[must_use]
    pub fn solve(&self, vector: &[f64]) -> Vec<f64> {
        let n = self.lower.rows();
        let mut x = vector.to_vec();
        for i in 0..n {
            x[i] = (x[i] - dot(&self.lower.row(i)[..i], &x[..i])) / self.lower[(i, i)];
        }
        for i in (0..n).rev() {
            x[i] /= self.lower[(i, i)];
            let (before, from) = x.split_at_mut(i);
            add_scaled(before, -from[0], &self.lower.row(i)[..i]);
        }
        x
    }

    /// The logarithm of the determinant of the factored matrix.
    #[must_use]
    pub fn log_determinant(&self) -> f64 {
        2.0 * self.lower.diagonal().iter().map(|entry| entry.ln()).sum::<f64>()
    }
}

/// The inner product; four running sums, so that the processor need not wait for one before it begins the next.
#[must_use]
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (quads_a, rest_a) = a.as_chunks::<4>();
    let (quads_b, rest_b) = b.as_chunks::<4>();
    for (x, y) in quads_a.iter().zip(quads_b) {
        for lane in 0..4 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let rest: f64 = rest_a.iter().zip(rest_b).map(|(x, y)| x * y).sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

/// Adds `factor` times `values` to `target`.
pub(crate) fn add_scaled(target: &mut [f64], factor: f64, values: &[f64]) {
    for (sum, value) in target.iter_mut().zip(values) {
        *sum += factor * value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_solved() {
        let matrix = Matrix::from_rows(&[[4.0, 2.0, 0.6], [2.0, 5.0, 1.5], [0.6, 1.5, 3.0]]).unwrap();
        let factor = Cholesky::new(&matrix, "matrix").unwrap();
        let x = factor.solve(&matrix.times(&[1.0, -2.0, 3.0]));
        for (got, want) in x.iter().zip([1.0, -2.0, 3.0]) {
            assert!((got - want).abs() < 1e-14, "{x:?}");
        }
        let product = factor.lower().multiply(&factor.lower().transpose());
        for (got, want) in product.as_slice().iter().zip(matrix.as_slice()) {
            assert!((got - want).abs() < 1e-14, "the factor gives the matrix back");
        }
    }

    #[test]
    fn a_singular_matrix_is_refused() {
        let singular = Matrix::from_rows(&[[1.0, 2.0], [2.0, 4.0]]).unwrap();
        assert!(matches!(Cholesky::new(&singular, "m"), Err(QuantError::NotPositiveDefinite { .. })));
        let negative = Matrix::from_rows(&[[1.0, 2.0], [2.0, 1.0]]).unwrap();
        assert!(Cholesky::new(&negative, "m").is_err());
        assert!(Cholesky::new(&Matrix::zeros(2, 3), "m").is_err());
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(Matrix::new(2, 2, vec![1.0; 3]).is_err());
        assert!(Matrix::from_rows(&[vec![1.0], vec![1.0, 2.0]]).is_err());
        assert!(Matrix::new(1, 1, vec![f64::NAN]).is_err());
    }
}
