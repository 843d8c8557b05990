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
    /// Evaluations of the smile with its derivatives, at the final `beta`.
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
/// Error of a start, as a share of the volatility, below which no better one is looked for.
const GOOD_START: f64 = 0.01;
/// Damping at which no step helps any more.
const DAMPING_MAX: f64 = 1e12;
/// Backbones tried before the best is refined.
const BETAS: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];
/// Golden sections of a half, to about 1e-6, where the sum of squares is flat.
const SECTIONS: usize = 28;

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
    let beta = match settings.beta {
        Beta::Fixed(beta) => check_beta(beta)?,
        Beta::Fitted => smile.best_beta(),
    };
    let points = smile.points(beta);
    let solution = smile.solve(beta, &points);
    if !solution.cost.is_finite() {
        return Err(QuantError::NotIdentified {
            why: "no parameters give finite volatilities at the quotes",
        });
    }
    if solution.iterations >= ITERATIONS_MAX {
        return Err(QuantError::NotIdentified { why: "the search for a smile did not settle" });
    }
    let Dynamics { alpha, nu, rho, .. } = solution.dynamics;
    let model = Model::new(Parameters { alpha, beta, nu, rho }, *underlying, settings.expansion)?;
    Ok(Fit {
        model,
        root_mean_square_error: (solution.cost / smile.weight).sqrt(),
        worst_error: solution.worst,
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
    worst: f64,
    iterations: usize,
}

/// The normal equations at a point.
struct Normal {
    cost: f64,
    worst: f64,
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
        let log_forward = (self.underlying.forward + self.underlying.shift).ln();
        let target = |(quote, &(moneyness, _)): (&Quote, &(f64, f64))| Target {
            model: Point::new(self.settings.expansion, (log_forward, moneyness), beta),
            volatility: quote.volatility,
            weight: quote.weight,
        };
        self.quotes.iter().zip(&self.shape).map(target).collect()
    }

    fn solve(&self, beta: f64, points: &[Target]) -> Solution {
        minimise(points, self.start(points, beta))
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
        let given = start.map(|start| Dynamics {
            alpha: start.alpha * forward.powf(start.beta - beta),
            nu: start.nu,
            rho: start.rho.clamp(-RHO_MAX, RHO_MAX),
            expiry_years,
        });
        let mut best = plain;
        let mut least = f64::INFINITY;
        let enough = self.weight * (GOOD_START * level).powi(2);
        let wide = if self.shape.len() < 7 { 3 } else { 7 };
        let guesses = [3, wide].into_iter().map(guess);
        for candidate in given.into_iter().chain(guesses).chain([plain]) {
            let cost = cost(points, &candidate);
            if cost < least {
                (best, least) = (candidate, cost);
            }
            if least < enough {
                break;
            }
        }
        best
    }

    /// Searches `β` outside: for each, the other parameters are quickly found.
    fn best_beta(&self) -> f64 {
        let cost = |beta: f64| self.solve(beta, &self.points(beta)).cost;
        let tried = BETAS.map(|beta| (beta, cost(beta)));
        let (mut best, mut least) = tried.into_iter().fold(tried[0], |a, b| if b.1 < a.1 { b } else { a });
        let (mut low, mut high) = ((best - 0.25).max(0.0), (best + 0.25).min(1.0));
        let golden = 0.5 * (5.0_f64.sqrt() - 1.0);
        for _ in 0..SECTIONS {
            // The section on the wider side of the best; it or the best becomes a bound.
            let right = high - best > best - low;
            let beta = best + (1.0 - golden) * if right { high - best } else { low - best };
            let cost = cost(beta);
            let (better, outer) = if cost < least { (true, best) } else { (false, beta) };
            if right == better {
                low = outer;
            } else {
                high = outer;
            }
            if better {
                (best, least) = (beta, cost);
            }
        }
        best
    }
}

fn cost(points: &[Target], dynamics: &Dynamics) -> f64 {
    let square = |point: &Target| {
        let error = point.model.volatility(dynamics) - point.volatility;
        point.weight * error * error
    };
    points.iter().map(square).sum()
}

