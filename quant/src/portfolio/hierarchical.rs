//! Hierarchical risk parity (López de Prado 2016), which inverts no matrix.
//!
//! Assets are clustered by the distance `√((1 − ρ) / 2)`, laid out in the order of the tree's leaves, and the weight is
//! split from the top: each half gets what is inverse to its variance, in which it is held by inverse variances. The
//! distance itself is clustered, as PyPortfolioOpt does, not the distance between the columns of distances.

use super::linkage::{Linkage, Merge, leaf_order, linkage};
use super::{correlations, deviations, normalised};
use crate::matrix::dot;
use crate::{Matrix, QuantError};

/// Weights, and the tree that they come from.
#[derive(Debug, Clone, PartialEq)]
pub struct HierarchicalRiskParity {
    /// Weight of each asset, all positive; they add up to one.
    pub weights: Vec<f64>,
    /// How the assets were clustered.
    pub merges: Vec<Merge>,
    /// The assets in the order of the tree's leaves.
    pub order: Vec<usize>,
}

/// Hierarchical risk parity.
///
/// # Errors
/// If the covariance is not one.
pub fn hierarchical_risk_parity(
    covariance: &Matrix,
    method: Linkage,
) -> Result<HierarchicalRiskParity, QuantError> {
    let deviations = deviations(covariance)?;
    let merges = linkage(&distances(covariance, &deviations), method)?;
    let order = leaf_order(&merges);
    let inverse: Vec<f64> = order.iter().map(|&i| covariance[(i, i)].recip()).collect();
    let mut ordered =
        Ordered { covariance, order: &order, inverse: &inverse, weights: vec![1.0; order.len()] };
    let mut pending = vec![(0, order.len())];
    while let Some((begin, end)) = pending.pop() {
        if end - begin > 1 {
            let middle = begin + (end - begin) / 2;
            ordered.split((begin, middle, end));
            pending.extend([(begin, middle), (middle, end)]);
        }
    }
    let mut weights = vec![0.0; order.len()];
    for (&asset, weight) in order.iter().zip(normalised(ordered.weights)) {
        weights[asset] = weight;
    }
    Ok(HierarchicalRiskParity { weights, merges, order })
}

fn distances(covariance: &Matrix, deviations: &[f64]) -> Matrix {
    let mut distances = correlations(covariance, deviations);
    let n = distances.rows();
    for i in 0..n {
        distances[(i, i)] = 0.0;
        for j in 0..i {
            let distance = (0.5 * (1.0 - distances[(i, j)])).clamp(0.0, 1.0).sqrt();
            distances[(i, j)] = distance;
            distances[(j, i)] = distance;
        }
    }
    distances
}

/// The assets in the order of leaves, and what has been given to each.
struct Ordered<'a> {
    covariance: &'a Matrix,
    order: &'a [usize],
    inverse: &'a [f64],
    weights: Vec<f64>,
}

impl Ordered<'_> {
    fn split(&mut self, (begin, middle, end): (usize, usize, usize)) {
        let (left, right) = (self.variance(begin, middle), self.variance(middle, end));
        let share = right / (left + right);
        for weight in &mut self.weights[begin..middle] {
            *weight *= share;
        }
        for weight in &mut self.weights[middle..end] {
            *weight *= 1.0 - share;
        }
    }

    /// The variance of a cluster that is held by inverse variances.
    fn variance(&self, begin: usize, end: usize) -> f64 {
        let (members, inverse) = (&self.order[begin..end], &self.inverse[begin..end]);
        let total: f64 = inverse.iter().sum();
        let parts: Vec<f64> = inverse.iter().map(|value| value / total).collect();
        let mut variance = 0.0;
        for (&asset, part) in members.iter().zip(&parts) {
            let row = self.covariance.row(asset);
            let gathered: Vec<f64> = members.iter().map(|&other| row[other]).collect();
            variance += part * dot(&gathered, &parts);
        }
        variance
    }
}
