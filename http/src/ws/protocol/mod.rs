//! What a socket and its client say to each other besides events.

use crate::body;
use crate::error::{ApiError, Code, ErrorView};
use crate::ws::frames::{Envelope, Stream};
use crate::ws::picture;
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
    /// Read one by one: what is wrong with one is told of that one.
    channels: Option<Vec<Value>>,
}

/// A frame that could not be read, and its `id` where that much could.
#[derive(Debug)]
pub(super) struct BadFrame {
    pub(super) id: Option<Value>,
    pub(super) error: ApiError,
}

/// A channel that was named, or what is wrong with how it was.
pub(super) type Named = Result<ChannelRequest, Refused>;

/// A channel that is not followed.
#[derive(Debug)]
pub(super) struct Refused {
    /// Empty where none was sent.
    pub(super) name: String,
    pub(super) error: ApiError,
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
    Subscribe(Vec<Named>),
    Unsubscribe(Vec<Named>),
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
    pub(super) fn parse(text: &str) -> Result<Self, BadFrame> {
        body::parse(text.as_bytes()).map_err(|error| BadFrame { id: id_of(text), error })
    }

    pub(super) fn into_parts(self) -> (Option<Value>, Result<Operation, ApiError>) {
        let Self { op, id, token, channels } = self;
        let operation = match (op.as_str(), token, channels) {
            ("auth", Some(token), None) => Ok(Operation::Auth { token }),
            ("subscribe", None, Some(channels)) => Ok(Operation::Subscribe(named(channels))),
            ("unsubscribe", None, Some(channels)) => Ok(Operation::Unsubscribe(named(channels))),
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

impl ChannelRequest {
    /// An unknown channel is called that, whatever else is sent with it.
    fn read(value: Value) -> Named {
        let name = value.get("name").and_then(Value::as_str).map(str::to_owned);
        let is_unknown = name.as_deref().is_some_and(|name| !is_channel(name));
        let read = if is_unknown { Err(unknown_channel()) } else { body::read_value(value) };
        read.map_err(|error| Refused { name: name.unwrap_or_default(), error })
    }
}

fn named(channels: Vec<Value>) -> Vec<Named> {
    channels.into_iter().map(ChannelRequest::read).collect()
}

fn is_channel(name: &str) -> bool {
    name == picture::CHANNEL || Stream::parse(name).is_some()
}

fn unknown_channel() -> ApiError {
    let message = "there is no such channel; known are orders, trades, risk, events and portfolio";
    ApiError::new(Code::UnknownChannel, message)
}

/// The `id` of a frame that is no operation, so that whoever sent it can tell which of theirs it was.
fn id_of(text: &str) -> Option<Value> {
    let frame: Value = serde_json::from_str(text).ok()?;
    frame.get("id").cloned()
}

/// `subscribed`, `unsubscribed` or `channels`: what is followed now, and what was refused.
pub(super) fn channels(
    op: &'static str,
    id: Option<&Value>,
    channels: &[ChannelView],
    refused: &[Refused],
) -> Utf8Bytes {
    let errors = refused.iter().map(|one| RefusedView { name: &one.name, error: one.error.view() }).collect();
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
mod tests;
