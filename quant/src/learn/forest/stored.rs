//! The forest as it is stored, and the checks before a stored one is used.

use super::flat::{Flat, Node, Tree, TreeNode};
use super::{CLASSES_MAX, FEATURES_MAX, POSITIONS_MAX, TREES_MAX};
use crate::learn::{check_count, check_size};
use crate::{QuantError, check};
use serde::{Deserialize, Serialize};

/// The version that is written, and the only one that is read.
pub const STORED_VERSION: u32 = 1;

/// What the shares of a leaf may miss one by.
const SHARES_TOLERANCE: f64 = 1e-9;

/// What a forest tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ForestTask {
    /// Probabilities of classes.
    Classification,
    /// A value.
    Regression,
}

/// A forest for storage. Floats must be stored to the last bit for the same predictions (in JSON, with the feature
/// `float_roundtrip` of `serde_json`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredForest {
    /// Version of this layout.
    pub version: u32,
    /// What the forest tells.
    pub task: ForestTask,
    /// Number of features.
    pub feature_count: usize,
    /// Values per leaf: the number of classes, or one.
    pub width: usize,
    /// The different values of leaves, row by row.
    pub values: Vec<f64>,
    /// Importance of each feature.
    pub importances: Vec<f64>,
    /// Score on rows that trees did not see.
    pub out_of_bag_score: Option<f64>,
    /// The trees.
    pub trees: Vec<StoredTree>,
}

/// A tree for storage: parallel arrays, children side by side after their parent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredTree {
    /// Feature compared at each node; -1 for a leaf.
    pub features: Vec<i32>,
    /// Thresholds of the nodes that are no leaves, in order.
    pub thresholds: Vec<f32>,
    /// For each node its left child, the right one being the next; for a leaf its row of the values.
    pub children: Vec<u32>,
}

/// What trees read, and what their leaves hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) feature_count: usize,
    pub(super) width: usize,
}

/// A forest in use.
#[derive(Debug)]
pub(super) struct Unpacked {
    pub(super) flat: Flat,
    pub(super) importances: Vec<f64>,
    pub(super) out_of_bag_score: Option<f64>,
}

impl ForestTask {
    pub(super) fn check_width(self, width: usize) -> Result<(), QuantError> {
        match self {
            Self::Classification => check_count("classes", width, 2..=CLASSES_MAX),
            Self::Regression => check::length("values of a leaf", width, 1),
        }
    }
}

impl Unpacked {
    /// Fails unless importances and values are what they should be.
    pub(super) fn check(&self, task: ForestTask) -> Result<(), QuantError> {
        check::length("importances", self.importances.len(), self.flat.feature_count)?;
        for &importance in &self.importances {
            check::not_negative("importance", importance)?;
        }
        if let Some(score) = self.out_of_bag_score {
            check::finite("out-of-bag score", score)?;
        }
        check_size("value of a leaf", &self.flat.values)?;
        if task == ForestTask::Classification {
            for shares in self.flat.values.chunks(self.flat.width) {
                let is_sound = shares.iter().all(|share| (0.0..=1.0).contains(share))
                    && (shares.iter().sum::<f64>() - 1.0).abs() <= SHARES_TOLERANCE;
                if !is_sound {
                    return Err(malformed("the shares of a leaf do not add up to one"));
                }
            }
        }
        Ok(())
    }
}

/// The stored form of a forest.
pub(super) fn pack(forest: Unpacked, task: ForestTask) -> StoredForest {
    let Unpacked { flat, importances, out_of_bag_score } = forest;
    let ends = flat.roots.iter().skip(1).map(|&root| root as usize).chain([flat.nodes.len()]);
    let pack_tree = |(&root, end): (&u32, usize)| {
        let nodes = &flat.nodes[root as usize..end];
        let inner = || nodes.iter().filter(|node| !node.is_leaf());
        StoredTree {
            features: nodes.iter().map(stored_feature).collect(),
            thresholds: inner().map(|node| node.threshold).collect(),
            children: nodes
                .iter()
                .map(|node| if node.is_leaf() { node.leaf } else { node.child - root })
                .collect(),
        }
    };
    StoredForest {
        version: STORED_VERSION,
        task,
        feature_count: flat.feature_count,
        width: flat.width,
        importances,
        out_of_bag_score,
        trees: flat.roots.iter().zip(ends).map(pack_tree).collect(),
        values: flat.values,
    }
}

fn stored_feature(node: &Node) -> i32 {
    if node.is_leaf() { -1 } else { i32::try_from(node.feature).expect("features are at most 65536") }
}

/// The forest of a stored form, if that is sound in every part.
pub(super) fn unpack(stored: StoredForest, task: ForestTask) -> Result<Unpacked, QuantError> {
    if stored.version != STORED_VERSION {
        return Err(malformed("its version is not known"));
    }
    if stored.task != task {
        return Err(malformed("it is for another task"));
    }
    check_count("trees", stored.trees.len(), 1..=TREES_MAX)?;
    check_count("features", stored.feature_count, 1..=FEATURES_MAX)?;
    task.check_width(stored.width)?;
    if !stored.values.len().is_multiple_of(stored.width) {
        return Err(malformed("a leaf has too few values"));
    }
    let row = Row { feature_count: stored.feature_count, width: stored.width };
    let leaf_count = stored.values.len() / stored.width;
    let trees: Vec<Tree> =
        stored.trees.iter().map(|tree| read_tree(tree, row, leaf_count)).collect::<Result<_, _>>()?;
    let StoredForest { values, importances, out_of_bag_score, .. } = stored;
    let unpacked = Unpacked { flat: Flat::join_with(values, &trees, row)?, importances, out_of_bag_score };
    unpacked.check(task)?;
    Ok(unpacked)
}

/// Fails unless every node but the root has exactly one parent, before it: so there are no cycles.
fn read_tree(stored: &StoredTree, row: Row, leaf_count: usize) -> Result<Tree, QuantError> {
    let count = stored.features.len();
    check_count("nodes", count, 1..=POSITIONS_MAX)?;
    check::length("children of a tree", stored.children.len(), count)?;
    let mut thresholds = stored.thresholds.iter();
    let mut has_parent = vec![false; count];
    let mut nodes = Vec::with_capacity(count);
    for (index, (&feature, &child)) in stored.features.iter().zip(&stored.children).enumerate() {
        if feature == -1 {
            if child as usize >= leaf_count {
                return Err(malformed("a leaf has no values"));
            }
            nodes.push(TreeNode::Leaf { row: child });
            continue;
        }
        let feature = u32::try_from(feature).ok().filter(|feature| (*feature as usize) < row.feature_count);
        let feature = feature.ok_or_else(|| malformed("a feature is out of range"))?;
        let threshold = thresholds.next().copied().filter(|threshold| threshold.is_finite());
        let threshold = threshold.ok_or_else(|| malformed("a threshold is missing or no number"))?;
        let at = child as usize;
        if at <= index || at >= count - 1 || has_parent[at] || has_parent[at + 1] {
            return Err(malformed("a child is out of range or has two parents"));
        }
        has_parent[at..at + 2].fill(true);
        nodes.push(TreeNode::Split { feature, threshold, child });
    }
    if thresholds.next().is_some() || has_parent[1..].contains(&false) {
        return Err(malformed("a threshold or a node is left over"));
    }
    Ok(Tree { nodes, values: Vec::new() })
}

/// The error for a forest that cannot be read.
pub(super) const fn malformed(why: &'static str) -> QuantError {
    QuantError::UnknownModel { what: "forest", why }
}
