//! What supervisors and actors tell the outside about lives and deaths.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::broadcast;

use crate::clock;
use crate::health::Cause;

/// One thing that happened to one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SupervisionEvent {
    /// When, microseconds since 1970.
    pub at_unix_micros: u64,
    /// To whom.
    pub path: Arc<str>,
    /// What.
    pub kind: EventKind,
}

/// What can happen to a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventKind {
    /// Set up; a worker now recovers.
    Started {
        /// Number of this life.
        incarnation: u64,
    },
    /// A worker has loaded its state and is live.
    Recovered {
        /// Number of this life.
        incarnation: u64,
    },
    /// It failed.
    Failed {
        /// Why.
        cause: Cause,
    },
    /// It was killed on request.
    Killed {
        /// The reason given.
        reason: Arc<str>,
    },
    /// It will be started again after the delay.
    RestartScheduled {
        /// Zero for the first restart in a while.
        delay: Duration,
    },
    /// A supervisor saw too many failures and stops what is below it.
    GaveUp {
        /// The last failure.
        cause: Cause,
    },
    /// It stays stopped until it is released.
    Quarantined {
        /// The last failure.
        cause: Cause,
    },
    /// It was let out of quarantine.
    Released,
    /// It ended as asked, and will not come back by itself.
    Stopped,
}

type Hook = dyn Fn(&SupervisionEvent) + Send + Sync;

/// Receives events; cheap to clone. It is called on the supervisor's own task, so it must neither block nor wait.
#[derive(Clone, Default)]
pub struct EventSink(Option<Arc<Hook>>);

impl EventSink {
    /// Drops every event.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// Calls a function for every event. A panic in it is caught and logged.
    #[must_use]
    pub fn new(hook: impl Fn(&SupervisionEvent) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hook)))
    }

    /// Publishes to a bounded channel; a receiver that falls behind loses the oldest events and is told so.
    #[must_use]
    pub fn broadcast(sender: broadcast::Sender<SupervisionEvent>) -> Self {
        // Sending fails only when nobody listens, which is nobody's loss.
        Self::new(move |event| drop(sender.send(event.clone())))
    }

    pub(crate) fn emit(&self, path: &Arc<str>, kind: EventKind) {
        tracing::debug!(actor.path = %path, event = ?kind, "supervision event");
        let Some(hook) = &self.0 else { return };
        let event = SupervisionEvent { at_unix_micros: clock::unix_micros(), path: path.clone(), kind };
        if catch_unwind(AssertUnwindSafe(|| hook(&event))).is_err() {
            tracing::error!(actor.path = %path, "event sink panicked");
        }
    }
}

impl std::fmt::Debug for EventSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("EventSink").field(&self.0.is_some()).finish()
    }
}
