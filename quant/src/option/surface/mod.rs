//! A volatility surface: a smile per expiry, and total variance between them.
//!
//! Each expiry has a slice, a SABR smile or a cubic through the quotes, in total variance `w = σ² T` over
//! log-moneyness `k = ln(K/F)`. Between expiries `w` is linear in time at fixed `k`, so that the surface is free of
//! calendar arbitrage where neighbouring slices do not cross; outside, the volatility of the nearest expiry is held.
//! What arbitrage there is is looked for on a grid and listed, not repaired.

mod arbitrage;
mod curve;

pub use arbitrage::{Arbitrage, CalendarBreach, Grid, NegativeDensity, POINTS_MAX};

use crate::option::black_scholes::log_ratio;
use crate::option::sabr::{self, Beta, Expansion, Model, Settings, Underlying};
use crate::{QuantError, check};
use curve::{Curve, Slopes};

/// A two-sided quote of Black volatility at a strike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VolatilityQuote {
    pub strike: f64,
    pub bid: f64,
    pub ask: f64,
}

/// The quotes of one expiry, and the forward to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Expiry {
    pub expiry_years: f64,
    pub forward: f64,
    pub quotes: Vec<VolatilityQuote>,
}

/// How the quotes of an expiry become a slice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Interpolation {
    /// A SABR smile fitted to the mid volatilities, weighted by the inverse square of their spreads. Not for the normal
    /// expansion.
    Sabr { beta: Beta, expansion: Expansion },
    /// The natural cubic spline of total variance: twice differentiable, so that the density is continuous.
    NaturalCubic,
    /// The cubic of Fritsch and Butland (1984): between two quotes never outside of them.
    MonotoneCubic,
}

/// A volatility surface in time and strike.
#[derive(Debug, Clone, PartialEq)]
pub struct Surface {
    slices: Vec<Slice>,
}

#[derive(Debug, Clone, PartialEq)]
struct Slice {
    expiry_years: f64,
    forward: f64,
    smile: Smile,
}

#[derive(Debug, Clone, PartialEq)]
enum Smile {
    Sabr(Model),
    Cubic(Curve),
}

/// The most expiries that are taken.
pub const EXPIRIES_MAX: usize = 1_000;
/// Spread of volatility below which a tighter quote gets no more weight.
const SPREAD_FLOOR: f64 = 1e-3;

impl Surface {
    /// The surface through these quotes, whatever their order.
    ///
    /// # Errors
    /// If there is no expiry or too many, or two at one time; if a number is not positive and finite; if a bid exceeds
    /// its ask, or a strike of a cubic occurs twice; if a slice has too few quotes for a SABR smile or none, cannot be
    /// fitted, or its spline falls to zero between quotes.
    pub fn new(expiries: &[Expiry], interpolation: Interpolation) -> Result<Self, QuantError> {
        if expiries.is_empty() {
            return Err(QuantError::TooFew { what: "surface", needed: 1, got: 0 });
        }
        if expiries.len() > EXPIRIES_MAX {
            return Err(QuantError::TooMany { what: "surface", most: EXPIRIES_MAX, got: expiries.len() });
        }
        let mut slices: Vec<Slice> =
            expiries.iter().map(|expiry| Slice::new(expiry, interpolation)).collect::<Result<_, _>>()?;
        slices.sort_by(|a, b| a.expiry_years.total_cmp(&b.expiry_years));
        for pair in slices.windows(2) {
            check::positive("time between expiries", pair[1].expiry_years - pair[0].expiry_years)?;
        }
        Ok(Self { slices })
    }

    /// The times of the slices, in order.
    pub fn expiries_years(&self) -> impl Iterator<Item = f64> {
        self.slices.iter().map(|slice| slice.expiry_years)
    }

    /// The SABR smiles of the slices, in order; none for cubics.
    pub fn models(&self) -> impl Iterator<Item = &Model> {
        self.slices.iter().filter_map(|slice| match &slice.smile {
            Smile::Sabr(model) => Some(model),
            Smile::Cubic(_) => None,
        })
    }

    /// Total variance at a log-moneyness `ln(K/F)` and a time.
    ///
    /// # Errors
    /// If the log-moneyness is not finite or the time not positive; where a SABR smile breaks down.
    pub fn total_variance(&self, log_moneyness: f64, expiry_years: f64) -> Result<f64, QuantError> {
        check::finite("log-moneyness", log_moneyness)?;
        check::positive("expiry", expiry_years)?;
        let (before, after, share) = self.around(expiry_years);
        let earlier = before.total_variance(log_moneyness)?;
        if let Some(after) = after {
            let later = after.total_variance(log_moneyness)?;
            return Ok(earlier + share * (later - earlier));
        }
        check::finite("total variance", earlier * share)
    }

