//! The workers of a pool: each has a thread and keeps it busy.

use std::sync::Arc;

use ractor::factory::{FactoryMessage, Job, Worker, WorkerBuilder, WorkerId};
use ractor::{ActorProcessingErr, ActorRef};
use tokio::time::Instant;

use crate::node::Node;

use super::thread::ComputeThread;
use super::{TurnKey, Work};

/// Makes workers, and new ones for those that ended.
pub(crate) struct Workers {
    pub(crate) node: Arc<Node>,
}

/// One worker.
pub(crate) struct PoolWorker {
    node: Arc<Node>,
}

impl WorkerBuilder<PoolWorker, ()> for Workers {
    fn build(&mut self, _id: WorkerId) -> (PoolWorker, ()) {
        (PoolWorker { node: self.node.clone() }, ())
    }
}

impl Worker for PoolWorker {
    type Key = TurnKey;
    type Message = Work;
    type Arguments = ();
    type State = ComputeThread;

    async fn pre_start(
        &self,
        id: WorkerId,
        _factory: &ActorRef<FactoryMessage<TurnKey, Work>>,
        (): (),
    ) -> Result<ComputeThread, ActorProcessingErr> {
        Ok(ComputeThread::start(format!("compute-{id}"))?)
    }

    async fn handle(
        &self,
        _id: WorkerId,
        _factory: &ActorRef<FactoryMessage<TurnKey, Work>>,
        job: Job<TurnKey, Work>,
        thread: &mut ComputeThread,
    ) -> Result<TurnKey, ActorProcessingErr> {
        let Work { kind, run, enqueued_at, permit } = job.msg;
        let now = Instant::now();
        self.node.begin(kind, now.saturating_duration_since(enqueued_at), now);
        let ended = thread.run(run).await;
        drop(permit);
        self.node.finish(now.elapsed());
        if let Err(panicked) = ended {
            self.node.note_failure(panicked.to_string().into());
            return Err(panicked.into());
        }
        Ok(job.key)
    }
}
