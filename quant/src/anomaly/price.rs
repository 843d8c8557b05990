//! A stream of prices: jumps, shifts and drifts.

use super::cusum::Cusum;
use super::scale::{Learning, Scale};
use super::{Reason, Settings, Verdict};
use serde::{Deserialize, Serialize};

/// Prices in a row that are far from the last accepted one before the last of them is accepted: a jump that stays.
pub const LEVEL_SHIFT_TICKS: u32 = 3;

/// What a drift may do without being counted, in standard deviations per tick.
const DRIFT_ALLOWANCE: f64 = 0.5;

/// What is known of a stream of prices.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct PriceWatch {
    /// The last price that was accepted.
    reference: Option<f64>,
    /// Prices in a row that were not.
    suspects: u32,
    returns: Scale,
    drift: Cusum,
}

impl PriceWatch {
    pub(super) fn is_ready(&self) -> bool {
        self.returns.is_ready()
    }

    /// Judges a price, and learns it.
    pub(super) fn observe(&mut self, price: f64, settings: &Settings, verdict: &mut Verdict) {
        let Some(reference) = self.reference else {
            self.reference = Some(price);
            return;
        };
        let value = log_ratio(price, reference);
        let deviation = self.returns.standardised(value, settings.return_floor);
        let is_jump = deviation.is_some_and(|deviation| deviation.abs() >= settings.jump_threshold);
        if let Some(deviation) = deviation {
            verdict.weigh(Reason::PriceJump, deviation.abs(), settings.jump_threshold);
            if !is_jump {
                let sum = self.drift.add(deviation, DRIFT_ALLOWANCE, settings.drift_threshold);
                verdict.weigh(Reason::PriceDrift, sum, settings.drift_threshold);
            }
        }
        // A price that did not change tells nothing of the size of changes; most trades are at the last price.
        let learned = (value != 0.0).then_some(value);
        let (warm_up_ticks, gain) = (settings.warm_up_ticks, settings.gain());
        self.returns.learn(learned, is_jump, Learning { warm_up_ticks, gain, floor: settings.return_floor });
        self.suspects = if is_jump { self.suspects + 1 } else { 0 };
        if self.suspects >= LEVEL_SHIFT_TICKS {
            verdict.report(Reason::LevelShift, 0.5, value);
            self.suspects = 0;
        }
        if self.suspects == 0 {
            self.reference = Some(price);
        }
    }

    /// Whether stored knowledge can have come from here.
    pub(super) fn is_sound(&self, settings: &Settings) -> bool {
        self.reference.is_none_or(|price| price.is_finite() && price > 0.0)
            && self.suspects < LEVEL_SHIFT_TICKS
            && self.returns.is_sound(settings.warm_up_ticks)
            && self.drift.is_sound()
    }
}

/// The logarithm of the ratio of two positive numbers, finite for the smallest over the largest.
pub(super) fn log_ratio(a: f64, b: f64) -> f64 {
    (a / b).clamp(f64::MIN_POSITIVE, f64::MAX).ln()
}
