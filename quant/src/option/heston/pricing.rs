//! Prices and their sensitivities, one option at a time.

use super::contour::{Contour, Integrals};
use super::{Contract, Market, OptionKind, Parameters, PerParameter, black, tail};
use crate::{QuantError, check, normal};

/// Total variance at which an option is as good as expired.
const VARIANCE_MIN: f64 = 1e-28;
/// Value over `√(F K)` below which the path through the saddle point has more digits.
const TAIL: f64 = 1e-5;

/// A price and its derivatives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Greeks {
    /// Price.
    pub price: f64,
    /// By spot.
    pub delta: f64,
    /// By spot, twice.
    pub gamma: f64,
    /// By the passing of time, per year.
    pub theta: f64,
    /// By the interest rate.
    pub rho: f64,
    /// By the initial volatility `√v₀`.
    pub vega: f64,
    /// By the parameters of the model.
    pub by_parameter: PerParameter,
}

/// A contract in terms of its forward.
#[derive(Debug, Clone, Copy)]
pub(super) struct Forward {
    pub(super) discount: f64,
    pub(super) forward: f64,
    /// `√(F K)`.
    pub(super) middle: f64,
    /// `ln(F / K)`.
    pub(super) x: f64,
}

impl Forward {
    /// # Errors
    /// If an input is not finite, or a price or the time is not above zero, or they leave the range of numbers.
    pub(super) fn new(market: &Market, contract: &Contract) -> Result<Self, QuantError> {
        check::positive("spot", market.spot)?;
        check::finite("rate", market.rate)?;
        check::finite("dividend", market.dividend)?;
        check::positive("strike", contract.strike)?;
        let time = check::positive("expiry", contract.expiry_years)?;
        let discount = check::positive("discount factor", (-market.rate * time).exp())?;
        let carry = check::finite("carry", (market.rate - market.dividend) * time)?;
        let forward = check::positive("forward price", market.spot * carry.exp())?;
        check::finite("present value of the strike", discount * contract.strike)?;
        check::finite("present value of the forward", discount * forward)?;
        let middle = forward.sqrt() * contract.strike.sqrt();
        let x = (market.spot / contract.strike).ln() + carry;
        let x = if x.is_finite() { x } else { forward.ln() - contract.strike.ln() };
        Ok(Self { discount, forward, middle, x })
    }

    /// The undiscounted price, from the value out of the money, within the bounds that leave no arbitrage.
    pub(super) fn bounded(&self, contract: &Contract, out_of_the_money: f64) -> f64 {
        let most = self.forward.min(contract.strike);
        self.intrinsic(contract) + out_of_the_money.max(0.0).min(most)
    }

    /// What exercising now at the forward would bring, undiscounted.
    pub(super) fn intrinsic(&self, contract: &Contract) -> f64 {
        match contract.kind {
            OptionKind::Call => (self.forward - contract.strike).max(0.0),
            OptionKind::Put => (contract.strike - self.forward).max(0.0),
        }
    }
}

/// The price of an option, good to about 1e-14 of the spot, and with as many digits of its own far out of the money.
///
/// # Errors
/// If an input is out of range, or the parameters are so extreme that the integral does not settle.
pub fn price(market: &Market, parameters: &Parameters, contract: &Contract) -> Result<f64, QuantError> {
    parameters.check()?;
    let at = Forward::new(market, contract)?;
    let time = contract.expiry_years;
    let variance = parameters.expected_variance(time);
    if variance < VARIANCE_MIN {
        return Ok(at.discount * at.intrinsic(contract));
    }
    check::finite("total variance", variance)?;
    let change = Contour::ordinary(parameters, time, at.x).value()?;
    let mut value = black::out_of_the_money(at.x, variance.sqrt()) + change;
    if value < TAIL {
        // If there is no saddle to be found, the first answer is still right to rounding.
        value = tail::value(parameters, time, at.x).unwrap_or(value);
    }
    Ok(at.discount * at.bounded(contract, at.middle * value))
}

/// The price and its sensitivities, of which each integral is refined until it no longer changes.
///
/// # Errors
/// As [`price`], and if the variance until expiry is nothing.
pub fn greeks(market: &Market, parameters: &Parameters, contract: &Contract) -> Result<Greeks, QuantError> {
    let price = price(market, parameters, contract)?;
    let at = Forward::new(market, contract)?;
    let time = contract.expiry_years;
    let variance = parameters.expected_variance(time);
    if variance < VARIANCE_MIN {
        return Err(QuantError::OutOfRange {
            what: "variance until expiry",
            value: variance,
            expected: "at least 1e-28 for sensitivities",
        });
    }
    let integrals = Contour::ordinary(parameters, time, at.x).derivatives()?;
    let Forward { discount, forward, middle, x } = at;
    let Integrals { value, by_x, by_x_twice, by_time, by_parameter } = integrals;

    // Black's part, at a fixed total variance: the sum does not depend on which.
    let deviation = variance.sqrt();
    let upper = x / deviation + 0.5 * deviation;
    let certain = match contract.kind {
        OptionKind::Call => normal::cdf(upper),
        OptionKind::Put => -normal::cdf(-upper),
    };
    let by_forward = certain + middle / forward * (0.5 * value + by_x);
    let by_forward_twice =
        normal::pdf(upper) / (forward * deviation) + middle / forward * (by_x_twice - 0.25 * value) / forward;
    let growth = forward / market.spot;
    let along = discount * forward * by_forward;
    let scale = discount * middle;
    let [by_v0, kappa, theta, sigma, rho] = by_parameter.map(|integral| scale * integral);
    let greeks = Greeks {
        price,
        delta: discount * growth * by_forward,
        gamma: discount * growth * growth * by_forward_twice,
        theta: market.rate * price - (market.rate - market.dividend) * along - scale * by_time,
        rho: time * (along - price),
        vega: 2.0 * parameters.v0.sqrt() * by_v0,
        by_parameter: PerParameter { v0: by_v0, kappa, theta, sigma, rho },
    };
    let Greeks { delta, gamma, theta: decay, rho: by_rate, vega, .. } = greeks;
    check::series(
        "sensitivities",
        &[delta, gamma, decay, by_rate, vega, by_v0, kappa, theta, sigma, rho],
        0,
    )?;
    Ok(greeks)
}
