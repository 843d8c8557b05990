//! Ending children in order: asked by their policy, killed when their time is up. Runs beside the supervisor.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ractor::ActorCell;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::health::ActorState;
use crate::node::Node;
use crate::seat::Seat;
use crate::spec::{ChildSpec, Shutdown};

use super::Control;

/// How long a killed child is waited for. Only a handler that blocks its thread takes longer.
pub(super) const KILLED_WAIT_MAX: Duration = Duration::from_secs(1);
/// What a supervisor gets beyond its children's deadline, to hear of their ends and end itself.
const OWN_END: Duration = Duration::from_millis(200);

/// One child on its way out.
pub(super) struct Leaving {
    cell: ActorCell,
    shutdown: Shutdown,
    node: Arc<Node>,
    seat: Option<Arc<Seat>>,
}

impl Leaving {
    pub(super) fn new(cell: ActorCell, spec: &ChildSpec) -> Self {
        Self { cell, shutdown: spec.shutdown, node: spec.node.clone(), seat: spec.seat.clone() }
    }
}

/// Ends them in the order given, at most `width` at a time.
pub(super) async fn stop_all(leaving: Vec<Leaving>, width: usize, deadline: Option<Instant>) {
    let mut waiting = VecDeque::from(leaving);
    let mut ending = JoinSet::new();
    while let Some(next) = waiting.pop_front() {
        if width == 1 {
            stop_one(next, deadline).await;
            continue;
        }
        if ending.len() >= width {
            drop(ending.join_next().await);
        }
        ending.spawn(stop_one(next, deadline));
    }
    while ending.join_next().await.is_some() {}
}

pub(super) async fn stop_one(leaving: Leaving, deadline: Option<Instant>) {
    let Leaving { cell, shutdown, node, seat } = leaving;
    let patience = match shutdown {
        Shutdown::Drain(patience) | Shutdown::Stop(patience) => patience,
        Shutdown::Kill => Duration::ZERO,
    };
    let own = Instant::now() + patience;
    let mut until = deadline.map_or(own, |deadline| deadline.min(own));
    if !node.advance_state(ActorState::Running, ActorState::Draining) {
        node.advance_state(ActorState::Recovering, ActorState::Draining);
    }
    match (shutdown, seat) {
        (Shutdown::Kill, _) => cell.kill(),
        (_, Some(seat)) => {
            // A supervisor that takes no control messages has ended or is about to.
            drop(seat.control(Control::Close { deadline: until }));
            until += OWN_END;
        }
        // Draining an actor that has ended fails, and needs nothing more.
        (Shutdown::Drain(_), None) => drop(cell.drain()),
        (Shutdown::Stop(_), None) => cell.stop(None),
    }
    if timeout_at(until, cell.wait(None)).await.is_ok() {
        return;
    }
    cell.kill();
    if cell.wait(Some(KILLED_WAIT_MAX)).await.is_err() {
        tracing::error!(actor.path = %node.path_str(), "a killed actor still blocks its thread");
    }
}
