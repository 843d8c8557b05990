//! The integral behind a price, to full accuracy for any parameters.
//!
//! With `x = ln(F / K)` and `φ` the characteristic function of `ln(S_T / F)`, the value of an option over `√(F K)` differs
//! from Black's at total variance `v` by
//!
//! `-1/π ∫ Re[e^{i z x} (φ(z - i/2) - exp(-v (z² + 1/4) / 2)) / (z² + 1/4)] dz`
//!
//! (Lewis, Option Valuation under Stochastic Volatility, 2000, with the control variate of Andersen and Piterbarg, Interest
//! Rate Modeling, 2010). The path leaves zero at an angle where that turns oscillation into decay (Andersen and Lake,
//! Robust High-Precision Option Pricing by Fourier Transforms, 2018). Far out of the money it runs through the saddle point
//! beyond the pole instead, without a control variate, and then even a price of 1e-58 has its digits. Either integral is
//! taken by the double-exponential rule (Takahasi and Mori, 1974; `u = s exp(t - exp(-t))`), halving the step until nothing
//! changes.

use super::Parameters;
use super::complex::Complex;
use super::elementary::exp;
use super::exponent::{Exponent, exponential};
use super::kernel::BLOCK;
use crate::QuantError;
use fearless_simd::{Level, dispatch};
use std::f64::consts::PI;

/// Halvings of the step before an integral counts as divergent.
const HALVINGS_MAX: usize = 9;
/// Blocks of nodes at one step size.
const BLOCKS_MAX: usize = 8192;
/// How much more than is wanted may be lost to rounding where parameters are extreme.
const ROUNDING: f64 = 1e4;
const FIRST_STEP: f64 = 0.125;
/// Where the rule begins: below this, nodes and weights vanish.
const FIRST_NODE: f64 = -3.75;
/// Against oscillation that the decay outlives.
const TILT: f64 = 0.267_949_192_431_122_7;

/// How many functions are integrated together.
pub(super) const INTEGRALS: usize = 9;

/// The integrals for a price and all its derivatives, each times `-1/π`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Integrals {
    pub(super) value: f64,
    pub(super) by_x: f64,
    pub(super) by_x_twice: f64,
    pub(super) by_time: f64,
    /// By v₀, κ, θ, σ, ρ.
    pub(super) by_parameter: [f64; 5],
}

/// What is integrated, and along which path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contour<'a> {
    pub(super) parameters: &'a Parameters,
    pub(super) time: f64,
    pub(super) x: f64,
    /// Total variance of the control variate; none without one.
    pub(super) control: Option<f64>,
    /// The imaginary part where the path begins.
    pub(super) shift: f64,
    /// The slope of the path.
    pub(super) tilt: f64,
    /// The scale of the nodes: about where the integrand has fallen off.
    pub(super) scale: f64,
}

impl<'a> Contour<'a> {
    /// The path for ordinary prices.
    pub(super) fn ordinary(parameters: &'a Parameters, time: f64, x: f64) -> Self {
        let variance = parameters.expected_variance(time);
        let drift = parameters.v0 + parameters.kappa * parameters.theta * time;
        // The frequency that is left where the characteristic function has become exponential.
        let left = parameters.rho * drift - parameters.sigma * x;
        let tilt = if left * x < 0.0 { TILT.copysign(x) } else { 0.0 };
        Self { parameters, time, x, control: Some(variance), shift: 0.0, tilt, scale: 1.0 / variance.sqrt() }
    }

    /// The value's integral alone.
    ///
    /// # Errors
    /// If the integral does not settle.
    pub(super) fn value(&self) -> Result<f64, QuantError> {
        let sums = self.integrate::<1>(|contour, nodes, columns| {
            dispatch!(Level::new(), _ => values(contour, nodes, columns));
        })?;
        Ok(sums[0])
    }

    /// All integrals.
    ///
    /// # Errors
    /// If one does not settle.
    pub(super) fn derivatives(&self) -> Result<Integrals, QuantError> {
        let sums = self.integrate::<INTEGRALS>(|contour, nodes, columns| {
            dispatch!(Level::new(), _ => derivatives(contour, nodes, columns));
        })?;
        let [value, by_x, by_x_twice, by_time, by_parameter @ ..] = sums;
        Ok(Integrals { value, by_x, by_x_twice, by_time, by_parameter })
    }

    fn integrate<const N: usize>(&self, fill: Fill<N>) -> Result<[f64; N], QuantError> {
        let mut step = FIRST_STEP;
        let mut sum = self.sweep(FIRST_NODE, step, fill);
        let mut changes = [f64::INFINITY; N];
        for _ in 0..HALVINGS_MAX {
            let between = self.sweep(FIRST_NODE + 0.5 * step, step, fill);
            let before = sum;
            step *= 0.5;
            for k in 0..N {
                sum.total[k] += between.total[k];
                sum.size[k] += between.size[k];
            }
            // The error is squared by each halving, so what is left is far below what has just changed; and a small change
            // that no longer shrinks is rounding.
            let mut settled = true;
            for (k, last) in changes.iter_mut().enumerate() {
                let change = (0.5 * sum.total[k] - before.total[k]).abs() * 2.0 * step;
                let enough = 1e-12 * before.size[k] * step + self.negligible(k);
                let stalled = change > 0.5 * *last && change < ROUNDING * enough;
                settled &= change <= enough || stalled;
                *last = change;
            }
            if settled {
                return Ok(sum.total.map(|total| -total * step / PI));
            }
        }
        Err(QuantError::NoConvergence { what: "integral of the Heston price", iterations: HALVINGS_MAX })
    }

