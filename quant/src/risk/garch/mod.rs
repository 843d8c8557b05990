//! GARCH(1,1) with a constant mean (Bollerslev, Journal of Econometrics 31, 1986), by maximum likelihood.
//!
//! `rₜ = μ + εₜ`, `εₜ ~ N(0, vₜ)`, `vₜ = ω + α εₜ₋₁² + β vₜ₋₁`. What precedes the first return is the backcast of the
//! Python package arch: squared deviations of the first 75 returns from the mean of all, weighted by `0.94^t`. The fit
//! does not depend on the unit of the returns.

mod fit;
mod likelihood;

use super::moments::{Divisor, Moments};
use crate::{QuantError, check};
use likelihood::{Sample, Square, Vector};
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// The parameters. Mean in the unit of the returns, `omega` in its square.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Garch {
    /// Mean return, `μ`.
    pub mean: f64,
    /// Constant part of the variance, `ω`.
    pub omega: f64,
    /// Weight of the last squared residual, `α`.
    pub alpha: f64,
    /// Weight of the last variance, `β`.
    pub beta: f64,
}

/// A model that was fitted to returns.
#[derive(Debug, Clone, PartialEq)]
pub struct GarchFit {
    /// The most likely parameters.
    pub model: Garch,
    /// Logarithm of the likelihood.
    pub log_likelihood: f64,
    /// That of returns with constant mean and variance: a gain of less than three (chi-square with two degrees of freedom
    /// at 95 %) says that there is hardly anything to fit.
    pub log_likelihood_constant: f64,
    /// Standard errors from the curvature of the likelihood, right if residuals are normal.
    pub standard_errors: Garch,
    /// Standard errors that hold for other residuals too (Bollerslev and Wooldridge, 1992); the default of arch.
    pub robust_standard_errors: Garch,
    /// Volatility of each return, given those before it.
    pub volatilities: Vec<f64>,
    /// Variance of the next return.
    pub next_variance: f64,
    /// Steps that the search took.
    pub iterations: usize,
}

/// Fewest returns of a fit.
pub const OBSERVATIONS_MIN: usize = 50;
/// Most periods of a forecast.
pub const HORIZON_MAX: usize = 100_000;
/// Weight of the last squared residual below which there is no such effect, and so nothing that tells `β`.
const ALPHA_MIN: f64 = 1e-6;
/// Distance of the persistence from one below which variance has no long-run mean.
const STATIONARY_MIN: f64 = 1e-6;
/// Share of `ω` in the variance of the sample below which the variance is on its way to zero.
const OMEGA_MIN: f64 = 1e-9;

impl Garch {
    /// Fits the model to returns.
    ///
    /// # Errors
    /// If there are fewer than [`OBSERVATIONS_MIN`] returns, one is not finite, or they do not vary; with
    /// [`QuantError::NotIdentified`] if there is no effect to fit, the best fit is not stationary or has no variance, or
    /// the likelihood has no proper maximum.
    pub fn fit(returns: &[f64]) -> Result<GarchFit, QuantError> {
        check::series("returns", returns, OBSERVATIONS_MIN)?;
        let moments = Moments::of(returns)?;
        let deviation = moments.deviation_above_zero(Divisor::Observations)?;
        let scaled: Vec<f64> = returns.iter().map(|value| (value - moments.mean()) / deviation).collect();
        let sample = Sample { returns: &scaled, backcast: backcast(&scaled) };
        if !sample.backcast.is_finite() || sample.backcast <= 0.0 {
            return Err(QuantError::Constant { what: "the beginning of the returns" });
        }
        let (model, curvature, iterations) = fit::search(&sample)?;
        let mut volatilities = Vec::with_capacity(scaled.len());
        let mut next_variance = 0.0;
        model.each_variance(&scaled, sample.backcast, |residual, variance| {
            volatilities.push(variance.sqrt() * deviation);
            next_variance = model.omega + model.alpha * residual * residual + model.beta * variance;
        });
        let unit = deviation * deviation;
        let in_unit = |values: &Vector| Self {
            mean: values[0] * deviation,
            omega: values[1] * unit,
            alpha: values[2],
            beta: values[3],
        };
        let n = returns.len() as f64;
        let (plain, robust) = standard_errors(&curvature, n)?;
        let log_likelihood = sample.log_likelihood(&model) - n * deviation.ln();
        let mut model = in_unit(&[model.mean, model.omega, model.alpha, model.beta]);
        model.mean += moments.mean();
        Ok(GarchFit {
            model,
            log_likelihood,
            log_likelihood_constant: -0.5 * n * ((2.0 * PI * unit).ln() + 1.0),
            standard_errors: in_unit(&plain),
            robust_standard_errors: in_unit(&robust),
            volatilities,
            next_variance: next_variance * unit,
            iterations,
        })
    }

    /// `α + β`: the share of a shock to variance that is left one period later.
    #[must_use]
    pub fn persistence(&self) -> f64 {
        self.alpha + self.beta
    }

