//! The forest that tells probabilities of classes.

use super::flat::{BLOCK_ROWS, Flat, narrow};
use super::import::{TreeArrays, import};
use super::stored::{ForestTask, StoredForest, Unpacked, pack, unpack};
use super::train::{Gini, Trained, train};
use super::{CLASSES_MAX, FEATURES_MAX, ForestOptions};
use crate::learn::{Forecaster, IsCancelled, check_count, check_samples, latest};
use crate::{Matrix, QuantError, check};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// A forest of classification trees. Probabilities are the mean over trees of the shares of classes in leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredForest", into = "StoredForest")]
pub struct RandomForestClassifier {
    flat: Flat,
    importances: Vec<f64>,
    out_of_bag_score: Option<f64>,
}

impl RandomForestClassifier {
    /// Grows a forest from samples in rows and their classes, counted from zero.
    ///
    /// # Errors
    /// If a feature is not finite or does not fit an `f32`, the classes are all the same or not as many as rows, an
    /// option is out of range, or the caller cancels (asked once per tree).
    pub fn fit(
        features: &Matrix,
        classes: &[usize],
        options: &ForestOptions,
        is_cancelled: IsCancelled<'_>,
    ) -> Result<Self, QuantError> {
        options.check()?;
        check_samples(features, classes.len())?;
        check_count("features", features.columns(), 1..=FEATURES_MAX)?;
        let class_count = classes.iter().max().map_or(0, |class| class.saturating_add(1));
        check_count("classes", class_count, 1..=CLASSES_MAX)?;
        if classes.windows(2).all(|pair| pair[0] == pair[1]) {
            return Err(QuantError::Constant { what: "class" });
        }
        let classes: Vec<u8> = classes.iter().map(|&class| u8::try_from(class).unwrap_or(u8::MAX)).collect();
        let gini = Gini { classes: &classes, class_count };
        // Sums in arrays of fixed length take half the time; classes that are never seen cost a little.
        let trained = match class_count {
            ..=2 => train::<_, 2>(features, &gini, options, is_cancelled),
            3..=4 => train::<_, 4>(features, &gini, options, is_cancelled),
            _ => train::<_, CLASSES_MAX>(features, &gini, options, is_cancelled),
        }?;
        let out_of_bag_score = accuracy(&trained, &classes);
        Ok(Self { flat: trained.flat, importances: trained.importances, out_of_bag_score })
    }

    /// A forest from trees that were grown elsewhere, and the importances that belong to them.
    ///
    /// # Errors
    /// Unless every array describes a tree whose leaves hold shares or counts of the same classes.
    pub fn from_trees(trees: &[TreeArrays], importances: &[f64]) -> Result<Self, QuantError> {
        let flat = import(trees, importances.len(), ForestTask::Classification)?;
        let unpacked = Unpacked { flat, importances: importances.to_vec(), out_of_bag_score: None };
        unpacked.check(ForestTask::Classification)?;
        Ok(Self::from_unpacked(unpacked))
    }

    fn from_unpacked(Unpacked { flat, importances, out_of_bag_score }: Unpacked) -> Self {
        Self { flat, importances, out_of_bag_score }
    }

    /// Number of classes.
    #[must_use]
    pub const fn class_count(&self) -> usize {
        self.flat.width
    }

    /// Number of features.
    #[must_use]
    pub const fn feature_count(&self) -> usize {
        self.flat.feature_count
    }

    /// The share of each feature in the decrease of impurity, mean over trees; they add up to one if any tree splits.
    #[must_use]
    pub fn importances(&self) -> &[f64] {
        &self.importances
    }

    /// The accuracy on rows, each judged by the trees that were grown without it; none for imported trees.
    #[must_use]
    pub const fn out_of_bag_score(&self) -> Option<f64> {
        self.out_of_bag_score
    }

    /// The probability of each class.
    ///
    /// # Errors
    /// Unless there is one value per feature, finite and within the range of `f32`.
    pub fn probabilities(&self, row: &[f64]) -> Result<Vec<f64>, QuantError> {
        check::length("features", row.len(), self.flat.feature_count)?;
        let mut means = vec![0.0; self.flat.width];
        self.flat.add_row(&narrow(row)?, &self.flat.roots, &mut means);
        self.divide(&mut means);
        Ok(means)
    }

    /// The probability of each class (columns) for each row.
    ///
    /// # Errors
    /// As [`Self::probabilities`].
    pub fn probabilities_of_rows(&self, rows: &Matrix) -> Result<Matrix, QuantError> {
        check::length("features", rows.columns(), self.flat.feature_count)?;
        let mut means = vec![0.0; rows.rows() * self.flat.width];
        let blocks = means.par_chunks_mut(BLOCK_ROWS * self.flat.width);
        let features = rows.as_slice().par_chunks(BLOCK_ROWS * self.flat.feature_count);
        blocks.zip(features).try_for_each(|(means, block)| {
            self.flat.add_rows(&narrow(block)?, means);
            self.divide(means);
            Ok(())
        })?;
        Matrix::new(rows.rows(), self.flat.width, means)
    }

    /// The most probable class; the first of equals.
    ///
    /// # Errors
    /// As [`Self::probabilities`].
    pub fn class(&self, row: &[f64]) -> Result<usize, QuantError> {
        Ok(most_probable(&self.probabilities(row)?))
    }

    fn divide(&self, sums: &mut [f64]) {
        let tree_count = self.flat.roots.len() as f64;
        sums.iter_mut().for_each(|sum| *sum /= tree_count);
    }
}

impl Forecaster for RandomForestClassifier {
    fn forecast(&self, history: &[&[f64]]) -> Result<f64, QuantError> {
        check::length("classes of a forecaster", self.flat.width, 2)?;
        Ok(self.probabilities(latest(history)?)?[1])
    }
}

impl From<RandomForestClassifier> for StoredForest {
    fn from(forest: RandomForestClassifier) -> Self {
        let RandomForestClassifier { flat, importances, out_of_bag_score } = forest;
        pack(Unpacked { flat, importances, out_of_bag_score }, ForestTask::Classification)
    }
}

impl TryFrom<StoredForest> for RandomForestClassifier {
    type Error = QuantError;

    fn try_from(stored: StoredForest) -> Result<Self, QuantError> {
        unpack(stored, ForestTask::Classification).map(Self::from_unpacked)
    }
}

fn most_probable(probabilities: &[f64]) -> usize {
    let better = |best: usize, at: usize| if probabilities[at] > probabilities[best] { at } else { best };
    (0..probabilities.len()).fold(0, better)
}

fn accuracy(trained: &Trained, classes: &[u8]) -> Option<f64> {
    let judged = &trained.out_of_bag;
    let is_hit = |(row, means): &&(usize, Vec<f64>)| most_probable(means) == usize::from(classes[*row]);
    let hits = judged.iter().filter(is_hit).count();
    (!judged.is_empty()).then(|| hits as f64 / judged.len() as f64)
}
