//! Trends by a stop that follows the price and turns when it is hit.

use crate::{
    QuantError, check,
    indicator::{Bar, Indicator, output, parameter, volatility::Atr},
};
use serde::{Deserialize, Serialize};

/// Parabolic stop and reverse (Wilder 1978), begun as TA-Lib does: in the direction of the larger first movement,
/// upwards if none is, with the first low or high as the stop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParabolicSar {
    acceleration: f64,
    maximum: f64,
    before: Option<Bar>,
    course: Option<Course>,
}

/// A trend that is followed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Course {
    rises: bool,
    stop: f64,
    extreme: f64,
    factor: f64,
}

impl ParabolicSar {
    /// # Errors
    /// Unless both factors are zero or more. An acceleration above the maximum counts as the maximum.
    pub fn new(acceleration: f64, maximum: f64) -> Result<Self, QuantError> {
        let maximum = bounded("maximum", maximum)?;
        let acceleration = bounded("acceleration", acceleration)?.min(maximum);
        Ok(Self { acceleration, maximum, before: None, course: None })
    }

    fn begin(&self, bar: &Bar, before: &Bar) -> Course {
        let (up, down) = (bar.high - before.high, before.low - bar.low);
        let rises = !(down > 0.0 && down > up);
        let (stop, extreme) = if rises { (before.low, bar.high) } else { (before.high, bar.low) };
        Course { rises, stop, extreme, factor: self.acceleration }
    }
}

/// `factor`, if it is zero or more and not absurd.
fn bounded(what: &'static str, factor: f64) -> Result<f64, QuantError> {
    if check::not_negative(what, factor)? > 0.0 { parameter::factor(what, factor) } else { Ok(0.0) }
}

impl Course {
    /// Holds the stop outside both bars.
    fn held(&self, stop: f64, bar: &Bar, before: &Bar) -> f64 {
        if self.rises { stop.min(before.low).min(bar.low) } else { stop.max(before.high).max(bar.high) }
    }
}

impl Indicator for ParabolicSar {
    type Input = Bar;
    type Output = f64;

    fn step(&mut self, bar: Bar) -> Option<f64> {
        let before = self.before.replace(bar)?;
        let (mut course, before) = match self.course {
            Some(course) => (course, before),
            None => (self.begin(&bar, &before), bar),
        };
        let is_hit = if course.rises { bar.low <= course.stop } else { bar.high >= course.stop };
        if is_hit {
            course.rises = !course.rises;
            course.stop = course.held(course.extreme, &bar, &before);
            course.factor = self.acceleration;
            course.extreme = if course.rises { bar.high } else { bar.low };
        }
        let shown = course.stop;
        let goes_on = if course.rises { bar.high > course.extreme } else { bar.low < course.extreme };
        if goes_on {
            course.extreme = if course.rises { bar.high } else { bar.low };
            course.factor = (course.factor + self.acceleration).min(self.maximum);
        }
        let next = course.stop + course.factor * (course.extreme - course.stop);
        course.stop = course.held(next, &bar, &before);
        self.course = Some(course);
        Some(shown)
    }
}

output!(
    /// The stop, and 1 above it or -1 below.
    SupertrendValue { stop, direction }
);

/// Supertrend (Seban 2008): a band of `width` average true ranges about the median price that only closes in on the
/// price, until a close beyond it turns the trend. It begins upwards, as the common implementations do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Supertrend {
    atr: Atr,
    width: f64,
    state: Option<Bands>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Bands {
    upper: f64,
    lower: f64,
    rises: bool,
    close: f64,
}

impl Supertrend {
    /// # Errors
    /// Unless `period` is from 1 to 100000 and `width` above zero.
    pub fn new(period: usize, width: f64) -> Result<Self, QuantError> {
        Ok(Self { atr: Atr::new(period)?, width: parameter::factor("width", width)?, state: None })
    }
}

impl Indicator for Supertrend {
    type Input = Bar;
    type Output = SupertrendValue;

    fn step(&mut self, bar: Bar) -> Option<SupertrendValue> {
        let reach = self.width * self.atr.step(bar)?;
        let (mut upper, mut lower) = (bar.median() + reach, bar.median() - reach);
        let mut rises = true;
        if let Some(before) = self.state {
            if before.close <= before.upper {
                upper = upper.min(before.upper);
            }
            if before.close >= before.lower {
                lower = lower.max(before.lower);
            }
            rises = if before.rises { bar.close >= lower } else { bar.close > upper };
        }
        self.state = Some(Bands { upper, lower, rises, close: bar.close });
        let (stop, direction) = if rises { (lower, 1.0) } else { (upper, -1.0) };
        Some(SupertrendValue { stop, direction })
    }
}
