//! Volatility arbitrage: the volatility that a model implies against the one that the market asks.
//!
//! Over quotes `i` with vegas `v`, weights `w = v / Σ v` and edges `e = model − market` in volatility:
//!
//! - edge: `Σ w e`; what a position in proportion to the weights gains to first order, per unit of vega (Natenberg
//!   1994; Sinclair, Volatility Trading, 2013);
//! - standard error: `√((Σ w m)² + Σ w² h²)`, where `m` are the errors of the model, taken as wholly correlated since
//!   they come from one fit, and `h` the errors of the quotes (half their spread in volatility), taken as independent.
//!
//! The direction is to buy volatility if the model is above the market.

use super::{Direction, Signal, check_thresholds, confidence, z_of};
use crate::{QuantError, check};

/// Most quotes of one signal.
pub const QUOTES_MAX: usize = 100_000;

/// An option, as the model and the market see it. Volatilities are per year, as fractions: 0.2 is 20 points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VolatilityQuote {
    pub model: f64,
    pub market: f64,
    /// Change of the price for a change of the volatility by 1.
    pub vega: f64,
    /// Standard error of the model's volatility.
    pub model_error: f64,
    /// Standard error of the market's volatility, such as half its spread.
    pub market_error: f64,
}

/// When a volatility is far enough off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VolatilityThresholds {
    /// The edge, in volatility, from which the direction is not flat: what trading costs.
    pub entry: f64,
    /// The edge at which the strength is 1.
    pub full: f64,
}

/// The signal and the numbers behind it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VolatilitySignal {
    pub signal: Signal,
    /// The vega-weighted edge in volatility points: one is a difference of 0.01.
    pub edge_points: f64,
    /// Its standard error, in points.
    pub standard_error_points: f64,
    /// The one over the other.
    pub z: f64,
    /// What one of each option gains if the market comes to the model, to first order: `Σ vega (model − market)`.
    pub gain: f64,
}

/// Compares model and market.
///
/// # Errors
/// If there is no quote or more than [`QUOTES_MAX`], a number is not finite or negative, no vega is above zero, or a
/// threshold is not above zero or the entry above the full edge.
pub fn volatility_arbitrage(
    quotes: &[VolatilityQuote],
    thresholds: &VolatilityThresholds,
) -> Result<VolatilitySignal, QuantError> {
    check_thresholds(thresholds.entry, thresholds.full)?;
    if quotes.is_empty() {
        return Err(QuantError::TooFew { what: "quotes of options", needed: 1, got: 0 });
    }
    if quotes.len() > QUOTES_MAX {
        return Err(QuantError::TooMany { what: "quotes of options", most: QUOTES_MAX, got: quotes.len() });
    }
    for quote in quotes {
        check::not_negative("volatility of the model", quote.model)?;
        check::not_negative("volatility of the market", quote.market)?;
        check::not_negative("vega", quote.vega)?;
        check::not_negative("error of the model", quote.model_error)?;
        check::not_negative("error of the market", quote.market_error)?;
    }
    let total: f64 = check::positive("total vega", quotes.iter().map(|quote| quote.vega).sum())?;
    let weighted = |number: fn(&VolatilityQuote) -> f64| -> f64 {
        quotes.iter().map(|quote| quote.vega / total * number(quote)).sum()
    };
    let edge = check::finite("edge", weighted(|quote| quote.model - quote.market))?;
    let market_error =
        quotes.iter().map(|quote| quote.vega / total * quote.market_error).fold(0.0, f64::hypot);
    let standard_error =
        check::finite("standard error", weighted(|quote| quote.model_error).hypot(market_error))?;
    let gain = quotes.iter().map(|quote| quote.vega * (quote.model - quote.market)).sum();
    let z = z_of(edge, standard_error);
    let signal = Signal {
        direction: Direction::of(edge, thresholds.entry),
        strength: (edge / thresholds.full).clamp(-1.0, 1.0),
        confidence: confidence(z),
    };
    Ok(VolatilitySignal {
        signal,
        edge_points: check::finite("edge in points", 100.0 * edge)?,
        standard_error_points: check::finite("standard error in points", 100.0 * standard_error)?,
        z,
        gain: check::finite("gain", gain)?,
    })
}
