//! An orthonormal basis of the normals of the limits that hold with equality.
//!
//! By modified Gram-Schmidt, each vector twice (Daniel, Gragg, Kaufman and Stewart 1976), so that a projection is as
//! exact as the vectors are; normal equations would square the condition of the limits.

use crate::Matrix;
use crate::matrix::{add_scaled, dot};

/// Part of a normal that those before it must leave unexplained, or its limit holds whenever theirs do.
const INDEPENDENCE_MIN: f64 = 1e-10;

/// `Z = Q R`; a column that depends on those before it has zeros in `Q` and on the diagonal of `R`.
pub(super) struct Basis {
    vectors: Vec<Vec<f64>>,
    upper: Matrix,
    pub(super) rank: usize,
}

impl Basis {
    pub(super) fn of(columns: &[Vec<f64>]) -> Self {
        let order = columns.len();
        let mut basis =
            Self { vectors: Vec::with_capacity(order), upper: Matrix::zeros(order, order), rank: 0 };
        for (i, column) in columns.iter().enumerate() {
            let mut rest = column.clone();
            for _ in 0..2 {
                for (j, vector) in basis.vectors.iter().enumerate() {
                    let part = dot(vector, &rest);
                    basis.upper[(j, i)] += part;
                    add_scaled(&mut rest, -part, vector);
                }
            }
            let length = dot(&rest, &rest).sqrt();
            if length > INDEPENDENCE_MIN * dot(column, column).sqrt() {
                basis.upper[(i, i)] = length;
                basis.rank += 1;
                for entry in &mut rest {
                    *entry /= length;
                }
            } else {
                rest.fill(0.0);
            }
            basis.vectors.push(rest);
        }
        basis
    }

    /// Takes from a vector its part along the normals, and gives the multipliers of the normals in that part, less those
    /// that [`Basis::add_least_solution`] puts in its place.
    pub(super) fn split(&self, vector: &mut [f64], sums: &[f64]) -> Vec<f64> {
        let mut multipliers = vec![0.0; self.vectors.len()];
        for _ in 0..2 {
            for (multiplier, unit) in multipliers.iter_mut().zip(&self.vectors) {
                let part = dot(unit, vector);
                *multiplier += part;
                add_scaled(vector, -part, unit);
            }
        }
        for (multiplier, part) in multipliers.iter_mut().zip(self.least_solution(sums)) {
            *multiplier -= part;
        }
        for i in (0..multipliers.len()).rev() {
            multipliers[i] = self.divided(multipliers[i], i);
            for j in 0..i {
                multipliers[j] -= self.upper[(j, i)] * multipliers[i];
            }
        }
        multipliers
    }

    /// Adds the shortest vector whose products with the normals are these sums.
    pub(super) fn add_least_solution(&self, vector: &mut [f64], sums: &[f64]) {
        for (part, unit) in self.least_solution(sums).iter().zip(&self.vectors) {
            add_scaled(vector, *part, unit);
        }
    }

    /// `R⁻ᵀ sums`.
    fn least_solution(&self, sums: &[f64]) -> Vec<f64> {
        let mut parts = sums.to_vec();
        for i in 0..parts.len() {
            for j in 0..i {
                parts[i] -= self.upper[(j, i)] * parts[j];
            }
            parts[i] = self.divided(parts[i], i);
        }
        parts
    }

    fn divided(&self, value: f64, i: usize) -> f64 {
        let diagonal = self.upper[(i, i)];
        if diagonal > 0.0 { value / diagonal } else { 0.0 }
    }
}
