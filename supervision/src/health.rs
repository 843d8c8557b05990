//! What is shown of an actor and of a tree of them: plain snapshots, made from counters, never by asking the actor, so
//! that a stuck one can be looked at too.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::port::PortLimits;

/// What a node of the tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// Starts, watches and restarts others.
    Supervisor,
    /// Does work.
    Worker,
}

/// Where an actor is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum ActorState {
    /// Not started yet, or in its short set-up.
    Starting = 0,
    /// Loads its state; what is sent meanwhile waits, within a limit.
    Recovering = 1,
    /// Handles messages.
    Running = 2,
    /// Was asked to end and takes no new messages.
    Draining = 3,
    /// Ended, and will not come back by itself.
    Stopped = 4,
    /// Failed too often; comes back only when released.
    Quarantined = 5,
    /// Ended, and is about to be started again.
    Restarting = 6,
}

impl ActorState {
    pub(crate) fn from_u8(value: u8) -> Self {
        match value {
            0 => Self::Starting,
            1 => Self::Recovering,
            2 => Self::Running,
            3 => Self::Draining,
            5 => Self::Quarantined,
            6 => Self::Restarting,
            _ => Self::Stopped,
        }
    }
}

/// Why an actor ended or was started again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "text", rename_all = "snake_case")]
pub enum Cause {
    /// It panicked, with this text.
    Panic(Arc<str>),
    /// It returned an error, with this text and its sources.
    Error(Arc<str>),
    /// Its set-up failed.
    Init(Arc<str>),
    /// It was killed without a request of ours.
    Killed(Arc<str>),
    /// It stopped by itself although it is permanent.
    Exited,
    /// A supervisor saw too many failures below it; the last of them.
    GaveUp(Arc<str>),
    /// An administrator asked for it.
    Requested(Arc<str>),
    /// The strategy restarts it because this sibling ended.
    Sibling(Arc<str>),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panic(text) => write!(f, "panic: {text}"),
            Self::Error(text) => write!(f, "error: {text}"),
            Self::Init(text) => write!(f, "start failed: {text}"),
            Self::Killed(text) => write!(f, "killed: {text}"),
            Self::Exited => f.write_str("exited"),
            Self::GaveUp(text) => write!(f, "gave up: {text}"),
            Self::Requested(text) => write!(f, "requested: {text}"),
            Self::Sibling(text) => write!(f, "sibling ended: {text}"),
        }
    }
}

/// One restart, newest last in lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RestartNote {
    /// When it was decided, microseconds since 1970.
    pub at_unix_micros: u64,
    /// Why.
    pub cause: Cause,
}

/// Times of the recent past, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Timing {
    /// Mean.
    pub mean_us: f64,
    /// 99th percentile, an upper bound within a factor of two.
    pub p99_us: f64,
}

/// The message an actor is handling now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CurrentMessage {
    /// `Message::kind` of it.
    pub kind: &'static str,
    /// For how long it has been at it.
    pub since_ms: u64,
}

/// A snapshot of one actor or supervisor.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Health {
    /// Names from the root down, joined by slashes.
    pub path: Arc<str>,
    /// Supervisor or worker.
    pub kind: NodeKind,
    /// Where it is in its life.
    pub state: ActorState,
    /// Since when it is in this state, microseconds since 1970.
    pub since_unix_micros: u64,
    /// How often it was started.
    pub incarnation: u64,
    /// Messages waiting or being handled.
    pub depth: u64,
    /// The port's limits.
    pub limits: PortLimits,
    /// Messages handled, over all incarnations.
    pub handled: u64,
    /// Messages not handled because their deadline passed or their caller left.
    pub expired: u64,
    /// Messages refused at the port.
    pub refused: u64,
    /// Time spent handling.
    pub handling: Timing,
    /// Time spent waiting to be handled.
    pub waiting: Timing,
    /// How often it was restarted.
    pub restarts: u32,
    /// The last few restarts.
    pub recent_restarts: Vec<RestartNote>,
    /// Text of the last failure.
    pub last_error: Option<Arc<str>>,
    /// What it is doing now.
    pub current_message: Option<CurrentMessage>,
}

/// A supervisor or worker with everything below it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TreeView {
    /// The last part of the path.
    pub name: Arc<str>,
    /// The node itself.
    #[serde(flatten)]
    pub health: Health,
    /// In start order.
    pub children: Vec<TreeView>,
}

impl TreeView {
    /// Finds a node by its whole path.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&TreeView> {
        if &*self.health.path == path {
            return Some(self);
        }
        self.children.iter().find_map(|child| child.find(path))
    }
}
