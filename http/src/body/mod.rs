//! JSON bodies: read within a limit, and refused with a reason a person can act on.

mod diagnose;
mod tree;

use crate::error::{ApiError, Code};
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use bytes::BytesMut;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;

/// Larger bodies are refused.
pub const BODY_BYTES_MAX: usize = 256 * 1024;
/// Of a body that is refused, this much is read and thrown away, so that a client that writes before it reads gets to
/// see the refusal instead of a broken connection.
const DISCARDED_BYTES_MAX: usize = 32 * 1024 * 1024;
/// A body that takes longer to arrive is given up.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// A JSON body of type `T` and at most `MAX` bytes. Unknown fields are errors where `T` says so.
pub(crate) struct JsonBody<T, const MAX: usize = BODY_BYTES_MAX>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync, const MAX: usize> FromRequest<S> for JsonBody<T, MAX> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes =
            timeout(BODY_TIMEOUT, read(&parts.headers, body, MAX)).await.map_err(|_| body_timeout())??;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(ApiError::of(Code::BodyEmpty));
        }
        check_content_type(&parts.headers)?;
        parse(&bytes).map(Self)
    }
}

/// Parses a JSON text, saying exactly what is wrong with it. Structs are objects: an array is never one.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let value: T = serde_json::from_slice(bytes).map_err(|error| diagnose::explain::<T>(bytes, &error))?;
    // The fast parser takes an array for a struct. A text without a bracket has no array; any other is looked at again.
    if bytes.contains(&b'[') {
        let tree = serde_json::from_slice(bytes).map_err(|error| diagnose::explain::<T>(bytes, &error))?;
        return diagnose::read(tree);
    }
    Ok(value)
}

/// Reads a part of a JSON text that was parsed before, as strictly as the whole.
pub(crate) fn read_value<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, ApiError> {
    diagnose::read(value)
}

async fn read(headers: &HeaderMap, mut body: Body, bytes_max: usize) -> Result<Bytes, ApiError> {
    let declared =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > bytes_max) {
        // A client that asked first has sent nothing yet and need not.
        if !headers.contains_key(header::EXPECT) {
            discard(body).await;
        }
        return Err(too_large(bytes_max));
    }
    let Some(first) = next_chunk(&mut body).await? else { return Ok(Bytes::new()) };
    let Some(second) = next_chunk(&mut body).await? else { return limited(first, bytes_max) };
    let mut whole = BytesMut::from(first);
    whole.extend_from_slice(&second);
    while let Some(chunk) = next_chunk(&mut body).await? {
        if whole.len() + chunk.len() > bytes_max {
            discard(body).await;
            return Err(too_large(bytes_max));
        }
        whole.extend_from_slice(&chunk);
    }
    limited(whole.freeze(), bytes_max)
}

async fn next_chunk(body: &mut Body) -> Result<Option<Bytes>, ApiError> {
    loop {
        match body.frame().await {
            None => return Ok(None),
            Some(Err(_)) => return Err(body_timeout()),
            Some(Ok(frame)) => {
                // Trailers carry nothing we look at.
                if let Ok(data) = frame.into_data()
                    && !data.is_empty()
                {
                    return Ok(Some(data));
                }
            }
        }
    }
}

async fn discard(mut body: Body) {
    let mut discarded = 0;
    while let Ok(Some(chunk)) = next_chunk(&mut body).await {
        discarded += chunk.len();
        if discarded > DISCARDED_BYTES_MAX {
            return;
        }
    }
}

fn limited(bytes: Bytes, bytes_max: usize) -> Result<Bytes, ApiError> {
    if bytes.len() > bytes_max { Err(too_large(bytes_max)) } else { Ok(bytes) }
}

fn too_large(bytes_max: usize) -> ApiError {
    ApiError::new(Code::BodyTooLarge, format!("the body may have at most {bytes_max} bytes"))
        .with_details(json!({ "limit_bytes": bytes_max }))
}

fn body_timeout() -> ApiError {
    ApiError::of(Code::BodyTimeout)
}

fn check_content_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = sent.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let message = "send the body as JSON with the header Content-Type: application/json";
    Err(ApiError::new(Code::UnsupportedMediaType, message).with_details(json!({ "found": essence })))
}

#[cfg(test)]
mod tests;
