//! Platt's sigmoid, fitted by the algorithm of Lin, Lin and Weng ("A note on Platt's probabilistic outputs for support
//! vector machines", Machine Learning 68, 2007).

use crate::learn::{check_size, logistic_function, softplus};
use crate::{QuantError, check};
use serde::{Deserialize, Serialize};

/// Most steps of Newton's method.
const ITERATIONS_MAX: usize = 100;
/// Smallest length of a step.
const STEP_MIN: f64 = 1e-10;
/// What is added to the diagonal of the Hessian, so that it can be inverted.
const RIDGE: f64 = 1e-12;
/// Gradient at which the search ends, per score.
const GRADIENT_MIN: f64 = 1e-10;

/// A sigmoid over standardised scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlattScaling {
    mean: f64,
    scale: f64,
    slope: f64,
    intercept: f64,
}

impl PlattScaling {
    /// Fits to scores (any finite numbers, higher for more likely) and what came.
    ///
    /// Targets are `(n₊ + 1) / (n₊ + 2)` and `1 / (n₋ + 2)` instead of one and zero, so that separable scores have an
    /// answer too.
    ///
    /// # Errors
    /// If the scores do not vary, or outcomes are all the same or not as many as scores.
    pub fn fit(scores: &[f64], outcomes: &[bool]) -> Result<Self, QuantError> {
        check::length("outcomes", outcomes.len(), scores.len())?;
        check::series("scores", scores, 2)?;
        check_size("scores", scores)?;
        let ups = outcomes.iter().filter(|&&outcome| outcome).count() as f64;
        let downs = outcomes.len() as f64 - ups;
        if ups < 1.0 || downs < 1.0 {
            return Err(QuantError::Constant { what: "outcome" });
        }
        let mean = scores.iter().map(|score| score / scores.len() as f64).sum::<f64>();
        let scale = scores.iter().map(|score| (score - mean).abs()).fold(0.0, f64::max);
        if scale <= mean.abs() * 1e-14 || !scale.is_normal() {
            return Err(QuantError::Constant { what: "score" });
        }
        let target = |&outcome: &bool| if outcome { (ups + 1.0) / (ups + 2.0) } else { 1.0 / (downs + 2.0) };
        let points = scores.iter().map(|score| (score - mean) / scale).zip(outcomes.iter().map(target));
        let points: Vec<(f64, f64)> = points.collect();
        let start = ((ups + 1.0) / (downs + 1.0)).ln();
        let (slope, intercept) = solve(&points, (0.0, start))?;
        Ok(Self { mean, scale, slope, intercept })
    }

    /// The probability that belongs to a score.
    ///
    /// # Errors
    /// If the score is not finite.
    pub fn probability(&self, score: f64) -> Result<f64, QuantError> {
        check_size("score", &[score])?;
        let z = self.slope * ((score - self.mean) / self.scale) + self.intercept;
        check::finite("probability", logistic_function(z))
    }
}

/// Slope and intercept of the smallest cross entropy, by Newton's method with backtracking.
fn solve(points: &[(f64, f64)], start: (f64, f64)) -> Result<(f64, f64), QuantError> {
    let (mut slope, mut intercept) = start;
    let mut loss = cross_entropy(points, (slope, intercept));
    for _ in 0..ITERATIONS_MAX {
        let (mut gradient, mut hessian) = ([0.0; 2], [RIDGE, 0.0, RIDGE]);
        for &(x, target) in points {
            let p = logistic_function(slope * x + intercept);
            let (error, curvature) = (p - target, p * (1.0 - p));
            gradient[0] += error * x;
            gradient[1] += error;
            hessian[0] += curvature * x * x;
            hessian[1] += curvature * x;
            hessian[2] += curvature;
        }
        if gradient.iter().all(|part| part.abs() < GRADIENT_MIN * points.len() as f64) {
            return Ok((slope, intercept));
        }
        let determinant = hessian[0] * hessian[2] - hessian[1] * hessian[1];
        let step = (
            (hessian[1] * gradient[1] - hessian[2] * gradient[0]) / determinant,
            (hessian[1] * gradient[0] - hessian[0] * gradient[1]) / determinant,
        );
        let descent = gradient[0] * step.0 + gradient[1] * step.1;
        let mut length = 1.0;
        loop {
            let next = (slope + length * step.0, intercept + length * step.1);
            let next_loss = cross_entropy(points, next);
            if next_loss < loss + 1e-4 * length * descent {
                ((slope, intercept), loss) = (next, next_loss);
                break;
            }
            length /= 2.0;
            if length < STEP_MIN || !determinant.is_finite() {
                // The loss cannot tell points this near apart.
                return Ok((slope, intercept));
            }
        }
    }
    Err(QuantError::NoConvergence { what: "sigmoid", iterations: ITERATIONS_MAX })
}

fn cross_entropy(points: &[(f64, f64)], (slope, intercept): (f64, f64)) -> f64 {
    let loss = |&(x, target): &(f64, f64)| {
        let z = slope * x + intercept;
        target * softplus(-z) + (1.0 - target) * softplus(z)
    };
    points.iter().map(loss).sum()
}
