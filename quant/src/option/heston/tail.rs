//! Prices far out of the money, along the path through the saddle point.
//!
//! There the integrand is as small as the price itself, so that nothing cancels. The saddle lies where
//! `E[(S_T / F)^p]` is finite; how far that is follows from the time at which a moment explodes (Andersen and Piterbarg,
//! Finance and Stochastics 11, 2007).

use super::Parameters;
use super::complex::Complex;
use super::contour::Contour;
use super::exponent::Exponent;
use crate::QuantError;
use std::f64::consts::FRAC_PI_2;

const BISECTIONS_MAX: usize = 100;
const SECTIONS_MAX: usize = 60;
const MOMENT_MAX: f64 = 1e8;
const GOLDEN: f64 = 0.618_033_988_749_894_8;

/// The value over `√(F K)` of the option out of the money at `x = ln(F / K)`.
///
/// # Errors
/// If the integral does not settle.
pub(super) fn value(parameters: &Parameters, time: f64, x: f64) -> Result<f64, QuantError> {
    // A call is out of the money below the strike, and its path has p = 1/2 + side β above one; a put's has p below zero.
    let side = if x < 0.0 { 1.0 } else { -1.0 };
    let path = |beta: f64| Complex::new(0.0, -side * beta);
    let height = |beta: f64| {
        let exponent = Exponent::new(parameters, time, path(beta)).value(parameters).re;
        exponent - x.abs() * beta - (beta * beta - 0.25).ln()
    };
    let most = farthest(parameters, time, side);
    let beta = lowest(0.5 + 1e-6 * (most - 0.5), most - 1e-6 * (most - 0.5), height);
    let width = 1e-3 * (most - beta).min(beta - 0.5);
    let bend = (height(beta + width) - 2.0 * height(beta) + height(beta - width)) / (width * width);
    let scale = if bend > 0.0 { bend.sqrt().recip() } else { beta };
    let contour =
        Contour { parameters, time, x, control: None, shift: -side * beta, tilt: 0.0, scale: 2.0 * scale };
    contour.value()
}

/// The largest β below which the moment `1/2 + side β` is finite.
fn farthest(parameters: &Parameters, time: f64, side: f64) -> f64 {
    let finite = |beta: f64| explosion_time(parameters, 0.5 + side * beta) > time;
    let (mut low, mut high) = (0.5, 1.0);
    while finite(high) && high < MOMENT_MAX {
        low = high;
        high *= 2.0;
    }
    for _ in 0..BISECTIONS_MAX {
        let middle = 0.5 * (low + high);
        if finite(middle) {
            low = middle;
        } else {
            high = middle;
        }
        if high - low < 1e-12 * high {
            break;
        }
    }
    low
}

/// When `E[S^p]` becomes infinite.
fn explosion_time(parameters: &Parameters, p: f64) -> f64 {
    let Parameters { kappa, sigma, rho, .. } = *parameters;
    let pull = kappa - rho * sigma * p;
    let discriminant = pull * pull - sigma * sigma * (p * p - p);
    if discriminant < 0.0 {
        let root = (-discriminant).sqrt();
        return 2.0 / root * (FRAC_PI_2 + (pull / root).atan());
    }
    if pull >= 0.0 {
        return f64::INFINITY;
    }
    let root = discriminant.sqrt();
    if root < 1e-8 * pull.abs() { -2.0 / pull } else { ((root - pull) / (-root - pull)).ln() / root }
}

/// Where a function with one valley between the bounds is lowest: golden-section search.
fn lowest(mut low: f64, mut high: f64, height: impl Fn(f64) -> f64) -> f64 {
    let (mut left, mut right) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
    let (mut at_left, mut at_right) = (height(left), height(right));
    for _ in 0..SECTIONS_MAX {
        if at_left < at_right {
            (high, right, at_right) = (right, left, at_left);
            left = high - GOLDEN * (high - low);
            at_left = height(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = low + GOLDEN * (high - low);
            at_right = height(right);
        }
        if high - low < 1e-4 * (low - 0.5) {
            break;
        }
    }
    0.5 * (low + high)
}
