//! Whether the process lives, whether it is ready, and what time it is.

use crate::envelope::{ApiResult, Data};
use crate::error::{ApiError, Code};
use crate::schema::Answer;
use crate::state::AppState;
use axum::extract::State;
use bulkhead_actors::clock;
use bulkhead_domain::Timestamp;
use serde::Serialize;
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A database that takes longer to answer is away.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(1);
const RETRY_NOT_READY: Duration = Duration::from_secs(1);
const READY: &str = "ready";

/// Routes outside of `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(show_liveness)).routes(routes!(show_readiness))
}

/// The route for the time, inside of `/api/v1`.
pub(crate) fn clock_router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(show_clock))
}

#[derive(Serialize, ToSchema)]
struct LivenessView {
    #[schema(example = "alive")]
    status: &'static str,
}

#[derive(Serialize, ToSchema)]
struct ReadinessView {
    #[schema(example = "ready")]
    status: &'static str,
    parts: PartsView,
}

/// The state of each part: `ready`, or what it is instead.
#[derive(Serialize, ToSchema)]
struct PartsView {
    #[schema(example = "ready")]
    server: &'static str,
    #[schema(example = "ready")]
    database: &'static str,
    #[schema(example = "ready")]
    tenants: &'static str,
}

#[derive(Serialize, ToSchema)]
struct ClockView {
    #[schema(value_type = String, example = "2026-01-02T03:04:05.000006Z")]
    time: Timestamp,
    /// The same in microseconds since 1970.
    #[schema(example = 1_767_323_045_000_006_i64)]
    unix_micros: i64,
}

impl PartsView {
    fn is_ready(&self) -> bool {
        [self.server, self.database, self.tenants].iter().all(|part| *part == READY)
    }
}

/// Is the process alive
#[utoipa::path(get, path = "/health/live", tag = "Process", responses((status = 200, body = Answer<LivenessView>)))]
async fn show_liveness() -> Data<LivenessView> {
    Data(LivenessView { status: "alive" })
}

/// Should requests be sent here
#[utoipa::path(get, path = "/health/ready", tag = "Process", responses((status = 200, body = Answer<ReadinessView>),
    (status = 503, description = "NOT_READY; details.parts names what is not")))]
async fn show_readiness(State(state): State<AppState>) -> ApiResult<Data<ReadinessView>> {
    let database = timeout(DATABASE_TIMEOUT, state.db.ping()).await;
    let parts = PartsView {
        server: if state.lifecycle.is_draining() { "draining" } else { READY },
        database: if matches!(database, Ok(Ok(()))) { READY } else { "away" },
        tenants: if state.tenants.is_filled() { READY } else { "starting" },
    };
    if parts.is_ready() {
        return Ok(Data(ReadinessView { status: READY, parts }));
    }
    Err(ApiError::of(Code::NotReady)
        .with_retry_after(RETRY_NOT_READY)
        .with_details(json!({ "parts": parts })))
}

/// What time is it here
#[utoipa::path(get, path = "/clock", tag = "Process", responses((status = 200, body = Answer<ClockView>)))]
async fn show_clock() -> Data<ClockView> {
    let time = clock::now();
    Data(ClockView { time, unix_micros: time.micros() })
}
