//! The method of Levenberg (1944) and Marquardt (1963), in unbounded coordinates.

use super::super::grid::{Fineness, Grid, Target};
use super::super::{Parameters, black};
use crate::matrix::Cholesky;
use crate::{Matrix, QuantError};

/// The longest step in any coordinate: a factor of e^1.5.
const STEP_MAX: f64 = 1.5;
/// A step below which nothing changes any more.
const STEP_MIN: f64 = 1e-10;
/// Root mean square error, in volatility, at which nothing is left to gain.
const NOTHING: f64 = 1e-13;
/// A vega below this share of the quote's is not divided by.
const VEGA_SHARE_MIN: f64 = 0.05;
/// Root mean square error, in volatility, at which a search is promising.
const PROMISING: f64 = 3e-3;
const DAMPING_FIRST: f64 = 1e-3;
const DAMPING_MIN: f64 = 1e-12;
const DAMPING_MAX: f64 = 1e10;

/// The edges of what is searched, for v₀, κ, θ, σ, ρ.
pub(super) const LOWEST: [f64; 5] = [1e-6, 1e-3, 1e-6, 1e-3, -0.9999];
pub(super) const HIGHEST: [f64; 5] = [25.0, 200.0, 25.0, 50.0, 0.9999];

/// How a search is run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Search {
    pub(super) fineness: Fineness,
    pub(super) iterations_max: usize,
    /// After how many iterations it is given up, unless it is promising by then.
    pub(super) patience: usize,
    /// Whether the residuals are differences of implied volatility itself, rather than of price over vega.
    pub(super) implied: bool,
}

/// Where a search ended.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) parameters: Parameters,
    /// The sum of squared residuals.
    pub(super) cost: f64,
    /// Half its matrix of second derivatives, by the coordinates.
    pub(super) curvature: [[f64; 5]; 5],
    /// Of the price residuals.
    pub(super) price_cost: f64,
    /// Whether it ended because nothing changed any more.
    pub(super) settled: bool,
    /// Whether the grid had the nodes that the parameters need.
    pub(super) fine_enough: bool,
}

impl Found {
    /// Root mean square residual.
    pub(super) fn rmse(&self, count: usize) -> f64 {
        (self.cost / count as f64).sqrt()
    }
}

/// The sum of squares about a point.
#[derive(Debug, Clone, Copy)]
struct Local {
    cost: f64,
    price_cost: f64,
    gradient: [f64; 5],
    curvature: [[f64; 5]; 5],
}

/// Searches over one surface.
pub(super) struct Descent<'a> {
    targets: &'a [Target],
    is_cancelled: Option<&'a dyn Fn() -> bool>,
    evaluations: usize,
}

pub(super) fn coordinates(parameters: &Parameters) -> [f64; 5] {
    let Parameters { v0, kappa, theta, sigma, rho } = *parameters;
    let inside = |value: f64, i: usize| value.clamp(LOWEST[i], HIGHEST[i]);
    [
        inside(v0, 0).ln(),
        inside(kappa, 1).ln(),
        inside(theta, 2).ln(),
        inside(sigma, 3).ln(),
        inside(rho, 4).atanh(),
    ]
}

fn parameters_at(at: &[f64; 5]) -> Parameters {
    let inside = |value: f64, i: usize| value.clamp(LOWEST[i], HIGHEST[i]);
    Parameters {
        v0: inside(at[0].exp(), 0),
        kappa: inside(at[1].exp(), 1),
        theta: inside(at[2].exp(), 2),
        sigma: inside(at[3].exp(), 3),
        rho: inside(at[4].tanh(), 4),
    }
}

/// How fast each parameter moves with its coordinate.
pub(super) fn speeds(parameters: &Parameters) -> [f64; 5] {
    let Parameters { v0, kappa, theta, sigma, rho } = *parameters;
    [v0, kappa, theta, sigma, 1.0 - rho * rho]
}

impl<'a> Descent<'a> {
    pub(super) const fn new(targets: &'a [Target], is_cancelled: Option<&'a dyn Fn() -> bool>) -> Self {
        Self { targets, is_cancelled, evaluations: 0 }
    }

    /// How often the surface was evaluated.
    pub(super) const fn evaluations(&self) -> usize {
        self.evaluations
    }

    /// The sum of squares at a point.
    pub(super) fn cost(&mut self, at: &Parameters, fineness: Fineness) -> f64 {
        let parameters = parameters_at(&coordinates(at));
        let mut grid = Grid::new(self.targets, &parameters, fineness);
        self.local(&mut grid, &parameters, false).cost
    }

