//! Indicators of momentum that are put together from several.

use super::{RateOfChange, Rsi};
use crate::{
    QuantError,
    indicator::{
        Bar, Indicator,
        aggregate::{Extent, Sums},
        output, parameter, quotient,
        smoothing::Smoothing,
        window::{Delay, Window},
    },
};
use serde::{Deserialize, Serialize};

/// The ultimate oscillator (Williams, TASC 4/1985): buying pressure over true range in three windows, weighted 4, 2, 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UltimateOscillator {
    close_before: Option<f64>,
    windows: [Window<Sums<2>>; 3],
}

impl UltimateOscillator {
    /// # Errors
    /// Unless the periods are from 1 to 100000.
    pub fn new(short: usize, middle: usize, long: usize) -> Result<Self, QuantError> {
        let window = |what, period| Ok::<_, QuantError>(Window::new(parameter::period(what, period)?));
        let windows =
            [window("short period", short)?, window("middle period", middle)?, window("long period", long)?];
        Ok(Self { close_before: None, windows })
    }
}

impl Indicator for UltimateOscillator {
    type Input = Bar;
    type Output = f64;

    fn step(&mut self, bar: Bar) -> Option<f64> {
        let before = self.close_before.replace(bar.close)?;
        let sample = Sums([bar.close - bar.low.min(before), bar.true_range(before)]);
        let parts = self.windows.each_mut().map(|window| window.push(sample));
        let ratio = |part: Option<Sums<2>>| part.map(|Sums([pressure, range])| quotient(pressure, range));
        let [short, middle, long] = parts.map(ratio);
        Some(100.0 * (4.0 * short? + 2.0 * middle? + long?) / 7.0)
    }
}

/// Connors' index (2012): the mean of an RSI of the price, an RSI of the length of the run of rises (above zero) or
/// falls (below), and the rank in percent of the latest return among those before it.
///
/// The rank is counted anew at each step, which costs O(period of the rank).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConnorsRsi {
    price_before: Option<f64>,
    run: f64,
    prices: Rsi,
    runs: Rsi,
    change: RateOfChange,
    changes: Delay<f64>,
    rank_share: f64,
}

impl ConnorsRsi {
    /// # Errors
    /// Unless the periods are from 2 to 100000.
    pub fn new(price: usize, run: usize, rank: usize) -> Result<Self, QuantError> {
        let rank = parameter::long_period("rank period", rank)?;
        Ok(Self {
            price_before: None,
            run: 0.0,
            prices: Rsi::new(price)?,
            runs: Rsi::new(run)?,
            change: RateOfChange::new(1)?,
            changes: Delay::new(rank),
            rank_share: 100.0 / rank as f64,
        })
    }

    fn rank(&mut self, change: f64) -> Option<f64> {
        let below = self.changes.full().map(|changes| changes.filter(|&before| before < change).count());
        self.changes.push(change);
        Some(below? as f64 * self.rank_share)
    }
}

impl Indicator for ConnorsRsi {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        let before = self.price_before.replace(price).unwrap_or(price);
        self.run = if price > before {
            self.run.max(0.0) + 1.0
        } else if price < before {
            self.run.min(0.0) - 1.0
        } else {
            0.0
        };
        let strength = self.prices.step(price);
        let run = self.runs.step(self.run);
        let rank = self.change.step(price).and_then(|change| self.rank(change));
        Some((strength? + run? + rank?) / 3.0)
    }
}

output!(
    /// The transform and its value before.
    FisherValue { value, trigger }
);

/// The Fisher transform of the median price (Ehlers, TASC 11/2002): `½ ln((1 + v) / (1 - v))`, averaged, where `v` is
/// the averaged place of the price in its window, held within ±0.999. The trigger is the value before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fisher {
    extent: Window<Extent>,
    place: f64,
    value: f64,
}

impl Fisher {
    const PLACE_MAX: f64 = 0.999;

    /// # Errors
    /// Unless `period` is from 1 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        Ok(Self { extent: Window::new(parameter::period("period", period)?), place: 0.0, value: 0.0 })
    }
}

impl Indicator for Fisher {
    type Input = Bar;
    type Output = FisherValue;

    fn step(&mut self, bar: Bar) -> Option<FisherValue> {
        let price = bar.median();
        let extent = self.extent.push(Extent { high: price, low: price })?;
        let centred = if extent.high > extent.low { extent.location(price) - 0.5 } else { 0.0 };
        self.place = (0.66 * centred + 0.67 * self.place).clamp(-Self::PLACE_MAX, Self::PLACE_MAX);
        let trigger = self.value;
        self.value = self.place.atanh() + 0.5 * trigger;
        Some(FisherValue { value: self.value, trigger })
    }
}

output!(
    /// How far the bar reaches above and below the average.
    ElderRayValue { bull, bear }
);

/// Elder's ray (1993): the high and the low less the exponential average of closes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ElderRay {
    average: Smoothing,
}

impl ElderRay {
    /// # Errors
    /// Unless `period` is from 1 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        Ok(Self { average: Smoothing::exponential("period", period)? })
    }
}

impl Indicator for ElderRay {
    type Input = Bar;
    type Output = ElderRayValue;

    fn step(&mut self, bar: Bar) -> Option<ElderRayValue> {
        let average = self.average.step(bar.close)?;
        Some(ElderRayValue { bull: bar.high - average, bear: bar.low - average })
    }
}
