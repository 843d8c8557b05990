//! The volatility that explains a price.
//!
//! Black volatilities by Jäckel's "Let's Be Rational" (2013, revised to 2024): rational guesses in four regions of the
//! price, then two Householder steps of fourth order, which reach the accuracy that the price itself allows over the
//! whole range. Normal volatilities by his closed form ("Implied Normal Volatility", 2017). Both come from the crate
//! `implied-vol`, a port of his programs.
//!
//! An option in the money determines its volatility only through the digits of its price beyond the intrinsic value:
//! ask for the one that is out of the money where both are quoted.

use crate::option::OptionKind;
use crate::{QuantError, check};
use implied_vol::{DefaultSpecialFn, ImpliedBlackVolatility, ImpliedNormalVolatility};

/// A price today of an option on a spot. Rate and dividend yield are per year and continuously compounded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quote {
    pub price: f64,
    pub spot: f64,
    pub strike: f64,
    pub expiry_years: f64,
    pub rate: f64,
    pub dividend: f64,
}

/// A price at expiry, that is without discount, of an option on a forward.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ForwardQuote {
    pub price: f64,
    pub forward: f64,
    pub strike: f64,
    pub expiry_years: f64,
}

/// How far below the intrinsic value a price counts as rounded from it, in units of the last digit of the larger of
/// forward and strike.
const ROUNDING: f64 = 4.0 * f64::EPSILON;

/// The Black-Scholes volatility, per square root of a year, at which the option has this price.
///
/// A price at the intrinsic value (which for an option out of the money is zero) has a volatility of zero.
///
/// # Errors
/// If an input is not finite, or spot, strike or expiry is not positive; if the price is below the discounted intrinsic
/// value, or not below the discounted spot (of a call) or strike (of a put), which no volatility explains.
pub fn of_price(kind: OptionKind, quote: &Quote) -> Result<f64, QuantError> {
    let Quote { price, spot, strike, expiry_years, rate, dividend } = *quote;
    check::positive("spot", spot)?;
    check::positive("strike", strike)?;
    check::positive("expiry", expiry_years)?;
    check::finite("rate", rate)?;
    check::finite("dividend", dividend)?;
    // Today's values serve as forward and strike: the formula knows only their ratio and the unit of account.
    let forward = spot * (-dividend * expiry_years).exp();
    let strike = strike * (-rate * expiry_years).exp();
    of_forward_price(kind, &ForwardQuote { price, forward, strike, expiry_years })
}

/// The Black volatility, per square root of a year, at which the option has this price at expiry.
///
/// # Errors
/// As for [`of_price`], with the forward for the spot and without discounts.
pub fn of_forward_price(kind: OptionKind, quote: &ForwardQuote) -> Result<f64, QuantError> {
    check::positive("forward", quote.forward)?;
    check::positive("strike", quote.strike)?;
    let most = if kind == OptionKind::Call { quote.forward } else { quote.strike };
    if quote.price >= most {
        return Err(QuantError::OutOfRange {
            what: "price",
            value: quote.price,
            expected: "below the forward for a call, and below the strike for a put",
        });
    }
    if !beyond_intrinsic(kind, quote)? {
        return Ok(0.0);
    }
    let volatility = ImpliedBlackVolatility::builder()
        .option_price(quote.price)
        .forward(quote.forward)
        .strike(quote.strike)
        .expiry(quote.expiry_years)
        .is_call(kind == OptionKind::Call)
        .build_unchecked()
        .calculate::<DefaultSpecialFn>();
    identified(volatility)
}

/// The normal volatility, in units of the forward per square root of a year, at which the option has this price at
/// expiry. Forward and strike may be negative.
///
/// # Errors
/// If an input is not finite or the expiry is not positive; if the price is below the intrinsic value.
pub fn normal_of_forward_price(kind: OptionKind, quote: &ForwardQuote) -> Result<f64, QuantError> {
    check::finite("forward", quote.forward)?;
    check::finite("strike", quote.strike)?;
    if !beyond_intrinsic(kind, quote)? {
        return Ok(0.0);
    }
    let volatility = ImpliedNormalVolatility::builder()
        .option_price(quote.price)
        .forward(quote.forward)
        .strike(quote.strike)
        .expiry(quote.expiry_years)
        .is_call(kind == OptionKind::Call)
        .build_unchecked()
        .calculate::<DefaultSpecialFn>();
    identified(volatility)
}

/// Whether there is a value beyond the intrinsic one; fails if the price lies below that by more than rounding.
fn beyond_intrinsic(kind: OptionKind, quote: &ForwardQuote) -> Result<bool, QuantError> {
    let ForwardQuote { price, forward, strike, expiry_years } = *quote;
    check::finite("price", price)?;
    check::positive("expiry", expiry_years)?;
    let gain = check::finite("moneyness", forward - strike)?;
    let intrinsic = if kind == OptionKind::Call { gain.max(0.0) } else { (-gain).max(0.0) };
    let rounding = if intrinsic > 0.0 { ROUNDING * forward.abs().max(strike.abs()) } else { 0.0 };
    if price < intrinsic - rounding {
        return Err(QuantError::OutOfRange {
            what: "price",
            value: price,
            expected: "at or above the intrinsic value",
        });
    }
    Ok(price > intrinsic)
}

fn identified(volatility: Option<f64>) -> Result<f64, QuantError> {
    volatility
        .filter(|value| value.is_finite())
        .ok_or(QuantError::NotIdentified { why: "the price does not determine a finite volatility" })
}
