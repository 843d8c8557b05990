//! Calibration to quoted volatilities: weighted least squares by Gauss and Newton's method, damped after Levenberg and
//! Marquardt where a full step does not help.

use super::expansion::{Dynamics, Point};
use super::guess::Parabola;
use super::{Expansion, Model, Parameters, Underlying, check_beta};
use crate::option::black_scholes::log_ratio;
use crate::{QuantError, check};

/// A quoted volatility, of the kind that the expansion gives, and its weight in the sum of squares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quote {
    pub strike: f64,
    pub volatility: f64,
    pub weight: f64,
}

/// Whether the backbone is given or sought. Quotes of one expiry say little about it: fix it where they may.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Beta {
    Fixed(f64),
    Fitted,
}

/// How to fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    pub expansion: Expansion,
    pub beta: Beta,
    /// Where to begin, if that fits better than the explicit guesses do: yesterday's parameters, say.
    pub start: Option<Parameters>,
}

/// A calibrated smile, and how well it fits: errors are of volatility, weighted in the mean only.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    pub model: Model,
    pub root_mean_square_error: f64,
    pub worst_error: f64,
    /// Evaluations of the smile with its derivatives.
    pub iterations: usize,
}

/// The most quotes that are taken.
pub const QUOTES_MAX: usize = 10_000;
/// `|ρ|` at most, lest the geodesic distance lose its digits.
pub(super) const RHO_MAX: f64 = 0.9999;
/// Evaluations at most. From the guess some four are needed, from far away some ten.
const ITERATIONS_MAX: usize = 100;
/// Change of every parameter below which the last step, whose error is of its square, is the last.
const STEP_MIN: f64 = 1e-8;
/// Change of `ln α` at most, so that a start from far away does not overflow.
const LOG_STEP_MAX: f64 = 3.0;
/// Damping at which no step helps any more.
const DAMPING_MAX: f64 = 1e12;
/// Backbones tried before the best is refined.
const BETAS: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];
/// Golden sections of a quarter, to about 1e-9.
const SECTIONS: usize = 40;

/// The smile that fits the quotes best, whatever their order.
///
/// # Errors
/// If there are fewer quotes at different strikes than parameters (three, or four with a fitted `beta`), or too many;
/// if a shifted strike, a volatility or a weight is not positive and finite, or an input of the model is not one; if no
/// parameters give finite volatilities.
pub fn fit(underlying: &Underlying, quotes: &[Quote], settings: &Settings) -> Result<Fit, QuantError> {
    underlying.check()?;
    if let Some(start) = settings.start {
        Model::new(start, *underlying, settings.expansion)?;
    }
    let smile = Smile::new(underlying, quotes, settings)?;
    let (beta, solution) = match settings.beta {
        Beta::Fixed(beta) => (check_beta(beta)?, smile.solve(beta)),
        Beta::Fitted => smile.solve_with_beta(),
    };
    if !solution.cost.is_finite() {
        return Err(QuantError::NotIdentified {
            why: "no parameters give finite volatilities at the quotes",
        });
    }
    let Dynamics { alpha, nu, rho, .. } = solution.dynamics;
    let model = Model::new(Parameters { alpha, beta, nu, rho }, *underlying, settings.expansion)?;
    let points = smile.points(beta);
    let errors =
        points.iter().map(|point| (point.model.volatility(&solution.dynamics) - point.volatility).abs());
    Ok(Fit {
        model,
        root_mean_square_error: (solution.cost / smile.weight).sqrt(),
        worst_error: errors.fold(0.0, f64::max),
        iterations: solution.iterations,
    })
}

/// Checked quotes in order of their strikes.
struct Smile<'a> {
    underlying: &'a Underlying,
    settings: &'a Settings,
    quotes: Vec<Quote>,
    /// `ln(K/F)` and volatility.
    shape: Vec<(f64, f64)>,
    weight: f64,
}

/// A quote with what the model needs there.
struct Target {
    model: Point,
    volatility: f64,
    weight: f64,
}

/// The best parameters found, and their weighted sum of squares.
#[derive(Clone, Copy)]
struct Solution {
    dynamics: Dynamics,
    cost: f64,
    iterations: usize,
}

/// The normal equations at a point.
struct Normal {
    cost: f64,
    gradient: [f64; 3],
    /// Rows of the lower half.
    hessian: [[f64; 3]; 3],
}

