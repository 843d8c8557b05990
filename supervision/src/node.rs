//! The record of one place in the tree. It is made before its actor and outlives every incarnation: counters, limits,
//! history, and who holds the place now.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use ractor::ActorCell;
use tokio::time::Instant;

use crate::background::Background;
use crate::clock;
use crate::error::Refused;
use crate::health::{ActorState, Cause, CurrentMessage, Health, NodeKind, RestartNote, Timing};
use crate::histogram::Histogram;
use crate::message::Class;
use crate::port::PortLimits;

/// Restarts kept per node with cause and time.
pub const RESTARTS_KEPT_MAX: usize = 8;

/// Who holds the place.
pub(crate) struct Tenure {
    pub(crate) cell: ActorCell,
    pub(crate) background: Background,
}

pub(crate) struct Node {
    path: OnceLock<Arc<str>>,
    kind: NodeKind,
    limits: PortLimits,
    state: AtomicU8,
    since: AtomicU64,
    incarnation: AtomicU64,
    normal: AtomicU32,
    urgent: AtomicU32,
    notified: AtomicU32,
    refused: AtomicU64,
    tenure: ArcSwapOption<Tenure>,
    record: Mutex<Record>,
}

struct Record {
    handled: u64,
    expired: u64,
    restarts: u32,
    current: Option<(&'static str, Instant)>,
    waiting: Histogram,
    handling: Histogram,
    /// Allocated with the first failure: most actors never have one.
    history: Option<Box<History>>,
}

#[derive(Default)]
struct History {
    last_error: Option<Arc<str>>,
    recent: VecDeque<RestartNote>,
}

/// A message's place in a port, given back when it is dropped, wherever that happens.
pub(crate) struct Permit {
    node: Arc<Node>,
    counter: Counter,
}

#[derive(Clone, Copy)]
enum Counter {
    Normal,
    Urgent,
    Notified,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.node.counter(self.counter).fetch_sub(1, Ordering::AcqRel);
    }
}

impl Node {
    pub(crate) fn new(kind: NodeKind, limits: PortLimits) -> Arc<Self> {
        let record = Record {
            handled: 0,
            expired: 0,
            restarts: 0,
            current: None,
            waiting: Histogram::new(),
            handling: Histogram::new(),
            history: None,
        };
        Arc::new(Self {
            path: OnceLock::new(),
            kind,
            limits,
            state: AtomicU8::new(ActorState::Starting as u8),
            since: AtomicU64::new(clock::unix_micros()),
            incarnation: AtomicU64::new(0),
            normal: AtomicU32::new(0),
            urgent: AtomicU32::new(0),
            notified: AtomicU32::new(0),
            refused: AtomicU64::new(0),
            tenure: ArcSwapOption::empty(),
            record: Mutex::new(record),
        })
    }

    /// The first path given stays.
    pub(crate) fn set_path(&self, path: &Arc<str>) {
        self.path.get_or_init(|| path.clone());
    }

    pub(crate) fn path(&self) -> Arc<str> {
        self.path.get().map_or_else(|| Arc::from(""), Arc::clone)
    }

    pub(crate) fn path_str(&self) -> &str {
        self.path.get().map_or("", |path| path)
    }

    pub(crate) fn state(&self) -> ActorState {
        ActorState::from_u8(self.state.load(Ordering::Acquire))
    }

    pub(crate) fn set_state(&self, state: ActorState) {
        let before = self.state.swap(state as u8, Ordering::AcqRel);
        if before != state as u8 {
            self.since.store(clock::unix_micros(), Ordering::Relaxed);
        }
    }

