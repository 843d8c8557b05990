//! Every way a message, a start or a control request can fail. What never started and what may have happened are
//! different types, because only the first may be tried again.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Why an actor fails itself: returned from a handler it means "my state may be wrong, restart me".
pub type ActorError = Box<dyn std::error::Error + Send + Sync>;

const RETRY_OVERLOADED: Duration = Duration::from_millis(100);
const RETRY_RECOVERING: Duration = Duration::from_secs(1);

/// The message was certainly never handled, and never will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refused {
    /// All permits of the message's class are taken.
    #[error("the actor has too much waiting")]
    Overloaded,
    /// The actor is starting, loading its state or about to be restarted.
    #[error("the actor is recovering")]
    Recovering,
    /// The actor is stopped or quarantined.
    #[error("the actor is stopped")]
    Stopped,
    /// The deadline passed before work started.
    #[error("the deadline passed before work started")]
    Expired,
    /// The actor ended, or dropped the message, before work started.
    #[error("the message was dropped before work started")]
    Dropped,
}

impl Refused {
    /// When it makes sense to try again, if it does.
    #[must_use]
    pub fn retry_after(self) -> Option<Duration> {
        match self {
            Self::Overloaded | Self::Expired => Some(RETRY_OVERLOADED),
            Self::Recovering | Self::Dropped => Some(RETRY_RECOVERING),
            Self::Stopped => None,
        }
    }
}

/// A message that was not accepted, given back with the reason.
pub struct SendError<M> {
    /// Why it was refused: overloaded, recovering or stopped.
    pub reason: Refused,
    /// The message, untouched.
    pub message: M,
}

impl<M> fmt::Debug for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").field("reason", &self.reason).finish_non_exhaustive()
    }
}

impl<M> fmt::Display for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl<M> std::error::Error for SendError<M> {}

/// Work started, its result was not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Unknown {
    /// The time was up while the actor, or whom it passed the reply to, was at work.
    #[error("timed out after work had started")]
    Timeout,
    /// The reply was dropped after work had started, for instance by a crash.
    #[error("the reply was dropped after work had started")]
    ReplyDropped,
}

/// Why a call has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CallError {
    /// Certainly not started, and it never will be: safe to try again.
    #[error("not delivered: {0}")]
    NotDelivered(Refused),
    /// May have happened: never to be repeated blindly.
    #[error("outcome unknown: {0}")]
    OutcomeUnknown(Unknown),
}

/// Why a tree could not be started at all.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A name is empty, contains a slash, or occurs twice under one supervisor.
    #[error("child names must be unique, not empty and without a slash: {0:?}")]
    InvalidName(Arc<str>),
    /// The supervisor itself did not start.
    #[error("the supervisor did not start: {0}")]
    Spawn(Arc<str>),
}

/// Why a control request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// No node has this path or name.
    #[error("no such node")]
    NotFound,
    /// The supervisor already has a child of this name.
    #[error("a child of this name exists")]
    AlreadyExists,
    /// A name is empty, contains a slash, or occurs twice under one supervisor.
    #[error("child names must be unique, not empty and without a slash: {0:?}")]
    InvalidName(Arc<str>),
    /// The child has ended, is quarantined, or is being removed.
    #[error("the child is not running")]
    NotRunning,
    /// Only a quarantined child can be released.
    #[error("the child is not quarantined")]
    NotQuarantined,
    /// The supervisor that would carry this out is stopping, restarting or stopped.
    #[error("the supervisor is not running")]
    SupervisorDown,
    /// The request was accepted but did not finish in time.
    #[error("timed out")]
    TimedOut,
}
