//! Directional movement: how much of the true range goes up, and how much down.

use crate::{
    QuantError,
    indicator::{
        Bar, Indicator,
        aggregate::Sums,
        output, parameter, quotient,
        window::{Delay, Window},
    },
};
use serde::{Deserialize, Serialize};

/// How far the bar reaches beyond the one before, upwards and downwards: only the larger of both counts (Wilder 1978).
fn movements(bar: &Bar, before: &Bar) -> (f64, f64) {
    let (up, down) = (bar.high - before.high, before.low - bar.low);
    (if up > down && up > 0.0 { up } else { 0.0 }, if down > up && down > 0.0 { down } else { 0.0 })
}

/// Wilder's sums of upward movement, downward movement and true range: `s ← s - s / period + x`, begun with the sum of
/// the first `period - 1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::indicator) struct Movements {
    period: usize,
    pub(in crate::indicator) share: f64,
    seen: usize,
    before: Option<Bar>,
    pub(in crate::indicator) up: f64,
    pub(in crate::indicator) down: f64,
    range: f64,
}

impl Movements {
    fn new(period: usize) -> Result<Self, QuantError> {
        let period = parameter::long_period("period", period)?;
        let share = 1.0 / period as f64;
        Ok(Self { period, share, seen: 0, before: None, up: 0.0, down: 0.0, range: 0.0 })
    }

    /// The sums, once there have been `period` movements.
    fn step(&mut self, bar: Bar) -> Option<&Self> {
        let before = self.before.replace(bar)?;
        let (up, down) = movements(&bar, &before);
        if self.seen < self.period {
            self.seen += 1;
        }
        let ready = self.seen == self.period;
        let share = if ready { self.share } else { 0.0 };
        self.up += up - self.up * share;
        self.down += down - self.down * share;
        self.range += bar.true_range(before.close) - self.range * share;
        ready.then_some(&*self)
    }

    /// `100 |up - down| / (up + down)`, unless nothing moves. Where something does, there is a true range.
    fn index(&self) -> Option<f64> {
        let total = self.up + self.down;
        (total > 0.0).then(|| 100.0 * ((self.up - self.down).abs() / total))
    }
}

output!(
    /// Upward and downward movement in percent of the true range.
    DirectionalValue { plus, minus }
);

/// The directional indicators +DI and -DI (Wilder 1978).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DirectionalIndex {
    movements: Movements,
}

impl DirectionalIndex {
    /// # Errors
    /// Unless `period` is from 2 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        Ok(Self { movements: Movements::new(period)? })
    }
}

impl Indicator for DirectionalIndex {
    type Input = Bar;
    type Output = DirectionalValue;

    fn step(&mut self, bar: Bar) -> Option<DirectionalValue> {
        let sums = self.movements.step(bar)?;
        Some(DirectionalValue {
            plus: 100.0 * quotient(sums.up, sums.range),
            minus: 100.0 * quotient(sums.down, sums.range),
        })
    }
}

/// The directional movement index: `100 |+DI - -DI| / (+DI + -DI)`; where nothing moves, the value before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dx {
    movements: Movements,
    value: f64,
}

impl Dx {
    /// # Errors
    /// Unless `period` is from 2 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        Ok(Self { movements: Movements::new(period)?, value: 0.0 })
    }
}

impl Indicator for Dx {
    type Input = Bar;
    type Output = f64;

    fn step(&mut self, bar: Bar) -> Option<f64> {
        if let Some(index) = self.movements.step(bar)?.index() {
            self.value = index;
        }
        Some(self.value)
    }
}

/// The average directional movement index: Wilder's average of the directional movement index, begun with the mean of
/// the first period. Bars without movement leave it as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adx {
    pub(in crate::indicator) movements: Movements,
    seen: usize,
    pub(in crate::indicator) value: f64,
}

impl Adx {
    /// # Errors
    /// Unless `period` is from 2 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        Ok(Self { movements: Movements::new(period)?, seen: 0, value: 0.0 })
    }
}

impl Indicator for Adx {
    type Input = Bar;
    type Output = f64;

    fn step(&mut self, bar: Bar) -> Option<f64> {
        let sums = self.movements.step(bar)?;
        let (period, share, index) = (sums.period, sums.share, sums.index());
        if self.seen < period {
            self.seen += 1;
            self.value += index.unwrap_or(0.0) * share;
            return (self.seen == period).then_some(self.value);
        }
        if let Some(index) = index {
            self.value += (index - self.value) * share;
        }
        Some(self.value)
    }
}

/// The rating of the average directional movement index: its mean with that of `period - 1` samples ago.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adxr {
    adx: Adx,
    before: Delay<f64>,
}

impl Adxr {
    /// # Errors
    /// Unless `period` is from 2 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        let adx = Adx::new(period)?;
        Ok(Self { adx, before: Delay::new(period - 1) })
    }
}

impl Indicator for Adxr {
    type Input = Bar;
    type Output = f64;

    fn step(&mut self, bar: Bar) -> Option<f64> {
        let value = self.adx.step(bar)?;
        Some((value + self.before.push(value)?) / 2.0)
    }
}

output!(
    /// Upward and downward vortex movement over the true range.
    VortexValue { plus, minus }
);

/// The vortex indicator (Botes and Siepman, TASC 1/2010): sums of `|high - low before|` and of `|low - high before|`
/// over the sum of true ranges.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Vortex {
    before: Option<Bar>,
    window: Window<Sums<3>>,
}

impl Vortex {
    /// # Errors
    /// Unless `period` is from 1 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        Ok(Self { before: None, window: Window::new(parameter::period("period", period)?) })
    }
}

impl Indicator for Vortex {
    type Input = Bar;
    type Output = VortexValue;

    fn step(&mut self, bar: Bar) -> Option<VortexValue> {
        let before = self.before.replace(bar)?;
        let sample =
            [(bar.high - before.low).abs(), (bar.low - before.high).abs(), bar.true_range(before.close)];
        let Sums([up, down, range]) = self.window.push(Sums(sample))?;
        Some(VortexValue { plus: quotient(up, range), minus: quotient(down, range) })
    }
}
