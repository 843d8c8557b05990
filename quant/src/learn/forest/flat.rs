//! The forest as it is evaluated: all nodes in one array, 16 bytes each, children side by side.
//!
//! A step down is one load of the node, one of the feature, a comparison and an addition; a leaf leads to itself, so
//! that a step has no branch. Several descents run in step, since each waits for memory most of the time.

use super::POSITIONS_MAX;
use super::stored::Row;
use crate::QuantError;
use std::collections::HashMap;

/// Descents that run side by side.
const LANES: usize = 8;
/// Rows that are taken through one tree before the next, while its nodes are in the cache.
pub(super) const BLOCK_ROWS: usize = 256;

/// A place in a tree. Left is `child`, right the one after.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Node {
    pub(super) threshold: f32,
    pub(super) feature: u32,
    pub(super) child: u32,
    /// Row of the table of values; of leaves only.
    pub(super) leaf: u32,
}

impl Node {
    /// Whether nothing lies below: no finite number is above an infinite threshold.
    pub(super) fn is_leaf(&self) -> bool {
        self.threshold.is_infinite()
    }
}

/// A tree as it is grown or read. Children come after their parent, side by side.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tree {
    pub(super) nodes: Vec<TreeNode>,
    /// Values of the leaves, row by row.
    pub(super) values: Vec<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum TreeNode {
    /// A row goes to `child` if its feature is at most the threshold, else to the next.
    Split { feature: u32, threshold: f32, child: u32 },
    /// The end, and the row of the values.
    Leaf { row: u32 },
}

/// Trees joined.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Flat {
    pub(super) feature_count: usize,
    /// Values per leaf.
    pub(super) width: usize,
    pub(super) nodes: Vec<Node>,
    pub(super) roots: Vec<u32>,
    /// The different values of leaves, row by row.
    pub(super) values: Vec<f64>,
}

impl Flat {
    /// Joins valid trees. Equal values of leaves are kept once, so that the table stays in the cache.
    pub(super) fn join(trees: &[Tree], row: Row) -> Result<Self, QuantError> {
        let mut flat = Self::empty(trees, row)?;
        let mut known: HashMap<Vec<u64>, u32> = HashMap::new();
        let mut table = Vec::new();
        for tree in trees {
            flat.push(tree, |leaf| {
                let begin = leaf as usize * row.width;
                let values = &tree.values[begin..begin + row.width];
                let key = values.iter().map(|value| value.to_bits()).collect();
                *known.entry(key).or_insert_with(|| {
                    table.extend_from_slice(values);
                    position(table.len() / row.width - 1)
                })
            });
        }
        flat.values = table;
        Ok(flat)
    }

    /// Joins valid trees whose leaves tell rows of one table.
    pub(super) fn join_with(values: Vec<f64>, trees: &[Tree], row: Row) -> Result<Self, QuantError> {
        let mut flat = Self::empty(trees, row)?;
        for tree in trees {
            flat.push(tree, |leaf| leaf);
        }
        flat.values = values;
        Ok(flat)
    }

    fn empty(trees: &[Tree], Row { feature_count, width }: Row) -> Result<Self, QuantError> {
        let node_count: usize = trees.iter().map(|tree| tree.nodes.len()).sum();
        if node_count > POSITIONS_MAX {
            return Err(QuantError::TooMany { what: "nodes", most: POSITIONS_MAX, got: node_count });
        }
        let nodes = Vec::with_capacity(node_count);
        let roots = Vec::with_capacity(trees.len());
        Ok(Self { feature_count, width, nodes, roots, values: Vec::new() })
    }

    fn push(&mut self, tree: &Tree, mut leaf_of: impl FnMut(u32) -> u32) {
        let root = position(self.nodes.len());
        self.roots.push(root);
        for (index, node) in tree.nodes.iter().enumerate() {
            self.nodes.push(match *node {
                TreeNode::Split { feature, threshold, child } => {
                    Node { threshold, feature, child: root + child, leaf: 0 }
                }
                TreeNode::Leaf { row } => Node {
                    threshold: f32::INFINITY,
                    feature: 0,
                    child: root + position(index),
                    leaf: leaf_of(row),
                },
            });
        }
    }

    /// Adds the values of the leaves that `row` reaches from these roots to `sums`, in the order of the roots.
    pub(super) fn add_row(&self, row: &[f32], roots: &[u32], sums: &mut [f64]) {
        for roots in roots.chunks(LANES) {
            let mut places = [roots[0]; LANES];
            places[..roots.len()].copy_from_slice(roots);
            self.descend(&mut places, |_| row);
            for &place in &places[..roots.len()] {
                self.add_leaf(place, sums);
            }
        }
    }

    /// Adds, for each row, the values of its leaves in all trees; in the same order as [`Self::add_row`], so that the
    /// sums are the same to the last bit.
    pub(super) fn add_rows(&self, rows: &[f32], sums: &mut [f64]) {
        let group = LANES * self.feature_count;
        for &root in &self.roots {
            for (rows, sums) in rows.chunks(group).zip(sums.chunks_mut(LANES * self.width)) {
                let mut lanes = [&rows[..self.feature_count]; LANES];
                for (lane, row) in lanes.iter_mut().zip(rows.chunks_exact(self.feature_count)) {
                    *lane = row;
                }
                let mut places = [root; LANES];
                self.descend(&mut places, |lane| lanes[lane]);
                for (sums, &place) in sums.chunks_exact_mut(self.width).zip(&places) {
                    self.add_leaf(place, sums);
                }
            }
        }
    }

    /// Takes every lane to its leaf. It ends: a child is further on than its parent, and a leaf stays.
    fn descend<'a>(&self, places: &mut [u32; LANES], row_of: impl Fn(usize) -> &'a [f32]) {
        loop {
            let mut moved = 0;
            for (lane, place) in places.iter_mut().enumerate() {
                let node = &self.nodes[*place as usize];
                let value = row_of(lane)[node.feature as usize];
                let next = node.child + u32::from(value > node.threshold);
                moved |= next ^ *place;
                *place = next;
            }
            if moved == 0 {
                return;
            }
        }
    }

    fn add_leaf(&self, place: u32, sums: &mut [f64]) {
        let begin = self.nodes[place as usize].leaf as usize * self.width;
        for (sum, value) in sums.iter_mut().zip(&self.values[begin..begin + self.width]) {
            *sum += value;
        }
    }
}

/// A position in 32 bits.
pub(super) fn position(index: usize) -> u32 {
    u32::try_from(index).expect("the number of nodes and samples was checked")
}

/// Features as trees compare them.
///
/// # Errors
/// Unless all are finite and fit an `f32`.
pub(super) fn narrow(values: &[f64]) -> Result<Vec<f32>, QuantError> {
    let narrowed: Vec<f32> = values.iter().map(|&value| narrow_one(value)).collect();
    if narrowed.iter().all(|value| value.is_finite()) {
        return Ok(narrowed);
    }
    match values.iter().find(|value| value.is_finite() && !narrow_one(**value).is_finite()) {
        Some(&value) => {
            Err(QuantError::OutOfRange { what: "feature", value, expected: "within the range of f32" })
        }
        None => Err(QuantError::NotFinite { what: "feature" }),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "trees compare in f32, as scikit-learn's do")]
const fn narrow_one(value: f64) -> f32 {
    value as f32
}

/// The largest `f32` at or below a threshold: comparing an `f32` with either gives the same answer.
pub(super) fn narrow_down(threshold: f64) -> f32 {
    let near = narrow_one(threshold);
    if f64::from(near) > threshold { near.next_down() } else { near }
}
