//! What a surface gives away.

use super::Slice;
use crate::option::black_scholes::time_value;
use crate::{QuantError, check};

/// Points to look at, evenly spaced in log-moneyness `ln(K/F)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    pub log_moneyness_min: f64,
    pub log_moneyness_max: f64,
    pub points: usize,
}

/// All that was found on a grid.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Arbitrage {
    pub calendar: Vec<CalendarBreach>,
    pub butterfly: Vec<NegativeDensity>,
}

/// Total variance that falls from one expiry to the next at the same log-moneyness: buy the later option and sell the
/// earlier one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CalendarBreach {
    pub earlier_years: f64,
    pub later_years: f64,
    pub log_moneyness: f64,
    /// By how much total variance falls.
    pub fall: f64,
}

/// A butterfly of negative price: buy it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NegativeDensity {
    pub expiry_years: f64,
    pub strike: f64,
    pub log_moneyness: f64,
    /// The density of `K/F` (both shifted, if they are) that the butterfly with the neighbouring points implies.
    pub density: f64,
}

/// The most points of a grid.
pub const POINTS_MAX: usize = 100_000;
/// The widest grid; strikes at its ends must be numbers.
const LOG_MONEYNESS_MAX: f64 = 100.0;
/// Relative error of prices and variances below which a breach may be rounding.
const ROUNDING: f64 = 1e-12;

impl Arbitrage {
    /// Whether nothing was found.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.calendar.is_empty() && self.butterfly.is_empty()
    }

    pub(super) fn add_calendar_breaches(
        &mut self,
        earlier: &Slice,
        later: &Slice,
        grid: &Grid,
    ) -> Result<(), QuantError> {
        for log_moneyness in grid.log_moneyness()? {
            let variance = earlier.total_variance(log_moneyness)?;
            let fall = variance - later.total_variance(log_moneyness)?;
            if fall > ROUNDING * variance {
                self.calendar.push(CalendarBreach {
                    earlier_years: earlier.expiry_years,
                    later_years: later.expiry_years,
                    log_moneyness,
                    fall,
                });
            }
        }
        Ok(())
    }

    pub(super) fn add_negative_densities(&mut self, slice: &Slice, grid: &Grid) -> Result<(), QuantError> {
        let found = grid.negative_densities(|log_moneyness| {
            let deviation = slice.total_variance(log_moneyness)?.sqrt();
            Ok((0.5 * log_moneyness).exp() * time_value(log_moneyness, deviation))
        })?;
        self.butterfly.extend(found.into_iter().map(|(log_moneyness, density)| NegativeDensity {
            expiry_years: slice.expiry_years,
            strike: slice.forward * log_moneyness.exp(),
            log_moneyness,
            density,
        }));
        Ok(())
    }
}

/// An option with its strike as a multiple of the forward, and its value beyond the intrinsic one likewise.
#[derive(Debug, Clone, Copy)]
struct Priced {
    log_moneyness: f64,
    strike: f64,
    value: f64,
}

impl Grid {
    fn check(&self) -> Result<(), QuantError> {
        let Self { log_moneyness_min, log_moneyness_max, points } = *self;
        for bound in [log_moneyness_min, log_moneyness_max] {
            check::finite("bound of the grid", bound)?;
            if bound.abs() > LOG_MONEYNESS_MAX {
                let expected = "from -100 to 100";
                return Err(QuantError::OutOfRange { what: "bound of the grid", value: bound, expected });
            }
        }
        check::positive("width of the grid", log_moneyness_max - log_moneyness_min)?;
        if points < 3 {
            return Err(QuantError::TooFew { what: "grid", needed: 3, got: points });
        }
        if points > POINTS_MAX {
            return Err(QuantError::TooMany { what: "grid", most: POINTS_MAX, got: points });
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "a grid has at most 100 000 points")]
    fn log_moneyness(&self) -> Result<impl Iterator<Item = f64> + use<>, QuantError> {
        self.check()?;
        let Self { log_moneyness_min, log_moneyness_max, points } = *self;
        let step = (log_moneyness_max - log_moneyness_min) / (points - 1) as f64;
        Ok((0..points).map(move |i| log_moneyness_min + step * i as f64))
    }

    /// Log-moneyness and density where a butterfly of three neighbouring strikes has a negative price. `value` gives an
    /// option's value beyond the intrinsic one, as a multiple of the forward, by log-moneyness.
    pub(crate) fn negative_densities(
        &self,
        value: impl Fn(f64) -> Result<f64, QuantError>,
    ) -> Result<Vec<(f64, f64)>, QuantError> {
        let priced = |log_moneyness: f64| {
            let value = value(log_moneyness)?;
            Ok(Priced { log_moneyness, strike: log_moneyness.exp(), value })
        };
        let options: Vec<Priced> = self.log_moneyness()?.map(priced).collect::<Result<_, QuantError>>()?;
        Ok(options.windows(3).filter_map(butterfly).collect())
    }
}

/// The density that a butterfly implies, if it is negative by more than rounding. Puts are taken below the forward and
/// calls above: their prices are small there, and their differences exact.
fn butterfly(options: &[Priced]) -> Option<(f64, f64)> {
    let [low, middle, high] = *options else { return None };
    let price = |option: &Priced| {
        let gain = if middle.strike < 1.0 { option.strike - 1.0 } else { 1.0 - option.strike };
        option.value + gain.max(0.0)
    };
    let (below, above) = (middle.strike - low.strike, high.strike - middle.strike);
    let rise = (price(&high) - price(&middle)) / above;
    let fall = (price(&middle) - price(&low)) / below;
    let noise = (price(&high) + price(&middle)) / above + (price(&middle) + price(&low)) / below;
    let density = 2.0 * (rise - fall) / (high.strike - low.strike);
    (rise - fall < -ROUNDING * noise).then_some((middle.log_moneyness, density))
}
