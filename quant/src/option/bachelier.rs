//! The model of Bachelier: the forward moves by `σ dW`, and may be negative.
//!
//! A call is worth `D s (m N(m) + n(m))` with `m = (F - K)/s` and `s = σ √T`. The price is accurate to machine precision
//! in its own size, however far out of the money (Jäckel, "Implied Normal Volatility", Wilmott 2017).

use crate::option::OptionKind;
use crate::{QuantError, check};
use implied_vol::{DefaultSpecialFn, PriceBachelier};

/// What the price depends on. The rate is per year and continuously compounded; the volatility is in units of the
/// forward per square root of a year.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Inputs {
    pub forward: f64,
    pub strike: f64,
    pub expiry_years: f64,
    pub rate: f64,
    pub volatility: f64,
}

/// The price today of an option on the forward (Bachelier 1900).
///
/// At zero time or volatility this is the discounted intrinsic value.
///
/// # Errors
/// If an input is not finite, or time or volatility is negative; if the price overflows.
pub fn price(kind: OptionKind, inputs: &Inputs) -> Result<f64, QuantError> {
    check::finite("forward", inputs.forward)?;
    check::finite("strike", inputs.strike)?;
    check::finite("rate", inputs.rate)?;
    check::not_negative("expiry", inputs.expiry_years)?;
    check::not_negative("volatility", inputs.volatility)?;
    check::finite("price", (-inputs.rate * inputs.expiry_years).exp() * undiscounted(kind, inputs))
}

/// The price at expiry of checked inputs, which may overflow.
pub(crate) fn undiscounted(kind: OptionKind, inputs: &Inputs) -> f64 {
    PriceBachelier::builder()
        .forward(inputs.forward)
        .strike(inputs.strike)
        .volatility(inputs.volatility)
        .expiry(inputs.expiry_years)
        .is_call(kind == OptionKind::Call)
        .build_unchecked()
        .calculate::<DefaultSpecialFn>()
}
