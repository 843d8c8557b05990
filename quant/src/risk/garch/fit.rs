//! The search for the most likely parameters.
//!
//! On returns that are centred and scaled to deviation one, so that no unit is special, and over
//! `(μ, ln h, logit p, logit s)` with `h` the long-run variance, `p = α + β` and `s = α / p`: every point of that space
//! is a stationary model, and its axes are nearly independent. From the two best of a grid, scoring with Fisher's
//! information, damped as Levenberg and Marquardt do; then Newton's method with the exact second derivatives.

use super::Garch;
use super::likelihood::{Curvature, Sample, Square, Vector};
use crate::matrix::Cholesky;
use crate::{Matrix, QuantError};

/// Steps of scoring from one start.
const SCORING_MAX: usize = 100;
/// Steps of Newton's method after that.
const NEWTON_MAX: usize = 50;
/// Expected gain of the likelihood below which scoring hands over.
const SCORING_GAIN: f64 = 1e-4;
/// Expected gain below which Newton's method is done.
const NEWTON_GAIN: f64 = 1e-16;
/// Above this, a step does not improve because nothing does.
const DAMPING_MAX: f64 = 1e10;
/// The longest step along an axis, in logarithms.
const STRIDE_MAX: f64 = 2.0;
const STARTS: usize = 2;

/// The best parameters for a scaled sample, their derivatives there, and the number of steps.
pub(super) fn search(sample: &Sample<'_>) -> Result<(Garch, Curvature, usize), QuantError> {
    let mut best: Option<(f64, Vector)> = None;
    let mut steps = 0;
    for start in starts(sample) {
        let (point, log_likelihood, taken) = score(sample, start);
        steps += taken;
        if best.is_none_or(|(other, _)| log_likelihood > other) {
            best = Some((log_likelihood, point));
        }
    }
    let (_, point) =
        best.ok_or(QuantError::NotIdentified { why: "the likelihood is not finite anywhere" })?;
    let (model, curvature, taken) = polish(sample, from_point(&point))?;
    Ok((model, curvature, steps + taken))
}

/// The most likely points of a grid.
fn starts(sample: &Sample<'_>) -> Vec<Vector> {
    let mut points = Vec::new();
    for persistence in [0.5, 0.8, 0.95, 0.99] {
        for share in [0.05_f64, 0.15, 0.4] {
            let point = [0.0, 0.0, logit(persistence), logit(share)];
            let log_likelihood = sample.log_likelihood(&from_point(&point));
            if log_likelihood.is_finite() {
                points.push((log_likelihood, point));
            }
        }
    }
    points.sort_unstable_by(|(a, _), (b, _)| b.total_cmp(a));
    points.into_iter().take(STARTS).map(|(_, point)| point).collect()
}

/// Scoring from a start: the point reached, its likelihood, and the number of steps.
fn score(sample: &Sample<'_>, start: Vector) -> (Vector, f64, usize) {
    let mut point = start;
    let mut damping = 1e-3;
    for steps in 0..SCORING_MAX {
        let model = from_point(&point);
        let at = sample.score(&model);
        let turn = turn(&model);
        let gradient = turned(&turn, &at.gradient);
        let information = congruent(&turn, &at.information);
        loop {
            if damping > DAMPING_MAX {
                return (point, at.log_likelihood, steps);
            }
            let Some((step, gain)) = solve(&information, &gradient, damping) else {
                damping *= 10.0;
                continue;
            };
            let next: Vector = std::array::from_fn(|i| point[i] + step[i].clamp(-STRIDE_MAX, STRIDE_MAX));
            let log_likelihood = sample.log_likelihood(&from_point(&next));
            if log_likelihood > at.log_likelihood {
                point = next;
                damping = (damping * 0.1).max(1e-12);
                if gain < SCORING_GAIN {
                    return (point, log_likelihood, steps + 1);
                }
                break;
            }
            if gain < SCORING_GAIN {
                return (point, at.log_likelihood, steps);
            }
            damping *= 10.0;
        }
    }
    (point, sample.log_likelihood(&from_point(&point)), SCORING_MAX)
}

