//! The SABR model of a volatility smile (Hagan, Kumar, Lesniewski and Woodward 2002).
//!
//! `dF = σ F^β dW`, `dσ = ν σ dZ`, `dW dZ = ρ dt`, `σ₀ = α`, with all of it on `F + shift` where rates may be negative.
//! There is no closed price; there are expansions of the volatility that an option on it implies, for short expiries.
//! Beware of them at low strikes and long expiries, where they may imply a negative density: [`Model::arbitrage`] looks.

mod expansion;
mod fit;
mod guess;

pub use fit::{Beta, Fit, QUOTES_MAX, Quote, Settings, fit};

use crate::option::black_scholes::{log_ratio, time_value};
use crate::option::surface::{Grid, NegativeDensity};
use crate::option::{OptionKind, bachelier};
use crate::{QuantError, check};
use expansion::{Dynamics, Point};
use serde::{Deserialize, Serialize};

/// The parameters: level `alpha`, backbone `beta` in `[0, 1]`, volatility of volatility `nu`, and correlation `rho`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Parameters {
    pub alpha: f64,
    pub beta: f64,
    pub nu: f64,
    pub rho: f64,
}

/// What a smile is of. Strikes and the forward must exceed `-shift`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Underlying {
    pub forward: f64,
    pub expiry_years: f64,
    pub shift: f64,
}

/// Which expansion gives the volatility, and of which kind that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expansion {
    /// Hagan et al. 2002, equation 2.17: a Black volatility. What the market means by SABR.
    Hagan,
    /// Hagan's with the leading order of Obłój, "Fine-tune your smile correction" (2008): a Black volatility, better at
    /// low strikes.
    Obloj,
    /// Le Floc'h and Kennedy, "Explicit SABR calibration through simple expansions" (2014), after Andersen and
    /// Brotherton-Ratcliffe: a Black volatility whose correction follows the strike.
    FlochKennedy,
    /// Hagan et al. 2002, equation A.59: a normal (Bachelier) volatility.
    HaganNormal,
}

/// Parameters with what they belong to: a smile that can be evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Model {
    parameters: Parameters,
    underlying: Underlying,
    expansion: Expansion,
}

impl Model {
    /// A smile of checked parameters.
    ///
    /// # Errors
    /// Unless all are finite, `alpha`, expiry and shifted forward are positive, `beta` is in `[0, 1]`, `nu` is not
    /// negative, and `rho` is within `(-1, 1)`.
    pub fn new(
        parameters: Parameters,
        underlying: Underlying,
        expansion: Expansion,
    ) -> Result<Self, QuantError> {
        let Parameters { alpha, beta, nu, rho } = parameters;
        check::positive("alpha", alpha)?;
        check_beta(beta)?;
        check::not_negative("nu", nu)?;
        check::finite("rho", rho)?;
        if rho.abs() >= 1.0 {
            return Err(QuantError::OutOfRange { what: "rho", value: rho, expected: "above -1 and below 1" });
        }
        underlying.check()?;
        Ok(Self { parameters, underlying, expansion })
    }

    /// The parameters.
    #[must_use]
    pub const fn parameters(&self) -> Parameters {
        self.parameters
    }

    /// What the smile is of.
    #[must_use]
    pub const fn underlying(&self) -> Underlying {
        self.underlying
    }

    /// The volatility at a strike, of the kind and by the formula of the expansion; Black's is of the shifted forward.
    ///
    /// # Errors
    /// If the shifted strike is not positive; where the expansion breaks down, that is gives no positive volatility.
    pub fn volatility(&self, strike: f64) -> Result<f64, QuantError> {
        let Underlying { forward, expiry_years, shift } = self.underlying;
        let strike = check::positive("shifted strike", strike + shift)?;
        let logs = ((forward + shift).ln(), log_ratio(strike, forward + shift));
        let point = Point::new(self.expansion, logs, self.parameters.beta);
        let volatility = point.volatility(&Dynamics::of(&self.parameters, expiry_years));
        check::positive("volatility that the expansion gives", volatility)
    }

    /// Strikes of a grid about the forward at which the smile implies a negative density, by butterflies of prices.
    ///
    /// # Errors
    /// If the grid is not one; where the expansion breaks down.
    pub fn arbitrage(&self, grid: &Grid) -> Result<Vec<NegativeDensity>, QuantError> {
        let Underlying { forward, expiry_years, shift } = self.underlying;
        let found =
            grid.negative_densities(|log_moneyness| self.scaled_value(forward + shift, log_moneyness))?;
        let describe = |(log_moneyness, density): (f64, f64)| {
            let strike = (forward + shift) * log_moneyness.exp() - shift;
            NegativeDensity { expiry_years, strike, log_moneyness, density }
        };
        Ok(found.into_iter().map(describe).collect())
    }

    /// The value beyond the intrinsic one at a strike, as a multiple of the shifted forward.
    fn scaled_value(&self, forward: f64, log_moneyness: f64) -> Result<f64, QuantError> {
        let Underlying { expiry_years, shift, .. } = self.underlying;
        let strike = forward * log_moneyness.exp();
        let volatility = self.volatility(strike - shift)?;
        if self.expansion != Expansion::HaganNormal {
            let log_moneyness = log_ratio(strike, forward);
            return Ok(
                (0.5 * log_moneyness).exp() * time_value(log_moneyness, volatility * expiry_years.sqrt())
            );
        }
        let kind = if log_moneyness > 0.0 { OptionKind::Call } else { OptionKind::Put };
        let inputs = bachelier::Inputs { forward, strike, expiry_years, rate: 0.0, volatility };
        check::finite("price", bachelier::undiscounted(kind, &inputs) / forward)
    }
}

impl Underlying {
    fn check(&self) -> Result<(), QuantError> {
        check::finite("shift", self.shift)?;
        check::positive("shifted forward", self.forward + self.shift)?;
        check::positive("expiry", self.expiry_years)?;
        Ok(())
    }
}

fn check_beta(beta: f64) -> Result<f64, QuantError> {
    if (0.0..=1.0).contains(&beta) {
        return Ok(beta);
    }
    check::finite("beta", beta)?;
    Err(QuantError::OutOfRange { what: "beta", value: beta, expected: "from 0 to 1" })
}