impl<'a> Smile<'a> {
    fn new(underlying: &'a Underlying, quotes: &[Quote], settings: &'a Settings) -> Result<Self, QuantError> {
        if quotes.len() > QUOTES_MAX {
            return Err(QuantError::TooMany { what: "smile", most: QUOTES_MAX, got: quotes.len() });
        }
        let forward = underlying.forward + underlying.shift;
        let mut quotes = quotes.to_vec();
        for quote in &mut quotes {
            quote.strike = check::positive("shifted strike", quote.strike + underlying.shift)?;
            check::positive("volatility", quote.volatility)?;
            check::positive("weight", quote.weight)?;
        }
        // Sums of rounded numbers depend on their order; that of the caller is to make no difference.
        let by_all = |a: &Quote, b: &Quote| {
            let rest = || a.volatility.total_cmp(&b.volatility).then(a.weight.total_cmp(&b.weight));
            a.strike.total_cmp(&b.strike).then_with(rest)
        };
        quotes.sort_unstable_by(by_all);
        let needed = if settings.beta == Beta::Fitted { 4 } else { 3 };
        let strikes = quotes.chunk_by(|a, b| a.strike.total_cmp(&b.strike).is_eq()).count();
        if strikes < needed {
            return Err(QuantError::TooFew { what: "smile, in different strikes,", needed, got: strikes });
        }
        let shape = quotes.iter().map(|quote| (log_ratio(quote.strike, forward), quote.volatility)).collect();
        let weight = check::finite("sum of weights", quotes.iter().map(|quote| quote.weight).sum())?;
        Ok(Self { underlying, settings, quotes, shape, weight })
    }

    fn points(&self, beta: f64) -> Vec<Target> {
        let forward = self.underlying.forward + self.underlying.shift;
        let target = |quote: &Quote| Target {
            model: Point::new(self.settings.expansion, (forward, quote.strike), beta),
            volatility: quote.volatility,
            weight: quote.weight,
        };
        self.quotes.iter().map(target).collect()
    }

    fn solve(&self, beta: f64) -> Solution {
        let points = self.points(beta);
        let start = self.start(&points, beta);
        minimise(&points, start)
    }

    /// The candidate that fits best: the given start; the guess through three quotes, which is exact for exact ones, or
    /// through seven, which bears noise; a smile without skew, where neither makes sense.
    fn start(&self, points: &[Target], beta: f64) -> Dynamics {
        let expiry_years = self.underlying.expiry_years;
        let forward = self.underlying.forward + self.underlying.shift;
        let Settings { expansion, start, .. } = *self.settings;
        let guess = |count| {
            let parabola = Parabola::about_the_money(&self.shape, count);
            parabola.dynamics(expansion, self.underlying, beta)
        };
        let level = self.shape.iter().map(|&(_, volatility)| volatility).fold(f64::INFINITY, f64::min);
        let power = if expansion == Expansion::HaganNormal { -beta } else { 1.0 - beta };
        let plain = Dynamics { alpha: level * forward.powf(power), nu: 0.5, rho: 0.0, expiry_years };
        let wide = (self.shape.len() >= 7).then(|| guess(7));
        let given = start.map(|start| Dynamics {
            alpha: start.alpha * forward.powf(start.beta - beta),
            nu: start.nu,
            rho: start.rho.clamp(-RHO_MAX, RHO_MAX),
            expiry_years,
        });
        let mut best = plain;
        let mut least = f64::INFINITY;
        for candidate in given.into_iter().chain([guess(3)]).chain(wide).chain([plain]) {
            let cost = cost(points, &candidate);
            if cost < least {
                (best, least) = (candidate, cost);
            }
        }
        best
    }

    /// Searches `β` outside: for each, the other parameters are quickly found.
    fn solve_with_beta(&self) -> (f64, Solution) {
        let mut best = (BETAS[0], self.solve(BETAS[0]));
        let mut iterations = best.1.iterations;
        let mut attempt = |beta: f64| {
            let solution = self.solve(beta);
            iterations += solution.iterations;
            if solution.cost < best.1.cost {
                best = (beta, solution);
            }
            (solution.cost, best.0)
        };
        let centre = BETAS.iter().fold(BETAS[0], |_, &beta| attempt(beta).1);
        let golden = 0.5 * (5.0_f64.sqrt() - 1.0);
        let (mut low, mut high) = ((centre - 0.25).max(0.0), (centre + 0.25).min(1.0));
        let inner = |low: f64, high: f64| (high - golden * (high - low), low + golden * (high - low));
        let (mut a, mut b) = inner(low, high);
        let (mut at_a, mut at_b) = (attempt(a).0, attempt(b).0);
        for _ in 0..SECTIONS {
            if at_a < at_b {
                (high, b, at_b) = (b, a, at_a);
                a = inner(low, high).0;
                at_a = attempt(a).0;
            } else {
                (low, a, at_a) = (a, b, at_b);
                b = inner(low, high).1;
                at_b = attempt(b).0;
            }
        }
        (best.0, Solution { iterations, ..best.1 })
    }
}

