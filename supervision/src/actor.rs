//! The trait every actor of the platform implements. One wrapper drives them all (see `worker.rs`), so that deadlines,
//! counters, spans and faults are the same for each.

use std::future::Future;

use crate::context::Context;
use crate::error::ActorError;
use crate::message::Message;

/// Something that owns state and handles one message at a time.
///
/// `self` is configuration; what changes lives in `State`. After a failure a new value and a new state are made: nothing
/// of a failed incarnation is used again.
pub trait Actor: Send + Sync + 'static {
    /// What it takes.
    type Msg: Message;
    /// What it owns.
    type State: Send + 'static;

    /// Makes the empty state. Must be quick and do no IO: its supervisor waits for it.
    fn init(&self, cx: &Context<Self::Msg>) -> impl Future<Output = Result<Self::State, ActorError>> + Send;

    /// Loads the state. May take long; the actor shows as recovering and its mailbox is the stash.
    fn recover(
        &self,
        _cx: &Context<Self::Msg>,
        _state: &mut Self::State,
    ) -> impl Future<Output = Result<(), ActorError>> + Send {
        async { Ok(()) }
    }

    /// Handles one message. A business "no" is an answer; an error means the state may be wrong and ends the incarnation.
    fn handle(
        &self,
        cx: &Context<Self::Msg>,
        message: Self::Msg,
        state: &mut Self::State,
    ) -> impl Future<Output = Result<(), ActorError>> + Send;

    /// Called when a handled message leaves nothing waiting, for instance to flush a batch.
    fn idle(
        &self,
        _cx: &Context<Self::Msg>,
        _state: &mut Self::State,
    ) -> impl Future<Output = Result<(), ActorError>> + Send {
        async { Ok(()) }
    }

    /// Called at a graceful end only: never after a panic, an error or a kill, so nothing durable may depend on it.
    fn stop(&self, _cx: &Context<Self::Msg>, _state: &mut Self::State) -> impl Future<Output = ()> + Send {
        async {}
    }
}
