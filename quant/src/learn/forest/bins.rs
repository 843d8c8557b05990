//! Features cut into bins at their quantiles.

use super::flat::narrow;
use crate::{Matrix, QuantError};
use rayon::prelude::*;

/// Every feature as a column of bins. A value in bin `b` lies at or below edge `b` and above edge `b - 1`.
#[derive(Debug)]
pub(super) struct Binned {
    pub(super) columns: Vec<Vec<u8>>,
    /// Strictly rising, and one fewer than bins, for each feature.
    pub(super) edges: Vec<Vec<f32>>,
    pub(super) row_count: usize,
}

impl Binned {
    /// Cuts the features into at most `bin_count` bins each, which is at most 256.
    pub(super) fn new(features: &Matrix, bin_count: usize) -> Result<Self, QuantError> {
        let rows = narrow(features.as_slice())?;
        let width = features.columns();
        let cut = |feature: usize| {
            let column: Vec<f32> = rows.iter().skip(feature).step_by(width).copied().collect();
            let edges = edges_of(&column, bin_count);
            let bin = |value: &f32| {
                let below = edges.partition_point(|edge| edge < value);
                u8::try_from(below).expect("there are at most 255 edges")
            };
            (column.iter().map(bin).collect(), edges)
        };
        let (columns, edges) = (0..width).into_par_iter().map(cut).unzip();
        Ok(Self { columns, edges, row_count: features.rows() })
    }
}

/// Edges half way between neighbouring values: between all, if those are few, else nearest to the quantiles.
fn edges_of(column: &[f32], bin_count: usize) -> Vec<f32> {
    let mut sorted = column.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let mut distinct = sorted.clone();
    distinct.dedup_by(|a, b| *a <= *b);
    if distinct.len() <= bin_count {
        return distinct.windows(2).map(|pair| between(pair[0], pair[1])).collect();
    }
    let mut edges: Vec<f32> = Vec::with_capacity(bin_count - 1);
    for bin in 1..bin_count {
        let low = sorted[bin * sorted.len() / bin_count - 1];
        let next = sorted.partition_point(|value| *value <= low);
        if let Some(&high) = sorted.get(next) {
            let edge = between(low, high);
            if edges.last().is_none_or(|last| *last < edge) {
                edges.push(edge);
            }
        }
    }
    edges
}

/// A number that is at least `low` and below `high`, half way if rounding lets it.
fn between(low: f32, high: f32) -> f32 {
    let middle = low / 2.0 + high / 2.0;
    if middle >= low && middle < high { middle } else { low }
}
