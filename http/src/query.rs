//! Query strings and path parameters, refused with a reason a person can act on.

use crate::error::{ApiError, Code};
use axum::extract::{self, FromRequestParts, Query};
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bulkhead_domain::text::TextError;
use bulkhead_domain::{OrderId, TenantId};
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, IntoDeserializer};
use serde_json::json;
use std::fmt;
use uuid::Uuid;

/// Items of a page when the caller names no number.
pub(crate) const LIMIT_DEFAULT: i64 = 100;
/// Items of a page at most.
pub(crate) const LIMIT_MAX: i64 = 500;

/// A query string of type `T`, whose unknown parameters are errors where `T` says so.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(params)) => Ok(Self(params)),
            Err(rejection) => Err(not_read(&rejection.body_text())),
        }
    }
}

/// A part of the path of type `T`, refused in the same words as everything else.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match extract::Path::from_request_parts(parts, state).await {
            Ok(extract::Path(value)) => Ok(Self(value)),
            Err(_) => Err(ApiError::new(Code::InvalidId, "the path is not percent-encoded UTF-8")),
        }
    }
}

/// A query string that is no `T`. The text is serde's behind the name of its caller: `parameter: reason`, or the reason
/// alone.
fn not_read(text: &str) -> ApiError {
    let reason = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(text);
    match reason.split_once(": ") {
        Some((parameter, reason)) if !parameter.contains(' ') => {
            invalid(parameter, format_args!("cannot be read: {reason}"))
        }
        _ => ApiError::new(Code::InvalidQuery, reason.to_owned()),
    }
}

/// An error about one parameter.
pub(crate) fn invalid(parameter: &str, message: impl std::fmt::Display) -> ApiError {
    ApiError::new(Code::InvalidQuery, format!("{parameter} {message}"))
        .with_details(json!({ "parameter": parameter }))
}

/// Reads an optional parameter with a parser of the domain.
pub(crate) fn text<T>(
    parameter: &'static str,
    value: Option<&str>,
    parse: fn(&str) -> Result<T, TextError>,
) -> Result<Option<T>, ApiError> {
    value.map(|value| parse(value).map_err(|error| invalid(parameter, error))).transpose()
}

/// Reads an optional parameter that is one of a few words.
pub(crate) fn word<T: DeserializeOwned>(
    parameter: &'static str,
    value: Option<&str>,
) -> Result<Option<T>, ApiError> {
    value.map(|value| one_of(parameter, value)).transpose()
}

/// Reads a parameter that is one of a few words; who sends another is told which there are.
pub(crate) fn one_of<T: DeserializeOwned>(parameter: &str, value: &str) -> Result<T, ApiError> {
    read_name(value).map_err(|Known(words)| {
        let message = format!("must be one of {}", words.join(", "));
        ApiError::new(Code::InvalidQuery, format!("{parameter} {message}"))
            .with_details(json!({ "parameter": parameter, "known": words }))
    })
}

/// Reads one value of an enum by its public name, or says which names there are.
pub(crate) fn known<T: DeserializeOwned>(value: &str) -> Result<T, &'static [&'static str]> {
    read_name(value).map_err(|Known(words)| words)
}

/// Reads one value of an enum by its public name.
pub(crate) fn name<T: DeserializeOwned>(value: &str) -> Option<T> {
    read_name(value).ok()
}

fn read_name<T: DeserializeOwned>(value: &str) -> Result<T, Known> {
    let deserializer: StrDeserializer<'_, Known> = value.into_deserializer();
    T::deserialize(deserializer)
}

/// A word that is none of these.
#[derive(Debug)]
struct Known(&'static [&'static str]);

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "none of {:?}", self.0)
    }
}

impl std::error::Error for Known {}

impl de::Error for Known {
    fn custom<T: fmt::Display>(_message: T) -> Self {
        Self(&[])
    }

    fn unknown_variant(_variant: &str, expected: &'static [&'static str]) -> Self {
        Self(expected)
    }
}

/// The number of items asked for.
pub(crate) fn limit(value: Option<i64>) -> Result<i64, ApiError> {
    let limit = value.unwrap_or(LIMIT_DEFAULT);
    if (1..=LIMIT_MAX).contains(&limit) {
        Ok(limit)
    } else {
        Err(invalid("limit", format_args!("must be between 1 and {LIMIT_MAX}")))
    }
}

/// Cuts a page out of one row more than fits on it; the last row on the page names the next.
pub(crate) fn cut<T>(
    mut rows: Vec<T>,
    limit: i64,
    cursor: impl Fn(&T) -> String,
) -> (Vec<T>, Option<String>) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = if has_more { rows.last().map(cursor) } else { None };
    (rows, next_cursor)
}

/// Makes a position opaque, so that nobody builds on its form.
pub(crate) fn write_cursor(kind: char, parts: &[&dyn std::fmt::Display]) -> String {
    let mut text = String::from(kind);
    for part in parts {
        text.push('|');
        text.push_str(&part.to_string());
    }
    URL_SAFE_NO_PAD.encode(text)
}

/// Reads a position of this kind with `N` parts.
pub(crate) fn read_cursor<const N: usize>(kind: char, cursor: &str) -> Result<[String; N], ApiError> {
    let refused = || ApiError::of(Code::InvalidCursor);
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refused())?;
    let text = String::from_utf8(bytes).map_err(|_| refused())?;
    let parts = text.strip_prefix(kind).and_then(|rest| rest.strip_prefix('|')).ok_or_else(refused)?;
    let parts: Vec<String> = parts.split('|').map(str::to_owned).collect();
    parts.try_into().map_err(|_| refused())
}

/// Reads an order's id from the path.
pub(crate) fn order_id(text: &str) -> Result<OrderId, ApiError> {
    uuid("order id", text).map(OrderId)
}

/// Reads a tenant's id from the path.
pub(crate) fn tenant_id(text: &str) -> Result<TenantId, ApiError> {
    uuid("tenant id", text).map(TenantId)
}

pub(crate) fn uuid(what: &str, text: &str) -> Result<Uuid, ApiError> {
    Uuid::try_parse(text).map_err(|_| ApiError::new(Code::InvalidId, format!("the {what} must be a UUID")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bulkhead_domain::order::{OrderStatus, Side};

    #[test]
    fn cursors_come_back_and_foreign_ones_are_refused() {
        let cursor = write_cursor('o', &[&12, &"abc"]);
        assert_eq!(read_cursor::<2>('o', &cursor).unwrap(), ["12".to_owned(), "abc".to_owned()]);
        assert!(read_cursor::<1>('o', &cursor).is_err());
        assert!(read_cursor::<2>('t', &cursor).is_err());
        assert!(read_cursor::<2>('o', "%%%").is_err());
    }

    #[test]
    fn a_page_names_the_next_only_if_there_is_one() {
        let name = |n: &i32| n.to_string();
        assert_eq!(cut(vec![1, 2, 3], 2, name), (vec![1, 2], Some("2".to_owned())));
        assert_eq!(cut(vec![1, 2], 2, name), (vec![1, 2], None));
    }

    #[test]
    fn who_sends_another_word_is_told_the_known_ones() {
        let error = one_of::<Side>("side", "hold").unwrap_err();
        assert_eq!(error.to_string(), "INVALID_QUERY: side must be one of buy, sell");
    }

    #[test]
    fn words_are_the_public_names() {
        assert_eq!(name::<Side>("buy"), Some(Side::Buy));
        assert_eq!(name::<OrderStatus>("partially_filled"), Some(OrderStatus::PartiallyFilled));
        assert_eq!(name::<Side>("Buy"), None);
    }
}
