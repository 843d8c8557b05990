//! Trends by the extremes of windows.

use crate::{
    QuantError,
    indicator::{
        Bar, Indicator,
        aggregate::{Ages, Extent},
        output, parameter,
        window::{Delay, Window},
    },
};
use serde::{Deserialize, Serialize};

output!(
    /// How recent the lowest low and the highest high are, from 0 to 100.
    AroonValue { down, up }
);

/// Aroon (Chande 1995): `100 (period - age) / period` of the lowest low and of the highest high in `period + 1` bars; of
/// equal ones, the latest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Aroon {
    window: Window<Ages>,
    period: f64,
}

impl Aroon {
    /// # Errors
    /// Unless `period` is from 2 to 99999.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        let bars = parameter::period("period and one", parameter::long_period("period", period)? + 1)?;
        Ok(Self { window: Window::new(bars), period: period as f64 })
    }
}

impl Indicator for Aroon {
    type Input = Bar;
    type Output = AroonValue;

    fn step(&mut self, bar: Bar) -> Option<AroonValue> {
        let ages = self.window.push(Ages::of(Extent { high: bar.high, low: bar.low }))?;
        let recency = |age| 100.0 * (self.period - age) / self.period;
        Some(AroonValue { down: recency(ages.low_age), up: recency(ages.high_age) })
    }
}

/// The Aroon oscillator: up less down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AroonOscillator {
    aroon: Aroon,
}

impl AroonOscillator {
    /// # Errors
    /// Unless `period` is from 2 to 99999.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        Ok(Self { aroon: Aroon::new(period)? })
    }
}

impl Indicator for AroonOscillator {
    type Input = Bar;
    type Output = f64;

    fn step(&mut self, bar: Bar) -> Option<f64> {
        self.aroon.step(bar).map(|AroonValue { down, up }| up - down)
    }
}

output!(
    /// The lines as they are plotted above the latest bar. The lagging span is the close itself, plotted earlier.
    IchimokuValue { conversion, base, leading_a, leading_b }
);

/// The windows of the Ichimoku lines, and how many bars the leading spans are plotted ahead.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IchimokuPeriods {
    pub conversion: usize,
    pub base: usize,
    pub leading: usize,
    pub displacement: usize,
}

/// Ichimoku kinko hyo (Hosoda 1969): middles of the extremes of windows. The leading spans are those computed
/// `displacement - 1` bars ago, which is where charts that count the current bar draw them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ichimoku {
    conversion: Window<Extent>,
    base: Window<Extent>,
    leading: Window<Extent>,
    ahead: Delay<(f64, f64)>,
}

impl Ichimoku {
    /// # Errors
    /// Unless the periods are from 1 to 100000, and the displacement from 2.
    pub fn new(periods: IchimokuPeriods) -> Result<Self, QuantError> {
        let window = |what, period| Ok::<_, QuantError>(Window::new(parameter::period(what, period)?));
        let displacement = parameter::long_period("displacement", periods.displacement)?;
        Ok(Self {
            conversion: window("conversion period", periods.conversion)?,
            base: window("base period", periods.base)?,
            leading: window("leading period", periods.leading)?,
            ahead: Delay::new(displacement - 1),
        })
    }
}

impl Indicator for Ichimoku {
    type Input = Bar;
    type Output = IchimokuValue;

    fn step(&mut self, bar: Bar) -> Option<IchimokuValue> {
        let extent = Extent { high: bar.high, low: bar.low };
        let [conversion, base, leading] =
            [&mut self.conversion, &mut self.base, &mut self.leading].map(|window| window.push(extent));
        let (conversion, base, leading) = (conversion?.middle(), base?.middle(), leading?.middle());
        let (leading_a, leading_b) = self.ahead.push(((conversion + base) / 2.0, leading))?;
        Some(IchimokuValue { conversion, base, leading_a, leading_b })
    }
}
