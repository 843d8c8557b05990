//! What is asked: the assets, what is known of them, and what may be held.

use super::solve::{Estimator, Method, Moments, Problem, Settings};
use crate::envelope::ApiResult;
use crate::error::{ApiError, Code};
use crate::quant::{choice, required};
use bulkhead_quant::Matrix;
use bulkhead_quant::portfolio::black_litterman::View;
use bulkhead_quant::portfolio::limits::{Group, Limits};
use bulkhead_quant::portfolio::linkage::Linkage;
use serde::Deserialize;
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use utoipa::ToSchema;

/// Assets of one portfolio.
const ASSETS_MAX: usize = 200;
const SYMBOL_LENGTH_MAX: usize = 64;
const PERIODS_PER_YEAR: f64 = 252.0;
const TAU: f64 = 0.05;
const RISK_AVERSION: f64 = 2.5;

/// A portfolio to construct.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "method": "min_variance", "symbols": ["BTC-USDT", "ETH-USDT"], "covariance": [[0.36, 0.3], [0.3, 0.49]],
    "upper": [0.8, 0.8]
}))]
pub(super) struct OptimizeRequest {
    /// min_variance, max_sharpe, target_return, target_volatility, max_utility, risk_parity,
    /// hierarchical_risk_parity, inverse_volatility, black_litterman or kelly.
    method: String,
    /// 1 to 200 names; the order of everything else.
    symbols: Vec<String>,
    /// One row per period, one simple return per symbol. Either this or `covariance`.
    returns: Option<Vec<Vec<f64>>>,
    /// Of `returns`; 252 if absent.
    periods_per_year: Option<f64>,
    /// How `returns` make a covariance: sample (if absent), ledoit_wolf or ewma.
    estimator: Option<String>,
    covariance: Option<Vec<Vec<f64>>>,
    /// The mean of `returns` if absent.
    expected_returns: Option<Vec<f64>>,
    /// 0 if absent.
    risk_free_rate: Option<f64>,
    target_return: Option<f64>,
    target_volatility: Option<f64>,
    /// Of max_utility and black_litterman; 2.5 if absent.
    risk_aversion: Option<f64>,
    /// The least weight of each symbol; 0 if absent. Of the mean-variance methods and black_litterman.
    lower: Option<Vec<f64>>,
    /// The largest weight of each symbol; 1 if absent.
    upper: Option<Vec<f64>>,
    #[serde(default)]
    groups: Vec<GroupRequest>,
    /// The share of risk of each symbol; equal if absent.
    budgets: Option<Vec<f64>>,
    /// Of hierarchical_risk_parity: single (if absent) or ward.
    linkage: Option<String>,
    market_weights: Option<Vec<f64>>,
    #[serde(default)]
    views: Vec<ViewRequest>,
    /// Of black_litterman; 0.05 if absent.
    tau: Option<f64>,
    /// Of kelly: the part of the optimum that is taken; 1 if absent.
    fraction: Option<f64>,
    /// Of kelly: the largest sum of absolute weights; 1 if absent.
    leverage_max: Option<f64>,
}

/// Limits on the weight of several symbols together.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GroupRequest {
    symbols: Vec<String>,
    #[serde(default)]
    min: f64,
    max: Option<f64>,
}

/// An opinion about a return, or about a difference of returns.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ViewRequest {
    /// For example `{"BTC-USDT": 1}`, or with a second symbol at -1 for a difference.
    exposures: BTreeMap<String, f64>,
    expected_return: f64,
    /// How uncertain the view is; if absent, as the model's own.
    variance: Option<f64>,
}

