//! Computations that take a while: answered at once if they are quick, else with a job to ask for.

use crate::envelope::{Accepted, ApiResult, Data, Page};
use crate::error::{ApiError, Code};
use crate::principal::{Member, Trader};
use crate::query::Path;
use crate::schema::{Answer, List};
use crate::state::AppState;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bulkhead_actors::jobs::{End, Job, JobId, JobOrder, JobRun, KEPT, Output, Phase};
use bulkhead_domain::Timestamp;
use bulkhead_identity::Principal;
use bulkhead_quant::QuantError;
use serde::Serialize;
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

/// What takes longer is answered with a job.
const ANSWERED_AT_ONCE: Duration = Duration::from_millis(250);

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_jobs)).routes(routes!(show_job, cancel_job))
}

/// A computation and what became of it.
#[derive(Serialize, ToSchema)]
pub(super) struct JobView {
    id: Uuid,
    #[schema(example = "calibrate_heston")]
    kind: &'static str,
    /// queued, running, done, failed or canceled.
    #[schema(example = "running")]
    status: &'static str,
    /// From zero to one.
    progress: f64,
    cancel_requested: bool,
    #[schema(value_type = String, example = "2026-01-02T03:04:05.000006Z")]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, required)]
    finished_at: Option<Timestamp>,
    /// Until then the result can be asked for.
    #[schema(value_type = Option<String>, required)]
    expires_at: Option<Timestamp>,
    /// What the route would have answered.
    #[schema(value_type = Option<Object>, required)]
    result: Option<Arc<Map<String, Value>>>,
    /// Why there is no result.
    #[schema(value_type = Option<Object>, required)]
    error: Option<Value>,
}

impl From<&Job> for JobView {
    fn from(job: &Job) -> Self {
        let end = job.end();
        let finished_at = end.as_ref().map(|end| end.at);
        let (result, error) = match end.map(|end| end.result) {
            None => (None, None),
            Some(Ok(result)) => (Some(result), None),
            Some(Err(failure)) => {
                // An error that cannot be written as JSON still is one.
                (None, Some(serde_json::to_value(ApiError::from(failure).view()).unwrap_or_default()))
            }
        };
        Self {
            id: job.id.0,
            kind: job.kind,
            status: name_of(job.phase()),
            progress: job.progress(),
            cancel_requested: job.is_cancelled(),
            created_at: job.created_at,
            finished_at,
            expires_at: finished_at
                .map(|at| at.plus_micros(i64::try_from(KEPT.as_micros()).unwrap_or(i64::MAX))),
            result,
            error,
        }
    }
}

const fn name_of(phase: Phase) -> &'static str {
    match phase {
        Phase::Queued => "queued",
        Phase::Running => "running",
        Phase::Done => "done",
        Phase::Failed => "failed",
        Phase::Cancelled => "canceled",
    }
}

/// Runs a computation of the caller's: 200 with its answer if it is quick, else 202 with its job.
pub(super) async fn compute(
    state: &AppState,
    principal: &Principal,
    kind: &'static str,
    work: impl FnOnce(&JobRun<'_>) -> Result<Output, QuantError> + Send + 'static,
) -> ApiResult<Response> {
    let order = JobOrder { tenant_id: principal.tenant_id, user_id: principal.user_id, kind };
    let job = state.jobs.submit(order, work)?;
    match timeout(ANSWERED_AT_ONCE, job.ended()).await {
        Ok(End { result, .. }) => {
            state.jobs.forget(&job);
            Ok(Data(result?).into_response())
        }
        Err(_) => Ok(under_way(&job)),
    }
}

fn under_way(job: &Job) -> Response {
    let mut response = Accepted(JobView::from(job)).into_response();
    let place = HeaderValue::try_from(format!("/api/v1/jobs/{}", job.id.0));
    response.headers_mut().insert(header::LOCATION, place.expect("an id is made of characters of headers"));
    response
}

/// List computations, newest first
///
/// Those of the last hour that were not answered at once, at most 128.
#[utoipa::path(get, path = "/jobs", tag = "Quant", security(("bearer" = [])),
    responses((status = 200, body = List<JobView>)))]
async fn list_jobs(Member(principal): Member, State(state): State<AppState>) -> Page<JobView> {
    let items = state.jobs.list(principal.tenant_id).iter().map(|job| JobView::from(job.as_ref())).collect();
    Page { items, next_cursor: None }
}

/// Look at a computation
///
/// Results are kept for an hour after the end, and not across restarts of the server.
#[utoipa::path(get, path = "/jobs/{id}", tag = "Quant", security(("bearer" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, body = Answer<JobView>)))]
async fn show_job(
    Member(principal): Member,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Data<JobView>> {
    Ok(Data(JobView::from(find(&state, &principal, &id)?.as_ref())))
}

/// Cancel a computation
///
/// It ends when it next looks, or when it would begin.
#[utoipa::path(delete, path = "/jobs/{id}", tag = "Quant", security(("bearer" = [])), params(("id" = Uuid, Path)),
    responses((status = 202, body = Answer<JobView>)))]
async fn cancel_job(
    Trader(principal): Trader,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> ApiResult<Accepted<JobView>> {
    let job = find(&state, &principal, &id)?;
    job.cancel();
    Ok(Accepted(JobView::from(job.as_ref())))
}

fn find(state: &AppState, principal: &Principal, id: &str) -> ApiResult<Arc<Job>> {
    let id = JobId(crate::query::uuid("job id", id)?);
    state.jobs.find(principal.tenant_id, id).ok_or_else(|| ApiError::of(Code::JobNotFound))
}
