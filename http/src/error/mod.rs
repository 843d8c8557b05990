//! The one error every route answers with.
//!
//! 1. `code` is stable; the message may change.
//! 2. `outcome` says whether the request had its effect: `not_executed`, `executed` or `unknown`.
//! 3. A 5xx tells nothing of its cause; the cause is logged here, once, with the request's id.

mod code;
mod convert;
mod domain;

pub use code::Code;
pub(crate) use domain::{denial_code, price_error, quantity_error};

use crate::connection::TurnedAway;
use crate::context::{self, RequestMeta};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::time::Duration;
use tracing::{error, warn};

/// Whether a request had its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Certainly not.
    NotExecuted,
    /// Certainly.
    Executed,
    /// It may have: ask before trying again.
    Unknown,
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A failed request.
#[derive(Debug)]
pub struct ApiError {
    code: Code,
    message: Cow<'static, str>,
    details: Option<Box<Value>>,
    outcome: Outcome,
    retry_after: Option<Duration>,
    cause: Option<Cause>,
}

/// A failure as it is written.
#[derive(Serialize)]
struct ErrorEnvelope<'a> {
    error: ErrorView<'a>,
    meta: RequestMeta,
}

#[derive(Serialize)]
pub(crate) struct ErrorView<'a> {
    code: &'static str,
    message: &'a str,
    details: Cow<'a, Value>,
    retryable: bool,
    outcome: Outcome,
}

impl ApiError {
    /// An error that the caller can understand and mend; nothing was done.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            details: None,
            outcome: Outcome::NotExecuted,
            retry_after: None,
            cause: None,
        }
    }

    /// An error whose code says it all; nothing was done.
    pub fn of(code: Code) -> Self {
        Self::new(code, code.meaning())
    }

    /// A fault of ours; the cause goes to the log.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::of(Code::Internal).with_outcome(Outcome::Unknown).caused_by(cause)
    }

    /// Adds what a program may want to know.
    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.details = Some(Box::new(details));
        self
    }

    /// Names the field that is wrong.
    #[must_use]
    pub fn with_field(self, field: &str) -> Self {
        self.with_details(json!({ "field": field }))
    }

    /// Says what became of the request.
    #[must_use]
    pub fn with_outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// Says when the same request may succeed.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// Keeps the cause for the log.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Cause>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The error as it appears in lists of results and in WebSocket frames.
    pub(crate) fn view(&self) -> ErrorView<'_> {
        let details = self.details.as_deref().map_or(Cow::Owned(json!({})), Cow::Borrowed);
        let retryable = self.outcome == Outcome::NotExecuted && self.retry_after.is_some();
        ErrorView {
            code: self.code.as_str(),
            message: &self.message,
            details,
            retryable,
            outcome: self.outcome,
        }
    }

    /// Writes the cause to the log, if there is one.
    pub(crate) fn log(&self) {
        let Some(cause) = &self.cause else { return };
        let (request_id, code) = (context::request_id(), self.code.as_str());
        // What is expected to pass by itself is no error of ours.
        if self.code.status() == StatusCode::SERVICE_UNAVAILABLE {
            warn!(request.id = request_id.as_str(), code, error = %Chain(cause.as_ref()), "request refused");
        } else {
            error!(request.id = request_id.as_str(), code, error = %Chain(cause.as_ref()), "request failed");
        }
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.message)
    }
}

/// An error with everything it came from.
struct Chain<'a>(&'a (dyn std::error::Error + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.log();
        let envelope = ErrorEnvelope { error: self.view(), meta: RequestMeta::now() };
        let body = serde_json::to_vec(&envelope).unwrap_or_default();
        let mut response = (self.code.status(), [(header::CONTENT_TYPE, JSON)], body).into_response();
        let headers = response.headers_mut();
        if let Some(after) = self.retry_after {
            // Whole seconds, and at least one: zero would mean "at once" to many clients.
            let seconds = after.as_millis().div_ceil(1000).max(1);
            headers
                .insert(header::RETRY_AFTER, HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX)));
        }
        if self.code.status() == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, challenge(self.code));
        }
        if self.code == Code::Overloaded {
            response.extensions_mut().insert(TurnedAway);
        }
        response
    }
}

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// RFC 6750: a request without any proof is not told of an error.
fn challenge(code: Code) -> HeaderValue {
    if code == Code::NotAuthenticated {
        HeaderValue::from_static("Bearer realm=\"bulkhead\"")
    } else {
        HeaderValue::from_static("Bearer realm=\"bulkhead\", error=\"invalid_token\"")
    }
}
