//! An actor as an admin sees it.

use bulkhead_actors::clock;
use bulkhead_domain::Timestamp;
use bulkhead_persistence::{TenantRow, TenantStatus};
use bulkhead_supervision::{ActorState, NodeKind, RestartNote, TreeView};
use serde::Serialize;
use utoipa::ToSchema;

/// An actor with everything below it. Times are in microseconds.
#[derive(Serialize, ToSchema)]
#[schema(as = Actor)]
pub(super) struct ActorView {
    #[schema(example = "order_desk")]
    name: String,
    #[schema(example = "node/tenant-2f1c0f62-9b1e-4c56-8d41-0a8a5d0f7a11/core/order_desk")]
    path: String,
    /// supervisor or worker.
    #[schema(value_type = String, example = "worker")]
    kind: NodeKind,
    /// starting, recovering, running, draining, stopped, quarantined or restarting.
    #[schema(value_type = String, example = "running")]
    state: ActorState,
    /// Since when it is in this state.
    #[schema(value_type = String, example = "2026-01-02T03:04:05.000006Z")]
    since: Timestamp,
    /// How often it was started.
    incarnation: u64,
    /// Messages waiting or being handled.
    depth: u64,
    handled: u64,
    /// Messages whose deadline passed before work started.
    expired: u64,
    /// Messages refused at the port.
    refused: u64,
    handling_mean_us: f64,
    handling_p99_us: f64,
    waiting_p99_us: f64,
    restarts: u32,
    recent_restarts: Vec<RestartView>,
    #[schema(required)]
    last_error: Option<String>,
    /// The kind of the message it is handling now.
    #[schema(required)]
    current_message: Option<&'static str>,
    #[schema(no_recursion)]
    children: Vec<ActorView>,
}

/// One restart.
#[derive(Serialize, ToSchema)]
struct RestartView {
    #[schema(value_type = String, example = "2026-01-02T03:04:05.000006Z")]
    at: Timestamp,
    #[schema(example = "panic: injected")]
    cause: String,
}

impl From<TreeView> for ActorView {
    fn from(node: TreeView) -> Self {
        let health = node.health;
        Self {
            name: node.name.to_string(),
            path: health.path.to_string(),
            kind: health.kind,
            state: health.state,
            since: timestamp(health.since_unix_micros),
            incarnation: health.incarnation,
            depth: health.depth,
            handled: health.handled,
            expired: health.expired,
            refused: health.refused,
            handling_mean_us: health.handling.mean_us,
            handling_p99_us: health.handling.p99_us,
            waiting_p99_us: health.waiting.p99_us,
            restarts: health.restarts,
            recent_restarts: health.recent_restarts.iter().map(RestartView::from).collect(),
            last_error: health.last_error.map(|text| text.to_string()),
            current_message: health.current_message.map(|message| message.kind),
            children: node.children.into_iter().map(Self::from).collect(),
        }
    }
}

impl From<&RestartNote> for RestartView {
    fn from(note: &RestartNote) -> Self {
        Self { at: timestamp(note.at_unix_micros), cause: note.cause.to_string() }
    }
}

/// A tenant that has no tree now.
pub(super) fn stopped(tenant: &TenantRow) -> ActorView {
    let is_quarantined = tenant.status == TenantStatus::Quarantined;
    ActorView {
        name: tenant.id.to_string(),
        path: tenant.id.to_string(),
        kind: NodeKind::Supervisor,
        state: if is_quarantined { ActorState::Quarantined } else { ActorState::Stopped },
        since: clock::now(),
        incarnation: 0,
        depth: 0,
        handled: 0,
        expired: 0,
        refused: 0,
        handling_mean_us: 0.0,
        handling_p99_us: 0.0,
        waiting_p99_us: 0.0,
        restarts: 0,
        recent_restarts: Vec::new(),
        last_error: None,
        current_message: None,
        children: Vec::new(),
    }
}

fn timestamp(micros: u64) -> Timestamp {
    Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
}
