//! Realised volatility from bars.
//!
//! With `o, h, l, c` the logarithms of open, high, low and close, the variance per bar is the mean (or, where a mean is
//! taken off, the sample variance) of:
//! * close to close: `c - c'`, sample variance;
//! * Parkinson (Journal of Business 53, 1980): `(h - l)² / (4 ln 2)`;
//! * Garman and Klass (same volume): `(h - l)² / 2 - (2 ln 2 - 1) (c - o)²`;
//! * Rogers and Satchell (Annals of Applied Probability 1, 1991): `(h - c)(h - o) + (l - c)(l - o)`;
//! * Yang and Zhang (Journal of Business 73, 2000): `V(o - c') + k V(c - o) + (1 - k) RS`,
//!   `k = 0.34 / (1.34 + (n + 1) / (n - 1))`, sample variances, over the `n` bars that have one before.

use super::moments::{Divisor, Moments};
use crate::{QuantError, check};
use std::f64::consts::LN_2;

/// Open, high, low and close of a period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
}

/// Which prices of a bar are used, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RangeEstimator {
    /// Only closes.
    CloseToClose,
    /// High and low; no drift, no gaps.
    Parkinson,
    /// All four; no drift, no gaps. Zero where rounding would leave it below.
    GarmanKlass,
    /// All four; any drift, no gaps.
    RogersSatchell,
    /// All four; any drift, and gaps between bars.
    YangZhang,
}

/// The variance per bar. Annualise with the root of bars per year after taking the root.
///
/// # Errors
/// If there are fewer bars than the estimator needs (one, three for those with a sample variance), a price is not above
/// zero, or the high or the low is not the highest or the lowest.
pub fn realised_variance(bars: &[Bar], estimator: RangeEstimator) -> Result<f64, QuantError> {
    for bar in bars {
        bar.check()?;
    }
    match estimator {
        RangeEstimator::CloseToClose => sample_variance(bars, |before, bar| (bar.close / before.close).ln()),
        RangeEstimator::Parkinson => mean(bars, |bar| (bar.high / bar.low).ln().powi(2) / (4.0 * LN_2)),
        RangeEstimator::GarmanKlass => Ok(mean(bars, garman_klass)?.max(0.0)),
        RangeEstimator::RogersSatchell => mean(bars, rogers_satchell),
        RangeEstimator::YangZhang => yang_zhang(bars),
    }
}

/// The volatility per year.
///
/// # Errors
/// As [`realised_variance`], and unless there are bars in a year.
pub fn realised_volatility(
    bars: &[Bar],
    estimator: RangeEstimator,
    bars_per_year: f64,
) -> Result<f64, QuantError> {
    check::positive("bars per year", bars_per_year)?;
    check::finite("volatility", realised_variance(bars, estimator)?.sqrt() * bars_per_year.sqrt())
}

impl Bar {
    fn check(&self) -> Result<(), QuantError> {
        for price in [self.open, self.high, self.low, self.close] {
            check::positive("price of a bar", price)?;
        }
        if self.high < self.open.max(self.close) || self.high < self.low {
            return Err(QuantError::OutOfRange {
                what: "high",
                value: self.high,
                expected: "the highest price",
            });
        }
        if self.low > self.open.min(self.close) {
            return Err(QuantError::OutOfRange {
                what: "low",
                value: self.low,
                expected: "the lowest price",
            });
        }
        Ok(())
    }
}

fn garman_klass(bar: &Bar) -> f64 {
    0.5 * (bar.high / bar.low).ln().powi(2) - (2.0 * LN_2 - 1.0) * (bar.close / bar.open).ln().powi(2)
}

fn rogers_satchell(bar: &Bar) -> f64 {
    (bar.high / bar.close).ln() * (bar.high / bar.open).ln()
        + (bar.low / bar.close).ln() * (bar.low / bar.open).ln()
}

fn yang_zhang(bars: &[Bar]) -> Result<f64, QuantError> {
    let gaps = sample_variance(bars, |before, bar| (bar.open / before.close).ln())?;
    let moves = sample_variance(bars, |_, bar| (bar.close / bar.open).ln())?;
    let n = (bars.len() - 1) as f64;
    let weight = 0.34 / (1.34 + (n + 1.0) / (n - 1.0));
    Ok(gaps + weight * moves + (1.0 - weight) * mean(&bars[1..], rogers_satchell)?)
}

fn mean(bars: &[Bar], variance: impl Fn(&Bar) -> f64) -> Result<f64, QuantError> {
    if bars.is_empty() {
        return Err(QuantError::TooFew { what: "bars", needed: 1, got: 0 });
    }
    check::finite("variance", bars.iter().map(variance).sum::<f64>() / bars.len() as f64)
}

/// The sample variance of what each bar after the first has with the one before.
fn sample_variance(bars: &[Bar], step: impl Fn(&Bar, &Bar) -> f64) -> Result<f64, QuantError> {
    if bars.len() < 3 {
        return Err(QuantError::TooFew { what: "bars", needed: 3, got: bars.len() });
    }
    let steps: Vec<f64> = bars.windows(2).map(|pair| step(&pair[0], &pair[1])).collect();
    Moments::of(&steps)?.variance(Divisor::ObservationsLessOne)
}
