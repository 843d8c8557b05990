//! What a success looks like: `{"data": …, "meta": {"request_id", "timestamp"}}`.

use crate::context::RequestMeta;
use crate::error::{ApiError, JSON};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// What a handler returns.
pub(crate) type ApiResult<T> = Result<T, ApiError>;

/// 200 with one thing.
pub(crate) struct Data<T>(pub(crate) T);

/// 201 with what was made.
pub(crate) struct Created<T>(pub(crate) T);

/// 202 with what is under way.
pub(crate) struct Accepted<T>(pub(crate) T);

/// 200 with a page of a list.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// Where the next page starts; absent on the last.
    pub(crate) next_cursor: Option<String>,
}

/// Bytes an answer usually fits into.
const BODY_CAPACITY: usize = 1_024;

#[derive(Serialize)]
struct Envelope<'a, T> {
    data: &'a T,
    meta: RequestMeta,
}

fn answer<T: Serialize>(status: StatusCode, data: &T, meta: RequestMeta) -> Response {
    let mut body = Vec::with_capacity(BODY_CAPACITY);
    match serde_json::to_writer(&mut body, &Envelope { data, meta }) {
        Ok(()) => (status, [(header::CONTENT_TYPE, JSON)], body).into_response(),
        Err(error) => ApiError::internal(error).into_response(),
    }
}

impl<T: Serialize> IntoResponse for Data<T> {
    fn into_response(self) -> Response {
        answer(StatusCode::OK, &self.0, RequestMeta::now())
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        answer(StatusCode::CREATED, &self.0, RequestMeta::now())
    }
}

impl<T: Serialize> IntoResponse for Accepted<T> {
    fn into_response(self) -> Response {
        answer(StatusCode::ACCEPTED, &self.0, RequestMeta::now())
    }
}

impl<T: Serialize> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        answer(StatusCode::OK, &self.items, RequestMeta::page(self.next_cursor))
    }
}
