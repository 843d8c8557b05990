//! Running totals. Their level depends on where they began; their changes do not.

use crate::{
    QuantError,
    indicator::{Bar, Indicator, parameter, quotient},
};
use serde::{Deserialize, Serialize};

/// On-balance volume (Granville 1963): the total of volumes, counted up or down with the close. Begins with the first
/// volume, as TA-Lib does.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OnBalance {
    close_before: Option<f64>,
    total: f64,
}

impl Indicator for OnBalance {
    type Input = Bar;
    type Output = f64;

    fn step(&mut self, bar: Bar) -> Option<f64> {
        match self.close_before.replace(bar.close) {
            Some(before) if bar.close < before => self.total -= bar.volume,
            Some(before) if bar.close > before => self.total += bar.volume,
            Some(_) => {}
            None => self.total = bar.volume,
        }
        Some(self.total)
    }
}

/// The accumulation and distribution line (Chaikin): the total of volumes times the place of the close in the range.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AccumulationDistribution {
    total: f64,
}

impl Indicator for AccumulationDistribution {
    type Input = Bar;
    type Output = f64;

    fn step(&mut self, bar: Bar) -> Option<f64> {
        self.total += bar.close_location() * bar.volume;
        Some(self.total)
    }
}

/// Chaikin's oscillator: the difference of two exponential averages of that line, which begin with its first value, as
/// in TA-Lib.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccumulationOscillator {
    line: AccumulationDistribution,
    gains: [f64; 2],
    averages: Option<[f64; 2]>,
    remaining: usize,
}

impl AccumulationOscillator {
    /// # Errors
    /// Unless the periods are from 2 to 100000.
    pub fn new(fast: usize, slow: usize) -> Result<Self, QuantError> {
        let gain =
            |what, period| Ok::<_, QuantError>(2.0 / (parameter::long_period(what, period)? as f64 + 1.0));
        Ok(Self {
            line: AccumulationDistribution::default(),
            gains: [gain("fast period", fast)?, gain("slow period", slow)?],
            averages: None,
            remaining: fast.max(slow) - 1,
        })
    }
}

impl Indicator for AccumulationOscillator {
    type Input = Bar;
    type Output = f64;

    fn step(&mut self, bar: Bar) -> Option<f64> {
        let line = self.line.step(bar)?;
        let [fast, slow] = self.averages.unwrap_or([line; 2]);
        let averages = [fast + self.gains[0] * (line - fast), slow + self.gains[1] * (line - slow)];
        self.averages = Some(averages);
        if self.remaining > 0 {
            self.remaining -= 1;
            return None;
        }
        Some(averages[0] - averages[1])
    }
}

/// Price volume trend: the total of volumes times the relative change of the close. Begins with zero.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PriceVolumeTrend {
    close_before: Option<f64>,
    total: f64,
}

impl Indicator for PriceVolumeTrend {
    type Input = Bar;
    type Output = f64;

    fn step(&mut self, bar: Bar) -> Option<f64> {
        let before = self.close_before.replace(bar.close).unwrap_or(bar.close);
        self.total += bar.volume * quotient(bar.close - before, before);
        Some(self.total)
    }
}

/// Where an index of volume begins.
const INDEX_START: f64 = 1000.0;

/// Declares an index that follows the close over some bars only.
macro_rules! volume_index {
    ($(#[$doc:meta])* $name:ident, $volume:ident, $before:ident => $counts:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        pub struct $name {
            before: Option<Bar>,
            logarithm: f64,
        }

        impl Indicator for $name {
            type Input = Bar;
            type Output = f64;

            fn step(&mut self, bar: Bar) -> Option<f64> {
                if let Some(before) = self.before.replace(bar) {
                    let ($volume, $before) = (bar.volume, before.volume);
                    let ratio = quotient(bar.close, before.close);
                    if $counts && ratio > 0.0 {
                        self.logarithm += ratio.ln();
                    }
                }
                Some(INDEX_START * self.logarithm.clamp(-LOGARITHM_MAX, LOGARITHM_MAX).exp())
            }
        }
    };
}

/// Beyond this the index has no meaning, and would not be finite.
const LOGARITHM_MAX: f64 = 100.0;

volume_index!(
    /// Negative volume index (Dysart 1936, Fosback 1976): follows the close over bars with less volume than the one
    /// before. Begins with 1000.
    NegativeVolume,
    volume, before => volume < before
);
volume_index!(
    /// Positive volume index (Dysart 1936, Fosback 1976): follows the close over bars with more volume than the one
    /// before. Begins with 1000.
    PositiveVolume,
    volume, before => volume > before
);
