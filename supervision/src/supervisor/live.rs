//! The running supervisor's table of children, and how they are started.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ractor::{ActorCell, ActorId, ActorRef};
use tokio::time::Instant;

use crate::background::spawn_helper;
use crate::event::{EventKind, EventSink};
use crate::health::{ActorState, Cause};
use crate::limits::Window;
use crate::seat::{Key, Seat, join};
use crate::spec::{ChildSpec, Config, Strategy};
use crate::worker::StartContext;

use super::failure::cause_of_start;
use super::{Answer, Control, Supervisor};

/// Children that are started together; a later group takes a child over from an earlier one.
pub(crate) type Group = u64;

pub(crate) struct Live {
    pub(super) config: Arc<Config>,
    pub(super) seat: Arc<Seat>,
    pub(super) events: EventSink,
    pub(super) me: ActorRef<Control>,
    pub(super) path: Arc<str>,
    /// Boxed, because a map of one child would have room for eleven.
    pub(super) children: BTreeMap<Key, Box<Child>>,
    pub(super) by_actor: HashMap<ActorId, Key>,
    pub(super) tree_failures: Window,
    pub(super) closing: Option<Closing>,
    last_group: Group,
}

pub(super) struct Child {
    pub(super) spec: Arc<ChildSpec>,
    pub(super) path: Arc<str>,
    /// Present from its start until its end is heard of.
    pub(super) cell: Option<ActorCell>,
    /// Which group's start it waits for.
    pub(super) pending: Option<Group>,
    /// Why it is about to end, if we asked for that.
    pub(super) asked: Option<Asked>,
    pub(super) failures: Window,
    /// Restarts since it last ran for long.
    pub(super) attempt: u32,
    pub(super) started_at: Instant,
    pub(super) quarantined: bool,
}

pub(super) enum Asked {
    Kill(Arc<str>),
    Restart(Arc<str>),
    Remove(Answer),
    /// It restarts with its siblings.
    Sibling,
}

/// Why no child is started any more.
pub(super) enum Closing {
    Asked,
    GaveUp(Cause),
}

impl Live {
    pub(super) fn new(supervisor: &Supervisor, me: ActorRef<Control>) -> Self {
        let mut live = Self {
            config: supervisor.config.clone(),
            seat: supervisor.seat.clone(),
            events: supervisor.events.clone(),
            me,
            path: supervisor.path.clone(),
            children: BTreeMap::new(),
            by_actor: HashMap::new(),
            tree_failures: Window::default(),
            closing: None,
            last_group: 0,
        };
        for (key, spec) in supervisor.seat.children() {
            live.insert(key, spec);
        }
        live
    }

    pub(super) async fn start_all(&mut self) {
        let group = self.next_group();
        self.children.values_mut().for_each(|child| child.pending = Some(group));
        let keys = self.children.keys().copied().collect();
        self.start_group(group, keys).await;
    }

    pub(super) async fn add(&mut self, spec: ChildSpec, answer: Answer) {
        use crate::error::ControlError;
        if self.closing.is_some() {
            return reply(answer, Err(ControlError::SupervisorDown));
        }
        let Some(key) = self.seat.add(spec) else {
            return reply(answer, Err(ControlError::AlreadyExists));
        };
        if let Some(spec) = self.seat.get(key) {
            self.insert(key, spec);
            if let Err(cause) = self.start_child(key).await {
                self.failed(key, cause, Vec::new());
            }
        }
        reply(answer, Ok(()));
    }

    /// Starts in order. A start that fails counts as a failure; those that depend on it then wait for its restart.
    pub(super) async fn start_group(&mut self, group: Group, keys: Vec<Key>) {
        let mut rest = keys.into_iter();
        while let Some(key) = rest.next() {
            let Some(child) = self.children.get_mut(&key) else { continue };
            if child.pending != Some(group) {
                continue;
            }
            if let Some(cell) = child.cell.clone() {
                let keys = std::iter::once(key).chain(rest).collect();
                return self.start_after_end(cell, group, keys);
            }
            child.pending = None;
            let Err(cause) = self.start_child(key).await else { continue };
            match self.config.strategy {
                Strategy::OneForOne => self.failed(key, cause, Vec::new()),
                Strategy::RestForOne | Strategy::OneForAll => return self.failed(key, cause, rest.collect()),
            }
        }
    }

    pub(super) fn next_group(&mut self) -> Group {
        self.last_group += 1;
        self.last_group
    }

    pub(super) fn gave_up(&mut self) -> Option<Cause> {
        match self.closing.take() {
            Some(Closing::GaveUp(cause)) => Some(cause),
            Some(Closing::Asked) | None => None,
        }
    }

    pub(super) fn emit(&self, key: Key, kind: EventKind) {
        if let Some(child) = self.children.get(&key) {
            self.events.emit(&child.path, kind);
        }
    }

    fn insert(&mut self, key: Key, spec: Arc<ChildSpec>) {
        let child = Child {
            path: join(&self.path, &spec.name),
            spec,
            cell: None,
            pending: None,
            asked: None,
            failures: Window::default(),
            attempt: 0,
            started_at: Instant::now(),
            quarantined: false,
        };
        self.children.insert(key, Box::new(child));
    }

    async fn start_child(&mut self, key: Key) -> Result<(), Cause> {
        let supervisor = self.me.get_cell();
        let Some(child) = self.children.get_mut(&key) else { return Ok(()) };
        child.started_at = Instant::now();
        let cx = StartContext { supervisor, path: child.path.clone(), events: self.events.clone() };
        let cell = (child.spec.start)(cx).await.map_err(|error| cause_of_start(&error))?;
        self.by_actor.insert(cell.get_id(), key);
        child.cell = Some(cell);
        Ok(())
    }

    /// Only a handler that blocks its thread outlives a kill. Two incarnations must not run at once, so the start waits.
    fn start_after_end(&self, cell: ActorCell, group: Group, keys: Vec<Key>) {
        tracing::warn!(actor.path = %self.path, "a killed child has not ended, its restart waits");
        let me = self.me.clone();
        spawn_helper(async move {
            drop(cell.wait(None).await);
            drop(me.cast(Control::StartGroup { group, keys }));
        });
    }
}

impl Child {
    /// Shows it, and what is below it, as not running.
    pub(super) fn set_down(&self, state: ActorState) {
        match state {
            ActorState::Stopped | ActorState::Quarantined => self.spec.node.vacate(state),
            _ => self.spec.node.set_state(state),
        }
        if let Some(seat) = &self.spec.seat {
            let below = if state == ActorState::Restarting { state } else { ActorState::Stopped };
            seat.mark_down(below);
        }
    }
}

/// Who asked may have left; the request is carried out all the same.
pub(super) fn reply(answer: Answer, result: Result<(), crate::error::ControlError>) {
    drop(answer.send(result));
}
