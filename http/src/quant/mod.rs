//! Option models, calibrations and portfolio construction over REST. Their inputs and answers are JSON numbers; only
//! what becomes an order's quantity is a decimal in a string.
//!
//! What takes microseconds is computed where it is asked for, everything else on the node's computing threads.

mod calibrate;
mod implied_volatility;
mod jobs;
mod optimize;
mod parameters;
mod price;
mod size;

use crate::envelope::ApiResult;
use crate::error::{ApiError, Code};
use crate::query;
use crate::state::AppState;
use bulkhead_actors::jobs::Output;
use bulkhead_quant::QuantError;
use bulkhead_quant::option::OptionKind;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use utoipa_axum::router::OpenApiRouter;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(price::router())
        .merge(implied_volatility::router())
        .merge(calibrate::router())
        .merge(parameters::router())
        .merge(optimize::router())
        .merge(size::router())
        .merge(jobs::router())
}

/// Reads a name out of a few.
fn choice<T: DeserializeOwned>(field: &'static str, name: &str) -> ApiResult<T> {
    query::known(name).map_err(|known| {
        let message = format!("{field} must be one of {}", known.join(", "));
        ApiError::new(Code::InvalidModel, message).with_details(json!({ "field": field, "known": known }))
    })
}

/// Reads `call` or `put`.
fn option_kind(name: &str) -> ApiResult<OptionKind> {
    match name {
        "call" => Ok(OptionKind::Call),
        "put" => Ok(OptionKind::Put),
        _ => Err(ApiError::new(Code::InvalidModel, "type must be call or put").with_field("type")),
    }
}

/// A field that this method cannot do without.
fn required<T>(field: &'static str, value: Option<T>) -> ApiResult<T> {
    value.ok_or_else(|| {
        ApiError::new(Code::FieldMissing, format!("{field} is missing, which this method needs"))
            .with_field(field)
    })
}

/// An answer that keeps nothing.
fn answer<T: Serialize>(view: &T) -> Result<Output, QuantError> {
    Ok(Output { body: object(view)?, fit: None })
}

/// A view as the object it is written as.
fn object<T: Serialize>(view: &T) -> Result<Map<String, Value>, QuantError> {
    match serde_json::to_value(view) {
        Ok(Value::Object(object)) => Ok(object),
        // Only a number that JSON has no word for can fail here.
        _ => Err(QuantError::NotFinite { what: "the answer" }),
    }
}
