//! The model of Heston (Review of Financial Studies 6, 1993), under which the variance reverts to a mean:
//!
//! `dS = (r - q) S dt + √v S dW`, `dv = κ (θ - v) dt + σ √v dZ`, `dW dZ = ρ dt`.
//!
//! [`price`] and [`greeks`] are reference-accurate: an integral is refined until it no longer changes, at some ten
//! microseconds each. Where it does not settle (expiries of a minute, a variance that hardly varies) [`greeks`] may have no
//! answer while [`price`] has one. No price leaves its no-arbitrage bounds. [`Calibration`] fits the five parameters to
//! quotes, on a fixed grid that costs a fraction of a microsecond per quote, and says so when the quotes do not
//! determine them.

mod black;
mod calibration;
mod complex;
mod contour;
mod elementary;
mod exponent;
mod grid;
mod kernel;
mod legendre;
mod pricing;
mod surface;
mod tail;

pub use calibration::{Calibration, Fit, Observed, Quote};
pub use pricing::{Greeks, greeks, price};
pub use surface::{Surface, Valued};

use super::OptionKind;
use crate::{QuantError, check};

/// The five parameters of the variance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameters {
    /// Variance per year now.
    pub v0: f64,
    /// Speed of reversion per year.
    pub kappa: f64,
    /// Mean variance per year in the long run.
    pub theta: f64,
    /// Volatility of the variance.
    pub sigma: f64,
    /// Correlation of price and variance.
    pub rho: f64,
}

/// A number for each of the five parameters: a derivative by it, or its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PerParameter {
    /// Of the variance now.
    pub v0: f64,
    /// Of the speed of reversion.
    pub kappa: f64,
    /// Of the mean variance.
    pub theta: f64,
    /// Of the volatility of the variance.
    pub sigma: f64,
    /// Of the correlation.
    pub rho: f64,
}

/// What holds for all options on one underlying, or for all that expire at one date.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Market {
    /// Price of the underlying.
    pub spot: f64,
    /// Interest per year until expiry, continuously compounded.
    pub rate: f64,
    /// Dividends per year until expiry, continuously compounded.
    pub dividend: f64,
}

/// A European option.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contract {
    /// Price at which it may be exercised.
    pub strike: f64,
    /// Time to expiry.
    pub expiry_years: f64,
    /// Call or put.
    pub kind: OptionKind,
}

impl Parameters {
    /// Largest value of any parameter: beyond it the numbers have no meaning in any market, and squares might overflow.
    pub const LARGEST: f64 = 1e6;
    /// Smallest value of the parameters that must be above zero.
    pub const SMALLEST: f64 = 1e-12;

    /// Fails unless `v0` is zero or more, κ, θ and σ above zero, and ρ strictly between -1 and 1.
    ///
    /// # Errors
    /// If a parameter is not finite or out of range.
    pub fn check(&self) -> Result<(), QuantError> {
        check::not_negative("v0", self.v0)?;
        for (what, value) in [("kappa", self.kappa), ("theta", self.theta), ("sigma", self.sigma)] {
            check::finite(what, value)?;
            if value < Self::SMALLEST {
                return Err(QuantError::OutOfRange { what, value, expected: "at least 1e-12" });
            }
        }
        for (what, value) in
            [("v0", self.v0), ("kappa", self.kappa), ("theta", self.theta), ("sigma", self.sigma)]
        {
            if value > Self::LARGEST {
                return Err(QuantError::OutOfRange { what, value, expected: "at most 1e6" });
            }
        }
        check::finite("rho", self.rho)?;
        if self.rho.abs() < 1.0 {
            Ok(())
        } else {
            Err(QuantError::OutOfRange { what: "rho", value: self.rho, expected: "between -1 and 1" })
        }
    }

    /// Whether the variance never touches zero: the condition of Feller (Annals of Mathematics 54, 1951).
    #[must_use]
    pub fn feller(&self) -> bool {
        2.0 * self.kappa * self.theta >= self.sigma * self.sigma
    }

    /// The expected variance summed up to a time in years.
    #[must_use]
    pub fn expected_variance(&self, time: f64) -> f64 {
        let x = self.kappa * time;
        // 1 - (1 - e^-x) / x, by its series where it cancels.
        let reverted = if x < 0.02 {
            x * (0.5 - x * (1.0 / 6.0 - x * (1.0 / 24.0 - x * (1.0 / 120.0 - x / 720.0))))
        } else {
            1.0 + (-x).exp_m1() / x
        };
        time * (self.v0 * (1.0 - reverted) + self.theta * reverted)
    }
}
