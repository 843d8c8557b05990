//! Several signals as one.
//!
//! With strengths `s` and confidences `c`: strength `Σ c s / Σ c`; agreement `|Σ c s| / Σ c |s|`, which is 1 if all who
//! have an opinion are on one side and zero if the sides balance; confidence `agreement · Σ c² / Σ c`, the mean
//! confidence weighted by itself, so that a signal without confidence changes nothing. No source beyond arithmetic: a
//! weighted mean, and a measure of how much of it cancels.

use super::{Direction, Signal};
use crate::{QuantError, check};

/// Most signals of one consensus.
pub const SIGNALS_MAX: usize = 10_000;

/// What several signals say together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Consensus {
    pub signal: Signal,
    /// From zero to one.
    pub agreement: f64,
    /// Share of the signals that point where the consensus does; zero for a flat one.
    pub share: f64,
}

/// Combines signals; `entry` is the strength from which the direction is not flat. No signals, or none with any
/// confidence, are flat.
///
/// # Errors
/// If there are more than [`SIGNALS_MAX`], a strength is outside −1 to 1, a confidence outside zero to one, or `entry`
/// outside either.
#[expect(clippy::cast_precision_loss, reason = "at most SIGNALS_MAX signals")]
pub fn consensus(signals: &[Signal], entry: f64) -> Result<Consensus, QuantError> {
    if signals.len() > SIGNALS_MAX {
        return Err(QuantError::TooMany { what: "signals", most: SIGNALS_MAX, got: signals.len() });
    }
    within("entry strength", entry, (0.0, "from zero to one"))?;
    for signal in signals {
        within("strength", signal.strength, (-1.0, "from -1 to 1"))?;
        within("confidence", signal.confidence, (0.0, "from zero to one"))?;
    }
    let sum = |number: fn(&Signal) -> f64| -> f64 { signals.iter().map(number).sum() };
    let weight = sum(|signal| signal.confidence);
    let net = sum(|signal| signal.confidence * signal.strength);
    let gross = sum(|signal| signal.confidence * signal.strength.abs());
    let ratio =
        |numerator: f64, denominator: f64| if denominator > 0.0 { numerator / denominator } else { 0.0 };
    let strength = ratio(net, weight).clamp(-1.0, 1.0);
    let agreement = ratio(net.abs(), gross).min(1.0);
    let mean_confidence = ratio(sum(|signal| signal.confidence * signal.confidence), weight);
    let direction = Direction::of(strength, entry);
    let with_it =
        signals.iter().filter(|signal| direction != Direction::Flat && signal.direction == direction);
    Ok(Consensus {
        signal: Signal { direction, strength, confidence: (agreement * mean_confidence).clamp(0.0, 1.0) },
        agreement,
        share: with_it.count() as f64 / signals.len().max(1) as f64,
    })
}

/// Fails unless the value is between the least and one.
fn within(what: &'static str, value: f64, (least, expected): (f64, &'static str)) -> Result<(), QuantError> {
    check::finite(what, value)?;
    if least <= value && value <= 1.0 {
        Ok(())
    } else {
        Err(QuantError::OutOfRange { what, value, expected })
    }
}
