//! What a tree is made of, written down before it starts.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ractor::ActorCell;

use crate::actor::Actor;
use crate::error::ActorError;
use crate::event::EventSink;
use crate::handle::SupervisorHandle;
use crate::limits::{Backoff, Intensity};
use crate::node::Node;
use crate::port::Port;
use crate::seat::Seat;
use crate::supervisor;
use crate::worker::{self, StartContext};

const WORKER_DRAIN: Duration = Duration::from_secs(5);
const SUPERVISOR_STOP: Duration = Duration::from_secs(10);

/// Whom a failure takes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Only the failed child restarts.
    OneForOne,
    /// The failed child and those started after it restart.
    RestForOne,
    /// All children restart.
    OneForAll,
}

/// Which ends lead to a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestartPolicy {
    /// Every end.
    Permanent,
    /// Failures and kills, not a graceful end.
    Transient,
    /// None.
    Temporary,
}

/// How a child is asked to end. What does not end in time is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// Handle everything that waits, then stop.
    Drain(Duration),
    /// Finish the current message, drop what waits, then stop.
    Stop(Duration),
    /// End at the next await.
    Kill,
}

/// What its parent does with a child that failed too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GiveUp {
    /// A worker's failure makes its supervisor give up; a supervisor's giving up counts as its failure.
    Escalate,
    /// The child stays stopped, its siblings are not affected. It is a bulkhead: failures below it count no further up.
    Quarantine,
}

pub(crate) type Starting = Pin<Box<dyn Future<Output = Result<ActorCell, ActorError>> + Send>>;
pub(crate) type Start = Box<dyn Fn(StartContext) -> Starting + Send + Sync>;

/// One child of a supervisor.
#[must_use = "a child starts only as part of a supervisor"]
pub struct ChildSpec {
    pub(crate) name: Arc<str>,
    pub(crate) node: Arc<Node>,
    /// Present if the child is a supervisor.
    pub(crate) seat: Option<Arc<Seat>>,
    pub(crate) start: Start,
    pub(crate) restart: RestartPolicy,
    pub(crate) shutdown: Shutdown,
    pub(crate) give_up: GiveUp,
    pub(crate) invalid_name: Option<Arc<str>>,
}

impl ChildSpec {
    /// A worker, made anew for every incarnation and reached through its port.
    pub fn worker<A: Actor>(
        name: impl Into<Arc<str>>,
        port: Port<A::Msg>,
        make: impl Fn() -> A + Send + Sync + 'static,
    ) -> Self {
        let node = port.node().clone();
        let make: Arc<dyn Fn() -> A + Send + Sync> = Arc::new(make);
        let start = move |cx| -> Starting { Box::pin(worker::start(make.clone(), port.clone(), cx)) };
        Self::of_start(name.into(), node, Box::new(start))
    }

    /// A child that is no supervisor, with the rules of a worker.
    pub(crate) fn of_start(name: Arc<str>, node: Arc<Node>, start: Start) -> Self {
        Self {
            name,
            node,
            seat: None,
            start,
            restart: RestartPolicy::Permanent,
            shutdown: Shutdown::Drain(WORKER_DRAIN),
            give_up: GiveUp::Escalate,
            invalid_name: None,
        }
    }

    /// A supervisor with everything below it.
    pub fn supervisor(spec: SupervisorSpec) -> Self {
        let SupervisorSpec { config, seat, invalid_name } = spec;
        let config = Arc::new(config);
        let child_seat = seat.clone();
        let start =
            move |cx| -> Starting { Box::pin(supervisor::start(config.clone(), child_seat.clone(), cx)) };
        Self {
            name: seat.name().clone(),
            node: seat.node().clone(),
            seat: Some(seat),
            start: Box::new(start),
            restart: RestartPolicy::Permanent,
            shutdown: Shutdown::Stop(SUPERVISOR_STOP),
            give_up: GiveUp::Escalate,
            invalid_name,
        }
    }

    /// Sets which ends lead to a restart; permanent unless set.
    pub fn restart(self, restart: RestartPolicy) -> Self {
        Self { restart, ..self }
    }

    /// Sets how it is asked to end; workers drain for 5 s and supervisors stop within 10 s unless set.
    pub fn shutdown(self, shutdown: Shutdown) -> Self {
        Self { shutdown, ..self }
    }

    /// Sets what happens when it failed too often; escalates unless set.
    pub fn on_give_up(self, give_up: GiveUp) -> Self {
        Self { give_up, ..self }
    }

    pub(crate) fn invalid_name(&self) -> Option<Arc<str>> {
        let bad = self.name.is_empty() || self.name.contains('/');
        if bad { Some(self.name.clone()) } else { self.invalid_name.clone() }
    }
}

/// A supervisor's own rules.
pub(crate) struct Config {
    pub(crate) strategy: Strategy,
    pub(crate) intensity: Intensity,
    pub(crate) backoff: Backoff,
    /// The parent's, unless set.
    pub(crate) events: Option<EventSink>,
    pub(crate) stop_width: usize,
}

/// A supervisor with its children, in start order.
#[must_use = "a supervisor starts with start_root or as a child"]
pub struct SupervisorSpec {
    pub(crate) config: Config,
    pub(crate) seat: Arc<Seat>,
    pub(crate) invalid_name: Option<Arc<str>>,
}

impl SupervisorSpec {
    /// A supervisor without children, with the default intensity and backoff.
    pub fn new(name: impl Into<Arc<str>>, strategy: Strategy) -> Self {
        let config = Config {
            strategy,
            intensity: Intensity::default(),
            backoff: Backoff::default(),
            events: None,
            stop_width: 1,
        };
        let name = name.into();
        let invalid_name = (name.is_empty() || name.contains('/')).then(|| name.clone());
        Self { config, seat: Seat::new(name), invalid_name }
    }

    /// Adds a child after those there are.
    pub fn child(mut self, child: ChildSpec) -> Self {
        let invalid = child.invalid_name();
        let name = child.name.clone();
        let added = self.seat.add(child).is_some();
        self.invalid_name = self.invalid_name.or(invalid).or((!added).then_some(name));
        self
    }

    /// Sets how many failures it bears.
    pub fn intensity(mut self, intensity: Intensity) -> Self {
        self.config.intensity = intensity;
        self
    }

    /// Sets how long restarts wait.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.config.backoff = backoff;
        self
    }

    /// Sets who hears of its events, and of those below unless they set their own.
    pub fn events(mut self, events: EventSink) -> Self {
        self.config.events = Some(events);
        self
    }

    /// Lets it stop this many children at a time when it ends, for many independent ones: one at a time, in reverse
    /// order, a single slow child would use up the deadline of all.
    pub fn stop_width(mut self, width: usize) -> Self {
        self.config.stop_width = width.max(1);
        self
    }

    /// The handle it will have, in every incarnation.
    pub fn handle(&self) -> SupervisorHandle {
        SupervisorHandle::new(self.seat.clone())
    }
}
