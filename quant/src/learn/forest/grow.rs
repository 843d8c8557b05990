//! Growing one tree.

use super::ForestOptions;
use super::bins::Binned;
use super::flat::{Tree, TreeNode, position};
use crate::random::SplitMix64;
use std::ops::Range;

/// What a split should separate: sums over samples, `WIDTH` of them, and a score that is higher the purer they are.
///
/// The score of a node is `Σ s² / n`, for the counts of classes (Gini) as for the sum of values (variance): impurity
/// times samples is a constant less the score, so what a split gains is the children's scores less the parent's.
pub(super) trait Criterion<const WIDTH: usize>: Sync {
    /// Adds a sample that was drawn `weight` times.
    fn add(&self, sums: &mut [f64; WIDTH], row: usize, weight: f64);
    /// Number of draws.
    fn weight(sums: &[f64; WIDTH]) -> f64;
    /// The purity, times the number of draws.
    fn score(sums: &[f64; WIDTH]) -> f64;
    /// Whether all draws have one target.
    fn is_pure(&self, sums: &[f64; WIDTH], draws: &[Draw]) -> bool;
    /// Number of values of a leaf.
    fn leaf_width(&self) -> usize;
    /// Appends the values of a leaf.
    fn push_leaf(&self, sums: &[f64; WIDTH], values: &mut Vec<f64>);
}

/// A sample of the bootstrap, and how often it was drawn.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Draw {
    pub(super) row: u32,
    weight: u32,
}

/// A tree and what growing it told.
#[derive(Debug)]
pub(super) struct Grown {
    pub(super) tree: Tree,
    /// Gain by each feature.
    pub(super) gains: Vec<f64>,
    /// Which rows were drawn, a bit each.
    pub(super) bag: Vec<u64>,
}

/// What all trees of a forest share.
#[derive(Debug)]
pub(super) struct Ground<'a, C> {
    pub(super) binned: &'a Binned,
    pub(super) criterion: &'a C,
    pub(super) options: &'a ForestOptions,
}

struct Grower<'a, C, const WIDTH: usize> {
    ground: &'a Ground<'a, C>,
    random: SplitMix64,
    draws: Vec<Draw>,
    spare: Vec<Draw>,
    features: Vec<u32>,
    histogram: Box<[[f64; WIDTH]; 256]>,
    grown: Grown,
}

struct Split<const WIDTH: usize> {
    feature: u32,
    /// The last bin that goes left.
    bin: usize,
    score: f64,
    left: [f64; WIDTH],
}

/// A node that waits to be split.
struct Open<const WIDTH: usize> {
    node: usize,
    draws: Range<usize>,
    depth: usize,
    sums: [f64; WIDTH],
}

/// Bins that hold samples, a bit each.
type Occupied = [u64; 4];

/// Grows the tree of a seed.
pub(super) fn grow<C: Criterion<WIDTH>, const WIDTH: usize>(ground: &Ground<'_, C>, seed: u64) -> Grown {
    let feature_count = ground.binned.columns.len();
    let mut random = SplitMix64::new(seed);
    let (draws, bag) = bootstrap(ground.binned.row_count, &mut random);
    let mut grower = Grower {
        ground,
        random,
        spare: vec![Draw::default(); draws.len()],
        draws,
        features: (0..position(feature_count)).collect(),
        histogram: Box::new([[0.0; WIDTH]; 256]),
        grown: Grown {
            tree: Tree { nodes: Vec::new(), values: Vec::new() },
            gains: vec![0.0; feature_count],
            bag,
        },
    };
    grower.run();
    grower.grown
}

/// As many draws with replacement as there are rows.
fn bootstrap(row_count: usize, random: &mut SplitMix64) -> (Vec<Draw>, Vec<u64>) {
    let mut weights = vec![0_u32; row_count];
    for _ in 0..row_count {
        weights[random.below(row_count)] += 1;
    }
    let mut bag = vec![0; row_count.div_ceil(64)];
    let mut draws = Vec::with_capacity(row_count);
    for (row, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0) {
        bag[row / 64] |= 1 << (row % 64);
        draws.push(Draw { row: position(row), weight });
    }
    (draws, bag)
}

