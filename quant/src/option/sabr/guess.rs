//! Explicit first guesses (Le Floc'h and Kennedy, "Explicit SABR calibration through simple expansions", 2014).
//!
//! A parabola through quotes about the money gives level, skew and curvature of the smile; the leading order of the
//! expansion turns these into `ν` and `ρ`, and a cubic equation into `α`.

use super::expansion::Dynamics;
use super::{Expansion, Underlying};

/// A smile about the money: volatility and its first two derivatives by `ln(K/F)`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parabola {
    level: f64,
    skew: f64,
    curvature: f64,
}

/// Newton steps for `α`; three to five are needed.
const STEPS_MAX: usize = 20;
const RHO_MAX: f64 = super::fit::RHO_MAX;

impl Parabola {
    /// The least-squares parabola through `count` neighbours about the money of quotes in order of strike, given as
    /// pairs of `ln(K/F)` and volatility; exact for three.
    pub(super) fn about_the_money(smile: &[(f64, f64)], count: usize) -> Self {
        let nearest = (0..smile.len()).min_by(|&a, &b| smile[a].0.abs().total_cmp(&smile[b].0.abs()));
        let first = nearest.unwrap_or(0).saturating_sub(count / 2).min(smile.len() - count);
        let near = &smile[first..first + count];

        // Orthogonal polynomials of degree one and two on these abscissas.
        let total = near.iter().fold((0.0, 0.0, 0.0), |sum, &(x, y)| (sum.0 + x, sum.1 + y, sum.2 + 1.0));
        let (centre, mean) = (total.0 / total.2, total.1 / total.2);
        let moment =
            |f: &dyn Fn(f64, f64) -> f64| near.iter().map(|&(x, y)| f(x - centre, y - mean)).sum::<f64>();
        let second = moment(&|x, _| x * x);
        let third = moment(&|x, _| x * x * x);
        let (lean, offset) = (third / second, second / total.2);
        let bow = |x: f64| x * x - lean * x - offset;
        let slope = moment(&|x, y| x * y) / second;
        let bend = moment(&|x, y| bow(x) * y) / moment(&|x, _| bow(x) * bow(x));

        Self {
            level: mean - slope * centre + bend * bow(-centre),
            skew: slope - bend * (2.0 * centre + lean),
            curvature: 2.0 * bend,
        }
    }

    /// The parameters whose leading order this is (equations 32 and 33, and 37 for normal volatilities).
    pub(super) fn dynamics(&self, expansion: Expansion, underlying: &Underlying, beta: f64) -> Dynamics {
        let Self { level, skew, curvature } = *self;
        let forward = underlying.forward + underlying.shift;
        let years = underlying.expiry_years;
        let b = 1.0 - beta;
        let power = forward.powf(b);
        // In units of the forward, a normal volatility has the backbone of a Black one less one power of it.
        let (scale, tilt, nu_squared, square) = if expansion == Expansion::HaganNormal {
            let tilt = 2.0 * skew - beta * level;
            let rest = 0.5 * (beta * beta + beta) * level + 3.0 * (skew - 0.5 * beta * level);
            let nu_squared = level * (3.0 * curvature - rest) + 1.5 * tilt * tilt;
            (power / forward, tilt / forward, nu_squared / (forward * forward), -beta * (2.0 - beta))
        } else {
            let tilt = 2.0 * skew + b * level;
            let nu_squared = level * (3.0 * curvature - 0.5 * b * b * level) + 1.5 * tilt * tilt;
            (power, tilt, nu_squared, b * b)
        };
        let (nu, rho) = if nu_squared > 0.0 {
            let nu = nu_squared.sqrt();
            (nu, (tilt / nu).clamp(-RHO_MAX, RHO_MAX))
        } else {
            (tilt.abs(), RHO_MAX.copysign(tilt))
        };
        let cubic = [
            -level * scale,
            1.0 + (2.0 - 3.0 * rho * rho) * nu * nu * years / 24.0,
            0.25 * rho * beta * nu * years / power,
            square * years / (24.0 * power * power),
        ];
        Dynamics { alpha: root(&cubic, level * scale), nu, rho, expiry_years: years }
    }
}

/// The root of a cubic that Newton's method finds from `start`, or `start` if it finds no positive one.
fn root(cubic: &[f64; 4], start: f64) -> f64 {
    let mut x = start;
    for _ in 0..STEPS_MAX {
        let value = ((cubic[3] * x + cubic[2]) * x + cubic[1]) * x + cubic[0];
        let slope = (3.0 * cubic[3] * x + 2.0 * cubic[2]) * x + cubic[1];
        let next = x - value / slope;
        if (next - x).abs() <= 1e-14 * x.abs() {
            return if next > 0.0 { next } else { start };
        }
        x = next;
    }
    start
}
