//! What a load client writes down: one JSON object per line, for every request and every kill.
//!
//! The client writes a line when a request has ended, however it ended, and one per kill. Times are microseconds of
//! one clock of the client's.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, Error};
use std::path::Path;
use uuid::Uuid;

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum ClientLine {
    Request(RequestLine),
    Kill(KillLine),
}

/// One request with its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestLine {
    pub tenant_id: Uuid,
    pub action: Action,
    /// The caller's name of the order that is placed or canceled.
    pub client_order_id: String,
    /// What was sent; null for a cancel.
    #[serde(default)]
    pub body: Value,
    pub sent_micros: i64,
    pub ended_micros: i64,
    pub outcome: Outcome,
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Place,
    Cancel,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outcome {
    /// A success with the order in it.
    Acknowledged { status: u16, order: Value },
    /// An error; `outcome` is the server's word for what became of the request.
    Refused {
        status: u16,
        code: String,
        outcome: String,
        /// The order in `details.order`, where the answer has one: a denial.
        #[serde(default)]
        order: Value,
    },
    /// No answer: the connection broke or the deadline passed. Anything may have happened.
    ConnectionLost,
}

/// A process was killed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KillLine {
    pub round: u32,
    /// `server`, `server_and_venue`, `database`, ...
    pub what: String,
    pub at_micros: i64,
}

/// All lines of one file.
#[derive(Debug, Clone, Default)]
pub struct ClientRecord {
    pub requests: Vec<RequestLine>,
    pub kills: Vec<KillLine>,
}

impl RequestLine {
    /// Whether it had been sent and not answered at that moment.
    pub fn is_in_flight_at(&self, micros: i64) -> bool {
        self.sent_micros <= micros && micros < self.ended_micros
    }

    /// Whether the answer proves that nothing was done.
    pub fn is_not_executed(&self) -> bool {
        matches!(&self.outcome, Outcome::Refused { outcome, .. } if outcome == "not_executed")
    }

    /// The order as the answer shows it: of a success or of a denial.
    pub fn answered_order(&self) -> Option<&Value> {
        let order = match &self.outcome {
            Outcome::Acknowledged { order, .. } | Outcome::Refused { order, .. } => order,
            Outcome::ConnectionLost => return None,
        };
        order.is_object().then_some(order)
    }
}

impl ClientRecord {
    /// Adds the lines of a file.
    pub fn read(&mut self, path: &Path) -> Result<(), Error> {
        for line in BufReader::new(File::open(path)?).lines() {
            match serde_json::from_str(&line?)? {
                ClientLine::Request(request) => self.requests.push(request),
                ClientLine::Kill(kill) => self.kills.push(kill),
            }
        }
        Ok(())
    }
}
