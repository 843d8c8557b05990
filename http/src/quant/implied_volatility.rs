//! `POST /quant/implied-vol`: the volatility that explains a price.

use super::{choice, option_kind};
use crate::body::JsonBody;
use crate::envelope::{ApiResult, Data};
use crate::principal::Member;
use crate::schema::Answer;
use crate::state::AppState;
use bulkhead_quant::option::implied_volatility::{ForwardQuote, Quote, normal_of_forward_price, of_price};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(find_implied_volatility))
}

/// A European option's price.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "price": 9.227005508154061, "spot": 100, "rate": 0.05, "dividend": 0.02, "strike": 100,
    "expiry_years": 1, "type": "call" }))]
struct ImpliedVolatilityRequest {
    price: f64,
    spot: f64,
    #[serde(default)]
    rate: f64,
    #[serde(default)]
    dividend: f64,
    strike: f64,
    expiry_years: f64,
    /// call or put.
    r#type: String,
    /// lognormal (Black-Scholes; if absent) or normal (Bachelier).
    model: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ModelName {
    Lognormal,
    Normal,
}

/// The volatility of a year.
#[derive(Debug, Serialize, ToSchema)]
struct ImpliedVolatilityAnswer {
    #[schema(example = 0.2)]
    volatility: f64,
}

/// Find the volatility that a price implies
///
/// To machine precision, by Jäckel's method.
#[utoipa::path(post, path = "/quant/implied-vol", tag = "Quant", security(("bearer" = [])),
    request_body = ImpliedVolatilityRequest,
    responses((status = 200, body = Answer<ImpliedVolatilityAnswer>),
        (status = 422, description = "INVALID_NUMBERS: also for a price outside what no volatility can explain")))]
async fn find_implied_volatility(
    _: Member,
    JsonBody(request): JsonBody<ImpliedVolatilityRequest>,
) -> ApiResult<Data<ImpliedVolatilityAnswer>> {
    let ImpliedVolatilityRequest { price, spot, rate, dividend, strike, expiry_years, .. } = request;
    let kind = option_kind(&request.r#type)?;
    let model = request.model.as_deref().map(|name| choice("model", name)).transpose()?;
    let volatility = match model.unwrap_or(ModelName::Lognormal) {
        ModelName::Lognormal => of_price(kind, &Quote { price, spot, strike, expiry_years, rate, dividend })?,
        ModelName::Normal => {
            let growth = ((rate - dividend) * expiry_years).exp();
            let undiscounted = price * (rate * expiry_years).exp();
            let quote = ForwardQuote { price: undiscounted, forward: spot * growth, strike, expiry_years };
            normal_of_forward_price(kind, &quote)?
        }
    };
    Ok(Data(ImpliedVolatilityAnswer { volatility }))
}
