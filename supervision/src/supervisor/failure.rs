//! What follows from a child's end: nothing, a restart of it and of others, quarantine, or giving up.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use ractor::{ActorId, SpawnErr};
use tokio::time::Instant;

use crate::background::spawn_helper;
use crate::error::ActorError;
use crate::event::EventKind;
use crate::health::{ActorState, Cause};
use crate::limits::jitter;
use crate::seat::Key;
use crate::spec::{GiveUp, RestartPolicy, Strategy};
use crate::worker::Returned;

use super::live::{Asked, Child, Closing, Group, Live, reply};
use super::stop::{Leaving, stop_all};
use super::{Control, GaveUp as GaveUpError};

/// Longest text kept of a failure.
pub(super) const FAILURE_TEXT_MAX: usize = 512;

/// How a child ended.
pub(super) enum Ending {
    Graceful,
    Failed(Cause),
}

/// A restart that was decided.
struct Restart {
    delay: Duration,
    cause: Cause,
    /// Children whose start was given up because this one's failed.
    carried: Vec<Key>,
}

impl Ending {
    pub(super) fn from_reason(reason: Option<String>) -> Self {
        match reason {
            Some(reason) if reason == "killed" || reason == "actor_task_cancelled" => {
                Self::Failed(Cause::Killed(reason.into()))
            }
            _ => Self::Graceful,
        }
    }

    pub(super) fn from_error(error: &ActorError) -> Self {
        if let Some(GaveUpError(cause)) = error.downcast_ref() {
            return Self::Failed(Cause::GaveUp(bounded(cause.to_string())));
        }
        // Only the wrapper returns errors, and marks them; whatever else arrives here is the text of a panic.
        Self::Failed(match error.downcast_ref::<Returned>() {
            Some(returned) => Cause::Error(chain(returned.inner().as_ref())),
            None => Cause::Panic(bounded(error.to_string())),
        })
    }
}

pub(super) fn cause_of_start(error: &ActorError) -> Cause {
    Cause::Init(match error.downcast_ref::<SpawnErr>() {
        Some(SpawnErr::StartupFailed(inner)) => chain(inner.as_ref()),
        _ => chain(error.as_ref()),
    })
}

impl Live {
    /// A child has ended. Ends of earlier incarnations are not in the table and are ignored.
    pub(super) fn ended(&mut self, actor: ActorId, ending: Ending) {
        let Some(key) = self.by_actor.remove(&actor) else { return };
        let Some(child) = self.children.get_mut(&key) else { return };
        child.cell = None;
        child.spec.node.clear_current();
        let asked = child.asked.take();
        if let Some(Asked::Remove(answer)) = asked {
            self.forget(key);
            return reply(answer, Ok(()));
        }
        if self.closing.is_some() {
            child.set_down(ActorState::Stopped);
            return self.emit(key, EventKind::Stopped);
        }
        match (asked, ending) {
            (Some(Asked::Sibling), _) => child.set_down(ActorState::Restarting),
            (Some(Asked::Kill(reason)), _) => {
                self.emit(key, EventKind::Killed { reason: reason.clone() });
                self.restart_on_request(key, reason);
            }
            (Some(Asked::Restart(reason)), _) => self.restart_on_request(key, reason),
            (_, Ending::Failed(cause)) => self.failed(key, cause, Vec::new()),
            (_, Ending::Graceful) => match child.spec.restart {
                RestartPolicy::Permanent => self.failed(key, Cause::Exited, Vec::new()),
                RestartPolicy::Transient | RestartPolicy::Temporary => self.settle(key),
            },
        }
    }

    /// A child failed, or its start did: count it, then restart, quarantine or give up.
    pub(super) fn failed(&mut self, key: Key, cause: Cause, carried: Vec<Key>) {
        let Some(child) = self.children.get_mut(&key) else { return };
        let now = Instant::now();
        let (intensity, backoff) = (self.config.intensity, self.config.backoff);
        tracing::warn!(actor.path = %child.path, cause = %cause, "actor failed");
        child.spec.node.note_failure(bounded(cause.to_string()));
        self.events.emit(&child.path, EventKind::Failed { cause: cause.clone() });
        if self.closing.is_some() || child.spec.restart == RestartPolicy::Temporary {
            self.settle(key);
            return self.start_carried(&carried);
        }
        let bulkhead = child.spec.give_up == GiveUp::Quarantine;
        let looping = child.failures.exceeds(now, intensity.child_max, intensity.child_within);
        if bulkhead && (looping || matches!(cause, Cause::GaveUp(_))) {
            self.quarantine(key, cause);
            return self.start_carried(&carried);
        }
        if now.saturating_duration_since(child.started_at) >= backoff.reset_after {
            child.attempt = 0;
        }
        let delay = backoff.delay(child.attempt, jitter());
        child.attempt = child.attempt.saturating_add(1);
        if looping || (!bulkhead && self.tree_looping(&cause)) {
            return self.give_up(cause);
        }
        self.restart_with_group(key, Restart { delay, cause, carried });
    }

    /// A supervisor below counted a failure.
    pub(super) fn descendant_failed(&mut self, cause: Cause) {
        if self.closing.is_none() && self.tree_looping(&cause) {
            self.give_up(cause);
        }
    }

