//! `POST /quant/calibrate/ou`: whether and how a series reverts to its mean.

use super::Shelf;
use crate::body::JsonBody;
use crate::envelope::ApiResult;
use crate::error::{ApiError, Code};
use crate::principal::Trader;
use crate::quant::jobs::{JobView, compute};
use crate::schema::Answer;
use crate::state::AppState;
use axum::extract::State;
use axum::response::Response;
use bulkhead_actors::jobs::JobRun;
use bulkhead_quant::QuantError;
use bulkhead_quant::process::ornstein_uhlenbeck::{Estimate, Fit, Reason, fit, fit_uneven};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const STEP_YEARS: f64 = 1.0 / 252.0;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(calibrate_ou))
}

/// A series of levels, oldest first.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "underlying": "BTC-USDT", "series": [1.1, 1.05, 1.07, 1.02, 1.04], "step_years": 0.00396 }))]
struct CalibrateOuRequest {
    series: Vec<f64>,
    /// Between two values; 1/252 if absent.
    step_years: Option<f64>,
    /// When each value was, in years; instead of `step_years`.
    times_years: Option<Vec<f64>>,
    /// If there, the parameters are kept under it.
    underlying: Option<String>,
}

/// What the series says.
#[derive(Debug, Serialize, ToSchema)]
struct OuAnswer {
    mean_reverting: bool,
    /// What is left of a distance from the mean after one step.
    phi: f64,
    /// Why it does not revert: no_pull, faster_than_observed, or not_significant (a random walk would look like this more
    /// often than one time in twenty; what is most likely is shown, and not kept).
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<OuParameters>,
    #[serde(skip_serializing_if = "Option::is_none")]
    standard_errors: Option<OuParameters>,
    /// The speed less its bias; zero or less means that reversion cannot be told from its absence.
    #[serde(skip_serializing_if = "Option::is_none")]
    kappa_unbiased: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    half_life_years: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_likelihood: Option<f64>,
    /// Dickey and Fuller's: below -2.86 it is no random walk.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit_root_statistic: Option<f64>,
    /// What the parameters are kept under; null if they could not be, absent without an underlying.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept_as: Option<uuid::Uuid>,
}

/// The process, of a year.
#[derive(Debug, Serialize, ToSchema)]
struct OuParameters {
    kappa: f64,
    mean: f64,
    sigma: f64,
}

/// Fit an Ornstein-Uhlenbeck process
///
/// By exact maximum likelihood. A series that does not revert to a mean is an answer, not an error; its parameters are
/// not kept.
#[utoipa::path(post, path = "/quant/calibrate/ou", tag = "Quant", security(("bearer" = [])),
    request_body = CalibrateOuRequest,
    responses((status = 200, body = Answer<OuAnswer>), (status = 202, body = Answer<JobView>),
        (status = 422, description = "INVALID_NUMBERS or NOT_IDENTIFIED"),
        (status = 429, description = "TOO_MANY_JOBS")))]
async fn calibrate_ou(
    Trader(principal): Trader,
    State(state): State<AppState>,
    JsonBody(request): JsonBody<CalibrateOuRequest>,
) -> ApiResult<Response> {
    let CalibrateOuRequest { series, step_years, times_years, underlying } = request;
    if step_years.is_some() && times_years.is_some() {
        return Err(ApiError::new(Code::FieldUnknown, "send either step_years or times_years"));
    }
    let shelf = Shelf::new("ou", underlying)?;
    let work = move |_: &JobRun<'_>| {
        let estimate = match times_years {
            Some(times) => fit_uneven(&times, &series)?,
            None => fit(&series, step_years.unwrap_or(STEP_YEARS))?,
        };
        finish(estimate, shelf)
    };
    compute(&state, &principal, "calibrate_ou", work).await
}

fn finish(estimate: Estimate, shelf: Shelf) -> Result<bulkhead_actors::jobs::Output, QuantError> {
    match estimate {
        Estimate::MeanReverting(fit) => {
            let answer = fitted(&fit);
            if fit.is_significant() { shelf.output(&answer) } else { crate::quant::answer(&answer) }
        }
        Estimate::NotMeanReverting { phi, why } => crate::quant::answer(&OuAnswer {
            mean_reverting: false,
            phi,
            reason: Some(match why {
                Reason::NoPull => "no_pull",
                Reason::FasterThanObserved => "faster_than_observed",
            }),
            parameters: None,
            standard_errors: None,
            kappa_unbiased: None,
            half_life_years: None,
            log_likelihood: None,
            unit_root_statistic: None,
            kept_as: None,
        }),
    }
}

fn fitted(fit: &Fit) -> OuAnswer {
    OuAnswer {
        mean_reverting: fit.is_significant(),
        phi: fit.phi,
        reason: if fit.is_significant() { None } else { Some("not_significant") },
        parameters: Some(OuParameters { kappa: fit.kappa, mean: fit.mean, sigma: fit.sigma }),
        standard_errors: Some(OuParameters {
            kappa: fit.kappa_error,
            mean: fit.mean_error,
            sigma: fit.sigma_error,
        }),
        kappa_unbiased: Some(fit.kappa_unbiased),
        half_life_years: Some(fit.half_life),
        log_likelihood: Some(fit.log_likelihood),
        unit_root_statistic: Some(fit.unit_root_statistic()),
        kept_as: None,
    }
}
