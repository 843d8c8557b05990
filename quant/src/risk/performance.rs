//! Ratios of performance, all from one pass over the returns.
//!
//! The pass goes block by block, so that what is read several times is in the cache; see [`super::moments`] and
//! [`super::drawdown`] for how each part stays accurate. The excess of a return is what it has above the risk-free rate.

use super::drawdown::{Drawdown, EquityPath};
use super::moments::{BLOCK, Divisor, Moments, total};
use super::tail::{HistoricalTail, QuantileConvention};
use crate::{QuantError, check};

/// What ratios are annualised and measured by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Convention {
    /// Returns in a year: 252 for the days of a stock exchange, 365 for those of a crypto exchange.
    pub periods_per_year: f64,
    /// Risk-free rate for one period; also the least acceptable return of Sortino and Omega.
    pub risk_free_per_period: f64,
    /// Divisor of the variance.
    pub divisor: Divisor,
}

/// A series of returns, measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Performance {
    convention: Convention,
    moments: Moments,
    excess: Excess,
    path: EquityPath,
}

/// Sums over excess returns, in four lanes each.
#[derive(Debug, Clone, PartialEq)]
struct Excess {
    gains: [f64; 4],
    losses: [f64; 4],
    loss_squares: [f64; 4],
    wins: [u64; 4],
}

impl Convention {
    /// Fails unless the numbers are finite and there are periods in a year.
    pub(super) fn check(&self) -> Result<(), QuantError> {
        check::positive("periods per year", self.periods_per_year)?;
        check::finite("risk-free rate", self.risk_free_per_period).map(drop)
    }
}

impl Performance {
    /// Measures a series of returns per period. Time O(n), no memory.
    ///
    /// # Errors
    /// If there are no returns, one is not finite or below minus one, or the convention has no periods in a year.
    pub fn of(returns: &[f64], convention: &Convention) -> Result<Self, QuantError> {
        convention.check()?;
        let (mut moments, mut excess, mut path) = (Moments::none(), Excess::none(), EquityPath::new());
        for block in returns.chunks(BLOCK) {
            moments = moments.merge(&Moments::of_block(block));
            excess.add(block, convention.risk_free_per_period);
            path.advance(block);
        }
        let moments = moments.checked()?;
        path.check()?;
        check::finite("growth of equity", total(excess.loss_squares) + total(excess.gains))?;
        Ok(Self { convention: *convention, moments, excess, path })
    }

    /// Moments of the returns.
    #[must_use]
    pub const fn moments(&self) -> &Moments {
        &self.moments
    }

    /// Standard deviation of a year's return, `σ √periods`.
    ///
    /// # Errors
    /// If there are too few returns for the divisor.
    pub fn volatility(&self) -> Result<f64, QuantError> {
        Ok(self.moments.deviation(self.convention.divisor)? * self.annual_root())
    }

    /// Mean excess over deviation, annualised (Sharpe, Journal of Portfolio Management 21, 1994).
    ///
    /// # Errors
    /// If the returns do not vary, or are too few for the divisor.
    pub fn sharpe(&self) -> Result<f64, QuantError> {
        sharpe(&self.moments, &self.convention)
    }

    /// Mean excess over the root of the mean square of negative excess, that mean being over all returns; annualised
    /// (Sortino and van der Meer, 1991).
    ///
    /// # Errors
    /// If no return was below the risk-free rate.
    pub fn sortino(&self) -> Result<f64, QuantError> {
        let downside = (total(self.excess.loss_squares) / self.count()).sqrt();
        ratio(self.mean_excess() * self.annual_root(), downside, "downside of the series")
    }

    /// Sum of gains over sum of losses, both against the risk-free rate (Keating and Shadwick, 2002); against zero it is
    /// also called profit factor.
    ///
    /// # Errors
    /// If no return was below the risk-free rate.
    pub fn omega(&self) -> Result<f64, QuantError> {
        ratio(total(self.excess.gains), -total(self.excess.losses), "downside of the series")
    }

    /// Share of returns above the risk-free rate.
    #[must_use]
    pub fn hit_rate(&self) -> f64 {
        count(self.excess.wins) / self.count()
    }

    /// The deepest drawdown.
    #[must_use]
    pub const fn max_drawdown(&self) -> Drawdown {
        self.path.worst()
    }

