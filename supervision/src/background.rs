//! Tasks that belong to somebody: bounded in number and aborted when their owner ends. The only place of the workspace
//! that spawns tasks.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::{AbortHandle, JoinSet};

/// Most timers and pipes one owner may have running at a time.
pub const TASKS_MAX: usize = 1024;

/// The owner has `TASKS_MAX` tasks running, or has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no more background tasks may be started")]
pub struct TooManyTasks;

/// One running task; dropping this does not end it.
#[derive(Debug, Clone)]
pub struct Task(AbortHandle);

impl Task {
    /// Ends the task at its next await, if it has not finished.
    pub fn cancel(&self) {
        self.0.abort();
    }
}

/// A set of tasks with a common end; a clone is the same set.
#[derive(Debug, Clone, Default)]
pub struct Background {
    tasks: Arc<Mutex<Tasks>>,
}

/// Made when the first task starts, because most actors never have one.
#[derive(Debug, Default)]
struct Tasks {
    running: Option<JoinSet<()>>,
    closed: bool,
}

impl Background {
    /// Makes an empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs a future beside its owner.
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> Result<Task, TooManyTasks> {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        if tasks.closed {
            return Err(TooManyTasks);
        }
        let running = tasks.running.get_or_insert_with(JoinSet::new);
        while running.try_join_next().is_some() {}
        if running.len() >= TASKS_MAX {
            return Err(TooManyTasks);
        }
        Ok(Task(running.spawn(future)))
    }

    /// Aborts everything and refuses what comes later.
    pub fn close(&self) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.closed = true;
        let ended = tasks.running.take();
        // The futures' destructors may come back here; they must not find the lock taken.
        drop(tasks);
        drop(ended);
    }

    /// How many tasks are running.
    #[must_use]
    pub fn running(&self) -> usize {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(running) = &mut tasks.running else { return 0 };
        while running.try_join_next().is_some() {}
        running.len()
    }
}

/// Closes the set when its owner is dropped, however the owner ended.
#[derive(Debug)]
pub(crate) struct CloseOnDrop(pub(crate) Background);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Runs a supervisor's own helper, which is bounded by deadlines of its own.
pub(crate) fn spawn_helper(future: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(future));
}
