//! Standardisation: each feature less its mean, over its standard deviation, both of the rows it was fitted to.

use super::{VALUE_MAX, check_size};
use crate::{Matrix, QuantError, check};
use serde::{Deserialize, Serialize};

/// Means and scales of features. Fit it to training rows only; later rows are then seen through the past.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standardizer {
    means: Vec<f64>,
    scales: Vec<f64>,
}

impl Standardizer {
    /// Fits to the rows of `features`. A feature that does not vary gets the scale one.
    ///
    /// # Errors
    /// Without rows or columns, or unless all are finite and of sound size.
    pub fn fit(features: &Matrix) -> Result<Self, QuantError> {
        if features.rows() == 0 || features.columns() == 0 {
            return Err(QuantError::TooFew { what: "samples", needed: 1, got: 0 });
        }
        check_size("features", features.as_slice())?;
        let count = features.rows() as f64;
        let rows = || (0..features.rows()).map(|row| features.row(row));
        let mut means = vec![0.0; features.columns()];
        for row in rows() {
            for (mean, value) in means.iter_mut().zip(row) {
                *mean += value / count;
            }
        }
        let mut scales = vec![0.0; features.columns()];
        for row in rows() {
            for ((scale, mean), value) in scales.iter_mut().zip(&means).zip(row) {
                *scale += (value - mean).powi(2) / count;
            }
        }
        for (scale, mean) in scales.iter_mut().zip(&means) {
            *scale = scale.sqrt();
            // What is left of a constant column is rounding, and dividing by that would blow noise up.
            if *scale <= mean.abs() * 1e-14 {
                *scale = 1.0;
            }
        }
        Ok(Self { means, scales })
    }

    /// Number of features.
    #[must_use]
    pub fn feature_count(&self) -> usize {
        self.means.len()
    }

    /// Scale of each feature, in the units of the feature.
    #[must_use]
    pub fn scales(&self) -> &[f64] {
        &self.scales
    }

    /// Mean of each feature.
    #[must_use]
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// Writes the standardised row to `out`.
    ///
    /// # Errors
    /// Unless row and `out` have one value per feature, finite and of sound size.
    pub fn apply(&self, row: &[f64], out: &mut [f64]) -> Result<(), QuantError> {
        check::length("features", row.len(), self.means.len())?;
        check::length("standardised features", out.len(), self.means.len())?;
        check_size("features", row)?;
        for (((slot, value), mean), scale) in out.iter_mut().zip(row).zip(&self.means).zip(&self.scales) {
            *slot = (value - mean) / scale;
        }
        Ok(())
    }

    /// All rows standardised.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub fn apply_rows(&self, features: &Matrix) -> Result<Matrix, QuantError> {
        let mut scaled = Matrix::zeros(features.rows(), features.columns());
        for row in 0..features.rows() {
            self.apply(features.row(row), scaled.row_mut(row))?;
        }
        Ok(scaled)
    }

    /// Fails unless a stored one has `feature_count` sound means and scales.
    pub(super) fn check(&self, feature_count: usize) -> Result<(), QuantError> {
        check::length("means", self.means.len(), feature_count)?;
        check::length("scales", self.scales.len(), feature_count)?;
        check_size("means", &self.means)?;
        for &scale in &self.scales {
            check::positive("scale", scale)?;
            if scale > 2.0 * VALUE_MAX {
                return Err(QuantError::OutOfRange {
                    what: "scale",
                    value: scale,
                    expected: "at most 2e100",
                });
            }
        }
        Ok(())
    }
}
