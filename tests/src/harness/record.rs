//! What clients write down for the checker.

use bulkhead_checker::client_record::{Action, ClientLine, KillLine, Outcome, RequestLine};
use serde_json::Value;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use uuid::Uuid;

use super::client::{Answer, Lost};

/// One file, one clock, any number of writers.
#[derive(Clone)]
pub(crate) struct Record {
    path: PathBuf,
    file: Arc<Mutex<File>>,
    started: Instant,
    /// Requests for orders that are under way.
    in_flight: Arc<AtomicUsize>,
}

/// A request that is under way.
pub(crate) struct Sent {
    pub(crate) tenant_id: Uuid,
    pub(crate) action: Action,
    pub(crate) client_order_id: String,
    pub(crate) body: Value,
    sent_micros: i64,
}

impl Record {
    pub(crate) fn create(path: &Path) -> Self {
        let file = Arc::new(Mutex::new(File::create(path).unwrap()));
        Self { path: path.to_owned(), file, started: Instant::now(), in_flight: Arc::default() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn orders_in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Notes that a request is about to be sent.
    pub(crate) fn send(&self, tenant_id: Uuid, action: Action, order: (&str, Value)) -> Sent {
        if action == Action::Place {
            self.in_flight.fetch_add(1, Ordering::Relaxed);
        }
        let (client_order_id, body) = (order.0.to_owned(), order.1);
        Sent { tenant_id, action, client_order_id, body, sent_micros: self.micros() }
    }

    /// Writes down how it ended.
    pub(crate) fn end(&self, sent: Sent, answer: &Result<Answer, Lost>) -> Outcome {
        let ended_micros = self.micros();
        if sent.action == Action::Place {
            self.in_flight.fetch_sub(1, Ordering::Relaxed);
        }
        let outcome = outcome(answer);
        let Sent { tenant_id, action, client_order_id, body, sent_micros } = sent;
        self.write(&ClientLine::Request(RequestLine {
            tenant_id,
            action,
            client_order_id,
            body,
            sent_micros,
            ended_micros,
            outcome: outcome.clone(),
        }));
        outcome
    }

    /// Writes down that a process is killed now.
    pub(crate) fn kill(&self, round: u32, what: &str) {
        let at_micros = self.micros();
        self.write(&ClientLine::Kill(KillLine { round, what: what.to_owned(), at_micros }));
    }

    fn micros(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_micros()).unwrap()
    }

    fn write(&self, line: &ClientLine) {
        let mut text = serde_json::to_string(line).unwrap();
        text.push('\n');
        self.file.lock().unwrap().write_all(text.as_bytes()).unwrap();
    }
}

fn outcome(answer: &Result<Answer, Lost>) -> Outcome {
    let Ok(answer) = answer else { return Outcome::ConnectionLost };
    if (200..300).contains(&answer.status) {
        return Outcome::Acknowledged { status: answer.status, order: answer.body["data"].clone() };
    }
    let error = &answer.body["error"];
    Outcome::Refused {
        status: answer.status,
        code: answer.code().to_owned(),
        outcome: error["outcome"].as_str().unwrap_or("unknown").to_owned(),
        order: error["details"]["order"].clone(),
    }
}
