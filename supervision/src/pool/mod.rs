//! A pool of threads for computations behind one bounded, fair queue: a factory of ractor's as a child of our
//! supervisors. An actor must not compute for long, since it would hold a thread that others need; it hands the work
//! to a pool.
//!
//! 1. What waits is bounded. Work that finds no room is refused and dropped before anything of it ran.
//! 2. Keys take turns: however much one key has waiting, the next one waits for one piece of its work at most.
//! 3. The threads run at the lowest priority, so that a flood of computations takes time from nobody else.
//! 4. Work that panics ends its worker, which is replaced; nothing else notices. Whoever waits for work must see it
//!    dropped, for instance by a sender that goes with it.

mod queue;
mod thread;
mod worker;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use ractor::factory::routing::QueuerRouting;
use ractor::factory::{Factory, FactoryArguments, FactoryMessage, Job, JobOptions};
use tokio::time::Instant;

use crate::background::Background;
use crate::error::{ActorError, Refused};
use crate::event::EventKind;
use crate::health::{ActorState, NodeKind};
use crate::message::Class;
use crate::node::{Node, Permit, Tenure};
use crate::port::PortLimits;
use crate::spec::{ChildSpec, Shutdown, Starting};
use crate::worker::{StartContext, await_predecessor};
use queue::FairQueue;
use worker::{PoolWorker, Workers};

/// How long a pool has to end what its threads compute; what is longer is left to itself.
const POOL_STOP: Duration = Duration::from_secs(1);

/// Whose turn it is: all work under one key shares one place in the round.
pub type TurnKey = u128;

type Wire = FactoryMessage<TurnKey, Work>;
type PoolFactory = Factory<TurnKey, Work, (), PoolWorker, QueuerRouting<TurnKey, Work>, FairQueue>;

/// One piece of work on its way.
pub(crate) struct Work {
    kind: &'static str,
    run: Box<dyn FnOnce() + Send>,
    enqueued_at: Instant,
    permit: Permit,
}

/// The address of a pool, made before it and valid across its restarts. Clones are the same address.
#[derive(Clone)]
pub struct ComputePool {
    node: Arc<Node>,
    width: NonZeroUsize,
}

impl ComputePool {
    /// Makes the address of a pool of `width` threads, with room for `waiting_max` pieces of work, those that run
    /// included. Give it the path the pool will have in its tree.
    #[must_use]
    pub fn new(path: impl Into<Arc<str>>, width: NonZeroUsize, waiting_max: u32) -> Self {
        let limits = PortLimits { normal: waiting_max, urgent: 0, recovering: waiting_max };
        let node = Node::new(NodeKind::Worker, limits);
        node.set_path(&path.into());
        Self { node, width }
    }

    /// Runs `work` on one of the threads when it is `key`'s turn. `kind` is what is shown of it.
    ///
    /// # Errors
    /// When the pool is full or not running; then `work` is dropped and was not started.
    pub fn run(
        &self,
        key: TurnKey,
        kind: &'static str,
        work: impl FnOnce() + Send + 'static,
    ) -> Result<(), Refused> {
        let permit = self.node.admit(Class::Normal)?;
        let msg = Work { kind, run: Box::new(work), enqueued_at: Instant::now(), permit };
        let job = Job { key, msg, options: JobOptions::new(None), accepted: None };
        self.node.push(Wire::Dispatch(job)).map_err(|_| self.node.count_refusal())
    }

    /// Pieces of work that wait or run.
    #[must_use]
    pub fn depth(&self) -> u64 {
        self.node.depth()
    }
}

impl std::fmt::Debug for ComputePool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ComputePool").field(&self.node.path_str()).finish()
    }
}

impl ChildSpec {
    /// The pool behind this address.
    pub fn pool(name: impl Into<Arc<str>>, pool: &ComputePool) -> Self {
        let node = pool.node.clone();
        let pool = pool.clone();
        let start = move |cx| -> Starting { Box::pin(start(pool.clone(), cx)) };
        Self::of_start(name.into(), node, Box::new(start)).shutdown(Shutdown::Stop(POOL_STOP))
    }
}

async fn start(pool: ComputePool, cx: StartContext) -> Result<ractor::ActorCell, ActorError> {
    await_predecessor(&pool.node).await?;
    pool.node.set_state(ActorState::Starting);
    let arguments = FactoryArguments::builder()
        .worker_builder(Box::new(Workers { node: pool.node.clone() }))
        .num_initial_workers(pool.width.get())
        .router(QueuerRouting::default())
        .queue(FairQueue::default())
        .build();
    let (factory, _join) =
        ractor::Actor::spawn_linked(None, PoolFactory::default(), arguments, cx.supervisor).await?;
    let cell = factory.get_cell();
    let incarnation = pool.node.take_over(Tenure { cell: cell.clone(), background: Background::new() });
    pool.node.advance_state(ActorState::Starting, ActorState::Running);
    cx.events.emit(&cx.path, EventKind::Started { incarnation });
    Ok(cell)
}

#[cfg(test)]
mod tests;
