//! The reply to a call, and the ticket that decides, once, between "work started" and "work will never start".
//!
//! 1. A ticket leaves `WAITING` exactly once, to `STARTED` (by the actor) or to `REVOKED` (by the caller giving up, or
//!    by the actor finding the deadline passed).
//! 2. A revoked message is never handled, so a caller that revoked may say "not delivered" with certainty.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::oneshot;

const WAITING: u8 = 0;
const STARTED: u8 = 1;
const REVOKED: u8 = 2;

/// Where an actor sends the answer to one call.
#[derive(Debug)]
pub struct Reply<R>(oneshot::Sender<R>);

impl<R> Reply<R> {
    /// Makes a reply and the receiver of its answer, for messages sent without `Port::call`.
    #[must_use]
    pub fn channel() -> (Self, oneshot::Receiver<R>) {
        let (sender, receiver) = oneshot::channel();
        (Self(sender), receiver)
    }

    /// Sends the answer; a caller that has left does not matter to the actor.
    pub fn send(self, answer: R) {
        drop(self.0.send(answer));
    }

    /// Tells whether nobody waits for the answer any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

/// Shared by the envelope and the caller, see the module's rules.
#[derive(Debug, Clone)]
pub(crate) struct Ticket(Arc<AtomicU8>);

impl Ticket {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicU8::new(WAITING)))
    }

    /// Claims the message for handling; false when the caller has given up.
    pub(crate) fn start(&self) -> bool {
        self.leave_waiting(STARTED)
    }

    /// Makes sure the message is never handled; false when work had started.
    pub(crate) fn revoke(&self) -> bool {
        self.leave_waiting(REVOKED) || self.0.load(Ordering::Acquire) == REVOKED
    }

    fn leave_waiting(&self, to: u8) -> bool {
        self.0.compare_exchange(WAITING, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// Revokes the ticket when the caller's future is dropped, so that work nobody waits for is not begun.
pub(crate) struct RevokeOnDrop(pub(crate) Ticket);

impl Drop for RevokeOnDrop {
    fn drop(&mut self) {
        self.0.revoke();
    }
}
