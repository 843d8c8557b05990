//! Quotes in the terms of the grid, checked.

use super::super::black;
use super::super::grid::Target;
use super::super::pricing::Forward;
use super::{Observed, QUOTES_MAX, QUOTES_MIN, Quote};
use crate::{QuantError, check};

/// A vega below this share of that at the money counts as this share: so far out, a price says little of volatility.
const VEGA_FLOOR: f64 = 0.01;
/// The vega at the money, over `√(F K T)`: the normal density at zero.
const VEGA_AT_THE_MONEY: f64 = 0.398_942_280_401_432_7;

/// The quotes, sorted by expiry.
pub(super) fn targets(quotes: &[Quote]) -> Result<Vec<Target>, QuantError> {
    if quotes.len() < QUOTES_MIN {
        return Err(QuantError::TooFew { what: "quotes", needed: QUOTES_MIN, got: quotes.len() });
    }
    if quotes.len() > QUOTES_MAX {
        return Err(QuantError::TooMany { what: "quotes", most: QUOTES_MAX, got: quotes.len() });
    }
    let mut targets = quotes.iter().map(target).collect::<Result<Vec<_>, _>>()?;
    targets.sort_by(|a, b| a.time.total_cmp(&b.time));
    Ok(targets)
}

fn target(quote: &Quote) -> Result<Target, QuantError> {
    let at = Forward::new(&quote.market, &quote.contract)?;
    let time = quote.contract.expiry_years;
    let (value, deviation) = match quote.observed {
        Observed::Volatility(volatility) => {
            check::positive("quoted volatility", volatility)?;
            let deviation = volatility * time.sqrt();
            (black::out_of_the_money(at.x, deviation), deviation)
        }
        Observed::Price(price) => {
            check::finite("quoted price", price)?;
            let value = (price / at.discount - at.intrinsic(&quote.contract)) / at.middle;
            let deviation = black::implied_deviation(at.x, value).ok_or(QuantError::OutOfRange {
                what: "quoted price",
                value: price,
                expected: "above what exercise brings, and below the underlying or the strike",
            })?;
            (value, deviation)
        }
    };
    let volatility = deviation / time.sqrt();
    if !(1e-4..=100.0).contains(&volatility) {
        return Err(QuantError::OutOfRange {
            what: "implied volatility of a quote",
            value: volatility,
            expected: "between 1e-4 and 100",
        });
    }
    let vega = black::by_deviation(at.x, deviation).max(VEGA_FLOOR * VEGA_AT_THE_MONEY) * time.sqrt();
    check::positive("vega of a quote", vega)?;
    Ok(Target { time, x: at.x, value, vega, volatility, scale: at.discount * at.middle })
}
