//! Trees that were grown elsewhere.

use super::flat::{Flat, Tree, TreeNode, narrow_down, position};
use super::stored::{ForestTask, Row, malformed};
use super::{FEATURES_MAX, POSITIONS_MAX, TREES_MAX};
use crate::learn::{check_count, check_size};
use crate::{QuantError, check};

/// A tree as parallel arrays, one entry per node, the root first: what scikit-learn keeps in `tree_`.
#[derive(Debug, Clone, PartialEq)]
pub struct TreeArrays {
    /// Node below on the left; below zero for a leaf.
    pub left: Vec<i64>,
    /// Node below on the right; of no meaning for a leaf.
    pub right: Vec<i64>,
    /// Feature compared; of no meaning for a leaf.
    pub feature: Vec<i64>,
    /// What the feature is compared with; of no meaning for a leaf.
    pub threshold: Vec<f64>,
    /// Shares or counts of classes, or one value.
    pub value: Vec<Vec<f64>>,
}

/// Joins imported trees.
pub(super) fn import(
    trees: &[TreeArrays],
    feature_count: usize,
    task: ForestTask,
) -> Result<Flat, QuantError> {
    check_count("trees", trees.len(), 1..=TREES_MAX)?;
    check_count("features", feature_count, 1..=FEATURES_MAX)?;
    let width = trees[0].value.first().map_or(0, Vec::len);
    task.check_width(width)?;
    let row = Row { feature_count, width };
    let trees: Vec<Tree> =
        trees.iter().map(|tree| arrange(tree, row, task)).collect::<Result<_, QuantError>>()?;
    Flat::join(&trees, row)
}

/// Brings children side by side after their parent. Every node is visited once, or the arrays are no tree.
fn arrange(arrays: &TreeArrays, row: Row, task: ForestTask) -> Result<Tree, QuantError> {
    let count = arrays.left.len();
    check_count("nodes", count, 1..=POSITIONS_MAX)?;
    for length in [arrays.right.len(), arrays.feature.len(), arrays.threshold.len(), arrays.value.len()] {
        check::length("arrays of a tree", length, count)?;
    }
    let mut tree = Tree { nodes: vec![TreeNode::Leaf { row: 0 }], values: Vec::new() };
    let mut is_seen = vec![false; count];
    let mut open = vec![(0_usize, 0_usize)];
    while let Some((from, to)) = open.pop() {
        if std::mem::replace(&mut is_seen[from], true) {
            return Err(malformed("a node has two parents"));
        }
        if arrays.left[from] < 0 {
            let leaf = position(tree.values.len() / row.width);
            push_values(&arrays.value[from], row.width, task, &mut tree.values)?;
            tree.nodes[to] = TreeNode::Leaf { row: leaf };
            continue;
        }
        let child = tree.nodes.len();
        tree.nodes.extend([TreeNode::Leaf { row: 0 }; 2]);
        let feature = index(arrays.feature[from], row.feature_count)?;
        let threshold = narrow_down(arrays.threshold[from]);
        if !threshold.is_finite() {
            return Err(malformed("a threshold is not a number in the range of f32"));
        }
        tree.nodes[to] = TreeNode::Split { feature: position(feature), threshold, child: position(child) };
        open.push((index(arrays.right[from], count)?, child + 1));
        open.push((index(arrays.left[from], count)?, child));
    }
    if is_seen.contains(&false) {
        return Err(malformed("nothing leads to a node"));
    }
    Ok(tree)
}

fn push_values(from: &[f64], width: usize, task: ForestTask, to: &mut Vec<f64>) -> Result<(), QuantError> {
    check::length("values of a leaf", from.len(), width)?;
    check_size("value of a leaf", from)?;
    let total = match task {
        ForestTask::Classification => check::positive("sum of a leaf", from.iter().sum())?,
        ForestTask::Regression => 1.0,
    };
    to.extend(from.iter().map(|value| value / total));
    Ok(())
}

fn index(value: i64, end: usize) -> Result<usize, QuantError> {
    let index = usize::try_from(value).ok().filter(|index| *index < end);
    index.ok_or_else(|| malformed("a child or a feature is out of range"))
}
