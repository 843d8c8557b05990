//! Portfolios in which every asset carries its share of the risk.
//!
//! The share of asset `i` is `wᵢ (Σw)ᵢ / wᵀΣw`. Weights with wanted shares `b` are, up to their sum, the one minimum of
//! the convex `½ xᵀΣx − Σ bᵢ ln xᵢ` (Maillard, Roncalli and Teïletche 2010; Spinu 2013), found by cyclical coordinate
//! descent (Griveau-Billion, Richard and Roncalli 2013), in which each coordinate is the positive root of a quadratic
//! equation. Where descent is slow (strong correlations of both signs) Newton's method with a line search ends it.

use super::{check_per_asset, correlations, deviations, normalised};
use crate::matrix::{Cholesky, add_scaled, dot};
use crate::{Matrix, QuantError};

/// Most passes over all coordinates before Newton's method takes over.
const SWEEPS_MAX: usize = 60;

/// Most steps of Newton's method, and most halvings of one.
const STEPS_MAX: usize = 100;

/// Part of the least budget below which a promised decrease is in the range of quadratic convergence.
const NEAR: f64 = 1e-2;

/// Largest error of a share at which the iteration ends.
const TOLERANCE: f64 = 1e-15;

/// Largest error of a share in an answer.
const ERROR_MAX: f64 = 1e-12;

/// Weights, and what each of them carries.
#[derive(Debug, Clone, PartialEq)]
pub struct RiskParity {
    /// Weight of each asset, all positive; they add up to one.
    pub weights: Vec<f64>,
    /// Part of the variance that each asset carries.
    pub shares: Vec<f64>,
}

/// The portfolio in which every asset carries the same part of the variance.
///
/// # Errors
/// As [`risk_budget`].
pub fn risk_parity(covariance: &Matrix) -> Result<RiskParity, QuantError> {
    risk_budget(covariance, &vec![1.0; covariance.rows()])
}

/// The portfolio of positive weights whose parts of the variance are as the budgets, which need not add up to one.
///
/// A singular covariance is answered too, as long as no portfolio of positive weights is free of risk.
///
/// # Errors
/// If a budget is not positive, the covariance is not one, or there is no answer.
pub fn risk_budget(covariance: &Matrix, budgets: &[f64]) -> Result<RiskParity, QuantError> {
    let deviations = deviations(covariance)?;
    check_per_asset("risk budgets", budgets, deviations.len())?;
    if let Some(&value) = budgets.iter().find(|budget| **budget <= 0.0) {
        return Err(QuantError::OutOfRange { what: "risk budget", value, expected: "above zero" });
    }
    let budgets = normalised(budgets.to_vec());
    let correlations = correlations(covariance, &deviations);
    let mut exposures: Vec<f64> = budgets.iter().map(|budget| budget.sqrt()).collect();
    let size = correlations.quadratic(&exposures);
    if size.is_nan() || size <= 0.0 {
        return Err(QuantError::NotPositiveDefinite { what: "covariance" });
    }
    for exposure in &mut exposures {
        *exposure /= size.sqrt();
    }
    if !descend(&correlations, &budgets, &mut exposures) {
        improve_by_newton(&correlations, &budgets, &mut exposures)?;
    }
    let marginal = correlations.times(&exposures);
    let risk = dot(&marginal, &exposures);
    let shares: Vec<f64> = marginal.iter().zip(&exposures).map(|(m, x)| m * x / risk).collect();
    let error =
        shares.iter().zip(&budgets).fold(0.0_f64, |most, (share, budget)| most.max((share - budget).abs()));
    if shares.iter().any(|share| !share.is_finite()) || error > ERROR_MAX {
        return Err(QuantError::NoConvergence { what: "risk parity", iterations: SWEEPS_MAX + STEPS_MAX });
    }
    let weights = normalised(exposures.iter().zip(&deviations).map(|(x, deviation)| x / deviation).collect());
    Ok(RiskParity { weights, shares })
}

/// Passes over the coordinates until all shares are met; whether they are.
fn descend(correlations: &Matrix, budgets: &[f64], exposures: &mut [f64]) -> bool {
    let mut marginal = correlations.times(exposures);
    for _ in 0..SWEEPS_MAX {
        let mut error = 0.0_f64;
        for (i, budget) in budgets.iter().enumerate() {
            let before = exposures[i];
            error = error.max((before * marginal[i] - budget).abs());
            let others = marginal[i] - before;
            let root = (others * others + 4.0 * budget).sqrt();
            // The form of the root without cancellation.
            exposures[i] = if others > 0.0 { 2.0 * budget / (others + root) } else { 0.5 * (root - others) };
            add_scaled(&mut marginal, exposures[i] - before, correlations.row(i));
        }
        if error <= TOLERANCE {
            return true;
        }
    }
    false
}

/// Newton's method: with a line search, and near the minimum, where the objective no longer tells steps apart, without.
fn improve_by_newton(
    correlations: &Matrix,
    budgets: &[f64],
    exposures: &mut Vec<f64>,
) -> Result<(), QuantError> {
    let near = NEAR * budgets.iter().copied().fold(1.0, f64::min);
    let mut last_decrease = f64::INFINITY;
    for _ in 0..STEPS_MAX {
        let mut hessian = correlations.clone();
        let mut gradient = correlations.times(exposures);
        for (i, (x, budget)) in exposures.iter().zip(budgets).enumerate() {
            gradient[i] -= budget / x;
            hessian[(i, i)] += budget / (x * x);
        }
        let step = Cholesky::new(&hessian, "covariance")?.solve(&gradient);
        let decrease = dot(&gradient, &step);
        if decrease <= near {
            if decrease >= last_decrease {
                return Ok(());
            }
            last_decrease = decrease;
            *exposures = exposures.iter().zip(&step).map(|(x, step)| x - step).collect();
        } else if let Some(point) = search_line(correlations, budgets, (exposures, &step, decrease)) {
            *exposures = point;
        } else {
            return Ok(());
        }
    }
    Ok(())
}

/// A point along the step with a fair part of the promised decrease (Armijo 1966).
fn search_line(
    correlations: &Matrix,
    budgets: &[f64],
    (exposures, step, decrease): (&[f64], &[f64], f64),
) -> Option<Vec<f64>> {
    let objective = |x: &[f64]| {
        let barrier: f64 = budgets.iter().zip(x).map(|(budget, x)| budget * x.ln()).sum();
        0.5 * correlations.quadratic(x) - barrier
    };
    let value = objective(exposures);
    let mut length = 1.0;
    for _ in 0..STEPS_MAX {
        let point: Vec<f64> = exposures.iter().zip(step).map(|(x, step)| x - length * step).collect();
        if point.iter().all(|x| *x > 0.0) && objective(&point) <= value - 1e-4 * length * decrease {
            return Some(point);
        }
        length *= 0.5;
    }
    None
}
