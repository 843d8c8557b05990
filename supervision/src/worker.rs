//! The one wrapper around every actor. It checks deadlines before work starts, counts and times, opens a span per
//! message, and makes injected faults happen.
//!
//! 1. A message whose deadline passed, or whose caller left, is never handled.
//! 2. At most one incarnation of a place runs at a time: a start waits for its predecessor's end, or fails.
//! 3. Tasks of an incarnation are aborted however it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ractor::{ActorCell, ActorProcessingErr, ActorRef};
use tokio::time::{Instant, timeout};
use tracing::Instrument;

use crate::actor::Actor;
use crate::background::{Background, CloseOnDrop};
use crate::context::Context;
use crate::envelope::{Envelope, Fault, Wire};
use crate::error::ActorError;
use crate::event::{EventKind, EventSink};
use crate::health::ActorState;
use crate::message::Message;
use crate::node::{Node, Tenure};
use crate::port::Port;

/// An actor's set-up that takes longer has failed: its supervisor waits for it.
pub const INIT_MAX: Duration = Duration::from_secs(5);
/// How long a start waits for the end of a predecessor that is already dying.
pub const PREDECESSOR_WAIT_MAX: Duration = Duration::from_secs(1);

/// What a supervisor gives to a child it starts.
pub(crate) struct StartContext {
    pub(crate) supervisor: ActorCell,
    pub(crate) path: Arc<str>,
    pub(crate) events: EventSink,
}

/// Marks what an actor returned, to tell it from a panic, which arrives as plain text.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Returned(ActorError);

impl Returned {
    pub(crate) fn inner(&self) -> &ActorError {
        &self.0
    }
}

#[derive(Debug, thiserror::Error)]
enum WrapperError {
    #[error("the previous incarnation has not ended")]
    PredecessorAlive,
    #[error("init took longer than {INIT_MAX:?}")]
    InitTooSlow,
    #[error("injected error")]
    Injected,
    #[error("a piped future panicked")]
    PipePanicked,
}

pub(crate) struct Worker<A: Actor> {
    make: Arc<dyn Fn() -> A + Send + Sync>,
    port: Port<A::Msg>,
    path: Arc<str>,
    events: EventSink,
    background: CloseOnDrop,
}

pub(crate) struct Incarnation<A: Actor> {
    actor: A,
    state: A::State,
    cx: Context<A::Msg>,
}

/// Starts one incarnation, linked to its supervisor.
pub(crate) async fn start<A: Actor>(
    make: Arc<dyn Fn() -> A + Send + Sync>,
    port: Port<A::Msg>,
    start: StartContext,
) -> Result<ActorCell, ActorError> {
    await_predecessor(port.node()).await?;
    let background = CloseOnDrop(Background::new());
    let worker = Worker { make, port, path: start.path, events: start.events, background };
    let (actor, _join) = ractor::Actor::spawn_linked(None, worker, (), start.supervisor).await?;
    Ok(actor.get_cell())
}

pub(crate) async fn await_predecessor(node: &Node) -> Result<(), ActorError> {
    let Some(tenure) = node.tenure() else { return Ok(()) };
    tenure.background.close();
    match tenure.cell.wait(Some(PREDECESSOR_WAIT_MAX)).await {
        Ok(()) => Ok(()),
        Err(_) => Err(WrapperError::PredecessorAlive.into()),
    }
}

impl<A: Actor> ractor::Actor for Worker<A> {
    type Msg = Wire<A::Msg>;
    type State = Incarnation<A>;
    type Arguments = ();

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        _arguments: (),
    ) -> Result<Self::State, ActorProcessingErr> {
        let node = self.port.node();
        node.set_state(ActorState::Starting);
        let background = self.background.0.clone();
        let tenure = Tenure { cell: myself.get_cell(), background: background.clone() };
        let cx = Context {
            port: self.port.clone(),
            path: self.path.clone(),
            incarnation: node.take_over(tenure),
            cell: myself.get_cell(),
            background,
            events: self.events.clone(),
            live_deferred: AtomicBool::new(false),
        };
        let actor = (self.make)();
        let state = timeout(INIT_MAX, actor.init(&cx)).await.map_err(|_| WrapperError::InitTooSlow)??;
        node.set_state(ActorState::Recovering);
        self.events.emit(&self.path, EventKind::Started { incarnation: cx.incarnation });
        Ok(Incarnation { actor, state, cx })
    }

    async fn post_start(
        &self,
        _myself: ActorRef<Self::Msg>,
        incarnation: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        let Incarnation { actor, state, cx } = incarnation;
        let guard = EndGuard(&self.background.0);
        actor.recover(cx, state).await.map_err(Returned)?;
        guard.disarm();
        if !cx.live_deferred.load(Ordering::Relaxed) {
            cx.mark_live();
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        _myself: ActorRef<Self::Msg>,
        incarnation: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        let Incarnation { actor, state, cx } = incarnation;
        actor.stop(cx, state).await;
        self.background.0.close();
        Ok(())
    }

    /// Boxed whole: the future would else be held in every idle actor, twice, at the size of its largest message's work.
    fn handle(
        &self,
        _myself: ActorRef<Self::Msg>,
        wire: Self::Msg,
        incarnation: &mut Self::State,
    ) -> impl Future<Output = Result<(), ActorProcessingErr>> + Send {
        Box::pin(async move {
            let guard = EndGuard(&self.background.0);
            match wire {
                Wire::Work(envelope) => work(envelope, incarnation).await?,
                Wire::Fault(fault) => fail(fault).await?,
                Wire::PipePanicked => return Err(Returned(WrapperError::PipePanicked.into()).into()),
            }
            guard.disarm();
            Ok(())
        })
    }
}

/// Ends the incarnation's tasks when a hook does not return normally; disarmed when it does.
struct EndGuard<'a>(&'a Background);

impl EndGuard<'_> {
    fn disarm(self) {
        std::mem::forget(self);
    }
}

impl Drop for EndGuard<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

async fn work<A: Actor>(
    envelope: Envelope<A::Msg>,
    incarnation: &mut Incarnation<A>,
) -> Result<(), ActorProcessingErr> {
    let Incarnation { actor, state, cx } = incarnation;
    let Envelope { message, deadline, enqueued_at, ticket, span, permit } = envelope;
    let node = cx.port.node();
    let now = Instant::now();
    let late = deadline.is_some_and(|deadline| now >= deadline);
    if late && let Some(ticket) = &ticket {
        ticket.revoke();
    }
    if late || ticket.is_some_and(|ticket| !ticket.start()) {
        node.count_expired();
        message.expired();
    } else {
        let kind = message.kind();
        node.begin(kind, now.saturating_duration_since(enqueued_at), now);
        let span = tracing::debug_span!(parent: &span, "message", actor.path = %cx.path, message.kind = kind);
        actor.handle(cx, message, state).instrument(span).await.map_err(Returned)?;
        node.finish(now.elapsed());
    }
    drop(permit);
    if node.depth() == 0 {
        actor.idle(cx, state).await.map_err(Returned)?;
    }
    Ok(())
}

async fn fail(fault: Fault) -> Result<(), ActorProcessingErr> {
    match fault {
        Fault::Panic => panic!("injected panic"),
        Fault::Error => Err(Returned(WrapperError::Injected.into()).into()),
        Fault::Stall(duration) => {
            tokio::time::sleep(duration).await;
            Ok(())
        }
    }
}
