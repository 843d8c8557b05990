//! Tests of whole trees, on a paused clock unless they say otherwise. Here: the actor they all use.

mod lives;
mod ports;
mod shutdown;
mod strategies;
mod stress;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::*;

/// What happened to the probes of one test, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, entry: impl Into<String>) {
        self.0.lock().unwrap().push(entry.into());
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// A sink that notes events as "path kind".
    pub(crate) fn sink(&self) -> EventSink {
        let log = self.clone();
        EventSink::new(move |event| {
            let kind = match &event.kind {
                EventKind::Started { incarnation } => format!("started {incarnation}"),
                EventKind::Recovered { .. } => "recovered".into(),
                EventKind::Failed { cause } => format!("failed {cause}"),
                EventKind::Killed { reason } => format!("killed {reason}"),
                EventKind::RestartScheduled { delay } => format!("scheduled {}", delay.as_millis()),
                EventKind::GaveUp { .. } => "gave up".into(),
                EventKind::Quarantined { .. } => "quarantined".into(),
                EventKind::Released => "released".into(),
                EventKind::Stopped => "stopped".into(),
            };
            log.add(format!("{} {kind}", event.path));
        })
    }
}

pub(crate) enum Msg {
    /// Answers with the number of messages handled before in this life.
    Count(Reply<u64>),
    /// The same in the urgent class.
    Cancel(Reply<u64>),
    /// Notes itself in the log when handled, or when expired.
    Note(&'static str, Log),
    /// Waits for a permit of the gate before it answers.
    Hold(Arc<Semaphore>, Reply<u64>),
    Panic(&'static str),
    Fail,
    DropReply(Reply<u64>),
    StopSelf,
    /// Sends itself a note later.
    Later(Duration, &'static str, Log),
    /// Awaits the gate outside the handler, then notes; with an empty text it panics instead.
    Pipe(Arc<Semaphore>, &'static str, Log),
    Live,
}

impl Message for Msg {
    fn kind(&self) -> &'static str {
        match self {
            Msg::Hold(..) => "hold",
            Msg::Cancel(_) => "cancel",
            _ => "other",
        }
    }

    fn class(&self) -> Class {
        if matches!(self, Msg::Cancel(_)) { Class::Urgent } else { Class::Normal }
    }

    fn expired(self) {
        if let Msg::Note(text, log) = self {
            log.add(format!("expired {text}"));
        }
    }
}

/// How probes of one place behave over all their lives.
#[derive(Clone)]
pub(crate) struct Probe {
    pub(crate) name: &'static str,
    pub(crate) log: Log,
    /// How many of the next set-ups fail.
    pub(crate) init_failures: Arc<AtomicU32>,
    /// Recovery waits for a permit of it.
    pub(crate) recovery: Option<Arc<Semaphore>>,
    pub(crate) defers_live: bool,
    /// Its graceful end takes this long.
    pub(crate) stop_takes: Duration,
    pub(crate) port: Port<Msg>,
}

impl Probe {
    pub(crate) fn new(name: &'static str, log: &Log) -> Self {
        Self::with_limits(name, log, PortLimits::default())
    }

    pub(crate) fn with_limits(name: &'static str, log: &Log, limits: PortLimits) -> Self {
        Self {
            name,
            log: log.clone(),
            init_failures: Arc::default(),
            recovery: None,
            defers_live: false,
            stop_takes: Duration::ZERO,
            port: Port::new(name, limits),
        }
    }

    pub(crate) fn spec(&self) -> ChildSpec {
        let probe = self.clone();
        ChildSpec::worker(self.name, self.port.clone(), move || probe.clone())
    }

    pub(crate) async fn count(&self) -> Result<u64, CallError> {
        self.port.call(Duration::from_secs(5), Msg::Count).await
    }

    pub(crate) fn crash(&self) {
        self.port.send(Msg::Panic("boom"), None).unwrap();
    }

    /// Crashes it and waits until its next life answers.
    pub(crate) async fn crash_and_wait(&self) {
        let before = self.port.incarnation();
        self.crash();
        self.wait_life(before + 1).await;
    }

    pub(crate) async fn wait_life(&self, incarnation: u64) {
        eventually(self.name, || {
            self.port.incarnation() >= incarnation && self.port.state() == ActorState::Running
        })
        .await;
    }
}

impl Actor for Probe {
    type Msg = Msg;
    type State = u64;

    async fn init(&self, _cx: &Context<Msg>) -> Result<u64, ActorError> {
        let countdown = |left: u32| left.checked_sub(1);
        if self.init_failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, countdown).is_ok() {
            return Err("no luck".into());
        }
        self.log.add(format!("init {}", self.name));
        Ok(0)
    }

    async fn recover(&self, cx: &Context<Msg>, _count: &mut u64) -> Result<(), ActorError> {
        if self.defers_live {
            cx.defer_live();
        }
        if let Some(gate) = &self.recovery {
            gate.acquire().await?.forget();
        }
        Ok(())
    }

    async fn handle(&self, cx: &Context<Msg>, message: Msg, count: &mut u64) -> Result<(), ActorError> {
        match message {
            Msg::Count(reply) | Msg::Cancel(reply) => reply.send(*count),
            Msg::Note(text, log) => log.add(text),
            Msg::Hold(gate, reply) => {
                gate.acquire().await?.forget();
                reply.send(*count);
            }
            Msg::Panic(text) => panic!("{text}"),
            Msg::Fail => return Err(Box::new(std::io::Error::other("torn state"))),
            Msg::DropReply(reply) => drop(reply),
            Msg::StopSelf => cx.stop_self(),
            Msg::Later(delay, text, log) => drop(cx.send_self_after(delay, Msg::Note(text, log))?),
            Msg::Pipe(gate, text, log) => {
                let work = async move {
                    gate.acquire().await.unwrap().forget();
                    assert!(!text.is_empty(), "piped panic");
                };
                cx.pipe(work, move |()| Msg::Note(text, log))?;
            }
            Msg::Live => cx.mark_live(),
        }
        *count += 1;
        Ok(())
    }

    async fn idle(&self, cx: &Context<Msg>, count: &mut u64) -> Result<(), ActorError> {
        if cx.port().depth() == 0 && *count == u64::MAX {
            self.log.add("idle");
        }
        Ok(())
    }

    async fn stop(&self, _cx: &Context<Msg>, _count: &mut u64) {
        tokio::time::sleep(self.stop_takes).await;
        self.log.add(format!("stop {}", self.name));
    }
}

/// Waits, on the paused clock, for what must become true; up to two minutes of it.
pub(crate) async fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    for _ in 0..120_000 {
        if is_true() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("never happened: {what}");
}

/// Lets everything that is ready run, without letting time pass.
pub(crate) async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

pub(crate) fn abc(log: &Log) -> [Probe; 3] {
    ["a", "b", "c"].map(|name| Probe::new(name, log))
}

pub(crate) fn root_of(strategy: Strategy, children: impl IntoIterator<Item = ChildSpec>) -> SupervisorSpec {
    children.into_iter().fold(SupervisorSpec::new("root", strategy), SupervisorSpec::child)
}

pub(crate) fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

/// A small generator, so that a failing stress run can be repeated.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Lines of a log that hold the text, to compare only what a test is about.
pub(crate) fn having(lines: Vec<String>, text: &str) -> VecDeque<String> {
    lines.into_iter().filter(|line| line.contains(text)).collect()
}
