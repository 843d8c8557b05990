//! The address of an actor: bounded, stable across restarts, usable before the actor exists.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, timeout_at};

use crate::envelope::{Envelope, Fault, Wire};
use crate::error::{CallError, Refused, SendError, Unknown};
use crate::health::{ActorState, Health, NodeKind};
use crate::message::Message;
use crate::node::Node;
use crate::reply::{Reply, RevokeOnDrop, Ticket};

/// How much may wait at a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PortLimits {
    /// Normal messages waiting or being handled.
    pub normal: u32,
    /// The reserve of urgent messages, beside the normal ones.
    pub urgent: u32,
    /// Normal messages waiting while the actor recovers.
    pub recovering: u32,
}

impl Default for PortLimits {
    fn default() -> Self {
        Self { normal: 1024, urgent: 64, recovering: 256 }
    }
}

/// The address of an actor that takes messages of type `M`. Clones are the same address.
pub struct Port<M> {
    node: Arc<Node>,
    takes: PhantomData<fn(M)>,
}

impl<M> Clone for Port<M> {
    fn clone(&self) -> Self {
        Self { node: self.node.clone(), takes: PhantomData }
    }
}

impl<M> std::fmt::Debug for Port<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Port").field(&self.node.path_str()).finish()
    }
}

impl<M: Message> Port<M> {
    /// Makes a port for an actor to come. Give it the path the actor will have in its tree.
    #[must_use]
    pub fn new(path: impl Into<Arc<str>>, limits: PortLimits) -> Self {
        let node = Node::new(NodeKind::Worker, limits);
        node.set_path(&path.into());
        Self { node, takes: PhantomData }
    }

    /// Sends without waiting. Accepted means queued, not handled: it is lost if the actor ends first.
    pub fn send(&self, message: M, deadline: Option<Instant>) -> Result<(), SendError<M>> {
        self.admit(message, deadline, None)
    }

    /// Sends an internal acknowledgement, which is never refused for want of permits. Only for messages whose number is
    /// bounded by what the receiver itself has in flight with the sender.
    pub fn notify(&self, message: M) -> Result<(), SendError<M>> {
        self.deliver(Envelope::new(message, self.node.admit_notice()))
    }

    /// Sends a message with a reply in it and waits for the answer.
    pub async fn call<R: Send + 'static>(
        &self,
        timeout: Duration,
        make: impl FnOnce(Reply<R>) -> M,
    ) -> Result<R, CallError> {
        let deadline = Instant::now() + timeout;
        let ticket = Ticket::new();
        let (reply, answer) = Reply::channel();
        self.admit(make(reply), Some(deadline), Some(ticket.clone()))
            .map_err(|error| CallError::NotDelivered(error.reason))?;
        let ticket = RevokeOnDrop(ticket);
        let waited = timeout_at(deadline, answer).await;
        match waited {
            Ok(Ok(answer)) => Ok(answer),
            // The order of evaluation matters: revoking is what makes "not delivered" true.
            Ok(Err(_)) if ticket.0.revoke() => {
                let late = Instant::now() >= deadline;
                Err(CallError::NotDelivered(if late { Refused::Expired } else { Refused::Dropped }))
            }
            Ok(Err(_)) => Err(CallError::OutcomeUnknown(Unknown::ReplyDropped)),
            Err(_) if ticket.0.revoke() => Err(CallError::NotDelivered(Refused::Expired)),
            Err(_) => Err(CallError::OutcomeUnknown(Unknown::Timeout)),
        }
    }

    /// Makes the running actor fail, for tests of failure.
    pub fn inject(&self, fault: Fault) -> Result<(), Refused> {
        self.node.push(Wire::<M>::Fault(fault)).map_err(|_| self.node.count_refusal())
    }

    /// Messages waiting or being handled.
    #[must_use]
    pub fn depth(&self) -> u64 {
        self.node.depth()
    }

    /// The path given to `new`.
    #[must_use]
    pub fn path(&self) -> &str {
        self.node.path_str()
    }

    /// Where the actor is in its life.
    #[must_use]
    pub fn state(&self) -> ActorState {
        self.node.state()
    }

    /// How often the actor was started; zero before the first time.
    #[must_use]
    pub fn incarnation(&self) -> u64 {
        self.node.incarnation()
    }

    /// A snapshot of everything counted here.
    #[must_use]
    pub fn health(&self) -> Health {
        self.node.health(self.node.path())
    }

    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.node
    }

    fn admit(
        &self,
        message: M,
        deadline: Option<Instant>,
        ticket: Option<Ticket>,
    ) -> Result<(), SendError<M>> {
        match self.node.admit(message.class()) {
            Ok(permit) => self.deliver(Envelope { deadline, ticket, ..Envelope::new(message, permit) }),
            Err(reason) => Err(SendError { reason, message }),
        }
    }

    fn deliver(&self, envelope: Envelope<M>) -> Result<(), SendError<M>> {
        match self.node.push(Wire::Work(envelope)) {
            Ok(()) => Ok(()),
            Err(Wire::Work(envelope)) => {
                Err(SendError { reason: self.node.count_refusal(), message: envelope.message })
            }
            Err(Wire::Fault(_) | Wire::PipePanicked) => unreachable!("what comes back is what was pushed"),
        }
    }
}
