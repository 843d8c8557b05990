//! Shapes that exist for the OpenAPI document only: the envelopes around every answer.

use crate::error::{Code, Outcome};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// One thing.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what the envelope writes")]
pub(crate) struct Answer<T> {
    data: T,
    meta: Meta,
}

/// A page of a list.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what the envelope writes")]
pub(crate) struct List<T> {
    data: Vec<T>,
    meta: PageMeta,
}

/// About the answer.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what the envelope writes")]
pub(crate) struct Meta {
    /// The request's id: the one sent in `x-request-id`, or a new one.
    #[schema(example = "5f0c1d7a9be24c33-1a")]
    request_id: String,
    /// When the answer was made.
    #[schema(example = "2026-01-02T03:04:05.000006Z")]
    timestamp: String,
}

/// About the page.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what the envelope writes")]
pub(crate) struct PageMeta {
    #[schema(example = "5f0c1d7a9be24c33-1b")]
    request_id: String,
    #[schema(example = "2026-01-02T03:04:05.000006Z")]
    timestamp: String,
    /// Send it as `cursor` to get the next page; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// A failure.
#[derive(ToSchema)]
#[schema(example = json!({
    "error": {
        "code": "QUANTITY_OFF_STEP",
        "message": "quantity 0.0000005 is off the step: must be a multiple of 0.000001",
        "details": { "field": "quantity", "step": "0.000001" },
        "retryable": false,
        "outcome": "not_executed"
    },
    "meta": { "request_id": "5f0c1d7a9be24c33-1c", "timestamp": "2026-01-02T03:04:05.000006Z" }
}))]
#[expect(dead_code, reason = "describes what the error writes")]
pub(crate) struct ErrorAnswer {
    error: ErrorBody,
    meta: Meta,
}

/// What went wrong.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what the error writes")]
pub(crate) struct ErrorBody {
    code: Code,
    /// For people; may change.
    message: String,
    /// For programs; depends on the code.
    #[schema(value_type = Object)]
    details: serde_json::Value,
    /// Whether the same request may succeed later. `Retry-After` says when.
    retryable: bool,
    outcome: Outcome,
}

impl PartialSchema for Code {
    fn schema() -> RefOr<Schema> {
        let lines = Self::ALL
            .iter()
            .map(|code| format!("- `{}` ({}): {}", code.as_str(), code.status().as_u16(), code.meaning()));
        let description = format!("Stable codes:\n\n{}", lines.collect::<Vec<_>>().join("\n"));
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(Self::ALL.iter().map(|code| code.as_str())))
            .description(Some(description))
            .into()
    }
}

impl ToSchema for Code {
    fn name() -> std::borrow::Cow<'static, str> {
        "ErrorCode".into()
    }
}
