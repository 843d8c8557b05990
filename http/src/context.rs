//! What belongs to the request that is being served: its id, and the time it is answered.
//!
//! The id travels beside the request, in the task that serves it, so that every envelope and every log line can
//! carry it without each handler passing it on.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bulkhead_actors::clock;
use bulkhead_domain::Timestamp;
use serde::{Serialize, Serializer};
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The header a request's id comes and goes in.
pub(crate) const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");
const LENGTH_MIN: usize = 8;
const LENGTH_MAX: usize = 64;

tokio::task_local! {
    static REQUEST_ID: RequestId;
}

/// 8 to 64 characters of `A-Z a-z 0-9 _ -`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestId(HeaderValue);

/// Makes request ids: unique without a lock and without asking the operating system each time.
#[derive(Debug, Clone)]
pub(crate) struct RequestIds {
    prefix: u64,
    count: Arc<AtomicU64>,
}

/// The `meta` of an answer.
#[derive(Debug, Serialize)]
pub(crate) struct RequestMeta {
    request_id: RequestId,
    timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<Option<String>>,
}

impl RequestId {
    /// The text itself.
    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// The same as a header.
    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }

    fn accept(value: &HeaderValue) -> Option<Self> {
        let bytes = value.as_bytes();
        let allowed = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        let fits = (LENGTH_MIN..=LENGTH_MAX).contains(&bytes.len()) && bytes.iter().all(allowed);
        fits.then(|| Self(value.clone()))
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        // The standard library's hash seeds come from the operating system's randomness.
        Self { prefix: RandomState::new().hash_one(0_u8), count: Arc::default() }
    }

    /// The caller's id if it sent a usable one, else a new one.
    pub(crate) fn of(&self, headers: &HeaderMap) -> RequestId {
        headers.get(REQUEST_ID_HEADER).and_then(RequestId::accept).unwrap_or_else(|| self.make())
    }

    fn make(&self) -> RequestId {
        let text = format!("{:016x}-{:x}", self.prefix, self.count.fetch_add(1, Ordering::Relaxed));
        RequestId(HeaderValue::from_str(&text).expect("hexadecimal digits are valid in a header"))
    }
}

impl RequestMeta {
    /// Of the current request, answered now.
    pub(crate) fn now() -> Self {
        Self { request_id: request_id(), timestamp: clock::now(), next_cursor: None }
    }

    /// The same for a page of a list.
    pub(crate) fn page(next_cursor: Option<String>) -> Self {
        Self { next_cursor: Some(next_cursor), ..Self::now() }
    }
}

/// Runs `work` as part of the request with this id.
pub(crate) async fn within<F: Future>(id: RequestId, work: F) -> F::Output {
    REQUEST_ID.scope(id, work).await
}

/// The id of the request this task serves.
pub(crate) fn request_id() -> RequestId {
    let outside = || RequestId(HeaderValue::from_static("outside-any-request"));
    REQUEST_ID.try_with(RequestId::clone).unwrap_or_else(|_| outside())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_ids_are_taken_over() {
        let ids = RequestIds::new();
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID_HEADER, HeaderValue::from_str(text).unwrap());
            ids.of(&headers).as_str().to_owned()
        };
        assert_eq!(of("client-request_1"), "client-request_1");
        for bad in ["short", "with space in it", "quote\"quote", &"x".repeat(65)] {
            assert_ne!(of(bad), bad);
        }
        assert_ne!(ids.make(), ids.make());
    }
}
