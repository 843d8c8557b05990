//! The forest that tells values.

use super::flat::{BLOCK_ROWS, Flat, narrow};
use super::import::{TreeArrays, import};
use super::stored::{ForestTask, StoredForest, Unpacked, pack, unpack};
use super::train::{Trained, Variance, train};
use super::{FEATURES_MAX, ForestOptions};
use crate::learn::{Forecaster, IsCancelled, check_count, check_samples, check_size, latest, metric};
use crate::{Matrix, QuantError, check};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// A forest of regression trees. A forecast is the mean over trees of the mean target in the leaf.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredForest", into = "StoredForest")]
pub struct RandomForestRegressor {
    flat: Flat,
    importances: Vec<f64>,
    out_of_bag_score: Option<f64>,
}

impl RandomForestRegressor {
    /// Grows a forest from samples in rows and their targets.
    ///
    /// # Errors
    /// If a feature is not finite or does not fit an `f32`, the targets do not vary or are not as many as rows, an
    /// option is out of range, or the caller cancels (asked once per tree).
    pub fn fit(
        features: &Matrix,
        targets: &[f64],
        options: &ForestOptions,
        is_cancelled: IsCancelled<'_>,
    ) -> Result<Self, QuantError> {
        options.check()?;
        check_samples(features, targets.len())?;
        check_count("features", features.columns(), 1..=FEATURES_MAX)?;
        check_size("targets", targets)?;
        let mean = targets.iter().map(|target| target / targets.len() as f64).sum::<f64>();
        let scale = targets.iter().map(|target| (target - mean).abs()).fold(0.0, f64::max);
        if targets.windows(2).all(|pair| pair[0].to_bits() == pair[1].to_bits()) || !scale.is_normal() {
            return Err(QuantError::Constant { what: "target" });
        }
        let values: Vec<f64> = targets.iter().map(|target| (target - mean) / scale).collect();
        let variance = Variance { values: &values, mean, scale };
        let trained = train::<_, 2>(features, &variance, options, is_cancelled)?;
        let out_of_bag_score = score(&trained, targets);
        Ok(Self { flat: trained.flat, importances: trained.importances, out_of_bag_score })
    }

    /// A forest from trees that were grown elsewhere, and the importances that belong to them.
    ///
    /// # Errors
    /// Unless every array describes a tree whose leaves hold one value.
    pub fn from_trees(trees: &[TreeArrays], importances: &[f64]) -> Result<Self, QuantError> {
        let flat = import(trees, importances.len(), ForestTask::Regression)?;
        let unpacked = Unpacked { flat, importances: importances.to_vec(), out_of_bag_score: None };
        unpacked.check(ForestTask::Regression)?;
        Ok(Self::from_unpacked(unpacked))
    }

    fn from_unpacked(Unpacked { flat, importances, out_of_bag_score }: Unpacked) -> Self {
        Self { flat, importances, out_of_bag_score }
    }

    /// Number of features.
    #[must_use]
    pub const fn feature_count(&self) -> usize {
        self.flat.feature_count
    }

    /// The share of each feature in the decrease of variance, mean over trees; they add up to one if any tree splits.
    #[must_use]
    pub fn importances(&self) -> &[f64] {
        &self.importances
    }

    /// The coefficient of determination on rows, each judged by the trees that were grown without it; none for imported
    /// trees.
    #[must_use]
    pub const fn out_of_bag_score(&self) -> Option<f64> {
        self.out_of_bag_score
    }

    /// The forecast for a row, in units of the target.
    ///
    /// # Errors
    /// Unless there is one value per feature, finite and within the range of `f32`.
    pub fn predict(&self, row: &[f64]) -> Result<f64, QuantError> {
        check::length("features", row.len(), self.flat.feature_count)?;
        let mut sum = [0.0];
        self.flat.add_row(&narrow(row)?, &self.flat.roots, &mut sum);
        Ok(sum[0] / self.flat.roots.len() as f64)
    }

    /// The forecast for each row.
    ///
    /// # Errors
    /// As [`Self::predict`].
    pub fn predict_rows(&self, rows: &Matrix) -> Result<Vec<f64>, QuantError> {
        check::length("features", rows.columns(), self.flat.feature_count)?;
        let mut means = vec![0.0; rows.rows()];
        let features = rows.as_slice().par_chunks(BLOCK_ROWS * self.flat.feature_count);
        means.par_chunks_mut(BLOCK_ROWS).zip(features).try_for_each(|(means, block)| {
            self.flat.add_rows(&narrow(block)?, means);
            means.iter_mut().for_each(|mean| *mean /= self.flat.roots.len() as f64);
            Ok(())
        })?;
        Ok(means)
    }
}

impl Forecaster for RandomForestRegressor {
    fn forecast(&self, history: &[&[f64]]) -> Result<f64, QuantError> {
        self.predict(latest(history)?)
    }
}

impl From<RandomForestRegressor> for StoredForest {
    fn from(forest: RandomForestRegressor) -> Self {
        let RandomForestRegressor { flat, importances, out_of_bag_score } = forest;
        pack(Unpacked { flat, importances, out_of_bag_score }, ForestTask::Regression)
    }
}

impl TryFrom<StoredForest> for RandomForestRegressor {
    type Error = QuantError;

    fn try_from(stored: StoredForest) -> Result<Self, QuantError> {
        unpack(stored, ForestTask::Regression).map(Self::from_unpacked)
    }
}

fn score(trained: &Trained, targets: &[f64]) -> Option<f64> {
    let forecasts: Vec<f64> = trained.out_of_bag.iter().map(|(_, means)| means[0]).collect();
    let actual: Vec<f64> = trained.out_of_bag.iter().map(|(row, _)| targets[*row]).collect();
    metric::r_squared(&forecasts, &actual).ok()
}