impl<C: Criterion<WIDTH>, const WIDTH: usize> Grower<'_, C, WIDTH> {
    fn run(&mut self) {
        let mut sums = [0.0; WIDTH];
        for draw in &self.draws {
            self.ground.criterion.add(&mut sums, draw.row as usize, f64::from(draw.weight));
        }
        self.grown.tree.nodes.push(TreeNode::Leaf { row: 0 });
        let mut open = vec![Open { node: 0, draws: 0..self.draws.len(), depth: 0, sums }];
        while let Some(at) = open.pop() {
            if let Some(split) = self.find_split(&at) {
                open.extend(self.split(&at, &split));
            } else {
                self.close(&at);
            }
        }
    }

    fn close(&mut self, at: &Open<WIDTH>) {
        let tree = &mut self.grown.tree;
        let row = position(tree.values.len() / self.ground.criterion.leaf_width());
        self.ground.criterion.push_leaf(&at.sums, &mut tree.values);
        tree.nodes[at.node] = TreeNode::Leaf { row };
    }

    fn split(&mut self, at: &Open<WIDTH>, split: &Split<WIDTH>) -> [Open<WIDTH>; 2] {
        let feature = split.feature as usize;
        let child = self.grown.tree.nodes.len();
        let threshold = self.ground.binned.edges[feature][split.bin];
        self.grown.tree.nodes[at.node] =
            TreeNode::Split { feature: split.feature, threshold, child: position(child) };
        self.grown.tree.nodes.extend([TreeNode::Leaf { row: 0 }; 2]);
        self.grown.gains[feature] += (split.score - C::score(&at.sums)).max(0.0);
        let middle = at.draws.start + self.partition(at.draws.clone(), feature, split.bin);
        let depth = at.depth + 1;
        let mut right = at.sums;
        for (sum, left) in right.iter_mut().zip(&split.left) {
            *sum -= left;
        }
        [
            Open { node: child + 1, draws: middle..at.draws.end, depth, sums: right },
            Open { node: child, draws: at.draws.start..middle, depth, sums: split.left },
        ]
    }

    /// Brings the draws that go left to the front, keeping their order, and tells how many.
    fn partition(&mut self, range: Range<usize>, feature: usize, bin: usize) -> usize {
        let column = &self.ground.binned.columns[feature];
        let draws = &mut self.draws[range];
        let (mut left, mut right) = (0, 0);
        for index in 0..draws.len() {
            let draw = draws[index];
            let goes_left = usize::from(usize::from(column[draw.row as usize]) <= bin);
            draws[left] = draw;
            self.spare[right] = draw;
            left += goes_left;
            right += 1 - goes_left;
        }
        draws[left..].copy_from_slice(&self.spare[..right]);
        left
    }

    fn find_split(&mut self, at: &Open<WIDTH>) -> Option<Split<WIDTH>> {
        let options = self.ground.options;
        let draws = at.draws.clone();
        if at.depth >= options.depth_max
            || C::weight(&at.sums) < 2.0 * options.leaf_samples_min as f64
            || self.ground.criterion.is_pure(&at.sums, &self.draws[draws.clone()])
        {
            return None;
        }
        let feature_count = self.features.len();
        let tried_max = options.features_tried_of(feature_count);
        let mut tried = 0;
        let mut best = None;
        for index in 0..feature_count {
            if tried >= tried_max && best.is_some() {
                break;
            }
            self.features.swap(index, index + self.random.below(feature_count - index));
            let feature = self.features[index];
            let occupied = self.fill(feature, draws.clone());
            if occupied.iter().map(|bits| bits.count_ones()).sum::<u32>() > 1 {
                tried += 1;
            }
            self.scan(feature, occupied, &at.sums, &mut best);
        }
        best
    }

    fn fill(&mut self, feature: u32, range: Range<usize>) -> Occupied {
        let column = &self.ground.binned.columns[feature as usize];
        let mut occupied = [0; 4];
        for draw in &self.draws[range] {
            let bin = column[draw.row as usize];
            occupied[usize::from(bin >> 6)] |= 1 << (bin & 63);
            let sums = &mut self.histogram[usize::from(bin)];
            self.ground.criterion.add(sums, draw.row as usize, f64::from(draw.weight));
        }
        occupied
    }

    /// Compares the boundaries between occupied bins, and leaves the histogram empty.
    fn scan(
        &mut self,
        feature: u32,
        occupied: Occupied,
        total: &[f64; WIDTH],
        best: &mut Option<Split<WIDTH>>,
    ) {
        let leaf_min = self.ground.options.leaf_samples_min as f64;
        let mut left = [0.0; WIDTH];
        let mut before: Option<usize> = None;
        for bin in bits(occupied) {
            if let Some(before) = before {
                let right: [f64; WIDTH] = std::array::from_fn(|index| total[index] - left[index]);
                let score = C::score(&left) + C::score(&right);
                let is_better = best.as_ref().is_none_or(|best| score > best.score);
                if is_better && C::weight(&left) >= leaf_min && C::weight(&right) >= leaf_min {
                    // Half way through a gap, where a new value is as likely to belong to either side.
                    *best = Some(Split { feature, bin: (before + bin - 1) / 2, score, left });
                }
            }
            for (sum, value) in left.iter_mut().zip(&mut self.histogram[bin]) {
                *sum += std::mem::take(value);
            }
            before = Some(bin);
        }
    }
}

/// Positions of the bits, rising, all below 256.
fn bits(words: Occupied) -> impl Iterator<Item = usize> {
    words.into_iter().enumerate().flat_map(|(index, mut word)| {
        std::iter::from_fn(move || {
            let bit = word.trailing_zeros() as usize;
            word &= word.wrapping_sub(1);
            (bit < 64).then_some(index * 64 + bit)
        })
    })
}