/// Damped Gauss-Newton in `ln α`, `ρν` and `ν²`, of which the last is at least the square of the one before.
fn minimise(points: &[Target], start: Dynamics) -> Solution {
    let mut at = start;
    let mut normal = Normal::new(points, &at);
    let mut damping = 0.0;
    let mut iterations = 1;
    while iterations < ITERATIONS_MAX && damping < DAMPING_MAX && normal.cost > 0.0 {
        let step = normal.step(damping, &at);
        let next = moved(&at, step);
        let trial = Normal::new(points, &next);
        iterations += 1;
        let small = damping == 0.0 && step.iter().all(|change| change.abs() < STEP_MIN);
        if trial.cost < normal.cost {
            let settled = damping == 0.0 && normal.cost - trial.cost < 1e-12 * normal.cost;
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
    Solution { dynamics: at, cost, worst: normal.worst, iterations }
}

/// The parameters after a step.
fn moved(at: &Dynamics, [level, skew, curvature]: [f64; 3]) -> Dynamics {
    let alpha = at.alpha * level.clamp(-LOG_STEP_MAX, LOG_STEP_MAX).exp();
    let skew = at.rho * at.nu + skew;
    let nu = (at.nu * at.nu + curvature).max((skew / RHO_MAX).powi(2)).sqrt();
    let rho = if nu > 0.0 { (skew / nu).clamp(-RHO_MAX, RHO_MAX) } else { 0.0 };
    Dynamics { alpha, nu, rho, expiry_years: at.expiry_years }
}

impl Normal {
    fn new(points: &[Target], dynamics: &Dynamics) -> Self {
        let mut normal = Self { cost: 0.0, worst: 0.0, gradient: [0.0; 3], hessian: [[0.0; 3]; 3] };
        for point in points {
            let (volatility, by) = point.model.gradient(dynamics);
            let error = volatility - point.volatility;
            normal.cost += point.weight * error * error;
            normal.worst = normal.worst.max(error.abs());
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

    /// The damped step. Where `ρ` is at its bound and the step would lead out, the best one along the bound, a parabola.
    fn step(&self, damping: f64, at: &Dynamics) -> [f64; 3] {
        let mut right = self.gradient.map(|slope| -slope);
        let free = solve(self.hessian, right, damping);
        if at.rho.abs() < RHO_MAX - 1e-9 || moved(at, free).rho.abs() < RHO_MAX - 1e-9 {
            return free;
        }
        let bend = 2.0 / (RHO_MAX * RHO_MAX);
        let tangent = bend * at.rho * at.nu;
        let mut h = self.hessian;
        right[1] += tangent * right[2];
        h[1][0] += tangent * h[2][0];
        h[1][1] += tangent * (2.0 * h[2][1] + tangent * h[2][2]) + bend * self.gradient[2].max(0.0);
        right[2] = 0.0;
        h[2] = [0.0, 0.0, 1.0];
        let [level, skew, _] = solve(h, right, damping);
        [level, skew, tangent * skew]
    }
}

/// The `x` of `h x = right`, of which `h` gives the lower half, with the diagonal raised by its share `damping`:
/// elimination to `L D Lᵀ`, row by row.
fn solve(mut h: [[f64; 3]; 3], right: [f64; 3], damping: f64) -> [f64; 3] {
    let mut x = right;
    // What the quotes do not determine stays where it is.
    let floor = 1e-14 * (h[0][0] + h[1][1]) + f64::MIN_POSITIVE;
    for (i, row) in h.iter_mut().enumerate() {
        row[i] += damping * row[i] + floor;
    }
    for i in 0..3 {
        for j in 0..i {
            let lower = h[i][j];
            h[i][j] /= h[j][j];
            for k in j + 1..=i {
                h[i][k] -= lower * if k == i { h[i][j] } else { h[k][j] };
            }
            x[i] -= h[i][j] * x[j];
        }
    }
    for i in (0..3).rev() {
        x[i] /= h[i][i];
        for j in i + 1..3 {
            x[i] -= h[j][i] * x[j];
        }
    }
    x
}
