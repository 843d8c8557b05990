//! The model of Black, Scholes and Merton, with a dividend yield, and Black's form of it on a forward.
//!
//! With `a = S e^{-qT}`, `b = K e^{-rT}`, `s = σ √T` and `d₁,₂ = ln(a/b)/s ± s/2` a call is worth `a N(d₁) - b N(d₂)`
//! (Black and Scholes 1973, Merton 1973, Black 1976). The price is never formed as that difference, which loses all
//! digits far out of the money: it is the intrinsic value plus Jäckel's normalised Black function ("Let's Be Rational",
//! 2013), so that even a price of 1e-200 is right to some fifteen digits. Probabilities go through `erfc`.

use crate::option::OptionKind;
use crate::{QuantError, check, normal};
use implied_vol::{DefaultSpecialFn, PriceBlackScholesNormalised};

/// What a price on a spot depends on. Rate and dividend yield are per year and continuously compounded; the volatility
/// is per square root of a year.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Inputs {
    pub spot: f64,
    pub strike: f64,
    pub expiry_years: f64,
    pub rate: f64,
    pub dividend: f64,
    pub volatility: f64,
}

/// What a price on a forward depends on, in the units of [`Inputs`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ForwardInputs {
    pub forward: f64,
    pub strike: f64,
    pub expiry_years: f64,
    pub rate: f64,
    pub volatility: f64,
}

/// A price and its derivatives. All are per unit: volatility, rates and time are in whole ones (a vega per percentage
/// point is a hundredth of this one). Derivatives by time are by the calendar, so that a long option has mostly a
/// negative theta; per year.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Greeks {
    pub price: f64,
    /// By the spot.
    pub delta: f64,
    /// Twice by the spot.
    pub gamma: f64,
    /// By the volatility.
    pub vega: f64,
    /// By the time that passes.
    pub theta: f64,
    /// By the rate.
    pub rho: f64,
    /// By the dividend yield; also called epsilon or psi.
    pub dividend_rho: f64,
    /// By the spot and the volatility.
    pub vanna: f64,
    /// Twice by the volatility; also called vomma.
    pub volga: f64,
    /// Delta by the time that passes.
    pub charm: f64,
    /// Vega by the time that passes.
    pub veta: f64,
    /// Gamma by the spot.
    pub speed: f64,
    /// Gamma by the volatility.
    pub zomma: f64,
    /// Gamma by the time that passes.
    pub color: f64,
    /// Volga by the volatility.
    pub ultima: f64,
}

/// The price of an option on a spot (Merton 1973).
///
/// At zero time or volatility this is the limit, `max(±(S e^{-qT} - K e^{-rT}), 0)`.
///
/// # Errors
/// If an input is not finite, spot or strike is not positive, or time or volatility is negative; if a discounted value
/// overflows.
pub fn price(kind: OptionKind, inputs: &Inputs) -> Result<f64, QuantError> {
    check::finite("price", Standard::new(inputs)?.price(kind))
}

/// The price of an option on a forward (Black 1976).
///
/// # Errors
/// As for [`price`].
pub fn forward_price(kind: OptionKind, inputs: &ForwardInputs) -> Result<f64, QuantError> {
    price(kind, &inputs.on_spot())
}

/// The price and all sensitivities of an option on a spot (Haug, "The Complete Guide to Option Pricing Formulas", 2007).
///
/// At zero time or volatility these are the limits: the sensitivities of the discounted intrinsic value, with none to
/// volatility.
///
/// # Errors
/// As for [`price`]; at zero time or volatility exactly at the money, where there is no derivative; if a sensitivity
/// overflows.
pub fn greeks(kind: OptionKind, inputs: &Inputs) -> Result<Greeks, QuantError> {
    let standard = Standard::new(inputs)?;
    standard.check_no_kink()?;
    let mut greeks = standard.linear(kind, inputs);
    let density = normal::pdf(standard.distance() + 0.5 * standard.deviation);
    // Where the density vanishes its product with any power of the distance does too; at zero deviation, the quotients
    // would be undefined.
    if density > 0.0 {
        standard.add_curvature(&mut greeks, inputs, density);
    }
    greeks.check_finite()
}

/// The price and all sensitivities of an option on a forward.
///
/// Delta, gamma and what follows from them are by the forward. Theta, charm, veta and color hold the forward; rho moves
/// only the discount, so it is `-T · price`; there is no dividend.
///
/// # Errors
/// As for [`greeks`].
pub fn forward_greeks(kind: OptionKind, inputs: &ForwardInputs) -> Result<Greeks, QuantError> {
    let greeks = greeks(kind, &inputs.on_spot())?;
    Greeks { rho: -inputs.expiry_years * greeks.price, dividend_rho: 0.0, ..greeks }.check_finite()
}

/// The value beyond the intrinsic one of an option, divided by the geometric mean of forward and strike: Jäckel's
/// normalised Black function of the logarithm of forward over strike and the total volatility. The same for both kinds.
pub(crate) fn time_value(log_moneyness: f64, deviation: f64) -> f64 {
    PriceBlackScholesNormalised::builder()
        .log_moneyness(log_moneyness)
        .total_volatility(deviation)
        .build_unchecked()
        .calculate::<DefaultSpecialFn>()
}

/// The logarithm of `a / b` for positive numbers, accurate also where they nearly agree.
pub(crate) fn log_ratio(a: f64, b: f64) -> f64 {
    let ratio = a / b;
    if (0.5..=2.0).contains(&ratio) {
        ((a - b) / b).ln_1p()
    } else if ratio.is_normal() {
        ratio.ln()
    } else {
        a.ln() - b.ln()
    }
}