fn cost(points: &[Target], dynamics: &Dynamics) -> f64 {
    let square = |point: &Target| {
        let error = point.model.volatility(dynamics) - point.volatility;
        point.weight * error * error
    };
    points.iter().map(square).sum()
}

/// Damped Gauss-Newton in `ln α`, `ν` and `ρ`.
fn minimise(points: &[Target], start: Dynamics) -> Solution {
    let mut at = start;
    let mut normal = Normal::new(points, &at);
    let mut damping = 0.0;
    let mut iterations = 1;
    while iterations < ITERATIONS_MAX && damping < DAMPING_MAX && normal.cost > 0.0 {
        let step = normal.step(damping, at.rho);
        let next = moved(&at, step);
        let trial = Normal::new(points, &next);
        iterations += 1;
        let small = step.iter().all(|change| change.abs() < STEP_MIN);
        if trial.cost < normal.cost {
            let gain = normal.cost - trial.cost;
            let settled = gain < 1e-12 * normal.cost;
            (at, normal) = (next, trial);
            damping = if damping < 1e-6 { 0.0 } else { 0.1 * damping };
            if small || settled {
                break;
            }
        } else if small {
            break;
        } else {
            damping = (10.0 * damping).max(1e-3);
        }
    }
    let cost = if normal.cost.is_nan() { f64::INFINITY } else { normal.cost };
    Solution { dynamics: at, cost, iterations }
}

/// The parameters after a step. The model is the same for `(ν, ρ)` and `(-ν, -ρ)`, so `ν` needs no bound.
fn moved(at: &Dynamics, step: [f64; 3]) -> Dynamics {
    let alpha = at.alpha * step[0].clamp(-LOG_STEP_MAX, LOG_STEP_MAX).exp();
    let nu = at.nu + step[1];
    let rho = (at.rho + step[2]).clamp(-RHO_MAX, RHO_MAX);
    let rho = if nu < 0.0 { -rho } else { rho };
    Dynamics { alpha, nu: nu.abs(), rho, expiry_years: at.expiry_years }
}

impl Normal {
    fn new(points: &[Target], dynamics: &Dynamics) -> Self {
        let mut normal = Self { cost: 0.0, gradient: [0.0; 3], hessian: [[0.0; 3]; 3] };
        for point in points {
            let (volatility, by) = point.model.gradient(dynamics);
            let error = volatility - point.volatility;
            normal.cost += point.weight * error * error;
            for i in 0..3 {
                let weighted = point.weight * by[i];
                normal.gradient[i] += weighted * error;
                for (sum, other) in normal.hessian[i].iter_mut().zip(&by[..=i]) {
                    *sum += weighted * other;
                }
            }
        }
        normal
    }

    /// The damped step; along `ρ` only if that does not lead out of its bounds.
    fn step(&self, damping: f64, rho: f64) -> [f64; 3] {
        let mut h = self.hessian;
        let mut step = self.gradient.map(|slope| -slope);
        if rho.abs() >= RHO_MAX && step[2] * rho > 0.0 {
            step[2] = 0.0;
            h[2] = [0.0, 0.0, 1.0];
        }
        // What the quotes do not determine stays where it is.
        let floor = 1e-14 * (h[0][0] + h[1][1]) + f64::MIN_POSITIVE;
        for (i, row) in h.iter_mut().enumerate() {
            row[i] += damping * row[i] + floor;
        }
        // Elimination of a symmetric matrix, row by row: L D Lᵀ.
        for i in 0..3 {
            for j in 0..i {
                let lower = h[i][j];
                h[i][j] /= h[j][j];
                for k in j + 1..=i {
                    h[i][k] -= lower * if k == i { h[i][j] } else { h[k][j] };
                }
                step[i] -= h[i][j] * step[j];
            }
        }
        for i in (0..3).rev() {
            step[i] /= h[i][i];
            for j in i + 1..3 {
                step[i] -= h[j][i] * step[j];
            }
        }
        step
    }
}
