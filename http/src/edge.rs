//! What happens around every request: its id, its time limit, and an answer even when a handler panics.

use crate::context::{self, REQUEST_ID_HEADER, RequestIds};
use crate::error::{ApiError, Code, Outcome};
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::time::timeout;
use tracing::{Instrument, debug_span};

/// How long a request may take, by the start of its route. The handles below have shorter deadlines of their own;
/// these are the last resort.
const TIME_LIMITS: &[(&str, Duration)] = &[
    ("/api/v1/auth", Duration::from_secs(20)),
    ("/api/v1/admin", Duration::from_secs(40)),
    ("/api/v1/orders", Duration::from_secs(20)),
    ("/api/v1/trades", Duration::from_secs(20)),
    ("/health", Duration::from_secs(5)),
];
const TIME_LIMIT_DEFAULT: Duration = Duration::from_secs(15);
const RETRY_TIMED_OUT: Duration = Duration::from_secs(1);

/// The outermost layer.
pub(crate) async fn edge(State(ids): State<RequestIds>, request: Request, next: Next) -> Response {
    let id = ids.of(request.headers());
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let limit = time_limit(path.unwrap_or_default());
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let span = debug_span!("request", request.id = id.as_str(), method = %request.method(), route = path);
    let work = guard(limit, is_read, next.run(request)).instrument(span);
    let mut response = context::within(id.clone(), work).await;
    response.headers_mut().insert(REQUEST_ID_HEADER, id.header());
    response
}

/// No route of this name.
pub(crate) async fn route_not_found() -> ApiError {
    ApiError::of(Code::RouteNotFound)
}

/// The route exists, this method of it does not.
pub(crate) async fn method_not_allowed() -> ApiError {
    ApiError::of(Code::MethodNotAllowed)
}

async fn guard(limit: Duration, is_read: bool, work: impl Future<Output = Response>) -> Response {
    match timeout(limit, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => {
            let outcome = if is_read { Outcome::NotExecuted } else { Outcome::Unknown };
            ApiError::internal(panic_text(panic.as_ref())).with_outcome(outcome).into_response()
        }
        Err(_) => timed_out(is_read).into_response(),
    }
}

fn timed_out(is_read: bool) -> ApiError {
    if is_read {
        return ApiError::of(Code::RequestTimeout).with_retry_after(RETRY_TIMED_OUT);
    }
    ApiError::of(Code::OutcomeUnknown).with_outcome(Outcome::Unknown).with_retry_after(RETRY_TIMED_OUT)
}

fn time_limit(route: &str) -> Duration {
    let limit = TIME_LIMITS.iter().find(|(prefix, _)| route.starts_with(prefix));
    limit.map_or(TIME_LIMIT_DEFAULT, |(_, limit)| *limit)
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("handler panicked: {}", text.unwrap_or("without a message"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::StatusCode;

    #[tokio::test(start_paused = true)]
    async fn a_panic_and_a_stuck_handler_are_answered() {
        let limit = Duration::from_secs(1);
        let panics = async { panic!("on purpose") };
        assert_eq!(guard(limit, true, panics).await.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let stuck = guard(limit, false, std::future::pending()).await;
        assert_eq!(stuck.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(stuck.headers().contains_key("retry-after"));
    }

    #[test]
    fn routes_have_their_limits() {
        assert_eq!(time_limit("/api/v1/admin/tenants"), Duration::from_secs(40));
        assert_eq!(time_limit("/api/v1/portfolio"), TIME_LIMIT_DEFAULT);
    }
}
