//! The expansions of the implied volatility, in one form, with exact derivatives.
//!
//! Every one is `α · level · z/x(z) · (1 + T · correction)` with `z = ν · reach / α`, where `level` and `reach` depend
//! only on strike, forward and `β`, and
//! `x(z) = ln((√(1 - 2ρz + z²) + z - ρ) / (1 - ρ))`. The correction of Hagan and Obłój is
//! `square α² + cross ρνα + (2 - 3ρ²) ν²/24`. That of Le Floc'h and Kennedy is `square Ω² + cross ρνα - ν² G(x)` with
//! `Ω = α · level · z/x` and `G = (ln(z/x) - ln(1 - 2ρz + z²)/4) / x²`, which tends to `-(2 - 3ρ²)/24`; so written, it
//! needs no expansion at the money, and holds for `β = 1` and `ν = 0`.

use super::{Expansion, Parameters};
use crate::option::black_scholes::log_ratio;

/// What fitting may move, with the expiry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dynamics {
    pub(super) alpha: f64,
    pub(super) nu: f64,
    pub(super) rho: f64,
    pub(super) expiry_years: f64,
}

impl Dynamics {
    pub(super) const fn of(parameters: &Parameters, expiry_years: f64) -> Self {
        let Parameters { alpha, nu, rho, .. } = *parameters;
        Self { alpha, nu, rho, expiry_years }
    }
}

/// All that does not change while `β` is fixed: two logarithms and an exponential, once per strike.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    reach: f64,
    level: f64,
    square: f64,
    cross: f64,
    follows_strike: bool,
}

impl Point {
    /// The constants at a forward and a strike, both positive.
    pub(super) fn new(expansion: Expansion, (forward, strike): (f64, f64), beta: f64) -> Self {
        let b = 1.0 - beta;
        let log = log_ratio(forward, strike);
        let mean_log = strike.ln() + 0.5 * log;
        let mean = (b * mean_log).exp();
        let half = 0.5 * b * log;
        let spread = match expansion {
            Expansion::Hagan | Expansion::HaganNormal => hagan_series(half),
            Expansion::Obloj | Expansion::FlochKennedy => sinh_ratio(half),
        };
        let cross = 0.25 * beta / mean;
        let base = Self {
            reach: mean * log,
            level: 1.0 / (mean * spread),
            square: b * b / (24.0 * mean * mean),
            cross,
            follows_strike: false,
        };
        match expansion {
            Expansion::Hagan => base,
            Expansion::Obloj => Self { reach: base.reach * spread, ..base },
            Expansion::FlochKennedy => Self {
                reach: base.reach * spread,
                square: 0.25 * b * b * log_sinh_ratio(half),
                cross: cross * sinh_ratio(0.5 * beta * log) / sinh_ratio(0.5 * log),
                follows_strike: true,
                ..base
            },
            Expansion::HaganNormal => Self {
                level: (beta * mean_log).exp() * hagan_series(0.5 * log) / spread,
                square: -beta * (2.0 - beta) / (24.0 * mean * mean),
                ..base
            },
        }
    }

    /// The volatility.
    #[inline]
    pub(super) fn volatility(&self, dynamics: &Dynamics) -> f64 {
        let Dynamics { alpha, nu, rho, expiry_years } = *dynamics;
        let bend = Bend::new(nu * self.reach / alpha, rho);
        let leading = alpha * self.level * bend.ratio;
        let correction = if self.follows_strike {
            self.square * leading * leading + self.cross * rho * nu * alpha
                - nu * nu * bend.curvature(rho).value
        } else {
            self.square * alpha * alpha
                + self.cross * rho * nu * alpha
                + (2.0 - 3.0 * rho * rho) * nu * nu / 24.0
        };
        leading * (1.0 + expiry_years * correction)
    }

    /// The volatility and its derivatives by `ln α`, `ν` and `ρ`.
    #[inline]
    pub(super) fn gradient(&self, dynamics: &Dynamics) -> (f64, [f64; 3]) {
        let Dynamics { alpha, nu, rho, expiry_years } = *dynamics;
        let slope = self.reach / alpha;
        let bend = Bend::new(nu * slope, rho);
        let (by_z, by_rho) = bend.ratio_derivatives(rho);
        let scale = alpha * self.level;
        let leading = scale * bend.ratio;
        let leading_by = [leading - scale * bend.z * by_z, scale * slope * by_z, scale * by_rho];

        let cross = self.cross * alpha;
        let mut correction = cross * rho * nu;
        let mut correction_by = [cross * rho * nu, cross * rho, cross * nu];
        if self.follows_strike {
            let curvature = bend.curvature(rho);
            correction += self.square * leading * leading - nu * nu * curvature.value;
            let by_x = nu * nu * curvature.by_x;
            let x_by = [-bend.z / bend.root, slope / bend.root, bend.x_by_rho()];
            for i in 0..3 {
                correction_by[i] += 2.0 * self.square * leading * leading_by[i] - by_x * x_by[i];
            }
            correction_by[1] -= 2.0 * nu * curvature.value;
            correction_by[2] -= nu * nu * curvature.by_rho;
        } else {
            let square = self.square * alpha * alpha;
            let weight = 2.0 - 3.0 * rho * rho;
            correction += square + weight * nu * nu / 24.0;
            correction_by[0] += 2.0 * square;
            correction_by[1] += weight * nu / 12.0;
            correction_by[2] -= 0.25 * rho * nu * nu;
        }
        let factor = 1.0 + expiry_years * correction;
        let by = std::array::from_fn(|i| leading_by[i] * factor + leading * expiry_years * correction_by[i]);
        (leading * factor, by)
    }
}

