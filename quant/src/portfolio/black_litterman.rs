//! Expected returns that blend the market's with an investor's views (Black and Litterman 1992).
//!
//! The market's are those under which its weights are optimal. With views `P r = Q + ε`, `ε ~ N(0, Ω)`, on returns whose
//! mean has the covariance `τΣ`, the posterior mean is `π + τΣPᵀ (PτΣPᵀ + Ω)⁻¹ (Q − Pπ)` and the covariance of returns
//! `Σ + τΣ − τΣPᵀ (PτΣPᵀ + Ω)⁻¹ PτΣ` (He and Litterman 1999).

use super::limits::WEIGHT_MAX;
use super::{ASSETS_MAX, check_moderate, check_per_asset, deviations};
use crate::matrix::{Cholesky, add_scaled, dot};
use crate::{Matrix, QuantError, check};

/// Most views.
pub const VIEWS_MAX: usize = 500;

/// A view: a portfolio and what it is expected to return.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Weight of each asset in the portfolio.
    pub exposures: Vec<f64>,
    /// What it is expected to return.
    pub expected_return: f64,
    /// Variance of the error of that; zero if it is certain. By default `τ` times the portfolio's variance, which is as
    /// uncertain as the market's opinion of it.
    pub variance: Option<f64>,
}

/// The market's opinion and an investor's.
#[derive(Debug, Clone, Copy)]
pub struct BlackLitterman<'a> {
    /// Covariance of the returns.
    pub covariance: &'a Matrix,
    /// What the market expects, see [`equilibrium_returns`].
    pub equilibrium_returns: &'a [f64],
    /// What the investor expects.
    pub views: &'a [View],
    /// Uncertainty of the market's opinion as a part of the covariance, often 0.05.
    pub tau: f64,
}

/// What is expected after all.
#[derive(Debug, Clone, PartialEq)]
pub struct Posterior {
    /// Expected return of each asset.
    pub returns: Vec<f64>,
    /// Covariance of the returns, with the uncertainty of their mean.
    pub covariance: Matrix,
}

impl View {
    /// The view that an asset returns so much; `None` if there is no such asset.
    #[must_use]
    pub fn absolute(assets: usize, asset: usize, expected_return: f64) -> Option<Self> {
        let mut exposures = vec![0.0; assets.min(ASSETS_MAX)];
        *exposures.get_mut(asset)? = 1.0;
        Some(Self { exposures, expected_return, variance: None })
    }

    /// The view that one asset returns so much more than another; `None` if there are no two such assets.
    #[must_use]
    pub fn relative(assets: usize, (better, worse): (usize, usize), difference: f64) -> Option<Self> {
        let mut view = Self::absolute(assets, better, difference)?;
        *view.exposures.get_mut(worse).filter(|_| better != worse)? = -1.0;
        Some(view)
    }
}

/// The returns `δΣw` under which the market's weights are optimal for a risk aversion `δ`.
///
/// # Errors
/// If the covariance is not one, or an input is not finite or out of range.
pub fn equilibrium_returns(
    covariance: &Matrix,
    market_weights: &[f64],
    risk_aversion: f64,
) -> Result<Vec<f64>, QuantError> {
    let assets = deviations(covariance)?.len();
    check_exposures("market weights", market_weights, assets)?;
    check::positive("risk aversion", risk_aversion)?;
    check_moderate("risk aversion", risk_aversion)?;
    Ok(covariance.times(market_weights).iter().map(|value| risk_aversion * value).collect())
}

