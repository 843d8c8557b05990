//! Growing all trees, and judging each row by the trees that did not see it.

use super::bins::Binned;
use super::flat::{Flat, narrow};
use super::grow::{Criterion, Draw, Ground, Grown, grow};
use super::stored::Row;
use super::{ForestOptions, POSITIONS_MAX};
use crate::learn::IsCancelled;
use crate::random::SplitMix64;
use crate::{Matrix, QuantError};
use rayon::prelude::*;

/// A grown forest.
#[derive(Debug)]
pub(super) struct Trained {
    pub(super) flat: Flat,
    pub(super) importances: Vec<f64>,
    /// For each row that some tree did not see, the mean of what those trees say.
    pub(super) out_of_bag: Vec<(usize, Vec<f64>)>,
}

/// Sums over samples for classes: the draws of each.
#[derive(Debug)]
pub(super) struct Gini<'a> {
    pub(super) classes: &'a [u8],
    pub(super) class_count: usize,
}

/// Sums over samples for values: draws, and the sum of the values.
#[derive(Debug)]
pub(super) struct Variance<'a> {
    /// Values with a mean of zero, at most one in size.
    pub(super) values: &'a [f64],
    pub(super) mean: f64,
    pub(super) scale: f64,
}

impl<const WIDTH: usize> Criterion<WIDTH> for Gini<'_> {
    fn add(&self, sums: &mut [f64; WIDTH], row: usize, weight: f64) {
        sums[usize::from(self.classes[row])] += weight;
    }

    fn weight(sums: &[f64; WIDTH]) -> f64 {
        sums.iter().sum()
    }

    fn score(sums: &[f64; WIDTH]) -> f64 {
        sums.iter().map(|sum| sum * sum).sum::<f64>() / sums.iter().sum::<f64>()
    }

    fn is_pure(&self, sums: &[f64; WIDTH], _: &[Draw]) -> bool {
        sums.iter().filter(|sum| **sum > 0.0).count() < 2
    }

    fn leaf_width(&self) -> usize {
        self.class_count
    }

    fn push_leaf(&self, sums: &[f64; WIDTH], values: &mut Vec<f64>) {
        let total: f64 = sums.iter().sum();
        values.extend(sums[..self.class_count].iter().map(|sum| sum / total));
    }
}

impl Criterion<2> for Variance<'_> {
    fn add(&self, sums: &mut [f64; 2], row: usize, weight: f64) {
        sums[0] += weight;
        sums[1] += weight * self.values[row];
    }

    fn weight(sums: &[f64; 2]) -> f64 {
        sums[0]
    }

    fn score(sums: &[f64; 2]) -> f64 {
        sums[1] * sums[1] / sums[0]
    }

    fn is_pure(&self, _: &[f64; 2], draws: &[Draw]) -> bool {
        let mut values = draws.iter().map(|draw| self.values[draw.row as usize].to_bits());
        let first = values.next();
        values.all(|value| Some(value) == first)
    }

    fn leaf_width(&self) -> usize {
        1
    }

    fn push_leaf(&self, sums: &[f64; 2], values: &mut Vec<f64>) {
        values.push(sums[1] / sums[0] * self.scale + self.mean);
    }
}

/// Grows the forest.
pub(super) fn train<C: Criterion<WIDTH>, const WIDTH: usize>(
    features: &Matrix,
    criterion: &C,
    options: &ForestOptions,
    is_cancelled: IsCancelled<'_>,
) -> Result<Trained, QuantError> {
    if features.rows() > POSITIONS_MAX {
        return Err(QuantError::TooMany { what: "samples", most: POSITIONS_MAX, got: features.rows() });
    }
    let binned = Binned::new(features, options.bin_count)?;
    let ground = Ground { binned: &binned, criterion, options };
    let mut random = SplitMix64::new(options.seed);
    let seeds: Vec<u64> = (0..options.tree_count).map(|_| random.next_u64()).collect();
    let grown = seeds
        .into_par_iter()
        .map(|seed| if is_cancelled() { Err(QuantError::Cancelled) } else { Ok(grow(&ground, seed)) });
    let mut trees = Vec::with_capacity(options.tree_count);
    let mut bags = Vec::with_capacity(options.tree_count);
    let mut importances = vec![0.0; features.columns()];
    for Grown { tree, gains, bag } in grown.collect::<Result<Vec<_>, _>>()? {
        add_shares(&gains, &mut importances);
        trees.push(tree);
        bags.push(bag);
    }
    let mut normalised = vec![0.0; importances.len()];
    add_shares(&importances, &mut normalised);
    let flat = Flat::join(&trees, Row { feature_count: features.columns(), width: criterion.leaf_width() })?;
    let out_of_bag = out_of_bag(&flat, &bags, features)?;
    Ok(Trained { flat, importances: normalised, out_of_bag })
}

/// Adds each part of the whole; nothing if the whole is nothing.
fn add_shares(parts: &[f64], shares: &mut [f64]) {
    let whole: f64 = parts.iter().sum();
    if whole > 0.0 {
        for (share, part) in shares.iter_mut().zip(parts) {
            *share += part / whole;
        }
    }
}

fn out_of_bag(
    flat: &Flat,
    bags: &[Vec<u64>],
    features: &Matrix,
) -> Result<Vec<(usize, Vec<f64>)>, QuantError> {
    let judge = |index: usize| {
        let row = narrow(features.row(index))?;
        let is_out = |bag: &[u64]| bag[index / 64] >> (index % 64) & 1 == 0;
        let roots = flat.roots.iter().zip(bags).filter(|(_, bag)| is_out(bag));
        let roots: Vec<u32> = roots.map(|(&root, _)| root).collect();
        let mut means = vec![0.0; flat.width];
        flat.add_row(&row, &roots, &mut means);
        means.iter_mut().for_each(|mean| *mean /= roots.len() as f64);
        Ok((!roots.is_empty()).then_some((index, means)))
    };
    let judged: Vec<_> = (0..features.rows()).into_par_iter().map(judge).collect::<Result<_, _>>()?;
    Ok(judged.into_iter().flatten().collect())
}
