//! Computations that tenants ask for: what waits, what runs, how far it is, and what came out.
//!
//! 1. A computation runs on the node's pool and never on a thread that serves requests.
//! 2. Tenants take turns, and one of them has [`PENDING_PER_TENANT_MAX`] waiting or running at most.
//! 3. What came out is kept for [`KEPT`], in memory: after a restart a job is no longer known, and can be asked for
//!    again, since it had no effect but the parameters it kept.

mod board;
mod job;
mod keeper;

pub use job::{End, Fit, Job, JobFailure, JobId, JobRun, Output, Phase};
pub(crate) use keeper::{JobKeeper, KeeperMsg, LIMITS as KEEPER_LIMITS};

use crate::clock;
use crate::failure::Unavailable;
use board::Board;
use bulkhead_domain::{TenantId, UserId};
use bulkhead_quant::QuantError;
use bulkhead_supervision::{ComputePool, Port};
use job::Completion;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;
use std::time::Duration;

/// Computations that wait or run, of all tenants together.
pub const PENDING_MAX: u32 = 256;
/// Of these, as many as one tenant may have.
pub const PENDING_PER_TENANT_MAX: usize = 16;
/// For how long what came out can be asked for.
pub const KEPT: Duration = Duration::from_secs(3600);
/// Results kept of one tenant; beyond that the oldest goes.
pub const KEPT_PER_TENANT_MAX: usize = 128;
/// Results kept in all; beyond that the oldest goes.
pub const KEPT_MAX: usize = 4_096;

/// Why a computation was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The tenant has as many waiting as it may.
    #[error("{PENDING_PER_TENANT_MAX} computations of the tenant are waiting or running")]
    TooManyJobs,
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Who asks for what.
#[derive(Debug, Clone, Copy)]
pub struct JobOrder {
    pub tenant_id: TenantId,
    pub user_id: UserId,
    /// What it is called where jobs and the pool are shown.
    pub kind: &'static str,
}

/// The address of the node's computations, made before the node. Clones are the same address.
#[derive(Clone)]
pub struct Jobs {
    pool: ComputePool,
    keeper: Port<KeeperMsg>,
    board: Arc<Mutex<Board>>,
}

impl Jobs {
    /// An address with nothing behind it until a node was started with it. Half of the cores compute.
    #[must_use]
    pub fn new() -> Self {
        let cores = available_parallelism().map_or(1, NonZeroUsize::get);
        let width = NonZeroUsize::new(cores / 2).unwrap_or(NonZeroUsize::MIN);
        Self {
            pool: ComputePool::new("node/compute", width, PENDING_MAX),
            keeper: Port::new("node/jobs", KEEPER_LIMITS),
            board: Arc::default(),
        }
    }

    /// Takes a computation. It runs when it is its tenant's turn, and goes on whoever still waits for it.
    ///
    /// # Errors
    /// When there is no room; then nothing of `work` ran.
    pub fn submit(
        &self,
        order: JobOrder,
        work: impl FnOnce(&JobRun<'_>) -> Result<Output, QuantError> + Send + 'static,
    ) -> Result<Arc<Job>, SubmitError> {
        let job = Arc::new(Job::new(order, clock::now()));
        self.board().add(job.clone())?;
        let completion = Completion::new(job.clone(), self.keeper.clone());
        let submitted = self.pool.run(order.tenant_id.0.as_u128(), order.kind, move || completion.run(work));
        if let Err(refused) = submitted {
            self.board().remove(&job);
            return Err(SubmitError::Unavailable(refused.into()));
        }
        Ok(job)
    }

    /// Lets go of a job whose end was told to whoever asked for it: its place is for those that are asked about later.
    pub fn forget(&self, job: &Job) {
        self.board().remove(job);
    }

    /// A job of the tenant.
    #[must_use]
    pub fn find(&self, tenant_id: TenantId, id: JobId) -> Option<Arc<Job>> {
        self.board().find(tenant_id, id)
    }

    /// The jobs of the tenant, newest first.
    #[must_use]
    pub fn list(&self, tenant_id: TenantId) -> Vec<Arc<Job>> {
        self.board().list(tenant_id)
    }

    pub(crate) fn pool(&self) -> &ComputePool {
        &self.pool
    }

    pub(crate) fn keeper(&self) -> &Port<KeeperMsg> {
        &self.keeper
    }

    /// Forgets what ended longer ago than results are kept.
    pub(crate) fn sweep(&self) {
        self.board().forget_ended_before(clock::now().plus_micros(-micros(KEPT)));
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Jobs {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Jobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jobs").field("pool", &self.pool).finish_non_exhaustive()
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