    /// Root of the mean squared drawdown, as a fraction (Martin, 1987).
    #[must_use]
    pub fn ulcer_index(&self) -> f64 {
        (self.path.squares() / self.count()).sqrt()
    }

    /// Compound growth in a year, `equity^(periods / n) - 1`.
    ///
    /// # Errors
    /// If it is too large for a float.
    pub fn cagr(&self) -> Result<f64, QuantError> {
        let growth = (self.path.log_equity() * (self.convention.periods_per_year / self.count())).exp_m1();
        check::finite("compound growth", growth)
    }

    /// Compound growth over the deepest drawdown (Young, 1991).
    ///
    /// # Errors
    /// If equity never fell.
    pub fn calmar(&self) -> Result<f64, QuantError> {
        ratio(self.cagr()?, -self.path.worst().depth, "drawdown of the series")
    }

    fn count(&self) -> f64 {
        self.moments.observations() as f64
    }

    fn mean_excess(&self) -> f64 {
        self.moments.mean() - self.convention.risk_free_per_period
    }

    fn annual_root(&self) -> f64 {
        self.convention.periods_per_year.sqrt()
    }
}

/// The Sharpe ratio of a series that is known by its moments.
///
/// # Errors
/// If it does not vary, has too few values for the divisor, or the convention has no periods in a year.
pub fn sharpe(moments: &Moments, convention: &Convention) -> Result<f64, QuantError> {
    convention.check()?;
    let deviation = moments.deviation_above_zero(convention.divisor)?;
    let excess = moments.mean() - convention.risk_free_per_period;
    ratio(excess * convention.periods_per_year.sqrt(), deviation, "series")
}

/// Mean gain over mean loss.
///
/// # Errors
/// If there was no gain or no loss, or a return is not finite.
pub fn gain_loss_ratio(returns: &[f64]) -> Result<f64, QuantError> {
    check::series("returns", returns, 1)?;
    let mean = |sign: f64, what| {
        let values = returns.iter().map(|value| value * sign).filter(|value| *value > 0.0);
        let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
        ratio(sum, count, what)
    };
    let gain = mean(1.0, "upside of the series")?;
    ratio(gain, mean(-1.0, "downside of the series")?, "downside of the series")
}

/// The best twentieth against the worst: the 95 % quantile over the 5 % quantile, both linear, in absolute value.
///
/// # Errors
/// If there are no returns, one is not finite, or the 5 % quantile is zero.
pub fn tail_ratio(returns: &[f64]) -> Result<f64, QuantError> {
    let worst = HistoricalTail::new(returns, 0.95)?.value_at_risk(QuantileConvention::Linear);
    let turned: Vec<f64> = returns.iter().map(|value| -value).collect();
    let best = HistoricalTail::new(&turned, 0.95)?.value_at_risk(QuantileConvention::Linear);
    ratio(best.abs(), worst.abs(), "worst twentieth of the series")
}

/// A quotient that is refused where the divisor is zero or the result too large.
pub(super) fn ratio(numerator: f64, divisor: f64, what: &'static str) -> Result<f64, QuantError> {
    if divisor > 0.0 { check::finite(what, numerator / divisor) } else { Err(QuantError::Constant { what }) }
}

fn count(lanes: [u64; 4]) -> f64 {
    lanes.iter().sum::<u64>() as f64
}

impl Excess {
    const fn none() -> Self {
        let none = [0.0; 4];
        Self { gains: none, losses: none, loss_squares: none, wins: [0; 4] }
    }

    fn add(&mut self, block: &[f64], risk_free: f64) {
        let (quads, rest) = block.as_chunks::<4>();
        // A return equal to the risk-free rate adds nothing to any sum.
        let mut last = [risk_free; 4];
        last[..rest.len()].copy_from_slice(rest);
        let quads = quads.iter().chain((!rest.is_empty()).then_some(&last));
        let mut sums = self.clone();
        for quad in quads {
            for (lane, &value) in quad.iter().enumerate() {
                let excess = value - risk_free;
                let loss = if excess < 0.0 { excess } else { 0.0 };
                sums.gains[lane] += if excess > 0.0 { excess } else { 0.0 };
                sums.losses[lane] += loss;
                sums.loss_squares[lane] += loss * loss;
                sums.wins[lane] += u64::from(value > risk_free);
            }
        }
        *self = sums;
    }
}