impl ForwardInputs {
    /// A forward is a spot whose dividend yield is the rate.
    const fn on_spot(&self) -> Inputs {
        Inputs {
            spot: self.forward,
            strike: self.strike,
            expiry_years: self.expiry_years,
            rate: self.rate,
            dividend: self.rate,
            volatility: self.volatility,
        }
    }
}

/// Checked inputs in the terms of the formula.
struct Standard {
    /// `e^{-qT}`.
    growth: f64,
    /// `S e^{-qT}`.
    spot_value: f64,
    /// `K e^{-rT}`.
    strike_value: f64,
    /// `ln(S e^{-qT} / (K e^{-rT}))`.
    log_moneyness: f64,
    /// `σ √T`.
    deviation: f64,
}

impl Standard {
    fn new(inputs: &Inputs) -> Result<Self, QuantError> {
        let spot = check::positive("spot", inputs.spot)?;
        let strike = check::positive("strike", inputs.strike)?;
        let years = check::not_negative("expiry", inputs.expiry_years)?;
        let rate = check::finite("rate", inputs.rate)?;
        let dividend = check::finite("dividend", inputs.dividend)?;
        let volatility = check::not_negative("volatility", inputs.volatility)?;
        let growth = (-dividend * years).exp();
        let carry = (rate - dividend) * years;
        Ok(Self {
            growth,
            spot_value: check::finite("discounted spot", spot * growth)?,
            strike_value: check::finite("discounted strike", strike * (-rate * years).exp())?,
            log_moneyness: check::finite("moneyness", log_ratio(spot, strike) + carry)?,
            deviation: check::finite("total volatility", volatility * years.sqrt())?,
        })
    }

    fn price(&self, kind: OptionKind) -> f64 {
        let (most, least) = match kind {
            OptionKind::Call => (self.spot_value, self.strike_value),
            OptionKind::Put => (self.strike_value, self.spot_value),
        };
        let scale = self.spot_value.sqrt() * self.strike_value.sqrt();
        let price = (most - least).max(0.0) + scale * time_value(self.log_moneyness, self.deviation);
        // Rounding must not carry the price past its bound, where it would have no volatility.
        price.min(most)
    }

    /// How many deviations the option is in the money: the middle of `d₁` and `d₂`.
    fn distance(&self) -> f64 {
        if self.log_moneyness == 0.0 { 0.0 } else { self.log_moneyness / self.deviation }
    }

    fn check_no_kink(&self) -> Result<(), QuantError> {
        if self.deviation > 0.0 || self.log_moneyness != 0.0 {
            return Ok(());
        }
        Err(QuantError::OutOfRange {
            what: "total volatility at the money",
            value: self.deviation,
            expected: "above zero, for there to be a derivative",
        })
    }

    /// The price, and what of its sensitivities follows from the two probabilities alone.
    fn linear(&self, kind: OptionKind, inputs: &Inputs) -> Greeks {
        let sign = if kind == OptionKind::Call { 1.0 } else { -1.0 };
        let distance = self.distance();
        let spot_probability = sign * normal::cdf(sign * (distance + 0.5 * self.deviation));
        let strike_probability = sign * normal::cdf(sign * (distance - 0.5 * self.deviation));
        let spot_part = self.spot_value * spot_probability;
        let strike_part = self.strike_value * strike_probability;
        let delta = self.growth * spot_probability;
        Greeks {
            price: self.price(kind),
            delta,
            theta: inputs.dividend * spot_part - inputs.rate * strike_part,
            rho: inputs.expiry_years * strike_part,
            dividend_rho: -inputs.expiry_years * spot_part,
            charm: inputs.dividend * delta,
            ..Greeks::default()
        }
    }

    /// Adds what is in proportion to the density at `d₁`.
    fn add_curvature(&self, greeks: &mut Greeks, inputs: &Inputs, density: f64) {
        let Inputs { spot, expiry_years: years, rate, dividend, volatility, .. } = *inputs;
        let deviation = self.deviation;
        let d1 = self.distance() + 0.5 * deviation;
        let d2 = self.distance() - 0.5 * deviation;
        let product = d1 * d2;
        // What d₁ loses per unit of time, times 2 T.
        let drift = 2.0 * (rate - dividend) * years / deviation - d2;

        let vega = self.spot_value * density * years.sqrt();
        let gamma = self.growth * density / (spot * deviation);
        greeks.vega = vega;
        greeks.gamma = gamma;
        greeks.theta -= 0.5 * vega * volatility / years;
        greeks.vanna = -self.growth * density * d2 / volatility;
        greeks.volga = vega * product / volatility;
        greeks.charm -= self.growth * density * drift / (2.0 * years);
        greeks.veta =
            vega * (dividend + (rate - dividend) * d1 / deviation - (1.0 + product) / (2.0 * years));
        greeks.speed = -gamma / spot * (d1 / deviation + 1.0);
        greeks.zomma = gamma * (product - 1.0) / volatility;
        greeks.color = gamma / (2.0 * years) * (2.0 * dividend * years + 1.0 + drift * d1);
        let bend = product * (1.0 - product) + d1 * d1 + d2 * d2;
        greeks.ultima = -vega / (volatility * volatility) * bend;
    }
}

impl Greeks {
    fn check_finite(self) -> Result<Self, QuantError> {
        let Self { price, delta, gamma, vega, theta, rho, dividend_rho, vanna, volga, .. } = self;
        let Self { charm, veta, speed, zomma, color, ultima, .. } = self;
        let first = [price, delta, gamma, vega, theta, rho, dividend_rho, vanna, volga];
        check::series("sensitivities", &first, 0)?;
        check::series("sensitivities", &[charm, veta, speed, zomma, color, ultima], 0)?;
        Ok(self)
    }
}
