//! What travels through an actor's mailbox.

use std::time::Duration;

use tokio::time::Instant;
use tracing::Span;

use crate::node::Permit;
use crate::reply::Ticket;

/// A fault to be injected into a running actor, in the order of its mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The handler panics.
    Panic,
    /// The handler returns an error.
    Error,
    /// The handler does nothing for this long.
    Stall(Duration),
}

pub(crate) enum Wire<M> {
    Work(Envelope<M>),
    Fault(Fault),
    /// A piped future panicked: its answer will never come, so its actor cannot go on as if nothing happened.
    PipePanicked,
}

pub(crate) struct Envelope<M> {
    pub(crate) message: M,
    pub(crate) deadline: Option<Instant>,
    pub(crate) enqueued_at: Instant,
    pub(crate) ticket: Option<Ticket>,
    pub(crate) span: Span,
    pub(crate) permit: Permit,
}

impl<M> Envelope<M> {
    pub(crate) fn new(message: M, permit: Permit) -> Self {
        Self {
            message,
            deadline: None,
            enqueued_at: Instant::now(),
            ticket: None,
            span: Span::current(),
            permit,
        }
    }
}
