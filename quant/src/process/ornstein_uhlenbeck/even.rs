//! Even spacing: the regression of each value on the one before.

use super::{Estimate, Fit, Information, Peak, Reason, Step};
use crate::matrix::dot;
use crate::{QuantError, check};
use std::f64::consts::PI;

/// As many values as there are parameters, and one more to begin from.
pub(super) const VALUES_MIN: usize = 4;

/// The share of the variation below which what is new in a step counts as rounding.
const NOISE_MIN: f64 = 1e-13;

/// The most likely process for values `step_years` apart, in time linear in their number.
///
/// # Errors
/// If there are fewer than four values, one is not finite, or the step is not positive; if the values do not vary, or
/// each follows from the one before without noise; if numbers overflow.
pub fn fit(series: &[f64], step_years: f64) -> Result<Estimate, QuantError> {
    check::series("series", series, VALUES_MIN)?;
    check::positive("step", step_years)?;
    let moments = Moments::of(series)?;
    let phi = moments.cross / moments.before;
    if phi <= 0.0 {
        return Ok(Estimate::NotMeanReverting { phi, why: Reason::FasterThanObserved });
    }
    if phi >= 1.0 {
        return Ok(Estimate::NotMeanReverting { phi, why: Reason::NoPull });
    }
    let residual = moments.after - phi * moments.cross;
    if residual <= NOISE_MIN * moments.after {
        return Err(QuantError::NotIdentified {
            why: "each value follows from the one before without noise",
        });
    }
    let steps = moments.steps;
    let residual_variance = residual / steps;
    let kappa = -phi.ln() / step_years;
    let step = Step::new(kappa, step_years);
    let peak = Peak {
        kappa,
        mean: moments.centre + (moments.mean_after - phi * moments.mean_before) / (1.0 - phi),
        variance_rate: residual_variance / step.variance,
        log_likelihood: -0.5 * steps * ((2.0 * PI * residual_variance).ln() + 1.0),
        steps,
        mean_step: step_years,
    };
    let mut information = Information::default();
    information.add(&step, kappa, step_years);
    finite(Fit { phi, residual_variance, ..peak.fit(&information.times(steps)) })
}

/// The fit as an answer, if its numbers are finite.
pub(super) fn finite(fit: Fit) -> Result<Estimate, QuantError> {
    if fit.is_finite() {
        Ok(Estimate::MeanReverting(fit))
    } else {
        Err(QuantError::NotIdentified {
            why: "the values or the step are too large or too small for the arithmetic",
        })
    }
}

/// Means and sums of squares of the values with a successor and of those with a predecessor. Values are centred first:
/// sums of raw squares would cancel for a level far above its variation.
struct Moments {
    steps: f64,
    centre: f64,
    mean_before: f64,
    mean_after: f64,
    before: f64,
    after: f64,
    cross: f64,
}

impl Moments {
    #[expect(clippy::cast_precision_loss, reason = "no series has 2^53 values")]
    fn of(series: &[f64]) -> Result<Self, QuantError> {
        let steps = (series.len() - 1) as f64;
        let centre = sum(series) / series.len() as f64;
        let centred: Vec<f64> = series.iter().map(|value| value - centre).collect();
        let (first, last) = (centred[0], centred[centred.len() - 1]);
        let total = sum(&centred);
        let squares = dot(&centred, &centred);
        if !squares.is_finite() {
            return Err(QuantError::NotFinite { what: "variance of the series" });
        }
        let products = dot(&centred[1..], &centred[..centred.len() - 1]);
        let (mean_before, mean_after) = ((total - last) / steps, (total - first) / steps);
        let before = squares - last * last - steps * mean_before * mean_before;
        let after = squares - first * first - steps * mean_after * mean_after;
        // A constant series differs from its mean by rounding.
        let rounding = steps * (4.0 * f64::EPSILON * centre).powi(2) + f64::MIN_POSITIVE;
        if before.min(after) <= rounding.max(4.0 * f64::EPSILON * squares) {
            return Err(QuantError::Constant { what: "series" });
        }
        let cross = products - steps * mean_before * mean_after;
        Ok(Self { steps, centre, mean_before, mean_after, before, after, cross })
    }
}

/// The sum in four lanes, so that no addition waits for the one before.
fn sum(values: &[f64]) -> f64 {
    let (quads, rest) = values.as_chunks::<4>();
    let mut lanes = [0.0; 4];
    for quad in quads {
        for (lane, value) in lanes.iter_mut().zip(quad) {
            *lane += value;
        }
    }
    lanes.iter().chain(rest).sum()
}
