//! Returns against those of a benchmark.
//!
//! `beta = Cov(r, b) / Var(b)`; `alpha = (mean r - rf - beta (mean b - rf)) periods` (Jensen, Journal of Finance 23,
//! 1968); tracking error is the annualised deviation of `r - b`, and the information ratio its annualised mean over that.

use super::moments::{Divisor, Moments};
use super::performance::{Convention, ratio};
use crate::{QuantError, check};

/// Number, means, and sums of squares and products of the deviations of two series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CoMoments {
    observations: usize,
    means: [f64; 2],
    squares: [f64; 2],
    product: f64,
}

/// Returns and benchmark, measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Relative {
    convention: Convention,
    together: CoMoments,
    active: Moments,
}

impl CoMoments {
    /// The moments of two series.
    ///
    /// # Errors
    /// If they are empty, differ in length, or have a value that is not finite or too large to square.
    pub fn of(values: &[f64], others: &[f64]) -> Result<Self, QuantError> {
        check::length("second series", others.len(), values.len())?;
        let pairs = values.iter().zip(others).map(|(&x, &y)| Self::of_one([x, y]));
        let moments = pairs.reduce(|sum, pair| sum.merge(&pair));
        let moments = moments.ok_or(QuantError::TooFew { what: "series", needed: 1, got: 0 })?;
        for value in moments.means.into_iter().chain(moments.squares) {
            check::finite("series", value)?;
        }
        Ok(moments)
    }

    pub(super) const fn of_one(means: [f64; 2]) -> Self {
        Self { observations: 1, means, squares: [0.0; 2], product: 0.0 }
    }

    /// The moments of both stretches together.
    #[must_use]
    pub fn merge(&self, other: &Self) -> Self {
        let (a, b) = (self.observations as f64, other.observations as f64);
        let part = b / (a + b);
        let delta = [other.means[0] - self.means[0], other.means[1] - self.means[1]];
        let weight = a * part;
        Self {
            observations: self.observations + other.observations,
            means: [self.means[0] + delta[0] * part, self.means[1] + delta[1] * part],
            squares: [
                self.squares[0] + other.squares[0] + delta[0] * delta[0] * weight,
                self.squares[1] + other.squares[1] + delta[1] * delta[1] * weight,
            ],
            product: self.product + other.product + delta[0] * delta[1] * weight,
        }
    }

    /// Slope of the first series on the second.
    ///
    /// # Errors
    /// If the second does not vary.
    pub fn beta(&self) -> Result<f64, QuantError> {
        ratio(self.product, self.squares[1], "benchmark")
    }

    /// Correlation of the two, between minus one and one.
    ///
    /// # Errors
    /// If one of them does not vary.
    pub fn correlation(&self) -> Result<f64, QuantError> {
        // One root each: the product of the two sums may underflow.
        let scale = self.squares[0].sqrt() * self.squares[1].sqrt();
        Ok(ratio(self.product, scale, "series")?.clamp(-1.0, 1.0))
    }

    /// Covariance of the two.
    ///
    /// # Errors
    /// If there are too few observations for the divisor.
    pub fn covariance(&self, divisor: Divisor) -> Result<f64, QuantError> {
        Ok(self.product / divisor.of(self.observations)?)
    }
}

impl Relative {
    /// Measures returns against those of a benchmark for the same periods.
    ///
    /// # Errors
    /// If they are empty, differ in length, have a value that is not finite, or the convention has no periods in a year.
    pub fn of(returns: &[f64], benchmark: &[f64], convention: &Convention) -> Result<Self, QuantError> {
        convention.check()?;
        let together = CoMoments::of(returns, benchmark)?;
        let active: Vec<f64> = returns.iter().zip(benchmark).map(|(value, other)| value - other).collect();
        Ok(Self { convention: *convention, together, active: Moments::of(&active)? })
    }

    /// Moments of both.
    #[must_use]
    pub const fn together(&self) -> &CoMoments {
        &self.together
    }

    /// Slope of the returns on the benchmark.
    ///
    /// # Errors
    /// If the benchmark does not vary.
    pub fn beta(&self) -> Result<f64, QuantError> {
        self.together.beta()
    }

    /// A year's return that the benchmark does not explain.
    ///
    /// # Errors
    /// If the benchmark does not vary.
    pub fn alpha(&self) -> Result<f64, QuantError> {
        let [mean, benchmark] = self.together.means.map(|mean| mean - self.convention.risk_free_per_period);
        check::finite("alpha", (mean - self.beta()? * benchmark) * self.convention.periods_per_year)
    }

    /// Annualised deviation of the difference.
    ///
    /// # Errors
    /// If there are too few returns for the divisor.
    pub fn tracking_error(&self) -> Result<f64, QuantError> {
        Ok(self.active.deviation(self.convention.divisor)? * self.convention.periods_per_year.sqrt())
    }

    /// Annualised mean of the difference over the tracking error.
    ///
    /// # Errors
    /// If the difference does not vary.
    pub fn information_ratio(&self) -> Result<f64, QuantError> {
        let mean = self.active.mean() * self.convention.periods_per_year;
        ratio(mean, self.tracking_error()?, "difference to the benchmark")
    }
}
