//! Why a JSON text is not what a route wants. Runs only where the fast parser has failed or may have been too lenient:
//! the text is parsed again into a tree, and the tree into the wanted type, by a deserializer whose errors say field,
//! found and expected.

use super::tree::{Fault, FaultKind, Node};
use crate::error::{ApiError, Code};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Says what is wrong with `bytes`, which `error` says are no `T`.
pub(super) fn explain<T: DeserializeOwned>(bytes: &[u8], error: &serde_json::Error) -> ApiError {
    let Ok(tree) = serde_json::from_slice::<Value>(bytes) else { return not_json(error) };
    match read::<T>(tree) {
        Err(error) => error,
        // The tree keeps one of two equal keys, so that the second parse can succeed.
        Ok(_) => ApiError::new(Code::FieldDuplicate, error.to_string()),
    }
}

/// Reads a tree as a `T`: an object where `T` has a struct, and nothing else.
pub(super) fn read<T: DeserializeOwned>(tree: Value) -> Result<T, ApiError> {
    T::deserialize(Node(tree)).map_err(ApiError::from)
}

fn not_json(error: &serde_json::Error) -> ApiError {
    let (line, column) = (error.line(), error.column());
    let message = if error.is_eof() { "the JSON text ends too early" } else { "the body is not valid JSON" };
    ApiError::new(Code::BodyNotJson, format!("{message}: {error}"))
        .with_details(json!({ "line": line, "column": column }))
}

impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        let field = fault.field;
        match fault.kind {
            FaultKind::Type { found, expected } => {
                let name = if field.is_empty() { "what is sent" } else { &field };
                ApiError::new(Code::FieldType, format!("{name} must be {expected}, found {found}"))
                    .with_details(json!({ "field": field, "found": found, "expected": expected }))
            }
            FaultKind::Missing => {
                ApiError::new(Code::FieldMissing, format!("the field {field} is required")).with_field(&field)
            }
            FaultKind::Unknown { known } => {
                let message = format!("there is no field {field} here; known are: {}", known.join(", "));
                ApiError::new(Code::FieldUnknown, message)
                    .with_details(json!({ "field": field, "known": known }))
            }
            FaultKind::Duplicate => {
                ApiError::new(Code::FieldDuplicate, format!("the field {field} occurs twice"))
                    .with_field(&field)
            }
            FaultKind::Other(message) => ApiError::new(Code::FieldType, message).with_field(&field),
        }
    }
}