    /// Black volatility at a strike and a time.
    ///
    /// # Errors
    /// If the strike or the time is not positive; where a SABR smile breaks down.
    pub fn volatility(&self, strike: f64, expiry_years: f64) -> Result<f64, QuantError> {
        check::positive("strike", strike)?;
        let log_moneyness = log_ratio(strike, self.forward(expiry_years)?);
        Ok((self.total_variance(log_moneyness, expiry_years)? / expiry_years).sqrt())
    }

    /// The forward to a time: between expiries it grows at a constant rate, outside it is that of the nearest.
    ///
    /// # Errors
    /// If the time is not positive.
    pub fn forward(&self, expiry_years: f64) -> Result<f64, QuantError> {
        check::positive("expiry", expiry_years)?;
        let (before, after, share) = self.around(expiry_years);
        Ok(after.map_or(before.forward, |after| {
            before.forward * (share * log_ratio(after.forward, before.forward)).exp()
        }))
    }

    /// All arbitrage at the points of a grid: total variance that falls with time, and negative densities at the
    /// expiries.
    ///
    /// # Errors
    /// If the grid is not one; where a SABR smile breaks down.
    pub fn arbitrage(&self, grid: &Grid) -> Result<Arbitrage, QuantError> {
        let mut found = Arbitrage::default();
        for slice in &self.slices {
            found.add_negative_densities(slice, grid)?;
        }
        for pair in self.slices.windows(2) {
            found.add_calendar_breaches(&pair[0], &pair[1], grid)?;
        }
        Ok(found)
    }

    /// The slices around a time, and how far it is from the first to the second; outside, the nearest slice, and the
    /// time as a multiple of its own.
    fn around(&self, expiry_years: f64) -> (&Slice, Option<&Slice>, f64) {
        let after = self.slices.partition_point(|slice| slice.expiry_years < expiry_years);
        if after == 0 || after == self.slices.len() {
            let nearest = &self.slices[after.saturating_sub(1)];
            return (nearest, None, expiry_years / nearest.expiry_years);
        }
        let (before, after) = (&self.slices[after - 1], &self.slices[after]);
        let share = (expiry_years - before.expiry_years) / (after.expiry_years - before.expiry_years);
        (before, Some(after), share)
    }
}

impl Slice {
    fn new(expiry: &Expiry, interpolation: Interpolation) -> Result<Self, QuantError> {
        let Expiry { expiry_years, forward, ref quotes } = *expiry;
        check::positive("expiry", expiry_years)?;
        check::positive("forward", forward)?;
        for quote in quotes {
            quote.check()?;
        }
        let smile = match interpolation {
            Interpolation::Sabr { expansion: Expansion::HaganNormal, .. } => {
                return Err(QuantError::Infeasible {
                    what: "a surface of Black volatility of normal smiles",
                });
            }
            Interpolation::Sabr { beta, expansion } => {
                let quotes: Vec<sabr::Quote> = quotes.iter().map(VolatilityQuote::weighted).collect();
                let underlying = Underlying { forward, expiry_years, shift: 0.0 };
                Smile::Sabr(
                    sabr::fit(&underlying, &quotes, &Settings { expansion, beta, start: None })?.model,
                )
            }
            Interpolation::NaturalCubic => Smile::Cubic(expiry.curve(Slopes::Natural)?),
            Interpolation::MonotoneCubic => Smile::Cubic(expiry.curve(Slopes::Monotone)?),
        };
        Ok(Self { expiry_years, forward, smile })
    }

    fn total_variance(&self, log_moneyness: f64) -> Result<f64, QuantError> {
        match &self.smile {
            Smile::Cubic(curve) => check::finite("total variance", curve.at(log_moneyness)),
            Smile::Sabr(model) => {
                let volatility = model.volatility(self.forward * log_moneyness.exp())?;
                check::finite("total variance", volatility * volatility * self.expiry_years)
            }
        }
    }
}

impl Expiry {
    fn curve(&self, slopes: Slopes) -> Result<Curve, QuantError> {
        let knot = |quote: &VolatilityQuote| {
            let mid = quote.mid();
            (log_ratio(quote.strike, self.forward), mid * mid * self.expiry_years)
        };
        Curve::new(self.quotes.iter().map(knot).collect(), slopes)
    }
}

impl VolatilityQuote {
    fn check(&self) -> Result<(), QuantError> {
        check::positive("strike", self.strike)?;
        check::positive("bid volatility", self.bid)?;
        check::positive("ask volatility", self.ask)?;
        if self.bid > self.ask {
            let expected = "not below the bid: the quote is crossed";
            return Err(QuantError::OutOfRange { what: "ask volatility", value: self.ask, expected });
        }
        Ok(())
    }

    const fn mid(&self) -> f64 {
        0.5 * (self.bid + self.ask)
    }

    fn weighted(&self) -> sabr::Quote {
        let spread = (self.ask - self.bid).max(SPREAD_FLOOR);
        sabr::Quote { strike: self.strike, volatility: self.mid(), weight: (spread * spread).recip() }
    }
}
