//! How much to hold: Kelly's fractions, a target volatility, and weights by inverse volatility.

use super::{check_moderate, check_per_asset, deviations, normalised};
use crate::matrix::{Cholesky, dot};
use crate::{Matrix, QuantError, check};

/// How far Kelly's answer is followed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KellyLimits {
    /// Part of the optimal fraction, in `(0, 1]`; a half keeps three quarters of the growth at half the volatility.
    pub fraction: f64,
    /// Largest sum of absolute weights.
    pub leverage_max: f64,
}

/// Fractions of the equity, and the growth they promise.
#[derive(Debug, Clone, PartialEq)]
pub struct Kelly {
    /// Weight of each asset; the rest is cash.
    pub weights: Vec<f64>,
    /// Sum of absolute weights.
    pub leverage: f64,
    /// Growth above the risk-free rate, `wᵀ(μ − r) − ½ wᵀΣw`.
    pub excess_growth: f64,
}

/// The fraction to stake on a bet that wins `odds` per unit staked with this probability, and otherwise loses the stake
/// (Kelly 1956): `p − (1 − p) / odds`, and zero where that is negative.
///
/// # Errors
/// Unless the probability is within zero and one, and the odds above zero.
pub fn kelly_bet(win_probability: f64, odds: f64) -> Result<f64, QuantError> {
    check::finite("probability of a win", win_probability)?;
    if !(0.0..=1.0).contains(&win_probability) {
        return Err(QuantError::OutOfRange {
            what: "probability of a win",
            value: win_probability,
            expected: "from zero to one",
        });
    }
    check::positive("odds", odds)?;
    Ok((win_probability - (1.0 - win_probability) / odds).max(0.0))
}

/// The fraction of one asset that grows fastest in continuous time (Merton 1969): `(μ − r) / σ²`, scaled and capped.
///
/// # Errors
/// If the variance is not above zero, or an input is not finite or out of range.
pub fn kelly_single(excess_return: f64, variance: f64, limits: KellyLimits) -> Result<Kelly, QuantError> {
    kelly(&Matrix::new(1, 1, vec![variance])?, &[excess_return], limits)
}

/// The weights that grow fastest in continuous time, `Σ⁻¹(μ − r)` (Thorp 2006), times the fraction, and scaled down
/// together if their leverage is above its cap.
///
/// # Errors
/// If the covariance is not positive definite, or an input is not finite or out of range.
pub fn kelly(covariance: &Matrix, excess_returns: &[f64], limits: KellyLimits) -> Result<Kelly, QuantError> {
    let assets = deviations(covariance)?.len();
    check_per_asset("excess returns", excess_returns, assets)?;
    check::positive("fraction of Kelly", limits.fraction)?;
    if limits.fraction > 1.0 {
        let value = limits.fraction;
        return Err(QuantError::OutOfRange {
            what: "fraction of Kelly",
            value,
            expected: "no more than one",
        });
    }
    check::positive("largest leverage", limits.leverage_max)?;
    check_moderate("largest leverage", limits.leverage_max)?;
    let optimal = Cholesky::new(covariance, "covariance")?.solve(excess_returns);
    let leverage: f64 = optimal.iter().map(|weight| weight.abs()).sum();
    if !leverage.is_finite() {
        return Err(QuantError::NotIdentified { why: "the optimal leverage has no bound" });
    }
    let scale = limits.fraction.min(limits.leverage_max / leverage.max(f64::MIN_POSITIVE));
    let weights: Vec<f64> = optimal.iter().map(|weight| scale * weight).collect();
    let excess_growth = dot(&weights, excess_returns) - 0.5 * covariance.quadratic(&weights);
    Ok(Kelly { leverage: scale * leverage, excess_growth: check::finite("growth", excess_growth)?, weights })
}

/// What to multiply a position by for a target volatility, at most the cap (Moreira and Muir 2017).
///
/// # Errors
/// Unless all are finite, the target not negative, the volatility and the cap above zero.
pub fn volatility_scale(target: f64, volatility: f64, scale_max: f64) -> Result<f64, QuantError> {
    check::not_negative("target volatility", target)?;
    check::positive("volatility", volatility)?;
    check::positive("largest scale", scale_max)?;
    Ok((target / volatility).min(scale_max))
}

/// The weights scaled to a target volatility, their leverage at most the cap; the rest is cash.
///
/// # Errors
/// If the weights have no risk, the covariance is not one, or an input is not finite or out of range.
pub fn scale_to_volatility(
    covariance: &Matrix,
    weights: &[f64],
    target: VolatilityTarget,
) -> Result<Vec<f64>, QuantError> {
    let assets = deviations(covariance)?.len();
    check_per_asset("weights", weights, assets)?;
    check_moderate("largest leverage", target.leverage_max)?;
    let leverage: f64 = weights.iter().map(|weight| weight.abs()).sum();
    let variance = check::finite("variance of the weights", covariance.quadratic(weights))?;
    if leverage <= 0.0 || variance <= 0.0 {
        return Err(QuantError::Constant { what: "portfolio of these weights" });
    }
    let scale_max = target.leverage_max / leverage;
    let scale = volatility_scale(target.volatility, variance.sqrt(), scale_max)?;
    Ok(weights.iter().map(|weight| scale * weight).collect())
}

/// The volatility wanted, and what may be borrowed for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VolatilityTarget {
    /// Volatility over the horizon of the covariance.
    pub volatility: f64,
    /// Largest sum of absolute weights.
    pub leverage_max: f64,
}

/// Weights that are inverse to the volatilities, and add up to one.
///
/// # Errors
/// If the covariance is not one.
pub fn inverse_volatility(covariance: &Matrix) -> Result<Vec<f64>, QuantError> {
    Ok(normalised(deviations(covariance)?.iter().map(|deviation| deviation.recip()).collect()))
}