/// Newton's method in the parameters themselves, halving steps that do not improve.
fn polish(sample: &Sample<'_>, start: Garch) -> Result<(Garch, Curvature, usize), QuantError> {
    let mut model = start;
    model.check_identified()?;
    let mut log_likelihood = sample.log_likelihood(&model);
    for steps in 0..NEWTON_MAX {
        let curvature = sample.curvature(&model);
        let downward = curvature.hessian.map(|row| row.map(|value| -value));
        let (step, gain) = solve(&downward, &curvature.gradient, 0.0).ok_or_else(|| unidentified(&model))?;
        if gain < NEWTON_GAIN {
            return Ok((model, curvature, steps));
        }
        let better = (0..30).map(|halvings| 0.5_f64.powi(halvings)).find_map(|part| {
            let next = model.moved(&step.map(|value| value * part));
            let value = sample.log_likelihood(&next);
            (next.check_identified().is_ok() && value > log_likelihood).then_some((next, value))
        });
        // No step improves: the likelihood is as good as it can be told apart, or its rise leads out of the model.
        let Some((next, value)) = better else {
            return if gain < SCORING_GAIN {
                Ok((model, curvature, steps))
            } else {
                Err(unidentified(&model))
            };
        };
        (model, log_likelihood) = (next, value);
    }
    Err(QuantError::NoConvergence { what: "GARCH likelihood", iterations: NEWTON_MAX })
}

/// Why there is no proper maximum where the search ended.
fn unidentified(model: &Garch) -> QuantError {
    /// Closer to an edge of the model than this, the edge is why.
    const NEAR: f64 = 1e-3;
    let why = if model.beta < NEAR {
        "beta is zero at the best fit, so that variance follows the last return only"
    } else if model.persistence() > 1.0 - NEAR {
        "not stationary: alpha and beta reach one"
    } else if model.omega < NEAR {
        "the variance runs to zero"
    } else {
        "the likelihood is flat or saddle-shaped at its best"
    };
    QuantError::NotIdentified { why }
}

fn from_point(&[mean, log_variance, persistence, share]: &Vector) -> Garch {
    let (p, s) = (logistic(persistence), logistic(share));
    // `1 - p` without cancellation.
    let omega = log_variance.exp() * logistic(-persistence);
    Garch { mean, omega, alpha: p * s, beta: p * logistic(-share) }
}

/// Derivatives of the parameters (rows) by the coordinates of the search (columns).
fn turn(model: &Garch) -> Square {
    let p = model.persistence();
    let s = model.alpha / p;
    let slope = p * (1.0 - p);
    [
        [1.0, 0.0, 0.0, 0.0],
        [0.0, model.omega, -model.omega * p, 0.0],
        [0.0, 0.0, s * slope, p * s * (1.0 - s)],
        [0.0, 0.0, (1.0 - s) * slope, -p * s * (1.0 - s)],
    ]
}

fn turned(turn: &Square, gradient: &Vector) -> Vector {
    std::array::from_fn(|i| (0..4).map(|k| turn[k][i] * gradient[k]).sum())
}

/// `turnᵀ · square · turn`.
pub(super) fn congruent(turn: &Square, square: &Square) -> Square {
    let half: Square =
        std::array::from_fn(|i| std::array::from_fn(|j| (0..4).map(|k| square[i][k] * turn[k][j]).sum()));
    std::array::from_fn(|i| std::array::from_fn(|j| (0..4).map(|k| turn[k][i] * half[k][j]).sum()))
}

/// The step that a positive definite matrix takes along a gradient, and the gain that it promises; axes are scaled to
/// one, so that neither damping nor rounding depends on units.
fn solve(square: &Square, gradient: &Vector, damping: f64) -> Option<(Vector, f64)> {
    let scale: Vector = std::array::from_fn(|i| 1.0 / square[i][i].sqrt());
    let mut scaled = Matrix::zeros(4, 4);
    for i in 0..4 {
        for j in 0..4 {
            scaled[(i, j)] = square[i][j] * scale[i] * scale[j];
        }
        scaled[(i, i)] += damping;
    }
    let target: Vector = std::array::from_fn(|i| gradient[i] * scale[i]);
    let solution = Cholesky::new(&scaled, "information").ok()?.solve(&target);
    let step: Vector = std::array::from_fn(|i| solution[i] * scale[i]);
    let gain = 0.5 * (0..4).map(|i| step[i] * gradient[i]).sum::<f64>();
    gain.is_finite().then_some((step, gain))
}

/// The inverse of a positive definite matrix.
pub(super) fn inverse(square: &Square) -> Option<Square> {
    let mut columns = [[0.0; 4]; 4];
    for (i, column) in columns.iter_mut().enumerate() {
        let unit = std::array::from_fn(|j| if i == j { 1.0 } else { 0.0 });
        *column = solve(square, &unit, 0.0)?.0;
    }
    Some(columns)
}

fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
