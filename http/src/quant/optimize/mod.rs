//! `POST /portfolio/optimize`: weights from returns or from a covariance.

mod request;
mod solve;

use super::jobs::compute;
use crate::body::JsonBody;
use crate::envelope::ApiResult;
use crate::principal::Member;
use crate::schema::Answer;
use crate::state::AppState;
use axum::extract::State;
use axum::response::Response;
use request::OptimizeRequest;
use solve::WeightsAnswer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A covariance of as many assets as may be, written out with all digits.
const BODY_BYTES_MAX: usize = 1024 * 1024;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(optimize))
}

/// Construct a portfolio
///
/// The expected returns, the covariance and what is answered are of one horizon: a year where `returns` are given, else
/// that of `covariance`. What takes longer than 250 ms is answered with a job.
#[utoipa::path(post, path = "/portfolio/optimize", tag = "Quant", security(("bearer" = [])),
    request_body = OptimizeRequest,
    responses((status = 200, body = Answer<WeightsAnswer>), (status = 202, body = Answer<super::jobs::JobView>),
        (status = 422, description = "INVALID_NUMBERS, INFEASIBLE, NOT_IDENTIFIED or NO_CONVERGENCE"),
        (status = 429, description = "TOO_MANY_JOBS")))]
async fn optimize(
    Member(principal): Member,
    State(state): State<AppState>,
    JsonBody(request): JsonBody<OptimizeRequest, BODY_BYTES_MAX>,
) -> ApiResult<Response> {
    let problem = request.validate()?;
    compute(&state, &principal, "optimize_portfolio", move |_| super::answer(&problem.solve()?)).await
}
