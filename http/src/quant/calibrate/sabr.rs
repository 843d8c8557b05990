//! `POST /quant/calibrate/sabr`: a smile from its quoted volatilities.

use super::Shelf;
use crate::body::JsonBody;
use crate::envelope::ApiResult;
use crate::principal::Trader;
use crate::quant::choice;
use crate::quant::jobs::{JobView, compute};
use crate::schema::Answer;
use crate::state::AppState;
use axum::extract::State;
use axum::response::Response;
use bulkhead_actors::jobs::JobRun;
use bulkhead_quant::QuantError;
use bulkhead_quant::option::sabr::{Beta, Expansion, Fit, Quote, Settings, Underlying, fit};
use bulkhead_quant::option::surface::{Grid, NegativeDensity};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Where arbitrage is looked for: strikes from a third to three times the forward.
const NEAR_FORWARD: Grid = Grid { log_moneyness_min: -1.1, log_moneyness_max: 1.1, points: 111 };

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(calibrate_sabr))
}

/// A smile of one expiry.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "forward": 0.03, "expiry_years": 1, "beta": 0.5, "quotes": [
    { "strike": 0.02, "volatility": 0.32 }, { "strike": 0.03, "volatility": 0.24 }, { "strike": 0.04, "volatility": 0.22 }
] }))]
struct CalibrateSabrRequest {
    forward: f64,
    expiry_years: f64,
    /// Added to forward and strikes where rates may be negative; 0 if absent.
    #[serde(default)]
    shift: f64,
    /// The backbone; fitted if absent, which needs four quotes instead of three.
    beta: Option<f64>,
    /// hagan (if absent), obloj, floch_kennedy or hagan_normal (whose quotes are normal volatilities).
    expansion: Option<String>,
    quotes: Vec<SabrQuote>,
    /// If there, the parameters are kept under it.
    underlying: Option<String>,
}

/// A quoted volatility.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SabrQuote {
    strike: f64,
    volatility: f64,
    /// 1 if absent.
    weight: Option<f64>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ExpansionName {
    Hagan,
    Obloj,
    FlochKennedy,
    HaganNormal,
}

impl From<ExpansionName> for Expansion {
    fn from(name: ExpansionName) -> Self {
        match name {
            ExpansionName::Hagan => Self::Hagan,
            ExpansionName::Obloj => Self::Obloj,
            ExpansionName::FlochKennedy => Self::FlochKennedy,
            ExpansionName::HaganNormal => Self::HaganNormal,
        }
    }
}

/// The smile that fits best.
#[derive(Debug, Serialize, ToSchema)]
struct SabrAnswer {
    parameters: SabrParameters,
    rmse_volatility: f64,
    worst_error: f64,
    iterations: usize,
    /// Strikes near the forward at which the smile implies a negative density: there it must not be trusted.
    arbitrage: Vec<NegativeDensityView>,
    /// What the parameters are kept under; null if they could not be, absent without an underlying.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept_as: Option<uuid::Uuid>,
}

/// Level, backbone, volatility of volatility, correlation.
#[derive(Debug, Serialize, ToSchema)]
struct SabrParameters {
    alpha: f64,
    beta: f64,
    nu: f64,
    rho: f64,
}

/// Where the density is negative.
#[derive(Debug, Serialize, ToSchema)]
struct NegativeDensityView {
    strike: f64,
    density: f64,
}

impl From<NegativeDensity> for NegativeDensityView {
    fn from(found: NegativeDensity) -> Self {
        Self { strike: found.strike, density: found.density }
    }
}

/// Fit a SABR smile
#[utoipa::path(post, path = "/quant/calibrate/sabr", tag = "Quant", security(("bearer" = [])),
    request_body = CalibrateSabrRequest,
    responses((status = 200, body = Answer<SabrAnswer>), (status = 202, body = Answer<JobView>),
        (status = 422, description = "INVALID_NUMBERS or NOT_IDENTIFIED"),
        (status = 429, description = "TOO_MANY_JOBS")))]
async fn calibrate_sabr(
    Trader(principal): Trader,
    State(state): State<AppState>,
    JsonBody(request): JsonBody<CalibrateSabrRequest>,
) -> ApiResult<Response> {
    let expansion: Option<ExpansionName> =
        request.expansion.as_deref().map(|name| choice("expansion", name)).transpose()?;
    let settings = Settings {
        expansion: expansion.map_or(Expansion::Hagan, Expansion::from),
        beta: request.beta.map_or(Beta::Fitted, Beta::Fixed),
        start: None,
    };
    let CalibrateSabrRequest { forward, expiry_years, shift, quotes, underlying, .. } = request;
    let shelf = Shelf::new("sabr", underlying)?;
    let underlying = Underlying { forward, expiry_years, shift };
    let quotes: Vec<Quote> = quotes
        .iter()
        .map(|&SabrQuote { strike, volatility, weight }| Quote {
            strike,
            volatility,
            weight: weight.unwrap_or(1.0),
        })
        .collect();
    let work = move |_: &JobRun<'_>| shelf.output(&view(&fit(&underlying, &quotes, &settings)?)?);
    compute(&state, &principal, "calibrate_sabr", work).await
}

fn view(fit: &Fit) -> Result<SabrAnswer, QuantError> {
    let parameters = fit.model.parameters();
    let arbitrage = fit.model.arbitrage(&NEAR_FORWARD)?;
    Ok(SabrAnswer {
        parameters: SabrParameters {
            alpha: parameters.alpha,
            beta: parameters.beta,
            nu: parameters.nu,
            rho: parameters.rho,
        },
        rmse_volatility: fit.root_mean_square_error,
        worst_error: fit.worst_error,
        iterations: fit.iterations,
        arbitrage: arbitrage.into_iter().map(NegativeDensityView::from).collect(),
        kept_as: None,
    })
}
