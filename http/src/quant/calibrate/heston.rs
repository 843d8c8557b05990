//! `POST /quant/calibrate/heston`: the parameters of Heston's model from option quotes.

use super::Shelf;
use crate::body::JsonBody;
use crate::envelope::ApiResult;
use crate::error::{ApiError, Code};
use crate::principal::Trader;
use crate::quant::jobs::{JobView, compute};
use crate::quant::option_kind;
use crate::schema::Answer;
use crate::state::AppState;
use axum::extract::State;
use axum::response::Response;
use bulkhead_quant::QuantError;
use bulkhead_quant::option::heston::{Calibration, Contract, Fit, Market, Observed, Parameters, Quote};
use serde::{Deserialize, Serialize};
use std::time::Instant;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Quotes of one calibration: ten times what a surface has, and milliseconds of work.
const QUOTES_MAX: usize = 500;
const MILLIS_PER_SECOND: f64 = 1_000.0;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(calibrate_heston))
}

/// A surface of European options.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "underlying": "BTC-USDT", "spot": 100, "rate": 0.01, "dividend": 0.02, "quotes": [
    { "strike": 80, "expiry_years": 1, "price": 26.774758743998854, "type": "call" },
    { "strike": 90, "expiry_years": 1, "price": 20.93334900059671, "type": "call" },
    { "strike": 100, "expiry_years": 1, "price": 16.070154917028834, "type": "call" },
    { "strike": 110, "expiry_years": 1, "price": 12.132211516709845, "type": "call" },
    { "strike": 120, "expiry_years": 1, "price": 9.024913483457836, "type": "call" },
    { "strike": 100, "expiry_years": 0.25, "implied_volatility": 0.29, "type": "put" },
    { "strike": 100, "expiry_years": 2, "implied_volatility": 0.44, "type": "call" }
] }))]
struct CalibrateHestonRequest {
    spot: f64,
    /// Continuously compounded, a year.
    #[serde(default)]
    rate: f64,
    #[serde(default)]
    dividend: f64,
    /// 6 to 500.
    quotes: Vec<HestonQuote>,
    /// Where to begin, beside the starts that are always tried.
    start: Option<HestonParameters>,
    /// If there, the parameters are kept under it.
    underlying: Option<String>,
}

/// One quote: a price or a volatility.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HestonQuote {
    strike: f64,
    expiry_years: f64,
    /// call or put.
    r#type: String,
    price: Option<f64>,
    implied_volatility: Option<f64>,
}

/// The five parameters.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HestonParameters {
    v0: f64,
    kappa: f64,
    theta: f64,
    sigma: f64,
    rho: f64,
}

/// The surface that fits best.
#[derive(Debug, Serialize, ToSchema)]
struct HestonAnswer {
    parameters: HestonParameters,
    standard_errors: HestonParameters,
    rmse_price: f64,
    rmse_volatility: f64,
    /// Whether the variance never touches zero.
    feller: bool,
    iterations: usize,
    elapsed_ms: f64,
    /// What the parameters are kept under; null if they could not be, absent without an underlying.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept_as: Option<uuid::Uuid>,
}

/// Fit Heston's model
///
/// Where the quotes do not determine the parameters the answer is 422 `NOT_IDENTIFIED`, never a guess. What takes
/// longer than 250 ms is answered with a job.
#[utoipa::path(post, path = "/quant/calibrate/heston", tag = "Quant", security(("bearer" = [])),
    request_body = CalibrateHestonRequest,
    responses((status = 200, body = Answer<HestonAnswer>), (status = 202, body = Answer<JobView>),
        (status = 422, description = "INVALID_NUMBERS or NOT_IDENTIFIED"),
        (status = 429, description = "TOO_MANY_JOBS")))]
async fn calibrate_heston(
    Trader(principal): Trader,
    State(state): State<AppState>,
    JsonBody(request): JsonBody<CalibrateHestonRequest>,
) -> ApiResult<Response> {
    let CalibrateHestonRequest { spot, rate, dividend, quotes, start, underlying } = request;
    if quotes.len() > QUOTES_MAX {
        return Err(QuantError::TooMany { what: "quotes", most: QUOTES_MAX, got: quotes.len() }.into());
    }
    let market = Market { spot, rate, dividend };
    let quotes = quotes.iter().map(|quote| quote.read(market)).collect::<ApiResult<Vec<_>>>()?;
    let start = start.map(Parameters::from);
    let shelf = Shelf::new("heston", underlying)?;
    compute(&state, &principal, "calibrate_heston", move |run| {
        let begun = Instant::now();
        let is_cancelled = || run.is_cancelled();
        let report = |progress| run.report(progress);
        let calibration = Calibration::new(&quotes).cancelled_by(&is_cancelled).reporting_to(&report);
        let fit = match start {
            Some(start) => calibration.start(start).run()?,
            None => calibration.run()?,
        };
        let elapsed_ms = begun.elapsed().as_secs_f64() * MILLIS_PER_SECOND;
        shelf.output(&HestonAnswer::new(&fit, elapsed_ms))
    })
    .await
}

impl HestonQuote {
    fn read(&self, market: Market) -> ApiResult<Quote> {
        let contract = Contract {
            strike: self.strike,
            expiry_years: self.expiry_years,
            kind: option_kind(&self.r#type)?,
        };
        let observed = match (self.price, self.implied_volatility) {
            (Some(price), None) => Observed::Price(price),
            (None, Some(volatility)) => Observed::Volatility(volatility),
            _ => {
                let message = "each quote has either price or implied_volatility";
                return Err(ApiError::new(Code::FieldMissing, message).with_field("quotes"));
            }
        };
        Ok(Quote { market, contract, observed })
    }
}

impl From<HestonParameters> for Parameters {
    fn from(given: HestonParameters) -> Self {
        let HestonParameters { v0, kappa, theta, sigma, rho } = given;
        Self { v0, kappa, theta, sigma, rho }
    }
}

impl HestonAnswer {
    fn new(fit: &Fit, elapsed_ms: f64) -> Self {
        let Parameters { v0, kappa, theta, sigma, rho } = fit.parameters;
        let errors = &fit.standard_errors;
        Self {
            parameters: HestonParameters { v0, kappa, theta, sigma, rho },
            standard_errors: HestonParameters {
                v0: errors.v0,
                kappa: errors.kappa,
                theta: errors.theta,
                sigma: errors.sigma,
                rho: errors.rho,
            },
            rmse_price: fit.rmse_price,
            rmse_volatility: fit.rmse_volatility,
            feller: fit.feller,
            iterations: fit.iterations,
            elapsed_ms,
            kept_as: None,
        }
    }
}