/// The geodesic distance `x` of a `z`, free of cancellation at `z = 0` and for `z` of either sign.
struct Bend {
    z: f64,
    x: f64,
    /// `√(1 - 2ρz + z²)`.
    root: f64,
    /// `e^|x| - 1`.
    excess: f64,
    /// `z/x`.
    ratio: f64,
}

/// Value and derivatives of `G`.
struct Curvature {
    value: f64,
    by_x: f64,
    by_rho: f64,
}

/// Below this distance the derivative of `z/x` by `z` is the beginning of its series.
const SHORT: f64 = 1e-5;
/// Below this half distance `G` is the beginning of its series.
const NEAR: f64 = 0.05;

impl Bend {
    #[inline]
    fn new(z: f64, rho: f64) -> Self {
        let root = ((z - rho) * (z - rho) + (1.0 - rho) * (1.0 + rho)).sqrt();
        // x(z; ρ) = -x(-z; -ρ): the side on which nothing cancels.
        let (size, side) = if z < 0.0 { (-z, -rho) } else { (z, rho) };
        let excess = size * (1.0 + (size - 2.0 * side) / (root + 1.0)) / (1.0 - side);
        let x = excess.ln_1p().copysign(z);
        let ratio = if x == 0.0 { 1.0 } else { z / x };
        Self { z, x, root, excess, ratio }
    }

    /// `(cosh x - 1)/√(1 - 2ρz + z²)`.
    #[inline]
    fn x_by_rho(&self) -> f64 {
        self.excess / (1.0 + self.excess) * self.excess * 0.5 / self.root
    }

    /// The derivatives of `z/x` by `z` and `ρ`.
    #[inline]
    fn ratio_derivatives(&self, rho: f64) -> (f64, f64) {
        if self.x.abs() < SHORT {
            return (-0.5 * rho + (2.0 - 3.0 * rho * rho) * self.z / 6.0, -0.5 * self.z);
        }
        ((1.0 - self.ratio / self.root) / self.x, -self.ratio * self.x_by_rho() / self.x)
    }

    /// `G`. With `t = tanh(x/2)`, `z/x` is `sinh(x/2)/(x/2) · (cosh(x/2) - ρ sinh(x/2))`, so that the logarithms become
    /// those of `1 - ρt` and `1 + t² - 2ρt`; near zero their difference is a second difference of `ln cosh`.
    fn curvature(&self, rho: f64) -> Curvature {
        let u = 0.5 * self.x;
        let t = u.tanh();
        let p = 1.0 - rho * t;
        let q = 1.0 + t * t - 2.0 * rho * t;
        let share = if self.x == 0.0 { 0.5 } else { t / self.x };
        let by_rho = share * share * (rho - t) / (p * q);
        if u.abs() < NEAR {
            let tau = (rho - t) / p;
            let s = 1.0 - tau * tau;
            let (second, third) = (s * (4.0 - 6.0 * s) / 12.0, s * (16.0 + 120.0 * s * (s - 1.0)) / 360.0);
            let square = u * u;
            let even = 1.0 / 6.0 - square / 180.0 + square * square / 2835.0;
            let value = 0.25 * (even - 0.5 * (s + square * (second + square * third)));
            let drift = 2.0 * s * tau * (1.0 + square * (1.0 / 3.0 - s));
            let slope = -u / 90.0 - 0.5 * (drift + 2.0 * u * (second + 2.0 * square * third));
            return Curvature { value, by_x: 0.125 * slope, by_rho };
        }
        let value = ((u.sinh() / u).ln() + p.ln() - 0.5 * q.ln()) / (self.x * self.x);
        let gain = 0.5 * (1.0 / t - 1.0 / u) - 0.5 * (1.0 - rho * rho) * t * (1.0 - t * t) / (p * q);
        Curvature { value, by_x: (gain / self.x - 2.0 * value) / self.x, by_rho }
    }
}

/// Hagan's beginning of the series of `sinh(y)/y`.
fn hagan_series(y: f64) -> f64 {
    let square = y * y;
    1.0 + square / 6.0 + square * square / 120.0
}

/// `sinh(y)/y`.
fn sinh_ratio(y: f64) -> f64 {
    if y.abs() < 0.03 { hagan_series(y) + y.powi(6) / 5040.0 } else { y.sinh() / y }
}

/// `ln(sinh(y)/y)/y²`.
fn log_sinh_ratio(y: f64) -> f64 {
    let square = y * y;
    if y.abs() < 0.05 {
        1.0 / 6.0 - square / 180.0 + square * square / 2835.0
    } else {
        (y.sinh() / y).ln() / square
    }
}