impl OptimizeRequest {
    pub(super) fn validate(self) -> ApiResult<Problem> {
        let method: Method = choice("method", &self.method)?;
        let estimator = self.estimator.as_deref().map(|name| choice("estimator", name)).transpose()?;
        let linkage: Option<LinkageName> =
            self.linkage.as_deref().map(|name| choice("linkage", name)).transpose()?;
        let places = places(&self.symbols)?;
        let limits = limits(&self, &places)?;
        let views = views(&self.views, &places)?;
        if !method.keeps_limits() && (self.lower.is_some() || self.upper.is_some() || !self.groups.is_empty())
        {
            let message = format!("{} takes no lower, upper or groups", self.method);
            return Err(ApiError::new(Code::FieldUnknown, message).with_field("lower"));
        }
        if method.wants_returns() {
            let given = self.expected_returns.is_some() || self.returns.is_some();
            required("expected_returns (or returns)", given.then_some(()))?;
        }
        if method == Method::TargetReturn {
            required("target_return", self.target_return)?;
        }
        if method == Method::TargetVolatility {
            required("target_volatility", self.target_volatility)?;
        }
        if method == Method::BlackLitterman {
            required("market_weights", self.market_weights.as_ref())?;
        }
        let moments = match (&self.returns, &self.covariance) {
            (Some(rows), None) => Moments::Of {
                returns: matrix("returns", rows, self.symbols.len())?,
                periods_per_year: self.periods_per_year.unwrap_or(PERIODS_PER_YEAR),
                estimator: estimator.unwrap_or(Estimator::Sample),
            },
            (None, Some(rows)) => Moments::Given(matrix("covariance", rows, self.symbols.len())?),
            _ => return Err(ApiError::new(Code::FieldMissing, "send either returns or covariance")),
        };
        let settings = Settings {
            risk_free_rate: self.risk_free_rate.unwrap_or(0.0),
            target: self.target_return.or(self.target_volatility).unwrap_or_default(),
            risk_aversion: self.risk_aversion.unwrap_or(RISK_AVERSION),
            linkage: linkage.map_or(Linkage::Single, Linkage::from),
            tau: self.tau.unwrap_or(TAU),
            fraction: self.fraction.unwrap_or(1.0),
            leverage_max: self.leverage_max.unwrap_or(1.0),
        };
        Ok(Problem {
            method,
            symbols: self.symbols,
            moments,
            expected_returns: self.expected_returns,
            limits,
            budgets: self.budgets,
            market_weights: self.market_weights,
            views,
            settings,
        })
    }
}

/// Linkages by their public names.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum LinkageName {
    Single,
    Ward,
}

impl From<LinkageName> for Linkage {
    fn from(name: LinkageName) -> Self {
        match name {
            LinkageName::Single => Self::Single,
            LinkageName::Ward => Self::Ward,
        }
    }
}

type Places<'a> = HashMap<&'a str, usize>;

fn places(symbols: &[String]) -> ApiResult<Places<'_>> {
    if !(1..=ASSETS_MAX).contains(&symbols.len()) {
        let message = format!("symbols must be 1 to {ASSETS_MAX} names");
        return Err(ApiError::new(Code::InvalidNumbers, message).with_field("symbols"));
    }
    if symbols.iter().any(|symbol| !(1..=SYMBOL_LENGTH_MAX).contains(&symbol.len())) {
        let message = format!("each symbol must have 1 to {SYMBOL_LENGTH_MAX} bytes");
        return Err(ApiError::new(Code::InvalidNumbers, message).with_field("symbols"));
    }
    let places: Places<'_> = symbols.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
    if places.len() == symbols.len() {
        Ok(places)
    } else {
        Err(ApiError::new(Code::InvalidNumbers, "symbols must differ").with_field("symbols"))
    }
}

fn place(places: &Places<'_>, symbol: &str) -> ApiResult<usize> {
    places.get(symbol).copied().ok_or_else(|| {
        let message = format!("{symbol:?} is none of the symbols");
        ApiError::new(Code::InvalidNumbers, message).with_details(json!({ "symbol": symbol }))
    })
}

fn limits(request: &OptimizeRequest, places: &Places<'_>) -> ApiResult<Limits> {
    let mut limits = Limits::long_only(request.symbols.len());
    if let Some(lower) = &request.lower {
        limits.lower.clone_from(lower);
    }
    if let Some(upper) = &request.upper {
        limits.upper.clone_from(upper);
    }
    for group in &request.groups {
        let members = group.symbols.iter().map(|symbol| place(places, symbol)).collect::<ApiResult<_>>()?;
        limits.groups.push(Group { members, least: group.min, most: group.max.unwrap_or(1.0) });
    }
    Ok(limits)
}

fn views(requests: &[ViewRequest], places: &Places<'_>) -> ApiResult<Vec<View>> {
    let mut views = Vec::with_capacity(requests.len());
    for request in requests {
        let mut exposures = vec![0.0; places.len()];
        for (symbol, exposure) in &request.exposures {
            let at = place(places, symbol)?;
            exposures.get_mut(at).into_iter().for_each(|entry| *entry = *exposure);
        }
        views.push(View { exposures, expected_return: request.expected_return, variance: request.variance });
    }
    Ok(views)
}

fn matrix(field: &'static str, rows: &[Vec<f64>], columns: usize) -> ApiResult<Matrix> {
    if rows.iter().any(|row| row.len() != columns) {
        let message = format!("each row of {field} must have {columns} numbers, one per symbol");
        return Err(ApiError::new(Code::InvalidNumbers, message).with_field(field));
    }
    Ok(Matrix::from_rows(rows)?)
}
