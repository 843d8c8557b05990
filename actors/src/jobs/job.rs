//! One computation, from its request to its end.

use super::{JobOrder, KeeperMsg};
use crate::clock;
use bulkhead_domain::{TenantId, Timestamp, UserId};
use bulkhead_quant::QuantError;
use bulkhead_supervision::Port;
use serde_json::{Map, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use tokio::sync::watch;
use uuid::Uuid;

/// Names a job; sorts by age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub Uuid);

/// What a computation came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// The answer, as it is shown.
    pub body: Map<String, Value>,
    /// Parameters that are to be kept.
    pub fit: Option<Fit>,
}

/// Calibrated parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    pub model: &'static str,
    pub underlying: String,
    pub parameters: Value,
    pub quality: Value,
}

/// Why a job has no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum JobFailure {
    /// The question has none.
    #[error(transparent)]
    Refused(#[from] QuantError),
    /// The computation did not run to its end, for a fault of ours or because the node stops.
    #[error("the computation was interrupted")]
    Interrupted,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq)]
pub struct End {
    pub at: Timestamp,
    pub result: Result<Arc<Map<String, Value>>, JobFailure>,
}

/// Where a job is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Queued,
    Running,
    Done,
    Failed,
    Cancelled,
}

/// A job. Shared by who waits for it and who computes it.
#[derive(Debug)]
pub struct Job {
    pub id: JobId,
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub kind: &'static str,
    pub created_at: Timestamp,
    is_cancelled: AtomicBool,
    is_running: AtomicBool,
    /// The bits of a number from zero to one.
    progress: AtomicU64,
    end: watch::Sender<Option<End>>,
}

/// What a running computation can see and say.
pub struct JobRun<'a>(&'a Job);

/// The right to end a job. A job whose computation is dropped or panics is interrupted.
pub(super) struct Completion {
    job: Arc<Job>,
    keeper: Port<KeeperMsg>,
}

impl Job {
    pub(super) fn new(order: JobOrder, now: Timestamp) -> Self {
        let JobOrder { tenant_id, user_id, kind } = order;
        Self {
            id: JobId(Uuid::now_v7()),
            tenant_id,
            user_id,
            kind,
            created_at: now,
            is_cancelled: AtomicBool::new(false),
            is_running: AtomicBool::new(false),
            progress: AtomicU64::new(0),
            end: watch::Sender::new(None),
        }
    }

    /// Asks it to end. It does when it would next look, or when it is its turn.
    pub fn cancel(&self) {
        self.is_cancelled.store(true, Relaxed);
    }

    /// Whether it was asked to end.
    pub fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Relaxed)
    }

    /// How far it is, from zero to one.
    pub fn progress(&self) -> f64 {
        f64::from_bits(self.progress.load(Relaxed))
    }

    /// How it ended, if it has.
    pub fn end(&self) -> Option<End> {
        self.end.borrow().clone()
    }

    /// Where it is in its life.
    pub fn phase(&self) -> Phase {
        match &*self.end.borrow() {
            None if self.is_running.load(Relaxed) => Phase::Running,
            None => Phase::Queued,
            Some(End { result: Ok(_), .. }) => Phase::Done,
            Some(End { result: Err(JobFailure::Refused(QuantError::Cancelled)), .. }) => Phase::Cancelled,
            Some(End { result: Err(_), .. }) => Phase::Failed,
        }
    }

    /// Returns when it has ended. The caller brings the deadline.
    pub async fn ended(&self) -> End {
        let mut end = self.end.subscribe();
        let ended = end.wait_for(Option::is_some).await.map(|end| end.clone());
        ended.ok().flatten().expect("the sender is the job's own and outlives this call")
    }

    pub(super) fn has_ended(&self) -> bool {
        self.end.borrow().is_some()
    }

    pub(super) fn ended_at(&self) -> Option<Timestamp> {
        self.end.borrow().as_ref().map(|end| end.at)
    }

    /// Ends it; the first end stays.
    pub(super) fn finish(&self, result: Result<Arc<Map<String, Value>>, JobFailure>) {
        let end = End { at: clock::now(), result };
        self.end.send_if_modified(|current| {
            let is_first = current.is_none();
            if is_first {
                *current = Some(end);
            }
            is_first
        });
    }
}

impl JobRun<'_> {
    /// Whether nobody wants the answer any more.
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Says how far the computation is, from zero to one.
    pub fn report(&self, progress: f64) {
        self.0.progress.store(progress.clamp(0.0, 1.0).to_bits(), Relaxed);
    }
}

impl Completion {
    pub(super) fn new(job: Arc<Job>, keeper: Port<KeeperMsg>) -> Self {
        Self { job, keeper }
    }

    /// Computes. Parameters that are to be kept end the job when they are.
    pub(super) fn run(self, work: impl FnOnce(&JobRun<'_>) -> Result<Output, QuantError>) {
        if self.job.is_cancelled() {
            return self.job.finish(Err(QuantError::Cancelled.into()));
        }
        self.job.is_running.store(true, Relaxed);
        match work(&JobRun(&self.job)) {
            Ok(Output { body, fit: None }) => self.job.finish(Ok(Arc::new(body))),
            Ok(Output { body, fit: Some(fit) }) => self.keep(body, fit),
            Err(error) => self.job.finish(Err(error.into())),
        }
    }

    fn keep(self, body: Map<String, Value>, fit: Fit) {
        let keeper = self.keeper.clone();
        let message = KeeperMsg::Keep(Box::new(Kept { completion: self, body, fit }));
        if let Err(refused) = keeper.send(message, None)
            && let KeeperMsg::Keep(kept) = refused.message
        {
            kept.finish(None);
        }
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        self.job.finish(Err(JobFailure::Interrupted));
    }
}

/// An answer whose parameters are on their way to the database.
pub(crate) struct Kept {
    completion: Completion,
    body: Map<String, Value>,
    pub(super) fit: Fit,
}

impl Kept {
    pub(super) fn job(&self) -> &Job {
        &self.completion.job
    }

    /// Ends the job; `id` is what its parameters are kept under, nothing if they could not be.
    pub(super) fn finish(mut self, id: Option<Uuid>) {
        self.body.insert("kept_as".to_owned(), id.map_or(Value::Null, |id| Value::String(id.to_string())));
        self.completion.job.finish(Ok(Arc::new(std::mem::take(&mut self.body))));
    }
}
