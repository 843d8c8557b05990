//! How good forecasts were.
//!
//! Probabilities are those of a `true` outcome. Every function refuses lists that are empty, of different lengths, or
//! hold what is no number or no probability.

use crate::{QuantError, check};

/// What a probability is kept away from zero and one by in [`log_loss`], as in scikit-learn before 1.3.
const LOG_LOSS_CLIP: f64 = 1e-15;

/// The share of outcomes that a probability of at least one half, or below, told.
///
/// # Errors
/// As the module says.
pub fn accuracy(probabilities: &[f64], outcomes: &[bool]) -> Result<f64, QuantError> {
    check_pairs(probabilities, outcomes)?;
    let hits = probabilities.iter().zip(outcomes).filter(|&(&p, &outcome)| (p >= 0.5) == outcome).count();
    Ok(hits as f64 / outcomes.len() as f64)
}

/// The mean of `-ln` of the probability given to what happened.
///
/// # Errors
/// As the module says.
pub fn log_loss(probabilities: &[f64], outcomes: &[bool]) -> Result<f64, QuantError> {
    check_pairs(probabilities, outcomes)?;
    let loss = |(&p, &outcome): (&f64, &bool)| {
        let p = p.clamp(LOG_LOSS_CLIP, 1.0 - LOG_LOSS_CLIP);
        if outcome { -p.ln() } else { -(-p).ln_1p() }
    };
    Ok(probabilities.iter().zip(outcomes).map(loss).sum::<f64>() / outcomes.len() as f64)
}

/// The mean square of probability less outcome (Brier 1950).
///
/// # Errors
/// As the module says.
pub fn brier(probabilities: &[f64], outcomes: &[bool]) -> Result<f64, QuantError> {
    check_pairs(probabilities, outcomes)?;
    let square = |(p, &outcome): (&f64, &bool)| (p - f64::from(u8::from(outcome))).powi(2);
    Ok(probabilities.iter().zip(outcomes).map(square).sum::<f64>() / outcomes.len() as f64)
}

/// The area under the receiver operating characteristic: the probability that a true outcome has the higher score, ties
/// counting half (Mann and Whitney 1947). Scores may be any finite numbers.
///
/// # Errors
/// As the module says, and if all outcomes are the same.
pub fn area_under_curve(scores: &[f64], outcomes: &[bool]) -> Result<f64, QuantError> {
    check::length("outcomes", outcomes.len(), scores.len())?;
    check::series("scores", scores, 1)?;
    let positives = outcomes.iter().filter(|&&outcome| outcome).count() as f64;
    let negatives = outcomes.len() as f64 - positives;
    if positives < 1.0 || negatives < 1.0 {
        return Err(QuantError::Constant { what: "outcome" });
    }
    let mut order: Vec<(f64, bool)> = scores.iter().copied().zip(outcomes.iter().copied()).collect();
    order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut wins, mut negatives_below) = (0.0, 0.0);
    for tie in order.chunk_by(|a, b| a.0 >= b.0) {
        let ups = tie.iter().filter(|(_, outcome)| *outcome).count() as f64;
        let downs = tie.len() as f64 - ups;
        wins += ups * (negatives_below + 0.5 * downs);
        negatives_below += downs;
    }
    Ok(wins / (positives * negatives))
}

/// The share of the variance of `actual` that the forecasts explain; below zero if the mean would have been better.
///
/// # Errors
/// As the module says, and if `actual` does not vary.
pub fn r_squared(forecasts: &[f64], actual: &[f64]) -> Result<f64, QuantError> {
    check_values(forecasts, actual)?;
    let mean = actual.iter().map(|value| value / actual.len() as f64).sum::<f64>();
    let total: f64 = actual.iter().map(|value| (value - mean).powi(2)).sum();
    let left: f64 = actual.iter().zip(forecasts).map(|(value, forecast)| (value - forecast).powi(2)).sum();
    if total <= 0.0 {
        return Err(QuantError::Constant { what: "actual" });
    }
    check::finite("coefficient of determination", 1.0 - left / total)
}

/// The mean size of the error.
///
/// # Errors
/// As the module says.
pub fn mean_absolute_error(forecasts: &[f64], actual: &[f64]) -> Result<f64, QuantError> {
    check_values(forecasts, actual)?;
    let errors = actual.iter().zip(forecasts).map(|(value, forecast)| (value - forecast).abs());
    check::finite("mean absolute error", errors.map(|error| error / actual.len() as f64).sum())
}

/// Fails unless there are as many probabilities as outcomes, and some.
pub(super) fn check_pairs(probabilities: &[f64], outcomes: &[bool]) -> Result<(), QuantError> {
    check::length("outcomes", outcomes.len(), probabilities.len())?;
    check::series("probabilities", probabilities, 1)?;
    match probabilities.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        Some(&value) => {
            Err(QuantError::OutOfRange { what: "probability", value, expected: "from zero to one" })
        }
        None => Ok(()),
    }
}

fn check_values(forecasts: &[f64], actual: &[f64]) -> Result<(), QuantError> {
    check::length("forecasts", forecasts.len(), actual.len())?;
    check::series("forecasts", forecasts, 1)?;
    check::series("actual", actual, 1)?;
    Ok(())
}
