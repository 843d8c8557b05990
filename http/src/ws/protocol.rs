//! What a socket and its client say to each other besides events.

use super::frames::{Envelope, Stream};
use crate::body;
use crate::error::{ApiError, Code, ErrorView};
use axum::extract::ws::Utf8Bytes;
use bulkhead_actors::clock;
use bulkhead_domain::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Why a socket is closed, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CloseCode {
    /// No proof in time, a bad one, or one that ran out.
    NotAuthenticated,
    /// Could not keep up; the reason says where to resume.
    SlowConsumer,
    /// The tenant or the server goes elsewhere: connect again.
    Moving,
}

impl CloseCode {
    pub(super) const fn number(self) -> u16 {
        match self {
            Self::NotAuthenticated => 4001,
            Self::SlowConsumer => 4008,
            Self::Moving => 4009,
        }
    }
}

/// A frame of the client.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientFrame {
    op: String,
    /// Comes back in the answer.
    #[serde(default)]
    id: Option<Value>,
    token: Option<String>,
    channels: Option<Vec<ChannelRequest>>,
}

/// A channel somebody wants to follow, or no longer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChannelRequest {
    pub(super) name: String,
    /// History after this event first; without it, only what happens from now on.
    pub(super) after_seq: Option<i64>,
    pub(super) mode: Option<String>,
    pub(super) account: Option<String>,
    pub(super) portfolio: Option<String>,
}

/// What a client wants.
#[derive(Debug)]
pub(super) enum Operation {
    Auth { token: String },
    Subscribe(Vec<ChannelRequest>),
    Unsubscribe(Vec<ChannelRequest>),
    List,
    Ping,
}

/// A channel that is followed, and the event up to which it was delivered.
#[derive(Debug, Serialize)]
pub(super) struct ChannelView {
    pub(super) name: &'static str,
    pub(super) after_seq: i64,
}

/// A channel that is not followed, and why.
#[derive(Serialize)]
struct RefusedView<'a> {
    name: &'a str,
    error: ErrorView<'a>,
}

/// The answer to an operation.
#[derive(Serialize)]
struct Answer<'a> {
    op: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Value>,
    #[serde(flatten)]
    body: AnswerBody<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum AnswerBody<'a> {
    Channels { channels: &'a [ChannelView], errors: Vec<RefusedView<'a>> },
    Authenticated { expires_at: Timestamp },
    Time { ts: Timestamp },
    Error { error: ErrorView<'a> },
}

impl ClientFrame {
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        body::parse(text.as_bytes())
    }

    pub(super) fn into_parts(self) -> (Option<Value>, Result<Operation, ApiError>) {
        let Self { op, id, token, channels } = self;
        let operation = match (op.as_str(), token, channels) {
            ("auth", Some(token), None) => Ok(Operation::Auth { token }),
            ("subscribe", None, Some(channels)) => Ok(Operation::Subscribe(channels)),
            ("unsubscribe", None, Some(channels)) => Ok(Operation::Unsubscribe(channels)),
            ("list", None, None) => Ok(Operation::List),
            ("ping", None, None) => Ok(Operation::Ping),
            _ => Err(ApiError::new(
                Code::InvalidFrame,
                "op must be auth (with token), subscribe or unsubscribe (with channels), list or ping",
            )),
        };
        (id, operation)
    }
}

/// `subscribed`, `unsubscribed` or `channels`: what is followed now, and what was refused.
pub(super) fn channels(
    op: &'static str,
    id: Option<&Value>,
    channels: &[ChannelView],
    refused: &[(String, ApiError)],
) -> Utf8Bytes {
    let errors = refused.iter().map(|(name, error)| RefusedView { name, error: error.view() }).collect();
    write(&Answer { op, id, body: AnswerBody::Channels { channels, errors } })
}

pub(super) fn authenticated(id: Option<&Value>, expires_at: Timestamp) -> Utf8Bytes {
    write(&Answer { op: "authenticated", id, body: AnswerBody::Authenticated { expires_at } })
}

pub(super) fn pong(id: Option<&Value>) -> Utf8Bytes {
    write(&Answer { op: "pong", id, body: AnswerBody::Time { ts: clock::now() } })
}

pub(super) fn error(id: Option<&Value>, error: &ApiError) -> Utf8Bytes {
    write(&Answer { op: "error", id, body: AnswerBody::Error { error: error.view() } })
}

/// A sign of life that says how far events have been delivered.
pub(super) fn heartbeat(delivered: Option<i64>) -> Utf8Bytes {
    let data = json!({ "as_of_seq": delivered });
    write(&Envelope { ch: "control", seq: None, prev_seq: None, kind: "heartbeat", ts: clock::now(), data })
}

/// The channel cannot be resumed where the client asked: it has to load the present state and start anew.
pub(super) fn resync_required(stream: Stream, after_seq: i64, head: i64) -> Utf8Bytes {
    let data = json!({ "after_seq": after_seq, "head_seq": head });
    let ts = clock::now();
    write(&Envelope { ch: stream.name(), seq: None, prev_seq: None, kind: "resync_required", ts, data })
}

pub(super) fn write<T: Serialize>(value: &T) -> Utf8Bytes {
    serde_json::to_string(value).expect("frames have string keys and finite values only").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(text: &str) -> Result<Operation, Code> {
        let (_, operation) = ClientFrame::parse(text).map_err(|error| error.code())?.into_parts();
        operation.map_err(|error| error.code())
    }

    #[test]
    fn frames_are_read_or_refused_with_a_reason() {
        assert!(matches!(operation(r#"{"op":"auth","token":"t"}"#), Ok(Operation::Auth { .. })));
        let subscribe = r#"{"op":"subscribe","id":"1","channels":[{"name":"orders","after_seq":12},{"name":"portfolio"}]}"#;
        assert!(matches!(operation(subscribe), Ok(Operation::Subscribe(channels)) if channels.len() == 2));
        assert!(matches!(operation(r#"{"op":"ping","id":7}"#), Ok(Operation::Ping)));
        assert_eq!(operation("{}").unwrap_err(), Code::FieldMissing);
        assert_eq!(operation("nonsense").unwrap_err(), Code::BodyNotJson);
        assert_eq!(operation(r#"{"op":"fly"}"#).unwrap_err(), Code::InvalidFrame);
        assert_eq!(operation(r#"{"op":"subscribe"}"#).unwrap_err(), Code::InvalidFrame);
        let wrong = r#"{"op":"subscribe","channels":[{"name":"orders","after_seq":"12"}]}"#;
        assert_eq!(operation(wrong).unwrap_err(), Code::FieldType);
    }

    #[test]
    fn answers_name_what_was_refused() {
        let refused = [("weather".to_owned(), ApiError::of(Code::UnknownChannel))];
        let text = channels(
            "subscribed",
            Some(&json!("1")),
            &[ChannelView { name: "orders", after_seq: 4 }],
            &refused,
        );
        let value: Value = serde_json::from_str(text.as_str()).unwrap();
        assert_eq!(value["op"], "subscribed");
        assert_eq!(value["id"], "1");
        assert_eq!(value["channels"][0], json!({ "name": "orders", "after_seq": 4 }));
        assert_eq!(value["errors"][0]["name"], "weather");
        assert_eq!(value["errors"][0]["error"]["code"], "UNKNOWN_CHANNEL");
    }
}
