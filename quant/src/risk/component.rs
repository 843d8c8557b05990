//! What each position adds to the risk of a book, in money.
//!
//! Parametric: risk is homogeneous in the positions, so by Euler `Σ position · ∂risk/∂position = risk` (Tasche, 1999;
//! Jorion, Value at Risk, chapter 7). With `σ = √(wᵀ Σ w)` and factor `q` (`z` for value at risk, `φ(z) / (1 - a)` for
//! expected shortfall), marginal risk is `q (Σ w)ᵢ / σ - μᵢ`. Historical: a position's part of the shortfall is its
//! own mean loss in the scenarios that are the book's worst.

use super::covariance::check_symmetric;
use super::tail::{HistoricalTail, QuantileConvention, ShortfallConvention};
use crate::matrix::dot;
use crate::{Matrix, QuantError, check, normal};

/// Positions and the distribution of the returns of what they are in.
#[derive(Debug, Clone, Copy)]
pub struct Book<'a> {
    /// Signed market values, one per asset.
    pub positions: &'a [f64],
    /// Mean return per asset, over the horizon.
    pub means: &'a [f64],
    /// Covariance of returns over the same horizon.
    pub covariance: &'a Matrix,
}

/// Which measure is taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Value at risk.
    ValueAtRisk,
    /// Expected shortfall.
    ExpectedShortfall,
}

/// A risk and its parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Decomposition {
    /// Risk of the book.
    pub total: f64,
    /// Change of the total with one more unit of money in each asset.
    pub marginal: Vec<f64>,
    /// Marginal times position; these sum to the total.
    pub component: Vec<f64>,
    /// The total less what it would be without the position.
    pub incremental: Vec<f64>,
}

/// Risk of a book over scenarios of the past.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoricalDecomposition {
    /// The `k`-th worst loss.
    pub value_at_risk: f64,
    /// Mean of the `k` worst losses.
    pub expected_shortfall: f64,
    /// What each position lost in the `k` worst scenarios on average; these sum to the shortfall.
    pub component: Vec<f64>,
}

impl Book<'_> {
    /// Fails unless everything is finite and fits, and the covariance is symmetric.
    pub(super) fn check(&self) -> Result<(), QuantError> {
        check::series("positions", self.positions, 1)?;
        check::length("means", self.means.len(), self.positions.len())?;
        check::series("means", self.means, 1)?;
        self.covariance.check_square("covariance", self.positions.len())?;
        check_symmetric(self.covariance)
    }

    /// The normal risk of the book beyond `level`, and its parts.
    ///
    /// # Errors
    /// If an input is not finite or does not fit, the covariance is not symmetric or gives the book a negative variance,
    /// or the book has no variance, where risk has no derivative.
    pub fn decompose(&self, level: f64, measure: Measure) -> Result<Decomposition, QuantError> {
        self.check()?;
        let z = normal::quantile(level)?;
        let factor = match measure {
            Measure::ValueAtRisk => z,
            Measure::ExpectedShortfall => normal::pdf(z) / (1.0 - level),
        };
        let spread = self.covariance.times(self.positions);
        let variance = dot(&spread, self.positions);
        if variance < 0.0 {
            return Err(QuantError::NotPositiveDefinite { what: "covariance" });
        }
        let deviation = check::finite("deviation of the book", variance.sqrt())?;
        if deviation <= 0.0 {
            return Err(QuantError::Constant { what: "value of the book" });
        }
        let mean = dot(self.means, self.positions);
        let total = check::finite("risk of the book", factor * deviation - mean)?;
        let count = self.positions.len();
        let marginal: Vec<f64> =
            (0..count).map(|i| factor * (spread[i] / deviation) - self.means[i]).collect();
        let component = marginal.iter().zip(self.positions).map(|(part, position)| part * position);
        let without = |i: usize| {
            let position = self.positions[i];
            let left = variance - 2.0 * position * spread[i] + position * position * self.covariance[(i, i)];
            factor * left.max(0.0).sqrt() - (mean - position * self.means[i])
        };
        let parts = Decomposition {
            total,
            component: component.collect(),
            incremental: (0..count).map(|i| total - without(i)).collect(),
            marginal,
        };
        for part in [&parts.marginal, &parts.component, &parts.incremental] {
            check::series("part of the risk", part, 0)?;
        }
        Ok(parts)
    }
}

/// The risk of positions over scenarios (rows) of returns per asset (columns), and each position's part of it.
///
/// # Errors
/// If there are no scenarios, they do not fit the positions, or a value is not finite.
pub fn historical_decomposition(
    scenarios: &Matrix,
    positions: &[f64],
    level: f64,
) -> Result<HistoricalDecomposition, QuantError> {
    check::length("positions", positions.len(), scenarios.columns())?;
    check::series("positions", positions, 1)?;
    let profits = scenarios.times(positions);
    let tail = HistoricalTail::new(&profits, level)?;
    let mut order: Vec<usize> = (0..profits.len()).collect();
    let count = tail.worst_count();
    // Of equal profits the earlier counts as the worse, so that the answer does not depend on the way of selecting.
    order.select_nth_unstable_by(count - 1, |&a, &b| profits[a].total_cmp(&profits[b]).then(a.cmp(&b)));
    let mut component = vec![0.0; positions.len()];
    for &scenario in &order[..count] {
        for ((part, step), position) in component.iter_mut().zip(scenarios.row(scenario)).zip(positions) {
            *part -= step * position / count as f64;
        }
    }
    check::series("part of the risk", &component, 0)?;
    Ok(HistoricalDecomposition {
        value_at_risk: tail.value_at_risk(QuantileConvention::KthWorst),
        expected_shortfall: tail.expected_shortfall(ShortfallConvention::MeanOfWorst),
        component,
    })
}