/// The posterior mean and covariance of the returns.
///
/// # Errors
/// If views contradict each other with certainty, the covariance is not one, or an input is not finite or out of range.
pub fn black_litterman(problem: &BlackLitterman<'_>) -> Result<Posterior, QuantError> {
    let spreads = view_spreads(problem)?;
    let views = problem.views;
    let mut returns = problem.equilibrium_returns.to_vec();
    let mut covariance = problem.covariance.clone();
    for i in 0..covariance.rows() {
        for entry in covariance.row_mut(i) {
            *entry *= 1.0 + problem.tau;
        }
    }
    if views.is_empty() {
        return Ok(Posterior { returns, covariance });
    }
    let mut uncertainty = Matrix::zeros(views.len(), views.len());
    for (i, view) in views.iter().enumerate() {
        for (j, spread) in spreads.iter().enumerate() {
            uncertainty[(i, j)] = dot(&view.exposures, spread);
        }
        let default = uncertainty[(i, i)];
        uncertainty[(i, i)] += view.variance.unwrap_or(default);
    }
    let factor = Cholesky::new(&uncertainty, "uncertainty of the views")?;
    let surprises: Vec<f64> = views
        .iter()
        .map(|view| view.expected_return - dot(&view.exposures, problem.equilibrium_returns))
        .collect();
    for (spread, weight) in spreads.iter().zip(factor.solve(&surprises)) {
        add_scaled(&mut returns, weight, spread);
    }
    for i in 0..covariance.rows() {
        let column: Vec<f64> = spreads.iter().map(|spread| spread[i]).collect();
        for (spread, weight) in spreads.iter().zip(factor.solve(&column)) {
            add_scaled(covariance.row_mut(i), -weight, spread);
        }
    }
    check::series("posterior returns", &returns, 1)?;
    check::series("posterior covariance", covariance.as_slice(), 1)?;
    Ok(Posterior { returns, covariance })
}

/// The weights `Σ⁻¹μ / 1ᵀΣ⁻¹μ`: of all portfolios without limits, those of the largest ratio of return to volatility,
/// whatever the risk aversion. With returns above the risk-free rate it is the tangency portfolio.
///
/// # Errors
/// If the covariance is not positive definite, or the weights add up to nothing or less.
pub fn tangency_weights(covariance: &Matrix, excess_returns: &[f64]) -> Result<Vec<f64>, QuantError> {
    let assets = deviations(covariance)?.len();
    check_per_asset("excess returns", excess_returns, assets)?;
    let weights = Cholesky::new(covariance, "covariance")?.solve(excess_returns);
    let sum: f64 = weights.iter().sum();
    let size: f64 = weights.iter().map(|weight| weight.abs()).sum();
    if !sum.is_finite() || sum <= size * f64::EPSILON {
        return Err(QuantError::NotIdentified { why: "the optimal weights add up to nothing or less" });
    }
    Ok(weights.iter().map(|weight| weight / sum).collect())
}

/// `τΣp` for every view, after the checks.
fn view_spreads(problem: &BlackLitterman<'_>) -> Result<Vec<Vec<f64>>, QuantError> {
    let assets = deviations(problem.covariance)?.len();
    check_per_asset("equilibrium returns", problem.equilibrium_returns, assets)?;
    check::positive("tau", problem.tau)?;
    if problem.tau > WEIGHT_MAX {
        return Err(QuantError::OutOfRange {
            what: "tau",
            value: problem.tau,
            expected: "no larger than 1000",
        });
    }
    if problem.views.len() > VIEWS_MAX {
        return Err(QuantError::TooMany { what: "views", most: VIEWS_MAX, got: problem.views.len() });
    }
    let mut spreads = Vec::with_capacity(problem.views.len());
    for view in problem.views {
        check_exposures("exposures of a view", &view.exposures, assets)?;
        check_moderate("expected return of a view", view.expected_return)?;
        if let Some(variance) = view.variance {
            check::not_negative("variance of a view", variance)?;
            check_moderate("variance of a view", variance)?;
        }
        let mut spread = problem.covariance.times(&view.exposures);
        for value in &mut spread {
            *value *= problem.tau;
        }
        spreads.push(spread);
    }
    Ok(spreads)
}

fn check_exposures(what: &'static str, exposures: &[f64], assets: usize) -> Result<(), QuantError> {
    check_per_asset(what, exposures, assets)?;
    match exposures.iter().find(|exposure| exposure.abs() > WEIGHT_MAX) {
        Some(&value) => Err(QuantError::OutOfRange { what, value, expected: "from -1000 to 1000" }),
        None => Ok(()),
    }
}
