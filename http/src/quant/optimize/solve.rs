//! The computation behind the route.

use bulkhead_quant::portfolio::black_litterman::{
    BlackLitterman, View, black_litterman, equilibrium_returns,
};
use bulkhead_quant::portfolio::hierarchical::hierarchical_risk_parity;
use bulkhead_quant::portfolio::limits::Limits;
use bulkhead_quant::portfolio::linkage::Linkage;
use bulkhead_quant::portfolio::mean_variance::{MeanVariance, Objective, optimise};
use bulkhead_quant::portfolio::risk_parity::{risk_budget, risk_parity};
use bulkhead_quant::portfolio::sizing::{KellyLimits, inverse_volatility, kelly};
use bulkhead_quant::risk::covariance::shrinkage::{Target, ledoit_wolf};
use bulkhead_quant::risk::covariance::{ewma_covariance, sample_covariance};
use bulkhead_quant::risk::moments::Divisor;
use bulkhead_quant::{Matrix, QuantError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The decay of RiskMetrics.
const EWMA_DECAY: f64 = 0.94;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Method {
    MinVariance,
    MaxSharpe,
    TargetReturn,
    TargetVolatility,
    MaxUtility,
    RiskParity,
    HierarchicalRiskParity,
    InverseVolatility,
    BlackLitterman,
    Kelly,
}

impl Method {
    /// Whether limits on weights are kept.
    pub(super) const fn keeps_limits(self) -> bool {
        !matches!(
            self,
            Self::RiskParity | Self::HierarchicalRiskParity | Self::InverseVolatility | Self::Kelly
        )
    }

    /// Whether it is nothing without expected returns.
    pub(super) const fn wants_returns(self) -> bool {
        matches!(
            self,
            Self::MaxSharpe | Self::TargetReturn | Self::TargetVolatility | Self::MaxUtility | Self::Kelly
        )
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Estimator {
    Sample,
    LedoitWolf,
    Ewma,
}

/// What is known of the assets.
#[derive(Debug)]
pub(super) enum Moments {
    Given(Matrix),
    Of { returns: Matrix, periods_per_year: f64, estimator: Estimator },
}

#[derive(Debug)]
pub(super) struct Settings {
    pub(super) risk_free_rate: f64,
    pub(super) target: f64,
    pub(super) risk_aversion: f64,
    pub(super) linkage: Linkage,
    pub(super) tau: f64,
    pub(super) fraction: f64,
    pub(super) leverage_max: f64,
}

/// A portfolio to construct, its shape checked.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) method: Method,
    pub(super) symbols: Vec<String>,
    pub(super) moments: Moments,
    pub(super) expected_returns: Option<Vec<f64>>,
    pub(super) limits: Limits,
    pub(super) budgets: Option<Vec<f64>>,
    pub(super) market_weights: Option<Vec<f64>>,
    pub(super) views: Vec<View>,
    pub(super) settings: Settings,
}

/// The portfolio.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WeightsAnswer {
    weights: Vec<WeightView>,
    /// Absent where no returns are expected.
    #[schema(required)]
    expected_return: Option<f64>,
    volatility: f64,
    /// Return above the risk-free rate per unit of volatility.
    #[schema(required)]
    sharpe: Option<f64>,
}

/// What is held of one symbol.
#[derive(Debug, Serialize, ToSchema)]
struct WeightView {
    #[schema(example = "BTC-USDT")]
    symbol: String,
    weight: f64,
    /// Its part of the variance.
    risk_share: f64,
}

impl Problem {
    pub(super) fn solve(&self) -> Result<WeightsAnswer, QuantError> {
        let (covariance, mean) = self.moments.estimate()?;
        let expected = self.expected_returns.clone().or(mean);
        let (weights, expected) = self.weights(&covariance, expected)?;
        self.answer(&covariance, &weights, expected.as_deref())
    }

    fn weights(
        &self,
        covariance: &Matrix,
        expected: Option<Vec<f64>>,
    ) -> Result<(Vec<f64>, Option<Vec<f64>>), QuantError> {
        let Settings { risk_free_rate, target, risk_aversion, linkage, fraction, leverage_max, .. } =
            self.settings;
        let mean_variance = |covariance: &Matrix, expected: Option<Vec<f64>>, objective| {
            let assets = covariance.rows();
            // The least variance needs none.
            let returns = match (&expected, objective) {
                (Some(returns), _) => returns.clone(),
                (None, Objective::MinimumVariance) => vec![0.0; assets],
                (None, _) => {
                    return Err(QuantError::TooFew { what: "expected_returns", needed: assets, got: 0 });
                }
            };
            let problem = MeanVariance { covariance, expected_returns: &returns, limits: &self.limits };
            Ok((optimise(&problem, objective)?.weights, expected))
        };
        match self.method {
            Method::MinVariance => mean_variance(covariance, expected, Objective::MinimumVariance),
            Method::MaxSharpe => {
                mean_variance(covariance, expected, Objective::MaximumSharpe { risk_free_rate })
            }
            Method::TargetReturn => {
                mean_variance(covariance, expected, Objective::TargetReturn { at_least: target })
            }
            Method::TargetVolatility => {
                mean_variance(covariance, expected, Objective::TargetVolatility { at_most: target })
            }
            Method::MaxUtility => {
                mean_variance(covariance, expected, Objective::MaximumUtility { risk_aversion })
            }
            Method::RiskParity => {
                let parity = match &self.budgets {
                    Some(budgets) => risk_budget(covariance, budgets)?,
                    None => risk_parity(covariance)?,
                };
                Ok((parity.weights, expected))
            }
            Method::HierarchicalRiskParity => {
                Ok((hierarchical_risk_parity(covariance, linkage)?.weights, expected))
            }
            Method::InverseVolatility => Ok((inverse_volatility(covariance)?, expected)),
            Method::BlackLitterman => {
                let (covariance, returns) = self.posterior(covariance)?;
                mean_variance(&covariance, Some(returns), Objective::MaximumUtility { risk_aversion })
            }
            Method::Kelly => {
                let returns = expected.unwrap_or_default();
                let excess: Vec<f64> = returns.iter().map(|value| value - risk_free_rate).collect();
                let limits = KellyLimits { fraction, leverage_max };
                Ok((kelly(covariance, &excess, limits)?.weights, Some(returns)))
            }
        }
    }

    /// The market's own opinion, moved by the views.
    fn posterior(&self, covariance: &Matrix) -> Result<(Matrix, Vec<f64>), QuantError> {
        let market = self.market_weights.as_deref().unwrap_or_default();
        let equilibrium = equilibrium_returns(covariance, market, self.settings.risk_aversion)?;
        let posterior = black_litterman(&BlackLitterman {
            covariance,
            equilibrium_returns: &equilibrium,
            views: &self.views,
            tau: self.settings.tau,
        })?;
        Ok((posterior.covariance, posterior.returns))
    }

    fn answer(
        &self,
        covariance: &Matrix,
        weights: &[f64],
        expected: Option<&[f64]>,
    ) -> Result<WeightsAnswer, QuantError> {
        let marginal = covariance.times(weights);
        let variance: f64 = marginal.iter().zip(weights).map(|(slope, weight)| slope * weight).sum();
        let volatility = variance.max(0.0).sqrt();
        let expected_return = expected
            .map(|returns| returns.iter().zip(weights).map(|(value, weight)| value * weight).sum::<f64>());
        let share =
            |(slope, weight): (&f64, &f64)| if variance > 0.0 { slope * weight / variance } else { 0.0 };
        let shares = marginal.iter().zip(weights).map(share);
        let named = self.symbols.iter().zip(weights).zip(shares);
        Ok(WeightsAnswer {
            weights: named
                .map(|((symbol, &weight), risk_share)| WeightView {
                    symbol: symbol.clone(),
                    weight,
                    risk_share,
                })
                .collect(),
            expected_return,
            volatility,
            sharpe: expected_return
                .filter(|_| volatility > 0.0)
                .map(|value| (value - self.settings.risk_free_rate) / volatility),
        })
    }
}

impl Moments {
    /// The covariance, and the mean returns where returns were given, both of a year.
    fn estimate(&self) -> Result<(Matrix, Option<Vec<f64>>), QuantError> {
        let (returns, periods, estimator) = match self {
            Self::Given(covariance) => return Ok((covariance.clone(), None)),
            Self::Of { returns, periods_per_year, estimator } => (returns, *periods_per_year, *estimator),
        };
        if !(periods > 0.0 && periods.is_finite()) {
            let what = "periods_per_year";
            return Err(QuantError::OutOfRange { what, value: periods, expected: "above zero" });
        }
        let covariance = match estimator {
            Estimator::Sample => sample_covariance(returns, Divisor::ObservationsLessOne)?,
            Estimator::LedoitWolf => ledoit_wolf(returns, Target::ConstantVariance)?.covariance,
            Estimator::Ewma => ewma_covariance(returns, EWMA_DECAY)?,
        };
        let scaled: Vec<f64> = covariance.as_slice().iter().map(|value| periods * value).collect();
        let assets = covariance.rows();
        let per_period = periods / f64::from(u32::try_from(returns.rows()).unwrap_or(u32::MAX));
        let columns = returns.transpose();
        let mean = (0..assets).map(|asset| per_period * columns.row(asset).iter().sum::<f64>()).collect();
        Ok((Matrix::new(assets, assets, scaled)?, Some(mean)))
    }
}
