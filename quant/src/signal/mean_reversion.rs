//! Mean reversion of an Ornstein–Uhlenbeck process, `dx = κ (μ − x) dt + σ dW`.
//!
//! - `z = (x − μ) / (σ / √(2κ))`, in stationary standard deviations; half-life `ln 2 / κ` (Uhlenbeck and Ornstein 1930);
//! - sell above the entry band, buy below it; what was entered is left inside the exit band (Bertram 2010 gives bands
//!   that are optimal for given costs);
//! - expected time from `|z|` to the exit band `b`: `1/κ ∫ R(u) du` from `b` to `|z|` with Mills' ratio
//!   `R(u) = (1 − Φ(u)) / φ(u)`. It solves `f″ − u f′ = −1` with `f(b) = 0` and slow growth, the equation of the mean
//!   first passage (Darling and Siegert 1953; Ricciardi and Sato 1988);
//! - confidence: that of `κ` over its standard error. An estimate of `κ` is biased upwards by about four over the time
//!   observed (Tang and Chen 2009; Yu 2012), so the corrected one is asked for; where it is
//!   not above zero there is no signal.

use super::{Direction, Signal, check_thresholds, confidence, z_of};
use crate::{QuantError, check, normal};
use std::f64::consts::LN_2;

/// Parameters of the process, with time in years or any other unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OuParameters {
    /// Speed of reversion per unit of time, corrected for bias. Zero or below means that none was found.
    pub kappa: f64,
    pub mu: f64,
    /// Volatility per square root of the unit of time.
    pub sigma: f64,
}

/// A process and where it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanReversionInput {
    pub parameters: OuParameters,
    /// Standard error of `kappa`.
    pub kappa_error: f64,
    /// The present value.
    pub level: f64,
}

/// Distances from the mean, in stationary standard deviations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bands {
    pub entry: f64,
    /// Zero to hold up to the mean; below the entry.
    pub exit: f64,
    /// Where the strength is 1.
    pub full: f64,
}

/// Where a value is among the bands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// At or beyond the entry band.
    Enter,
    /// Between the bands: keep what there is.
    Hold,
    /// At or within the exit band.
    Exit,
}

/// The signal and the numbers behind it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanReversionSignal {
    pub signal: Signal,
    pub zone: Zone,
    /// Stationary standard deviations from the mean.
    pub z: f64,
    /// The stationary standard deviation.
    pub deviation: f64,
    /// Time in which half of a distance is expected to go.
    pub half_life: f64,
    /// Expected time until the exit band is reached; zero within it.
    pub holding_time: f64,
}

/// Judges a value by the process that it follows; nothing if no reversion was found.
///
/// # Errors
/// If a number is not finite, `sigma` is not above zero, the error is negative, the bands are not in the order exit,
/// entry, full, or a result is too large for a number.
pub fn mean_reversion(
    input: &MeanReversionInput,
    bands: &Bands,
) -> Result<Option<MeanReversionSignal>, QuantError> {
    check_thresholds(bands.entry, bands.full)?;
    check::not_negative("exit band", bands.exit)?;
    if bands.exit >= bands.entry {
        return Err(QuantError::OutOfRange {
            what: "exit band",
            value: bands.exit,
            expected: "below the entry band",
        });
    }
    let OuParameters { kappa, mu, sigma } = input.parameters;
    check::finite("kappa", kappa)?;
    check::finite("mu", mu)?;
    check::positive("sigma", sigma)?;
    check::not_negative("error of kappa", input.kappa_error)?;
    check::finite("level", input.level)?;
    if kappa <= 0.0 {
        return Ok(None);
    }
    let deviation = check::positive("stationary deviation", sigma / (2.0 * kappa).sqrt())?;
    let z = check::finite("distance from the mean", (input.level - mu) / deviation)?;
    let signal = Signal {
        direction: Direction::of(-z, bands.entry),
        strength: (-z / bands.full).clamp(-1.0, 1.0),
        confidence: confidence(z_of(kappa, input.kappa_error)),
    };
    Ok(Some(MeanReversionSignal {
        signal,
        zone: zone(z.abs(), bands),
        z,
        deviation,
        half_life: check::finite("half-life", LN_2 / kappa)?,
        holding_time: check::finite("holding time", passage(z.abs(), bands.exit) / kappa)?,
    }))
}

fn zone(distance: f64, bands: &Bands) -> Zone {
    if distance >= bands.entry {
        Zone::Enter
    } else if distance <= bands.exit {
        Zone::Exit
    } else {
        Zone::Hold
    }
}

/// From here on Mills' ratio is integrated by its asymptotic series, which is then good to 1e-9.
const SERIES_FROM: f64 = 12.0;
/// Panels of Simpson's rule up to there. The ratio is smooth; the error is below 1e-9.
const PANELS: u32 = 128;

/// The integral of Mills' ratio from `to` up to `from`; zero if `from` is not above.
fn passage(from: f64, to: f64) -> f64 {
    if from <= to {
        return 0.0;
    }
    let near = if to < SERIES_FROM { simpson(to, from.min(SERIES_FROM)) } else { 0.0 };
    let far = if from > SERIES_FROM { series(from) - series(to.max(SERIES_FROM)) } else { 0.0 };
    near + far
}

fn simpson(from: f64, to: f64) -> f64 {
    let step = (to - from) / f64::from(PANELS);
    let at = |i: u32| mills(from + step * f64::from(i));
    let inner: f64 = (1..PANELS).map(|i| if i % 2 == 1 { 4.0 * at(i) } else { 2.0 * at(i) }).sum();
    step / 3.0 * (at(0) + inner + at(PANELS))
}

fn mills(u: f64) -> f64 {
    normal::cdf(-u) / normal::pdf(u)
}

/// An antiderivative of `1/u − 1/u³ + 3/u⁵ − 15/u⁷ + 105/u⁹ − 945/u¹¹`.
fn series(u: f64) -> f64 {
    let square = 1.0 / (u * u);
    u.ln() + square * (0.5 - square * (0.75 - square * (2.5 - square * (13.125 - square * 94.5))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_ways_to_integrate_meet() {
        let series_only = series(11.9) - series(11.0);
        assert!((simpson(11.0, 11.9) - series_only).abs() < 1e-9);
        assert!((passage(1e6, 11.0) - (series(1e6) - series(11.0))).abs() < 1e-8);
        assert!(passage(1.0, 1.0).abs() < f64::EPSILON);
    }
}
