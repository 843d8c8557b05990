//! A first portfolio within all limits.
//!
//! Bounds and budget are met directly. If that misses a group's limits, one more variable `t` measures by how much:
//! with `t = 1` the limits are moved to where the portfolio is, with `t = 0` they are where they belong. The least `t`
//! is a linear program, which proximal steps (Rockafellar 1976) end after finitely many; each is a quadratic program
//! with the identity for a covariance. Limits are infeasible if a step lowers `t` no more.

use super::{Program, Rows, Solver};
use crate::{Matrix, QuantError};

/// Most proximal steps.
const STEPS_MAX: usize = 200;

/// What `t` weighs against staying close.
const PULL: f64 = 1e4;

/// How far a sum may miss its limit by rounding.
const ROUNDING: f64 = 1e-12;

/// Weights within the bounds that add up to one, and within the limits of the groups.
///
/// # Errors
/// If there are none.
pub(super) fn start(program: &Program<'_>) -> Result<Vec<f64>, QuantError> {
    let x = within_bounds(program);
    let rows = program.rows;
    let violations: Vec<f64> = (0..rows.len()).map(|row| rows.violation(row, &x)).collect();
    if violations.iter().all(|violation| violation.abs() <= ROUNDING) {
        return Ok(x);
    }
    towards_groups(program, x, &violations)
}

/// Weights within the bounds that add up to one: spread evenly between the bounds if most assets may be sold short, for
/// then most will be held; otherwise as few assets as can be, the least variable first.
fn within_bounds(program: &Program<'_>) -> Vec<f64> {
    let (lower, upper) = (program.lower, program.upper);
    let n = lower.len();
    let mut missing = 1.0 - lower.iter().sum::<f64>();
    let room: f64 = upper.iter().zip(lower).map(|(upper, lower)| upper - lower).sum();
    if 2 * lower.iter().filter(|lower| **lower < 0.0).count() > n && room > 0.0 {
        let part = (missing / room).clamp(0.0, 1.0);
        return lower.iter().zip(upper).map(|(lower, upper)| lower + part * (upper - lower)).collect();
    }
    let mut x = lower.to_vec();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| program.hessian[(a, a)].total_cmp(&program.hessian[(b, b)]));
    for i in order {
        let more = missing.min(upper[i] - lower[i]).max(0.0);
        x[i] += more;
        missing -= more;
    }
    x
}

fn towards_groups(
    program: &Program<'_>,
    mut x: Vec<f64>,
    violations: &[f64],
) -> Result<Vec<f64>, QuantError> {
    let n = x.len();
    let rows = moved_rows(program.rows, violations);
    let lower: Vec<f64> = program.lower.iter().copied().chain([0.0]).collect();
    let upper: Vec<f64> = program.upper.iter().copied().chain([1.0]).collect();
    let hessian = Matrix::identity(n + 1);
    let moved = Program { hessian: &hessian, lower: &lower, upper: &upper, rows: &rows };
    x.push(1.0);
    let mut solver = Solver::at(moved, x)?;
    let mut before = 1.0;
    for _ in 0..STEPS_MAX {
        let mut linear = solver.x().to_vec();
        linear[n] = -PULL;
        solver.solve_until(linear, |x| x[n] <= 0.0)?;
        let part = solver.x()[n];
        if part <= 0.0 {
            return Ok(solver.x()[..n].to_vec());
        }
        if before - part <= ROUNDING {
            return Err(QuantError::Infeasible { what: "the limits of assets and groups together" });
        }
        before = part;
    }
    Err(QuantError::NoConvergence { what: "search for weights within all limits", iterations: STEPS_MAX })
}

/// The rows with one more column, by which `t` moves their limits.
fn moved_rows(rows: &Rows, violations: &[f64]) -> Rows {
    let n = rows.coefficients.columns();
    let mut coefficients = Matrix::zeros(rows.len(), n + 1);
    // The budget holds already and keeps its place.
    for (row, violation) in violations.iter().enumerate() {
        coefficients.row_mut(row)[..n].copy_from_slice(rows.coefficients.row(row));
        coefficients[(row, n)] = if row == 0 { 0.0 } else { -violation };
    }
    Rows { coefficients, least: rows.least.clone(), most: rows.most.clone() }
}
