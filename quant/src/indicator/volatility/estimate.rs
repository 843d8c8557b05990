//! Estimates of the standard deviation of the return per bar, as fractions. A caller annualises.
//!
//! Logarithms of ratios that are not defined, as of prices of zero or less, count as zero.

use crate::{
    QuantError,
    indicator::{
        Bar, Indicator,
        aggregate::{Moments, Sum},
        parameter, quotient,
        window::Window,
    },
};
use serde::{Deserialize, Serialize};
use std::f64::consts::LN_2;

/// `ln(numerator / denominator)`; zero where that is not defined.
pub(crate) fn log_ratio(numerator: f64, denominator: f64) -> f64 {
    let ratio = quotient(numerator, denominator);
    if numerator > 0.0 && ratio > 0.0 { ratio.ln() } else { 0.0 }
}

/// The sample standard deviation of the latest `period` log returns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoricalVolatility {
    price_before: Option<f64>,
    window: Window<Moments>,
}

impl HistoricalVolatility {
    /// # Errors
    /// Unless `period` is from 2 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        Ok(Self { price_before: None, window: Window::new(parameter::long_period("period", period)?) })
    }
}

impl Indicator for HistoricalVolatility {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        let before = self.price_before.replace(price)?;
        let moments = self.window.push(Moments::of(log_ratio(price, before)))?;
        Some(moments.sample_variance().sqrt())
    }
}

/// Declares an estimate by the mean over a window of a variance per bar.
macro_rules! by_bar {
    ($(#[$doc:meta])* $name:ident, $bar:ident => $variance:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub struct $name {
            window: Window<Sum>,
        }

        impl $name {
            /// # Errors
            /// Unless `period` is from 1 to 100000.
            pub fn new(period: usize) -> Result<Self, QuantError> {
                Ok(Self { window: Window::new(parameter::period("period", period)?) })
            }
        }

        impl Indicator for $name {
            type Input = Bar;
            type Output = f64;

            fn step(&mut self, $bar: Bar) -> Option<f64> {
                let total = self.window.push(Sum($variance))?.0;
                Some((total.max(0.0) / self.window.period() as f64).sqrt())
            }
        }
    };
}

by_bar!(
    /// Parkinson's estimate (1980): `ln(H/L)² / (4 ln 2)`.
    Parkinson,
    bar => log_ratio(bar.high, bar.low).powi(2) / (4.0 * LN_2)
);
by_bar!(
    /// The estimate of Garman and Klass (1980): `½ ln(H/L)² - (2 ln 2 - 1) ln(C/O)²`.
    GarmanKlass,
    bar => 0.5 * log_ratio(bar.high, bar.low).powi(2)
        - (2.0 * LN_2 - 1.0) * log_ratio(bar.close, bar.open).powi(2)
);
by_bar!(
    /// The estimate of Rogers and Satchell (1991), which a drift does not bias:
    /// `ln(H/C) ln(H/O) + ln(L/C) ln(L/O)`.
    RogersSatchell,
    bar => log_ratio(bar.high, bar.close) * log_ratio(bar.high, bar.open)
        + log_ratio(bar.low, bar.close) * log_ratio(bar.low, bar.open)
);
