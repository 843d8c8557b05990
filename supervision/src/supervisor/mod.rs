//! The supervisor: an actor that starts children, hears of their ends and decides what follows. It never waits for a
//! child's end inside its handler; helpers wait, within deadlines, and report back as messages.
//!
//! 1. A failure of a child, its start included, never fails the supervisor itself.
//! 2. An end is believed only of the child's current incarnation, a start order only of its current group: what is
//!    stale is ignored.
//! 3. A child is started again only after its last incarnation has ended.

mod failure;
mod live;
mod order;
mod stop;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ractor::{ActorCell, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::background::Background;
use crate::error::{ActorError, ControlError};
use crate::event::{EventKind, EventSink};
use crate::health::{ActorState, Cause};
use crate::node::Tenure;
use crate::seat::{Key, Seat};
use crate::spec::{ChildSpec, Config};
use crate::worker::{StartContext, await_predecessor};

use failure::Ending;
use live::{Group, Live};

pub(crate) type Answer = oneshot::Sender<Result<(), ControlError>>;

/// What an administrator, or the owner of the tree, wants of one child.
pub(crate) enum Order {
    Kill(Arc<str>),
    Restart(Arc<str>),
    Release,
    Remove(Instant),
}

pub(crate) enum Control {
    Add {
        spec: Box<ChildSpec>,
        answer: Answer,
    },
    Order {
        name: Arc<str>,
        order: Order,
        answer: Answer,
    },
    Close {
        deadline: Instant,
    },
    /// All children have ended.
    Closed,
    /// Start those of the keys that still wait for this group.
    StartGroup {
        group: Group,
        keys: Vec<Key>,
    },
    /// A supervisor below counted a failure.
    DescendantFailed(Cause),
}

/// How a supervisor that gave up ends; tells its parent the failure that was one too many.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct GaveUp(Cause);

pub(crate) struct Supervisor {
    config: Arc<Config>,
    seat: Arc<Seat>,
    path: Arc<str>,
    events: EventSink,
    is_root: bool,
}

pub(crate) async fn start(
    config: Arc<Config>,
    seat: Arc<Seat>,
    cx: StartContext,
) -> Result<ActorCell, ActorError> {
    await_predecessor(seat.node()).await?;
    let events = config.events.clone().unwrap_or(cx.events);
    let supervisor = Supervisor { config, seat, path: cx.path, events, is_root: false };
    let (actor, _join) = ractor::Actor::spawn_linked(None, supervisor, (), cx.supervisor).await?;
    Ok(actor.get_cell())
}

pub(crate) async fn start_root(config: Arc<Config>, seat: Arc<Seat>) -> Result<(), ActorError> {
    let events = config.events.clone().unwrap_or_default();
    let path = seat.name().clone();
    let supervisor = Supervisor { config, seat, path, events, is_root: true };
    ractor::Actor::spawn(None, supervisor, ()).await?;
    Ok(())
}

impl ractor::Actor for Supervisor {
    type Msg = Control;
    type State = Live;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Control>, _arguments: ()) -> Result<Live, ActorProcessingErr> {
        let node = self.seat.node();
        node.set_path(&self.path);
        node.set_state(ActorState::Starting);
        let tenure = Tenure { cell: myself.get_cell(), background: Background::new() };
        let incarnation = node.take_over(tenure);
        let mut live = Live::new(self, myself);
        live.start_all().await;
        self.events.emit(&self.path, EventKind::Started { incarnation });
        Ok(live)
    }

    async fn post_start(
        &self,
        _myself: ActorRef<Control>,
        _live: &mut Live,
    ) -> Result<(), ActorProcessingErr> {
        self.seat.node().advance_state(ActorState::Starting, ActorState::Running);
        Ok(())
    }

    /// Boxed whole: starting a child is rare, and its future would else be held in every idle supervisor, twice.
    fn handle(
        &self,
        myself: ActorRef<Control>,
        control: Control,
        live: &mut Live,
    ) -> impl Future<Output = Result<(), ActorProcessingErr>> + Send {
        Box::pin(async move {
            match control {
                Control::Add { spec, answer } => live.add(*spec, answer).await,
                Control::Order { name, order, answer } => live.carry_out(&name, order, answer),
                Control::Close { deadline } => live.close(deadline),
                Control::StartGroup { group, keys } => live.start_group(group, keys).await,
                Control::DescendantFailed(cause) => live.descendant_failed(cause),
                Control::Closed => return self.end(&myself, live),
            }
            Ok(())
        })
    }

    async fn handle_supervisor_evt(
        &self,
        _myself: ActorRef<Control>,
        event: SupervisionEvent,
        live: &mut Live,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorTerminated(cell, state, reason) => {
                // The state is the child's; a panic in its destructor must not become ours.
                if catch_unwind(AssertUnwindSafe(|| drop(state))).is_err() {
                    tracing::error!(actor.path = %self.path, "destructor of a child's state panicked");
                }
                live.ended(cell.get_id(), Ending::from_reason(reason));
            }
            SupervisionEvent::ActorFailed(cell, error) => {
                live.ended(cell.get_id(), Ending::from_error(&error));
            }
            _ => {}
        }
        Ok(())
    }
}

impl Supervisor {
    /// All children have ended: end too, as a failure if it was too many failures that led here.
    fn end(&self, myself: &ActorRef<Control>, live: &mut Live) -> Result<(), ActorProcessingErr> {
        if self.is_root {
            self.seat.node().vacate(ActorState::Stopped);
            self.events.emit(&self.path, EventKind::Stopped);
        }
        match live.gave_up() {
            Some(cause) => Err(GaveUp(cause).into()),
            None => {
                myself.stop(None);
                Ok(())
            }
        }
    }
}
