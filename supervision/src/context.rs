//! What an actor can do about itself: its address, timers, work outside the handler, its end.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ractor::ActorCell;

use crate::background::{Background, Task, TooManyTasks};
use crate::envelope::{Envelope, Wire};
use crate::event::{EventKind, EventSink};
use crate::health::ActorState;
use crate::message::Message;
use crate::node::Node;
use crate::port::Port;

/// Handed to every hook of an actor; belongs to one incarnation.
pub struct Context<M: Message> {
    pub(crate) port: Port<M>,
    pub(crate) path: Arc<str>,
    pub(crate) incarnation: u64,
    pub(crate) cell: ActorCell,
    pub(crate) background: Background,
    pub(crate) events: EventSink,
    pub(crate) live_deferred: AtomicBool,
}

impl<M: Message> Context<M> {
    /// The actor's own stable address.
    #[must_use]
    pub fn port(&self) -> &Port<M> {
        &self.port
    }

    /// The actor's path in its tree.
    #[must_use]
    pub fn path(&self) -> &Arc<str> {
        &self.path
    }

    /// The number of this life, one for the first.
    #[must_use]
    pub fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// Keeps the actor `recovering` after `recover` returns, until `mark_live`; for state that arrives as messages.
    pub fn defer_live(&self) {
        self.live_deferred.store(true, Ordering::Relaxed);
    }

    /// Declares the state loaded. Happens by itself after `recover`, unless deferred.
    pub fn mark_live(&self) {
        if self.port.node().advance_state(ActorState::Recovering, ActorState::Running) {
            self.events.emit(&self.path, EventKind::Recovered { incarnation: self.incarnation });
        }
    }

    /// Ends the actor gracefully after the current message; what waits is dropped. A permanent actor comes back.
    pub fn stop_self(&self) {
        self.cell.stop(None);
    }

    /// Sends a message to this incarnation after a while; it dies with the incarnation.
    pub fn send_self_after(&self, delay: Duration, message: M) -> Result<Task, TooManyTasks> {
        let home = self.home();
        self.background.spawn(async move {
            tokio::time::sleep(delay).await;
            home.deliver(message);
        })
    }

    /// Runs a future outside the handler and sends its output to this incarnation as a message. Aborted when the actor
    /// ends; a panic in it fails the actor.
    pub fn pipe<F, Map>(&self, future: F, map: Map) -> Result<Task, TooManyTasks>
    where
        F: Future + Send + 'static,
        Map: FnOnce(F::Output) -> M + Send + 'static,
    {
        let home = self.home();
        self.background.spawn(async move {
            let watch = PanicWatch(&home);
            let output = future.await;
            let message = map(output);
            drop(watch);
            home.deliver(message);
        })
    }

    fn home(&self) -> Home<M> {
        Home { cell: self.cell.clone(), node: self.port.node().clone(), takes: std::marker::PhantomData }
    }
}

/// The way back to one incarnation; unlike a port it never reaches the next one.
struct Home<M> {
    cell: ActorCell,
    node: Arc<Node>,
    takes: std::marker::PhantomData<fn(M)>,
}

impl<M: Message> Home<M> {
    /// An ended incarnation needs no message, so a failure to send is no loss.
    fn deliver(&self, message: M) {
        let envelope = Envelope::new(message, self.node.admit_notice());
        drop(self.cell.send_message(Wire::Work(envelope)));
    }
}

struct PanicWatch<'a, M: Message>(&'a Home<M>);

impl<M: Message> Drop for PanicWatch<'_, M> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            drop(self.0.cell.send_message(Wire::<M>::PipePanicked));
        }
    }
}
