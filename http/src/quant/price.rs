//! `POST /quant/price`: an option's price and its sensitivities.

use super::{choice, option_kind, required};
use crate::body::JsonBody;
use crate::envelope::{ApiResult, Data};
use crate::principal::Member;
use crate::schema::Answer;
use crate::state::AppState;
use bulkhead_quant::option::{OptionKind, black_scholes, heston};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(price_option))
}

/// A European option to price.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "model": "heston", "spot": 100, "rate": 0.01, "dividend": 0.02, "strike": 100, "expiry_years": 1, "type": "call",
    "parameters": { "v0": 0.04, "kappa": 4, "theta": 0.25, "sigma": 1, "rho": -0.5 }
}))]
struct PriceRequest {
    /// black_scholes or heston.
    model: String,
    spot: f64,
    /// Continuously compounded, a year.
    #[serde(default)]
    rate: f64,
    /// Continuously compounded, a year.
    #[serde(default)]
    dividend: f64,
    strike: f64,
    expiry_years: f64,
    /// call or put.
    r#type: String,
    parameters: PriceParameters,
}

/// What the model needs: `volatility`, or the five of Heston's.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PriceParameters {
    volatility: Option<f64>,
    v0: Option<f64>,
    kappa: Option<f64>,
    theta: Option<f64>,
    sigma: Option<f64>,
    rho: Option<f64>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ModelName {
    BlackScholes,
    Heston,
}

/// A price with its sensitivities.
#[derive(Debug, Serialize, ToSchema)]
struct PriceAnswer {
    price: f64,
    /// Absent where the price is at a limit at which they are not known to full accuracy.
    #[serde(skip_serializing_if = "Option::is_none")]
    greeks: Option<GreeksView>,
}

/// Derivatives of the price: by one unit of each (so vega is by a volatility of 1.00), theta by a year that passes.
#[derive(Debug, Serialize, ToSchema)]
struct GreeksView {
    delta: f64,
    gamma: f64,
    /// By volatility; under Heston by the square root of v0.
    vega: f64,
    theta: f64,
    rho: f64,
    /// Of Black-Scholes.
    #[serde(skip_serializing_if = "Option::is_none")]
    vanna: Option<f64>,
    /// Of Black-Scholes.
    #[serde(skip_serializing_if = "Option::is_none")]
    volga: Option<f64>,
    /// Of Heston: by each parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<SensitivitiesView>,
}

/// Derivatives by the parameters of Heston's model.
#[derive(Debug, Serialize, ToSchema)]
struct SensitivitiesView {
    v0: f64,
    kappa: f64,
    theta: f64,
    sigma: f64,
    rho: f64,
}

/// Price an option
///
/// Black-Scholes, or Heston by quadrature to about 1e-12 of the spot.
#[utoipa::path(post, path = "/quant/price", tag = "Quant", security(("bearer" = [])), request_body = PriceRequest,
    responses((status = 200, body = Answer<PriceAnswer>), (status = 422, description = "INVALID_NUMBERS or NO_CONVERGENCE")))]
async fn price_option(_: Member, JsonBody(request): JsonBody<PriceRequest>) -> ApiResult<Data<PriceAnswer>> {
    let kind = option_kind(&request.r#type)?;
    match choice("model", &request.model)? {
        ModelName::BlackScholes => black_scholes_answer(kind, &request).map(Data),
        ModelName::Heston => heston_answer(kind, &request).map(Data),
    }
}

fn black_scholes_answer(kind: OptionKind, request: &PriceRequest) -> ApiResult<PriceAnswer> {
    let &PriceRequest { spot, strike, expiry_years, rate, dividend, ref parameters, .. } = request;
    let volatility = required("parameters.volatility", parameters.volatility)?;
    let inputs = black_scholes::Inputs { spot, strike, expiry_years, rate, dividend, volatility };
    let Ok(greeks) = black_scholes::greeks(kind, &inputs) else {
        return Ok(PriceAnswer { price: black_scholes::price(kind, &inputs)?, greeks: None });
    };
    Ok(PriceAnswer {
        price: greeks.price,
        greeks: Some(GreeksView {
            delta: greeks.delta,
            gamma: greeks.gamma,
            vega: greeks.vega,
            theta: greeks.theta,
            rho: greeks.rho,
            vanna: Some(greeks.vanna),
            volga: Some(greeks.volga),
            parameters: None,
        }),
    })
}

fn heston_answer(kind: OptionKind, request: &PriceRequest) -> ApiResult<PriceAnswer> {
    let &PriceRequest { spot, strike, expiry_years, rate, dividend, ref parameters, .. } = request;
    let parameters = heston::Parameters {
        v0: required("parameters.v0", parameters.v0)?,
        kappa: required("parameters.kappa", parameters.kappa)?,
        theta: required("parameters.theta", parameters.theta)?,
        sigma: required("parameters.sigma", parameters.sigma)?,
        rho: required("parameters.rho", parameters.rho)?,
    };
    let market = heston::Market { spot, rate, dividend };
    let contract = heston::Contract { strike, expiry_years, kind };
    let Ok(greeks) = heston::greeks(&market, &parameters, &contract) else {
        return Ok(PriceAnswer { price: heston::price(&market, &parameters, &contract)?, greeks: None });
    };
    let by = greeks.by_parameter;
    Ok(PriceAnswer {
        price: greeks.price,
        greeks: Some(GreeksView {
            delta: greeks.delta,
            gamma: greeks.gamma,
            vega: greeks.vega,
            theta: greeks.theta,
            rho: greeks.rho,
            vanna: None,
            volga: None,
            parameters: Some(SensitivitiesView {
                v0: by.v0,
                kappa: by.kappa,
                theta: by.theta,
                sigma: by.sigma,
                rho: by.rho,
            }),
        }),
    })
}
