//! Portfolios on the efficient frontier (Markowitz 1952), exact to rounding.
//!
//! Every one of them minimises `½ wᵀΣw − λ μᵀw` within the limits for some trade-off `λ ≥ 0`. On one set of active
//! limits the weights are linear in `λ`, the return is `R₀ + λ g` and the variance `V₀ + λ² g`, so that a wanted return,
//! variance or the largest Sharpe ratio (where `λ (R − r) = V`) gives the `λ` in closed form; the search ends when the
//! set of active limits is the right one (the idea of the critical line: Markowitz 1956; Niedermayer and Niedermayer
//! 2010). It is a Newton search within a bracket, so it always ends.

mod path;

use super::limits::Limits;
use super::quadratic::{Rows, check_positive_definite};
use super::{check_moderate, check_per_asset, deviations};
use crate::{Matrix, QuantError, check};
use path::{Goal, Path};

/// Most points of an efficient frontier.
pub const POINTS_MAX: usize = 1_000;

/// Largest trade-off, in units of the largest variance over the largest return: there the variance is rounding.
const TRADE_OFF_MAX: f64 = 1e12;

/// Largest wanted return in scaled units, so that its products do not overflow.
const SCALED_MAX: f64 = 1e150;

/// What is known of the assets, and what may be held of them.
#[derive(Debug, Clone, Copy)]
pub struct MeanVariance<'a> {
    /// Covariance of the returns, positive definite.
    pub covariance: &'a Matrix,
    /// Expected return of each asset, over the horizon of the covariance.
    pub expected_returns: &'a [f64],
    /// What the weights may be.
    pub limits: &'a Limits,
}

/// Which portfolio of the frontier is wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Objective {
    /// The least variance.
    MinimumVariance,
    /// The largest `(μᵀw − r) / σ`, of which the numerator must be positive.
    MaximumSharpe { risk_free_rate: f64 },
    /// The least variance of those that return at least this.
    TargetReturn { at_least: f64 },
    /// The largest return of those that are no more volatile than this.
    TargetVolatility { at_most: f64 },
    /// The largest `μᵀw − ½ γ wᵀΣw`.
    MaximumUtility { risk_aversion: f64 },
}

/// A portfolio and the proof of its optimality.
#[derive(Debug, Clone, PartialEq)]
pub struct Portfolio {
    /// Weight of each asset; they add up to one.
    pub weights: Vec<f64>,
    /// `μᵀw`.
    pub expected_return: f64,
    /// `√(wᵀΣw)`.
    pub volatility: f64,
    /// The largest violation of the Karush-Kuhn-Tucker conditions: of limits in weight, of the gradient relative to its
    /// size.
    pub residual: f64,
    /// Steps of the active-set method.
    pub steps: usize,
}

impl Portfolio {
    /// Return above the risk-free rate, per unit of volatility.
    #[must_use]
    pub fn sharpe_ratio(&self, risk_free_rate: f64) -> f64 {
        (self.expected_return - risk_free_rate) / self.volatility
    }
}

/// The portfolio of the least variance, for which no returns need be expected.
///
/// # Errors
/// As [`optimise`].
pub fn minimum_variance(covariance: &Matrix, limits: &Limits) -> Result<Portfolio, QuantError> {
    let expected_returns = vec![0.0; covariance.rows()];
    let problem = MeanVariance { covariance, expected_returns: &expected_returns, limits };
    optimise(&problem, Objective::MinimumVariance)
}

/// The portfolio that is best for the objective.
///
/// # Errors
/// If the covariance is not positive definite to working precision, the limits contradict each other, no portfolio
/// within them reaches the target, or an input is not finite or out of range.
pub fn optimise(problem: &MeanVariance<'_>, objective: Objective) -> Result<Portfolio, QuantError> {
    let scaled = Scaled::new(problem, objective)?;
    let mut path = Path::new(&scaled, problem)?;
    match scaled.goal {
        None => {}
        Some(Goal::TradeOff(trade_off)) => path.go_to(trade_off)?,
        Some(goal) => path.search(goal)?,
    }
    path.portfolio()
}

