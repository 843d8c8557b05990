//! Uneven spacing: a search over the speed, with mean and volatility in closed form.

use super::even::{VALUES_MIN, finite};
use super::{Estimate, Information, Peak, Reason, Step};
use crate::{QuantError, check};
use std::f64::consts::PI;

/// Speeds tried between no reversion over the whole span and full reversion within the shortest step.
const GRID: usize = 32;
/// Halvings at worst; the secant needs about ten steps.
const REFINEMENTS_MAX: usize = 100;
/// Relative change of the speed below which the search is at its end.
const TOLERANCE: f64 = 1e-13;
/// The slowest speed tried, per span of the series.
const SLOWEST: f64 = 1e-6;
/// The fastest speed tried, per shortest step: less than rounding is left of a distance.
const FASTEST: f64 = 40.0;

/// The most likely process for values at these times, which increase.
///
/// The likelihood at each speed is profiled: mean and volatility are the best ones for it. The best of a grid of speeds
/// is refined to where the slope vanishes.
///
/// # Errors
/// As for [`fit`](super::fit); if there are not as many times as values, or they do not increase.
pub fn fit_uneven(times_years: &[f64], series: &[f64]) -> Result<Estimate, QuantError> {
    check::series("series", series, VALUES_MIN)?;
    check::length("times", times_years.len(), series.len())?;
    check::series("times", times_years, VALUES_MIN)?;
    let durations: Vec<f64> = times_years.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for &duration in &durations {
        check::positive("time between values", duration)?;
    }
    let sample = Sample::new(&durations, series)?;
    let span: f64 = durations.iter().sum();
    let shortest = durations.iter().copied().fold(f64::INFINITY, f64::min);
    let (low, high) = ((SLOWEST / span).ln(), (FASTEST / shortest).ln());
    check::finite("range of speeds", high - low)?;

    let speeds: Vec<f64> = (0..GRID).map(|i| low + (high - low) * fraction(i)).collect();
    let tried: Vec<Profile> = speeds.iter().map(|speed| sample.profile(speed.exp())).collect();
    let order = |&a: &usize, &b: &usize| tried[a].log_likelihood.total_cmp(&tried[b].log_likelihood);
    let best = (0..GRID).filter(|&i| tried[i].log_likelihood.is_finite()).max_by(order).ok_or(NO_NOISE)?;

    let mean_step = span / sample.steps;
    let left = |speed: f64| (-speed.exp() * mean_step).exp();
    if best == 0 {
        return Ok(Estimate::NotMeanReverting { phi: left(speeds[0]), why: Reason::NoPull });
    }
    if best == GRID - 1 {
        return Ok(Estimate::NotMeanReverting { phi: left(speeds[best]), why: Reason::FasterThanObserved });
    }
    let kappa = sample.refine(speeds[best - 1], speeds[best + 1]).exp();
    let profile = sample.profile(kappa);
    let Profile { mean, variance_rate, log_likelihood, information, .. } = profile;
    let peak = Peak { kappa, mean, variance_rate, log_likelihood, steps: sample.steps, mean_step };
    finite(peak.fit(&information))
}

const NO_NOISE: QuantError =
    QuantError::NotIdentified { why: "each value follows from the one before without noise" };

#[expect(clippy::cast_precision_loss, reason = "both are small")]
fn fraction(i: usize) -> f64 {
    i as f64 / (GRID - 1) as f64
}

/// The series about its centre, with its steps.
struct Sample<'a> {
    durations: &'a [f64],
    centre: f64,
    centred: Vec<f64>,
    steps: f64,
}

/// The best that one speed can do.
struct Profile {
    mean: f64,
    variance_rate: f64,
    log_likelihood: f64,
    /// Slope of the likelihood by `κ`.
    score: f64,
    information: Information,
}

impl<'a> Sample<'a> {
    #[expect(clippy::cast_precision_loss, reason = "no series has 2^53 values")]
    fn new(durations: &'a [f64], series: &[f64]) -> Result<Self, QuantError> {
        let centre = series.iter().sum::<f64>() / series.len() as f64;
        let centred: Vec<f64> = series.iter().map(|value| value - centre).collect();
        let squares: f64 = centred.iter().map(|value| value * value).sum();
        check::finite("variance of the series", squares)?;
        let rounding = series.len() as f64 * (4.0 * f64::EPSILON * centre).powi(2) + f64::MIN_POSITIVE;
        if squares <= rounding {
            return Err(QuantError::Constant { what: "series" });
        }
        Ok(Self { durations, centre, centred, steps: durations.len() as f64 })
    }

    /// The likelihood of this speed and its slope; by the envelope theorem the slope is that at the best mean and
    /// volatility held fixed.
    fn profile(&self, kappa: f64) -> Profile {
        let mut information = Information::default();
        let (mut pull, mut log_variances) = (0.0, 0.0);
        let steps: Vec<Step> = self.durations.iter().map(|&duration| Step::new(kappa, duration)).collect();
        for ((step, &duration), pair) in steps.iter().zip(self.durations).zip(self.centred.windows(2)) {
            information.add(step, kappa, duration);
            pull += step.lost / step.variance * (pair[1] - step.left * pair[0]);
            log_variances += step.variance.ln();
        }
        let mean = pull / information.mean;
        let (mut squares, mut slope) = (0.0, 0.0);
        for ((step, duration), pair) in steps.iter().zip(self.durations).zip(self.centred.windows(2)) {
            let before = pair[0] - mean;
            let surprise = (pair[1] - mean) - step.left * before;
            let scaled = surprise / step.variance;
            squares += surprise * scaled;
            slope += scaled * (surprise * step.growth - 2.0 * duration * step.left * before);
        }
        let variance_rate = squares / self.steps;
        Profile {
            mean: self.centre + mean,
            variance_rate,
            log_likelihood: -0.5 * (self.steps * ((2.0 * PI * variance_rate).ln() + 1.0) + log_variances),
            score: 0.5 * (slope / variance_rate - information.growth),
            information,
        }
    }

    /// Where between two logarithms of speeds the slope changes its sign: regula falsi with the Illinois rule.
    fn refine(&self, low: f64, high: f64) -> f64 {
        let score = |speed: f64| self.profile(speed.exp()).score * speed.exp();
        let (mut a, mut b) = (low, high);
        let (mut at_a, mut at_b) = (score(a), score(b));
        let mut last = f64::NAN;
        let mut kept_b = None;
        for _ in 0..REFINEMENTS_MAX {
            let mut middle = (a * at_b - b * at_a) / (at_b - at_a);
            if !(middle > a && middle < b) {
                middle = 0.5 * (a + b);
            }
            let at_middle = score(middle);
            if at_middle == 0.0 || (middle - last).abs() < TOLERANCE {
                return middle;
            }
            last = middle;
            // An end that is kept twice in a row counts half, lest the other creep.
            if at_middle > 0.0 {
                (a, at_a) = (middle, at_middle);
                at_b *= if kept_b == Some(true) { 0.5 } else { 1.0 };
                kept_b = Some(true);
            } else {
                (b, at_b) = (middle, at_middle);
                at_a *= if kept_b == Some(false) { 0.5 } else { 1.0 };
                kept_b = Some(false);
            }
        }
        last
    }
}