    /// The variance that forecasts tend to, `ω / (1 - α - β)`.
    ///
    /// # Errors
    /// If the parameters are out of range or not stationary.
    pub fn long_run_variance(&self) -> Result<f64, QuantError> {
        self.check()?;
        check::finite("long-run variance", self.omega / (1.0 - self.persistence()))
    }

    /// The variances of the next periods: `h + (α + β)^(k-1) (v - h)`, `v` that of the first and `h` that of the long run.
    ///
    /// # Errors
    /// If the parameters are out of range or not stationary, `next_variance` is negative, or the horizon is beyond
    /// [`HORIZON_MAX`].
    pub fn forecast(&self, next_variance: f64, horizon: usize) -> Result<Vec<f64>, QuantError> {
        check::not_negative("next variance", next_variance)?;
        let long_run = self.long_run_variance()?;
        if horizon > HORIZON_MAX {
            return Err(QuantError::TooMany { what: "horizon", most: HORIZON_MAX, got: horizon });
        }
        let mut above = next_variance - long_run;
        let step = |_| {
            let variance = long_run + above;
            above *= self.persistence();
            variance.max(0.0)
        };
        Ok((0..horizon).map(step).collect())
    }

    /// The volatility of each return given those before it, for a model that is known.
    ///
    /// # Errors
    /// If the parameters are out of range or not stationary, or a return is not finite or too large to square.
    pub fn volatilities(&self, returns: &[f64]) -> Result<Vec<f64>, QuantError> {
        self.check()?;
        check::series("returns", returns, 1)?;
        let centre = Moments::of(returns)?.mean();
        let residuals: Vec<f64> = returns.iter().map(|value| value - centre).collect();
        let mut volatilities = Vec::with_capacity(returns.len());
        self.each_variance(returns, backcast(&residuals), |_, variance| volatilities.push(variance.sqrt()));
        check::series("volatilities", &volatilities, 1)?;
        Ok(volatilities)
    }

    fn check(&self) -> Result<(), QuantError> {
        check::finite("mean", self.mean)?;
        check::positive("omega", self.omega)?;
        check::not_negative("alpha", self.alpha)?;
        check::not_negative("beta", self.beta)?;
        if self.persistence() < 1.0 {
            return Ok(());
        }
        let expected = "below one, or variance has no long-run mean";
        Err(QuantError::OutOfRange { what: "alpha + beta", value: self.persistence(), expected })
    }

    /// Fails where returns of deviation one leave this model undetermined.
    fn check_identified(&self) -> Result<(), QuantError> {
        let refuse = |why| Err(QuantError::NotIdentified { why });
        if self.alpha.is_nan() || self.alpha < ALPHA_MIN {
            return refuse("variance does not follow past returns, so that beta is arbitrary");
        }
        if self.omega.is_nan() || self.omega < OMEGA_MIN {
            return refuse("the variance runs to zero");
        }
        if self.beta.is_nan() || self.beta < 0.0 {
            return refuse("beta is negative at the best fit");
        }
        if self.persistence() > 1.0 - STATIONARY_MIN {
            return refuse("not stationary: alpha and beta reach one");
        }
        Ok(())
    }

    fn moved(&self, step: &Vector) -> Self {
        Self {
            mean: self.mean + step[0],
            omega: self.omega + step[1],
            alpha: self.alpha + step[2],
            beta: self.beta + step[3],
        }
    }

    /// Visits residual and variance of each return.
    fn each_variance(&self, returns: &[f64], backcast: f64, mut visit: impl FnMut(f64, f64)) {
        let (mut square, mut variance) = (backcast, backcast);
        for value in returns {
            variance = self.omega + self.alpha * square + self.beta * variance;
            let residual = value - self.mean;
            square = residual * residual;
            visit(residual, variance);
        }
    }
}

/// The variance that stands for what precedes the first return.
fn backcast(residuals: &[f64]) -> f64 {
    const DECAY: f64 = 0.94;
    const LENGTH: usize = 75;
    let (mut sum, mut weights, mut weight) = (0.0, 0.0, 1.0);
    for residual in residuals.iter().take(LENGTH) {
        sum += weight * residual * residual;
        weights += weight;
        weight *= DECAY;
    }
    sum / weights
}

/// Roots of the diagonals of `-H⁻¹` and of `H⁻¹ G H⁻¹`, `G` being `n` times the sample covariance of the gradients.
fn standard_errors(curvature: &likelihood::Curvature, n: f64) -> Result<(Vector, Vector), QuantError> {
    let downward = curvature.hessian.map(|row| row.map(|value| -value));
    let inverse: Square = fit::inverse(&downward)
        .ok_or(QuantError::NotIdentified { why: "the likelihood is flat or saddle-shaped at its best" })?;
    let outer = curvature.outer.map(|row| row.map(|value| value * n / (n - 1.0)));
    let sandwich = fit::congruent(&inverse, &outer);
    let roots = |square: &Square| std::array::from_fn(|i| square[i][i].max(0.0).sqrt());
    Ok((roots(&inverse), roots(&sandwich)))
}