    /// Moves from one state to another only if nobody else moved it meanwhile.
    pub(crate) fn advance_state(&self, from: ActorState, to: ActorState) -> bool {
        let moved =
            self.state.compare_exchange(from as u8, to as u8, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if moved {
            self.since.store(clock::unix_micros(), Ordering::Relaxed);
        }
        moved
    }

    pub(crate) fn incarnation(&self) -> u64 {
        self.incarnation.load(Ordering::Acquire)
    }

    /// Hands the place to a new holder and returns the number of its life.
    pub(crate) fn take_over(&self, tenure: Tenure) -> u64 {
        if let Some(before) = self.tenure.swap(Some(Arc::new(tenure))) {
            before.background.close();
        }
        self.record().current = None;
        self.incarnation.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// Lets go of the last holder's mailbox; for a place that stays empty.
    pub(crate) fn vacate(&self, state: ActorState) {
        self.set_state(state);
        if let Some(before) = self.tenure.swap(None) {
            before.background.close();
        }
        self.record().current = None;
    }

    pub(crate) fn tenure(&self) -> Option<Arc<Tenure>> {
        self.tenure.load_full()
    }

    /// Sends to the current holder; gives the message back when there is none or it has ended.
    pub(crate) fn push<T: Send + 'static>(&self, wire: T) -> Result<(), T> {
        let tenure = self.tenure.load();
        let Some(tenure) = tenure.as_ref() else { return Err(wire) };
        match tenure.cell.send_message(wire) {
            Ok(()) => Ok(()),
            Err(ractor::MessagingErr::SendErr(wire)) => Err(wire),
            Err(_) => unreachable!("a place is only ever held by an actor of its own message type"),
        }
    }

    pub(crate) fn admit(self: &Arc<Self>, class: Class) -> Result<Permit, Refused> {
        let admitted = self.try_admit(class);
        if admitted.is_err() {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        admitted
    }

    /// Never refuses for want of permits; still counted.
    pub(crate) fn admit_notice(self: &Arc<Self>) -> Permit {
        self.notified.fetch_add(1, Ordering::AcqRel);
        Permit { node: self.clone(), counter: Counter::Notified }
    }

    pub(crate) fn count_refusal(&self) -> Refused {
        self.refused.fetch_add(1, Ordering::Relaxed);
        self.absent()
    }

    pub(crate) fn depth(&self) -> u64 {
        let load = |counter: &AtomicU32| u64::from(counter.load(Ordering::Acquire));
        load(&self.normal) + load(&self.urgent) + load(&self.notified)
    }

    pub(crate) fn begin(&self, kind: &'static str, waited: Duration, now: Instant) {
        let mut record = self.record();
        record.waiting.record(waited);
        record.current = Some((kind, now));
    }

    pub(crate) fn finish(&self, took: Duration) {
        let mut record = self.record();
        record.handled += 1;
        record.handling.record(took);
        record.current = None;
    }

    /// Nothing is being handled any more, whether the handler returned or not.
    pub(crate) fn clear_current(&self) {
        self.record().current = None;
    }

    pub(crate) fn count_expired(&self) {
        self.record().expired += 1;
    }

    pub(crate) fn note_failure(&self, text: Arc<str>) {
        self.record().history.get_or_insert_default().last_error = Some(text);
    }

    pub(crate) fn note_restart(&self, cause: Cause) {
        let note = RestartNote { at_unix_micros: clock::unix_micros(), cause };
        let mut record = self.record();
        record.restarts = record.restarts.saturating_add(1);
        let recent = &mut record.history.get_or_insert_default().recent;
        if recent.len() >= RESTARTS_KEPT_MAX {
            recent.pop_front();
        }
        recent.push_back(note);
    }

    pub(crate) fn health(&self, path: Arc<str>) -> Health {
        let timing = |times: &Histogram| Timing { mean_us: times.mean_us(), p99_us: times.p99_us() };
        let record = self.record();
        let history = record.history.as_deref();
        Health {
            path,
            kind: self.kind,
            state: self.state(),
            since_unix_micros: self.since.load(Ordering::Relaxed),
            incarnation: self.incarnation(),
            depth: self.depth(),
            limits: self.limits,
            handled: record.handled,
            expired: record.expired,
            refused: self.refused.load(Ordering::Relaxed),
            handling: timing(&record.handling),
            waiting: timing(&record.waiting),
            restarts: record.restarts,
            recent_restarts: history
                .map(|history| history.recent.iter().cloned().collect())
                .unwrap_or_default(),
            last_error: history.and_then(|history| history.last_error.clone()),
            current_message: record.current.map(|(kind, since)| CurrentMessage {
                kind,
                since_ms: u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX),
            }),
        }
    }

    fn try_admit(self: &Arc<Self>, class: Class) -> Result<Permit, Refused> {
        let state = self.state();
        let (normal_max, full) = match state {
            ActorState::Running => (self.limits.normal, Refused::Overloaded),
            ActorState::Starting | ActorState::Recovering => {
                (self.limits.normal.min(self.limits.recovering), Refused::Recovering)
            }
            _ => return Err(self.absent()),
        };
        if class == Class::Urgent && take(&self.urgent, self.limits.urgent) {
            return Ok(Permit { node: self.clone(), counter: Counter::Urgent });
        }
        if take(&self.normal, normal_max) {
            return Ok(Permit { node: self.clone(), counter: Counter::Normal });
        }
        Err(full)
    }

    /// Why nobody takes messages here: gone for good, or on its way back.
    fn absent(&self) -> Refused {
        match self.state() {
            ActorState::Stopped | ActorState::Quarantined => Refused::Stopped,
            _ => Refused::Recovering,
        }
    }

    fn counter(&self, counter: Counter) -> &AtomicU32 {
        match counter {
            Counter::Normal => &self.normal,
            Counter::Urgent => &self.urgent,
            Counter::Notified => &self.notified,
        }
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds one unless that would pass the limit. Never passes it even for a moment: an actor that sees a depth other than
/// zero counts on a message to come.
fn take(counter: &AtomicU32, max: u32) -> bool {
    counter
        .fetch_update(Ordering::AcqRel, Ordering::Acquire, |taken| (taken < max).then_some(taken + 1))
        .is_ok()
}
