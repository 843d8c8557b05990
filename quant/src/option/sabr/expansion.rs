//! The expansions of the implied volatility, in one form, with exact derivatives.
//!
//! Every one is `α · level · z/x(z) · (1 + T · correction)` with `z = ν · reach / α`, where `level` and `reach` depend
//! only on strike, forward and `β`, and
//! `x(z) = ln((√(1 - 2ρz + z²) + z - ρ) / (1 - ρ))`. The correction of Hagan and Obłój is
//! `square α² + cross ρνα + (2 - 3ρ²) ν²/24`. That of Le Floc'h and Kennedy is `square Ω² + cross ρνα - ν² G(x)` with
//! `Ω = α · level · z/x` and `G = (ln(z/x) - ln(1 - 2ρz + z²)/4) / x²`, which tends to `-(2 - 3ρ²)/24`; so written, it
//! needs no expansion at the money, and holds for `β = 1` and `ν = 0`.

use super::{Expansion, Parameters};

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
    /// The constants at a strike, given the logarithms of the forward and of the strike over it.
    pub(super) fn new(expansion: Expansion, (log_forward, moneyness): (f64, f64), beta: f64) -> Self {
        let b = 1.0 - beta;
        let log = -moneyness;
        let mean_log = log_forward + 0.5 * moneyness;
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
        let bend = Bend::new(nu * (self.reach * (1.0 / alpha)), rho);
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

    /// The volatility and its derivatives by `ln α`, `ρν` and `ν²`: in these it is smooth also where `ν` is zero, and
    /// nearly linear for short expiries.
    #[inline]
    pub(super) fn gradient(&self, dynamics: &Dynamics) -> (f64, [f64; 3]) {
        let Dynamics { alpha, nu, rho, expiry_years } = *dynamics;
        let slope = self.reach * (1.0 / alpha);
        let bend = Bend::new(nu * slope, rho);
        let ratio_by = bend.ratio_derivatives(rho);
        let scale = alpha * self.level;
        let leading = scale * bend.ratio;
        let leading_by = [
            leading - scale * bend.z * ratio_by.z,
            scale * slope * ratio_by.rho,
            0.5 * scale * slope * slope * ratio_by.square,
        ];
        let cross = self.cross * alpha;
        let mut correction = cross * rho * nu;
        let mut correction_by = [cross * rho * nu, cross, 0.0];
        if self.follows_strike {
            let curvature = bend.curvature(rho);
            let x_by_rho = bend.x_by_rho();
            correction += self.square * leading * leading - nu * nu * curvature.value;
            // ν² times the derivatives of x.
            let x_by = [
                -nu * nu * bend.z / bend.root,
                nu * x_by_rho,
                0.5 * (nu * slope / bend.root - rho * x_by_rho),
            ];
            for i in 0..3 {
                correction_by[i] += 2.0 * self.square * leading * leading_by[i] - curvature.by_x * x_by[i];
            }
            correction_by[1] -= nu * curvature.by_rho;
            correction_by[2] += 0.5 * rho * curvature.by_rho - curvature.value;
        } else {
            let square = self.square * alpha * alpha;
            correction += square + (2.0 - 3.0 * rho * rho) * nu * nu / 24.0;
            correction_by[0] += 2.0 * square;
            correction_by[1] -= 0.25 * rho * nu;
            correction_by[2] += 1.0 / 12.0;
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
    /// `1/x`, or zero.
    inverse: f64,
    /// `√(1 - 2ρz + z²)`.
    root: f64,
    /// `e^|x| - 1`.
    excess: f64,
    /// `z/x`.
    ratio: f64,
}

/// Derivatives of `z/x`.
struct RatioBy {
    z: f64,
    /// By `ρ`, divided by `z`.
    rho: f64,
    /// By `z²` at fixed `ρz`, doubled.
    square: f64,
}

/// Value and derivatives of `G`.
struct Curvature {
    value: f64,
    by_x: f64,
    by_rho: f64,
}

/// Below this distance the derivatives of `z/x` are the beginnings of their series.
const SHORT: f64 = 1e-4;
/// Below this half distance `G` is the beginning of its series.
const NEAR: f64 = 0.05;

impl Bend {
    #[inline]
    fn new(z: f64, rho: f64) -> Self {
        let root = ((z - rho) * (z - rho) + (1.0 - rho) * (1.0 + rho)).sqrt();
        // x(z; ρ) = -x(-z; -ρ): the side on which nothing cancels. The quotients by ρ are the same for a whole smile.
        let (above, below) = (1.0 / (1.0 - rho), 1.0 / (1.0 + rho));
        let (size, side, scale) = if z < 0.0 { (-z, -rho, below) } else { (z, rho, above) };
        let excess = size * (1.0 + (size - 2.0 * side) / (root + 1.0)) * scale;
        let x = ln_1p(excess).copysign(z);
        let inverse = if x == 0.0 { 0.0 } else { 1.0 / x };
        let ratio = if x == 0.0 { 1.0 } else { z * inverse };
        Self { z, x, inverse, root, excess, ratio }
    }

    /// The derivative of `x` by `ρ`, `(cosh x - 1)/√(1 - 2ρz + z²)`.
    #[inline]
    fn x_by_rho(&self) -> f64 {
        0.5 * self.excess * (self.excess / (1.0 + self.excess)) / self.root
    }

    /// The derivatives of `z/x`. For short distances from the series of `x`, whose coefficients are Legendre's
    /// polynomials of `ρ`.
    #[inline]
    fn ratio_derivatives(&self, rho: f64) -> RatioBy {
        let z = self.z;
        if self.x.abs() < SHORT {
            let square = rho * rho;
            let by_z = -0.5 * rho + z * ((2.0 - 3.0 * square) / 6.0 + z * rho * (5.0 - 6.0 * square) / 8.0);
            return RatioBy { z: by_z, rho: -0.5 - 0.5 * rho * z, square: 1.0 / 3.0 + rho * z * 5.0 / 12.0 };
        }
        let by_z = (1.0 - self.ratio / self.root) * self.inverse;
        let by_rho = -self.x_by_rho() * self.inverse * self.inverse;
        RatioBy { z: by_z, rho: by_rho, square: (by_z - rho * by_rho) / z }
    }

    /// `G`. With `t = tanh(x/2)`, `z/x` is `sinh(x/2)/(x/2) · cosh(x/2) (1 - ρt)` and `√(1 - 2ρz + z²)` is
    /// `cosh²(x/2) (1 + t² - 2ρt)`; near zero the difference of their logarithms is a second difference of `ln cosh`.
    #[inline]
    fn curvature(&self, rho: f64) -> Curvature {
        let u = 0.5 * self.x;
        let t = (self.excess / (self.excess + 2.0)).copysign(u);
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
        // sinh|u| = (e^|x| - 1) e^{-|u|}/2.
        let logs = 0.5 * ((p * self.excess / self.x).powi(2) / q).ln() - u.abs();
        let value = logs / (self.x * self.x);
        let gain = 0.5 * (1.0 / t - 1.0 / u) - 0.5 * (1.0 - rho * rho) * t * (1.0 - t * t) / (p * q);
        Curvature { value, by_x: (gain / self.x - 2.0 * value) / self.x, by_rho }
    }
}

/// `ln(1 + e)` for `e ≥ 0`: the logarithm of the rounded sum, corrected for the rounding.
#[inline]
fn ln_1p(e: f64) -> f64 {
    let sum = 1.0 + e;
    let rounded = sum - 1.0;
    if rounded > 0.0 { sum.ln() * (e / rounded) } else { e }
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