/// Portfolios from the least variance to the largest return, evenly spaced in return.
///
/// # Errors
/// As [`optimise`], and unless there are between 2 and [`POINTS_MAX`] points.
pub fn efficient_frontier(problem: &MeanVariance<'_>, points: usize) -> Result<Vec<Portfolio>, QuantError> {
    if points < 2 {
        return Err(QuantError::TooFew { what: "efficient frontier", needed: 2, got: points });
    }
    if points > POINTS_MAX {
        return Err(QuantError::TooMany { what: "efficient frontier", most: POINTS_MAX, got: points });
    }
    let scaled = Scaled::new(problem, Objective::MinimumVariance)?;
    let mut path = Path::new(&scaled, problem)?;
    let first = path.portfolio()?;
    let least = path.expected_return();
    path.search(Goal::LargestReturn)?;
    let last = path.portfolio()?;
    let width = path.expected_return() - least;
    let count = f64::from(u16::try_from(points - 1).unwrap_or(u16::MAX));
    let mut frontier = vec![last];
    // From above, where the search has just been; each portfolio bounds the trade-off of the next.
    for point in (1..points - 1).rev() {
        let part = f64::from(u16::try_from(point).unwrap_or(u16::MAX)) / count;
        path.search(Goal::Return(least + part * width))?;
        frontier.push(path.portfolio()?);
    }
    frontier.push(first);
    frontier.reverse();
    Ok(frontier)
}

/// The problem in units in which the largest variance and the largest difference of returns are about one; the units
/// are powers of two, so that nothing is rounded.
struct Scaled {
    covariance: Matrix,
    returns: Vec<f64>,
    rows: Rows,
    goal: Option<Goal>,
}

impl Scaled {
    fn new(problem: &MeanVariance<'_>, objective: Objective) -> Result<Self, QuantError> {
        let assets = problem.covariance.rows();
        let deviations = deviations(problem.covariance)?;
        check_per_asset("expected returns", problem.expected_returns, assets)?;
        problem.limits.check(assets)?;
        let largest_variance = deviations.iter().fold(0.0_f64, |largest, value| largest.max(value * value));
        let variance_unit = power_of_two(largest_variance);
        check_objective(objective)?;
        let (shift, return_unit) = return_scale(problem.expected_returns);
        let in_units = |value: f64| ((value - shift) / return_unit).clamp(-SCALED_MAX, SCALED_MAX);
        let covariance = symmetric(problem.covariance, variance_unit);
        check_positive_definite(&covariance)?;
        let goal = match objective {
            Objective::MinimumVariance => None,
            Objective::MaximumSharpe { risk_free_rate } => Some(Goal::Sharpe(in_units(risk_free_rate))),
            Objective::TargetReturn { at_least } => Some(Goal::Return(in_units(at_least))),
            Objective::TargetVolatility { at_most } => {
                Some(Goal::Variance((at_most / variance_unit.sqrt()).powi(2)))
            }
            Objective::MaximumUtility { risk_aversion } => {
                Some(Goal::TradeOff((return_unit / variance_unit / risk_aversion).min(TRADE_OFF_MAX)))
            }
        };
        Ok(Self {
            covariance,
            returns: problem.expected_returns.iter().map(|value| in_units(*value)).collect(),
            rows: problem.limits.rows(),
            goal,
        })
    }
}

fn check_objective(objective: Objective) -> Result<(), QuantError> {
    match objective {
        Objective::MinimumVariance => Ok(()),
        Objective::MaximumSharpe { risk_free_rate } => check_moderate("risk-free rate", risk_free_rate),
        Objective::TargetReturn { at_least } => check_moderate("target return", at_least),
        Objective::TargetVolatility { at_most } => {
            check::positive("target volatility", at_most)?;
            check_moderate("target volatility", at_most)
        }
        Objective::MaximumUtility { risk_aversion } => {
            check::positive("risk aversion", risk_aversion)?;
            check_moderate("risk aversion", risk_aversion)
        }
    }
}

/// The middle of the returns, which is no difference between portfolios that all add up to one, and the unit of what
/// is left without it.
fn return_scale(returns: &[f64]) -> (f64, f64) {
    let least = returns.iter().copied().fold(f64::INFINITY, f64::min);
    let most = returns.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let half_width = 0.5 * (most - least);
    (0.5 * (least + most), if half_width > 0.0 { power_of_two(half_width) } else { 1.0 })
}

/// The largest power of two that is no larger than a positive value.
fn power_of_two(value: f64) -> f64 {
    value.log2().floor().exp2()
}

fn symmetric(matrix: &Matrix, unit: f64) -> Matrix {
    let n = matrix.rows();
    let half = 0.5 / unit;
    let mut symmetric = Matrix::zeros(n, n);
    for i in 0..n {
        for j in 0..=i {
            let mean = half * matrix[(i, j)] + half * matrix[(j, i)];
            symmetric[(i, j)] = mean;
            symmetric[(j, i)] = mean;
        }
    }
    symmetric
}
