//! Scores made into probabilities, and how far probabilities are from what happens.
//!
//! Fit a calibration to forecasts of rows that the model was not fitted to, or it learns the model's overconfidence.

mod isotonic;
mod platt;

pub use isotonic::IsotonicScaling;
pub use platt::PlattScaling;

use super::{check_count, metric};
use crate::QuantError;

/// Most bins of a table.
pub const BINS_MAX: usize = 1000;

/// Forecasts of similar probability.
#[derive(Debug, Clone, PartialEq)]
pub struct ReliabilityBin {
    /// Number of forecasts.
    pub count: usize,
    /// Their mean probability.
    pub probability: f64,
    /// The share of them that came true.
    pub frequency: f64,
}

/// The table of a reliability diagram: bins of equal width over probabilities, without those that are empty.
///
/// # Errors
/// If there are no forecasts, they are no probabilities or not as many as outcomes, or there is no bin.
pub fn reliability(
    probabilities: &[f64],
    outcomes: &[bool],
    bin_count: usize,
) -> Result<Vec<ReliabilityBin>, QuantError> {
    metric::check_pairs(probabilities, outcomes)?;
    check_count("bins", bin_count, 1..=BINS_MAX)?;
    let mut bins = vec![(0_usize, 0.0, 0.0); bin_count];
    for (&probability, &outcome) in probabilities.iter().zip(outcomes) {
        let (count, sum, hits) = &mut bins[bin_of(probability, bin_count)];
        *count += 1;
        *sum += probability;
        *hits += f64::from(u8::from(outcome));
    }
    let filled = bins.into_iter().filter(|(count, ..)| *count > 0);
    Ok(filled
        .map(|(count, sum, hits)| ReliabilityBin {
            count,
            probability: sum / count as f64,
            frequency: hits / count as f64,
        })
        .collect())
}

/// The expected calibration error: the mean distance of probability and frequency, over forecasts (Naeini, Cooper and
/// Hauskrecht 2015).
///
/// # Errors
/// As [`reliability`].
pub fn expected_calibration_error(
    probabilities: &[f64],
    outcomes: &[bool],
    bin_count: usize,
) -> Result<f64, QuantError> {
    let bins = reliability(probabilities, outcomes, bin_count)?;
    let distance = |bin: &ReliabilityBin| bin.count as f64 * (bin.probability - bin.frequency).abs();
    Ok(bins.iter().map(distance).sum::<f64>() / probabilities.len() as f64)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a probability times the number of bins is neither negative nor large"
)]
fn bin_of(probability: f64, bin_count: usize) -> usize {
    ((probability * bin_count as f64) as usize).min(bin_count - 1)
}