    /// Starts a child now, with those that must restart with it; does not count as a failure.
    pub(super) fn restart_on_request(&mut self, key: Key, reason: Arc<str>) {
        let Some(child) = self.children.get(&key) else { return };
        if child.spec.restart == RestartPolicy::Temporary {
            return self.settle(key);
        }
        let cause = Cause::Requested(reason);
        self.restart_with_group(key, Restart { delay: Duration::ZERO, cause, carried: Vec::new() });
    }

    /// Forgets a child for good.
    pub(super) fn forget(&mut self, key: Key) {
        self.emit(key, EventKind::Stopped);
        if let Some(child) = self.children.remove(&key) {
            child.set_down(ActorState::Stopped);
        }
        self.seat.remove(key);
    }

    /// Starts a waiting group now instead of after its delay.
    pub(super) fn start_now(&mut self, waiting: Group) {
        let in_group = |child: &Child| child.pending == Some(waiting);
        let keys: Vec<Key> =
            self.children.iter().filter(|(_, child)| in_group(child)).map(|(key, _)| *key).collect();
        self.start_carried(&keys);
    }

    /// Starts those that still wait, under a group of their own.
    fn start_carried(&mut self, carried: &[Key]) {
        let group = self.next_group();
        let mut keys = Vec::new();
        for key in carried {
            if let Some(child) = self.children.get_mut(key)
                && child.pending.is_some()
            {
                child.pending = Some(group);
                keys.push(*key);
            }
        }
        if !keys.is_empty() {
            drop(self.me.cast(Control::StartGroup { group, keys }));
        }
    }

    fn settle(&mut self, key: Key) {
        if let Some(child) = self.children.get(&key) {
            child.set_down(ActorState::Stopped);
        }
        self.emit(key, EventKind::Stopped);
    }

    fn quarantine(&mut self, key: Key, cause: Cause) {
        let Some(child) = self.children.get_mut(&key) else { return };
        child.quarantined = true;
        child.pending = None;
        child.set_down(ActorState::Quarantined);
        tracing::error!(actor.path = %child.path, cause = %cause, "actor quarantined");
        self.emit(key, EventKind::Quarantined { cause });
    }

    /// Counts a failure of the tree, here and further up.
    fn tree_looping(&mut self, cause: &Cause) -> bool {
        let intensity = self.config.intensity;
        let looping = self.tree_failures.exceeds(Instant::now(), intensity.tree_max, intensity.tree_within);
        if !looping && let Some(parent) = self.seat.counting_parent() {
            // A parent that is gone does not count any more.
            drop(parent.control(Control::DescendantFailed(cause.clone())));
        }
        looping
    }

    fn give_up(&mut self, cause: Cause) {
        tracing::error!(actor.path = %self.path, cause = %cause, "supervisor gave up");
        self.events.emit(&self.path, EventKind::GaveUp { cause: cause.clone() });
        self.begin_closing(Closing::GaveUp(cause), None);
    }

    /// Stops whom the strategy takes along, in reverse order, and then starts all in order after the delay.
    fn restart_with_group(&mut self, key: Key, restart: Restart) {
        let Restart { delay, cause, carried } = restart;
        let group = self.next_group();
        let mut members = Vec::new();
        let mut leaving = Vec::new();
        for member in self.affected(key, &carried) {
            let Some(child) = self.children.get_mut(&member) else { continue };
            let ended_for_good = child.cell.is_none() && child.pending.is_none();
            if (member != key && ended_for_good) || matches!(child.asked, Some(Asked::Remove(_))) {
                continue;
            }
            let why = if member == key { cause.clone() } else { Cause::Sibling(bounded(cause.to_string())) };
            child.spec.node.note_restart(why);
            child.pending = Some(group);
            if let Some(cell) = child.cell.clone() {
                child.asked = Some(Asked::Sibling);
                leaving.push(Leaving::new(cell, &child.spec));
            } else {
                child.set_down(ActorState::Restarting);
            }
            members.push(member);
        }
        self.emit(key, EventKind::RestartScheduled { delay });
        let start = Control::StartGroup { group, keys: members };
        if leaving.is_empty() && delay.is_zero() {
            drop(self.me.cast(start));
            return;
        }
        let me = self.me.clone();
        leaving.reverse();
        spawn_helper(async move {
            stop_all(leaving, 1, None).await;
            tokio::time::sleep(delay).await;
            drop(me.cast(start));
        });
    }

    /// Keys in start order; those carried are part of it whatever the strategy.
    fn affected(&self, key: Key, carried: &[Key]) -> Vec<Key> {
        let mut keys: Vec<Key> = match self.config.strategy {
            Strategy::OneForOne => vec![key],
            Strategy::RestForOne => self.children.range(key..).map(|(key, _)| *key).collect(),
            Strategy::OneForAll => self.children.keys().copied().collect(),
        };
        keys.extend_from_slice(carried);
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

/// An error with its sources, cut to a bounded length.
fn chain(error: &(dyn Error + 'static)) -> Arc<str> {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    bounded(text)
}

fn bounded(text: String) -> Arc<str> {
    match text.char_indices().nth(FAILURE_TEXT_MAX) {
        Some((end, _)) => text.get(..end).unwrap_or_default().into(),
        None => text.into(),
    }
}
