//! Random forests (Breiman 2001): many trees, each grown on a bootstrap sample with few features tried at each split.
//!
//! Grown on histograms: every feature is cut once into at most 256 bins at its quantiles, and a node compares the
//! boundaries between bins that hold samples. Trees have seeds of their own, so the forest is the same whatever the
//! number of threads. A row goes left where `f32(x[feature]) <= threshold`, as in scikit-learn, whose trees
//! [`TreeArrays`] imports.

mod bins;
mod classifier;
mod flat;
mod grow;
mod import;
mod regressor;
mod stored;
mod train;

pub use classifier::RandomForestClassifier;
pub use import::TreeArrays;
pub use regressor::RandomForestRegressor;
pub use stored::{ForestTask, STORED_VERSION, StoredForest, StoredTree};

use super::check_count;
use crate::QuantError;

/// Most trees in a forest.
pub const TREES_MAX: usize = 10_000;
/// Most levels of splits in a tree that is grown.
pub const DEPTH_MAX: usize = 64;
/// Most bins of a feature.
pub const BINS_MAX: usize = 256;
/// Most classes.
pub const CLASSES_MAX: usize = 16;
/// Most features.
pub const FEATURES_MAX: usize = 65_536;
/// Most nodes of a forest, and most samples it is fitted to: positions are kept in 32 bits.
const POSITIONS_MAX: usize = u32::MAX as usize;

/// How many features are tried at a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeaturesTried {
    /// The square root of their number, rounded down: usual for classes.
    SquareRoot,
    /// All of them: usual for values.
    All,
    /// This many.
    Count(usize),
}

/// How a forest is grown.
#[derive(Debug, Clone, PartialEq)]
pub struct ForestOptions {
    /// Number of trees.
    pub tree_count: usize,
    /// Most levels of splits.
    pub depth_max: usize,
    /// Fewest draws of the bootstrap sample in a leaf, repeats counted.
    pub leaf_samples_min: usize,
    /// Features tried at a split. Those that do not vary in a node do not count.
    pub features_tried: FeaturesTried,
    /// Most bins of a feature.
    pub bin_count: usize,
    /// Where all chance comes from.
    pub seed: u64,
}

impl Default for ForestOptions {
    fn default() -> Self {
        Self {
            tree_count: 100,
            depth_max: DEPTH_MAX,
            leaf_samples_min: 1,
            features_tried: FeaturesTried::SquareRoot,
            bin_count: BINS_MAX,
            seed: 0,
        }
    }
}

impl ForestOptions {
    fn check(&self) -> Result<(), QuantError> {
        check_count("trees", self.tree_count, 1..=TREES_MAX)?;
        check_count("levels of a tree", self.depth_max, 1..=DEPTH_MAX)?;
        check_count("samples of a leaf", self.leaf_samples_min, 1..=POSITIONS_MAX)?;
        check_count("bins", self.bin_count, 2..=BINS_MAX)
    }

    fn features_tried_of(&self, feature_count: usize) -> usize {
        match self.features_tried {
            FeaturesTried::SquareRoot => feature_count.isqrt(),
            FeaturesTried::All => feature_count,
            FeaturesTried::Count(count) => count.clamp(1, feature_count),
        }
    }
}
