//! Supervised actors with bounded ports: strategies, backoff, quarantine, deadlines checked before work starts, and
//! health that can be read while an actor is stuck.
//!
//! An [`Actor`] handles messages one at a time. Its [`Port`] is made before it and survives its restarts. Supervisors are
//! written down as a [`SupervisorSpec`] and started with [`start_root`].
//!
//! What holds:
//! 1. A message whose deadline passed before work started is never handled; a caller is told
//!    [`CallError::NotDelivered`] only if its message was not and never will be handled.
//! 2. Permits are given back however an incarnation ends.
//! 3. At most one incarnation of an actor runs at a time, and its timers and piped futures end with it.
//! 4. A failing child never fails its supervisor; too many failures make the supervisor give up in an orderly way.
//!
//! ```
//! use std::time::Duration;
//! use bulkhead_supervision::*;
//!
//! enum Count {
//!     Up,
//!     Read(Reply<u64>),
//! }
//!
//! impl Message for Count {
//!     fn kind(&self) -> &'static str {
//!         match self {
//!             Count::Up => "up",
//!             Count::Read(_) => "read",
//!         }
//!     }
//! }
//!
//! struct Counter;
//!
//! impl Actor for Counter {
//!     type Msg = Count;
//!     type State = u64;
//!
//!     async fn init(&self, _cx: &Context<Count>) -> Result<u64, ActorError> {
//!         Ok(0)
//!     }
//!
//!     async fn handle(&self, _cx: &Context<Count>, message: Count, count: &mut u64) -> Result<(), ActorError> {
//!         match message {
//!             Count::Up => *count += 1,
//!             Count::Read(reply) => reply.send(*count),
//!         }
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let port = Port::new("root/counter", PortLimits::default());
//! let spec = SupervisorSpec::new("root", Strategy::OneForOne)
//!     .child(ChildSpec::worker("counter", port.clone(), || Counter));
//! let root = start_root(spec).await?;
//! port.send(Count::Up, None)?;
//! assert_eq!(port.call(Duration::from_secs(1), Count::Read).await?, 1);
//! root.stop(Duration::from_secs(1)).await?;
//! assert_eq!(port.state(), ActorState::Stopped);
//! # Ok(())
//! # }
//! ```

mod actor;
mod background;
mod clock;
mod context;
mod envelope;
mod error;
mod event;
mod handle;
mod health;
mod histogram;
mod limits;
mod message;
mod node;
mod pool;
mod port;
mod reply;
mod seat;
mod spec;
mod supervisor;
#[cfg(test)]
mod tests;
mod worker;

pub use actor::Actor;
pub use background::{Background, TASKS_MAX, Task, TooManyTasks};
pub use context::Context;
pub use envelope::Fault;
pub use error::{ActorError, CallError, ControlError, Refused, SendError, StartError, Unknown};
pub use event::{EventKind, EventSink, SupervisionEvent};
pub use handle::{CONTROL_TIMEOUT, KILL_GRACE, SupervisorHandle, start_root};
pub use health::{ActorState, Cause, CurrentMessage, Health, NodeKind, RestartNote, Timing, TreeView};
pub use limits::{Backoff, Intensity};
pub use message::{Class, Message};
pub use node::RESTARTS_KEPT_MAX;
pub use pool::{ComputePool, TurnKey};
pub use port::{Port, PortLimits};
pub use reply::Reply;
pub use spec::{ChildSpec, GiveUp, RestartPolicy, Shutdown, Strategy, SupervisorSpec};
pub use tokio::time::Instant;
pub use worker::{INIT_MAX, PREDECESSOR_WAIT_MAX};