    /// Goes downhill from a start.
    ///
    /// # Errors
    /// If asked to stop.
    pub(super) fn follow(&mut self, start: &Parameters, search: Search) -> Result<Found, QuantError> {
        let mut at = coordinates(start);
        let mut parameters = parameters_at(&at);
        let mut grid = Grid::new(self.targets, &parameters, search.fineness);
        let mut here = self.local(&mut grid, &parameters, search.implied);
        let mut damping = DAMPING_FIRST;
        let mut settled = false;
        for iteration in 0..search.iterations_max {
            if iteration == search.patience && here.cost > PROMISING * PROMISING * self.targets.len() as f64 {
                break;
            }
            if self.is_cancelled.is_some_and(|is_cancelled| is_cancelled()) {
                return Err(QuantError::Cancelled);
            }
            let Some(step) = step(&here, damping) else {
                damping *= 10.0;
                continue;
            };
            let next = parameters_at(&std::array::from_fn(|i| at[i] + step[i]));
            let there = self.local(&mut grid, &next, search.implied);
            let moved = coordinates(&next);
            let longest = (0..5).map(|i| (moved[i] - at[i]).abs()).fold(0.0, f64::max);
            if there.cost < here.cost {
                let gained = here.cost - there.cost;
                damping = (damping * 0.1).max(DAMPING_MIN);
                (at, parameters, here) = (moved, next, there);
                let nothing = NOTHING * NOTHING * self.targets.len() as f64;
                settled = longest < STEP_MIN || here.cost < nothing || gained < 1e-13 * here.cost;
                if !settled && !grid.suits(&parameters) {
                    grid = Grid::new(self.targets, &parameters, search.fineness);
                    here = self.local(&mut grid, &parameters, search.implied);
                }
            } else {
                damping *= 8.0;
                settled = longest < STEP_MIN || damping > DAMPING_MAX;
            }
            if settled {
                break;
            }
        }
        let Local { cost, price_cost, curvature, .. } = here;
        Ok(Found { parameters, cost, curvature, price_cost, settled, fine_enough: grid.fine_enough() })
    }

    fn local(&mut self, grid: &mut Grid, parameters: &Parameters, implied: bool) -> Local {
        self.evaluations += 1;
        let mut sums = Local { cost: 0.0, price_cost: 0.0, gradient: [0.0; 5], curvature: [[0.0; 5]; 5] };
        let speeds = speeds(parameters);
        grid.evaluate(parameters, |quote, residual, by| {
            let target = &self.targets[quote];
            let price_residual = residual * target.vega * target.scale;
            let (residual, slope) =
                if implied { volatility_residual(target, residual) } else { (residual, 1.0) };
            let by: [f64; 5] = std::array::from_fn(|i| by[i] * slope * speeds[i]);
            sums.cost += residual * residual;
            sums.price_cost += price_residual * price_residual;
            for i in 0..5 {
                sums.gradient[i] += residual * by[i];
                for j in 0..=i {
                    sums.curvature[i][j] += by[i] * by[j];
                }
            }
        });
        // A point where the numbers give out is as bad as can be.
        if !(sums.cost.is_finite() && sums.gradient.iter().all(|entry| entry.is_finite())) {
            sums.cost = f64::INFINITY;
        }
        sums
    }
}

/// The difference of implied volatility behind a difference of price over vega, and its derivative by that; the same
/// where no volatility is implied, or where the floor holds the vega up.
fn volatility_residual(target: &Target, residual: f64) -> (f64, f64) {
    let root = target.time.sqrt();
    let vega_at = |volatility: f64| black::by_deviation(target.x, volatility * root) * root;
    let implied = black::implied_deviation(target.x, target.value + residual * target.vega);
    let Some(volatility) = implied.map(|deviation| deviation / root) else { return (residual, 1.0) };
    let vega = vega_at(volatility);
    if vega_at(target.volatility) < target.vega || vega < VEGA_SHARE_MIN * target.vega {
        return (residual, 1.0);
    }
    (volatility - target.volatility, target.vega / vega)
}

/// The damped step downhill; none if the equations are singular.
fn step(local: &Local, damping: f64) -> Option<[f64; 5]> {
    let largest = (0..5).map(|i| local.curvature[i][i]).fold(0.0, f64::max);
    let mut matrix = Matrix::zeros(5, 5);
    for i in 0..5 {
        matrix.row_mut(i)[..=i].copy_from_slice(&local.curvature[i][..=i]);
        matrix[(i, i)] += damping * matrix[(i, i)].max(1e-12 * largest);
    }
    let solved = Cholesky::new(&matrix, "normal equations").ok()?.solve(&local.gradient);
    let longest = solved.iter().map(|entry| entry.abs()).fold(0.0, f64::max);
    if !longest.is_finite() {
        return None;
    }
    let shrink = if longest > STEP_MAX { STEP_MAX / longest } else { 1.0 };
    Some(std::array::from_fn(|i| -shrink * solved[i]))
}