    /// What is nothing in the integral of this number: the two parts of an integrand with a control variate may cancel to
    /// their rounding errors, whose size does not follow from that of the difference.
    fn negligible(&self, k: usize) -> f64 {
        let deviation = 1.0 / self.scale;
        match (self.control, k) {
            (Some(_), 0) => 1e-14 * deviation.min(1.0),
            (Some(_), 1) => 1e-14,
            (Some(_), 2) => 1e-14 * self.scale,
            _ => 0.0,
        }
    }

    /// The integrands summed over nodes a step apart, until they vanish.
    fn sweep<const N: usize>(&self, first: f64, step: f64, fill: Fill<N>) -> Sum<N> {
        let mut sum = Sum { total: [0.0; N], size: [0.0; N] };
        let mut columns = [[0.0; BLOCK]; N];
        let mut at = first;
        for _ in 0..BLOCKS_MAX {
            let nodes = std::array::from_fn(|j| step.mul_add(j as f64, at));
            at = step.mul_add(BLOCK as f64, at);
            fill(self, &nodes, &mut columns);
            let mut vanished = at > 1.0;
            for (k, column) in columns.iter().enumerate() {
                let size: f64 = column.iter().map(|term| term.abs()).sum();
                sum.total[k] += column.iter().sum::<f64>();
                sum.size[k] += size;
                vanished &= size <= 1e-18 * sum.size[k];
            }
            if vanished {
                break;
            }
        }
        sum
    }
}

type Fill<const N: usize> = fn(&Contour<'_>, &[f64; BLOCK], &mut [[f64; BLOCK]; N]);

#[derive(Clone, Copy)]
struct Sum<const N: usize> {
    total: [f64; N],
    /// Of the absolute values.
    size: [f64; N],
}

/// A node of the rule on the path.
struct Point {
    z: Complex,
    /// `i z x`.
    wave: Complex,
    /// What multiplies the characteristic function.
    weight: Complex,
}

#[inline(always)]
fn point(contour: &Contour<'_>, node: f64) -> Point {
    let shrink = exp(-node);
    let u = contour.scale * exp(node - shrink);
    let z = Complex::new(u, u.mul_add(contour.tilt, contour.shift));
    let path = Complex::new(1.0, contour.tilt).scale(u * (1.0 + shrink));
    let weight = path * (z * z + Complex::new(0.25, 0.0)).inverse();
    Point { z, wave: z.scale(contour.x).turned(), weight }
}

/// The control variate's part of the integrand; zero without one.
#[inline(always)]
fn control(contour: &Contour<'_>, exponent: &Exponent, wave: Complex) -> Complex {
    let variance = contour.control.unwrap_or(0.0);
    let factor = if contour.control.is_some() { 1.0 } else { 0.0 };
    exponential(wave - exponent.a.scale(0.5 * variance)).scale(factor)
}

#[inline(always)]
fn values(contour: &Contour<'_>, nodes: &[f64; BLOCK], columns: &mut [[f64; BLOCK]; 1]) {
    let (contour, parameters, nodes) = (*contour, *contour.parameters, *nodes);
    let mut out = [0.0; BLOCK];
    for j in 0..BLOCK {
        let Point { z, wave, weight } = point(&contour, nodes[j]);
        let exponent = Exponent::new(&parameters, contour.time, z);
        let full = exponential(exponent.value(&parameters) + wave);
        out[j] = (weight * (full - control(&contour, &exponent, wave))).re;
    }
    columns[0] = out;
}

#[inline(always)]
fn derivatives(contour: &Contour<'_>, nodes: &[f64; BLOCK], columns: &mut [[f64; BLOCK]; INTEGRALS]) {
    let (contour, parameters, nodes) = (*contour, *contour.parameters, *nodes);
    let mut out = [[0.0; BLOCK]; INTEGRALS];
    for j in 0..BLOCK {
        let Point { z, wave, weight } = point(&contour, nodes[j]);
        let exponent = Exponent::new(&parameters, contour.time, z);
        let full = weight * exponential(exponent.value(&parameters) + wave);
        let by = exponent.by_parameter(&parameters, contour.time, z);
        let difference = full - weight * control(&contour, &exponent, wave);
        let by_x = (difference * z).turned();
        out[0][j] = difference.re;
        out[1][j] = by_x.re;
        out[2][j] = (by_x * z).turned().re;
        out[3][j] = (full * exponent.by_time(&parameters)).re;
        out[4][j] = (full * by.v0).re;
        out[5][j] = (full * by.kappa).re;
        out[6][j] = (full * by.theta).re;
        out[7][j] = (full * by.sigma).re;
        out[8][j] = (full * by.rho).re;
    }
    *columns = out;
}
