//! What a detector may be told.

use crate::{QuantError, check};
use serde::{Deserialize, Serialize};

/// The least and the most ticks that a warm-up may last.
const WARM_UP_TICKS: std::ops::RangeInclusive<usize> = 8..=1_024;

/// Thresholds and memory of a detector. Deviations are in robust standard deviations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Ticks before prices are judged.
    pub warm_up_ticks: usize,
    /// About how many ticks what is usual is remembered for.
    pub memory_ticks: f64,
    /// Returns are never thought to deviate usually by less than this; a tick of the market over its price is a good
    /// choice where that is larger.
    pub return_floor: f64,
    /// Deviation of a return that is a jump.
    pub jump_threshold: f64,
    /// Cumulative sum of returns that is a drift.
    pub drift_threshold: f64,
    /// Deviation of a trade from the middle of the quote that is off the market.
    pub off_market_threshold: f64,
    /// Deviation of the logarithm of a size that is a spike.
    pub volume_threshold: f64,
    /// Cumulative sum of logarithms of sizes that is a surge.
    pub surge_threshold: f64,
    /// Deviation of the logarithm of a spread that is wide.
    pub spread_threshold: f64,
    /// Age at which a quote is stale.
    pub quote_age_max_ns: i64,
    /// Silence that is a gap.
    pub silence_max_ns: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            warm_up_ticks: 64,
            memory_ticks: 200.0,
            return_floor: 1e-5,
            jump_threshold: 10.0,
            drift_threshold: 20.0,
            off_market_threshold: 10.0,
            volume_threshold: 5.0,
            surge_threshold: 15.0,
            spread_threshold: 8.0,
            quote_age_max_ns: 60_000_000_000,
            silence_max_ns: 60_000_000_000,
        }
    }
}

impl Settings {
    /// Fails unless every setting has a meaning.
    pub(super) fn check(&self) -> Result<(), QuantError> {
        if !WARM_UP_TICKS.contains(&self.warm_up_ticks) {
            let (what, got) = ("warm-up in ticks", self.warm_up_ticks);
            return Err(if got < *WARM_UP_TICKS.start() {
                QuantError::TooFew { what, needed: *WARM_UP_TICKS.start(), got }
            } else {
                QuantError::TooMany { what, most: *WARM_UP_TICKS.end(), got }
            });
        }
        within("memory in ticks", self.memory_ticks, (8.0, 1e6, "from eight to a million"))?;
        within("floor of returns", self.return_floor, (1e-9, 0.1, "from a billionth to a tenth"))?;
        for threshold in [
            self.jump_threshold,
            self.drift_threshold,
            self.off_market_threshold,
            self.volume_threshold,
            self.surge_threshold,
            self.spread_threshold,
        ] {
            check::positive("threshold", threshold)?;
        }
        for time_ns in [self.quote_age_max_ns, self.silence_max_ns] {
            check::positive("time in nanoseconds", seconds(time_ns))?;
        }
        Ok(())
    }

    /// The step of the medians: with it, their memory is about that of the settings.
    pub(super) fn gain(&self) -> f64 {
        2.0 / self.memory_ticks
    }
}

fn within(
    what: &'static str,
    value: f64,
    (least, most, expected): (f64, f64, &'static str),
) -> Result<(), QuantError> {
    check::finite(what, value)?;
    if least <= value && value <= most {
        Ok(())
    } else {
        Err(QuantError::OutOfRange { what, value, expected })
    }
}

/// A time in seconds.
#[expect(clippy::cast_precision_loss, reason = "a duration is compared with thresholds, not added up")]
pub(super) fn seconds(time_ns: i64) -> f64 {
    time_ns as f64 / 1e9
}
