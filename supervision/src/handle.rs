//! The way to a supervisor from outside: look at its tree, change its children, end it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use crate::error::{ControlError, StartError};
use crate::health::{ActorState, TreeView};
use crate::seat::{Seat, join};
use crate::spec::{ChildSpec, SupervisorSpec};
use crate::supervisor::{self, Answer, Control, Order};

/// How long a request that does not wait for a child's end may take.
pub const CONTROL_TIMEOUT: Duration = Duration::from_secs(30);
/// How long beyond a deadline an end may take: what did not stop by then is killed, and that takes a moment.
pub const KILL_GRACE: Duration = Duration::from_secs(2);

/// The stable address of a supervisor. Clones are the same address.
#[derive(Clone)]
pub struct SupervisorHandle {
    seat: Arc<Seat>,
}

/// Starts a tree; returns once every child's set-up was tried. A child that fails is restarted like one that crashed.
pub async fn start_root(spec: SupervisorSpec) -> Result<SupervisorHandle, StartError> {
    let SupervisorSpec { config, seat, invalid_name } = spec;
    if let Some(name) = invalid_name {
        return Err(StartError::InvalidName(name));
    }
    supervisor::start_root(Arc::new(config), seat.clone())
        .await
        .map_err(|error| StartError::Spawn(error.to_string().into()))?;
    Ok(SupervisorHandle { seat })
}

impl SupervisorHandle {
    pub(crate) fn new(seat: Arc<Seat>) -> Self {
        Self { seat }
    }

    /// Adds a child and starts it; returns when its set-up was tried.
    pub async fn add_child(&self, spec: ChildSpec) -> Result<(), ControlError> {
        if let Some(name) = spec.invalid_name() {
            return Err(ControlError::InvalidName(name));
        }
        let ask = |answer| Control::Add { spec: Box::new(spec), answer };
        ask_seat(&self.seat, CONTROL_TIMEOUT, ask).await
    }

    /// Stops a child by its shutdown policy, within the deadline at the latest, and forgets it.
    pub async fn remove_child(&self, name: &str, deadline: Duration) -> Result<(), ControlError> {
        self.order(name, deadline.saturating_add(KILL_GRACE), Order::Remove(Instant::now() + deadline)).await
    }

    /// Kills the child at the path, which is restarted at once; returns when the kill was sent.
    pub async fn kill(&self, path: &str, reason: &str) -> Result<(), ControlError> {
        self.order(path, CONTROL_TIMEOUT, Order::Kill(reason.into())).await
    }

    /// Stops the child at the path gracefully and starts it again; returns when the stop was begun.
    pub async fn restart(&self, path: &str, reason: &str) -> Result<(), ControlError> {
        self.order(path, CONTROL_TIMEOUT, Order::Restart(reason.into())).await
    }

    /// Starts a quarantined child again, with its failures forgotten.
    pub async fn release(&self, path: &str) -> Result<(), ControlError> {
        self.order(path, CONTROL_TIMEOUT, Order::Release).await
    }

    /// Stops everything, leaves first and in reverse start order; what is not done by the deadline is killed.
    pub async fn stop(&self, deadline: Duration) -> Result<(), ControlError> {
        let Some(tenure) = self.seat.node().tenure() else { return Ok(()) };
        if self.seat.control(Control::Close { deadline: Instant::now() + deadline }).is_err() {
            return Ok(());
        }
        let limit = deadline.saturating_add(KILL_GRACE);
        tenure.cell.wait(Some(limit)).await.map_err(|_| ControlError::TimedOut)
    }

    /// The handle of a supervisor below, if the path leads to one.
    #[must_use]
    pub fn supervisor(&self, path: &str) -> Option<SupervisorHandle> {
        if path == &*self.path() {
            return Some(self.clone());
        }
        let (seat, name) = self.seat.locate(path)?;
        let child = seat.get(seat.key_of(name)?)?;
        child.seat.clone().map(Self::new)
    }

    /// A snapshot of the whole tree.
    #[must_use]
    pub fn tree(&self) -> TreeView {
        self.seat.view(self.path())
    }

    /// A snapshot of one node and what is below it.
    #[must_use]
    pub fn view(&self, path: &str) -> Option<TreeView> {
        if path == &*self.path() {
            return Some(self.tree());
        }
        let (seat, name) = self.seat.locate(path)?;
        let child = seat.get(seat.key_of(name)?)?;
        let path = join(&seat.node().path(), name);
        Some(match &child.seat {
            Some(seat) => seat.view(path),
            None => TreeView { name: name.into(), health: child.node.health(path), children: Vec::new() },
        })
    }

    /// The names of its own children, in start order.
    #[must_use]
    pub fn child_names(&self) -> Vec<Arc<str>> {
        self.seat.children().into_iter().map(|(_, child)| child.name.clone()).collect()
    }

    /// Where the supervisor is in its life.
    #[must_use]
    pub fn state(&self) -> ActorState {
        self.seat.node().state()
    }

    /// The supervisor's path; its name alone before it was started.
    #[must_use]
    pub fn path(&self) -> Arc<str> {
        let path = self.seat.node().path();
        if path.is_empty() { self.seat.name().clone() } else { path }
    }

    async fn order(&self, path: &str, limit: Duration, order: Order) -> Result<(), ControlError> {
        let (seat, name) = self.seat.locate(path).ok_or(ControlError::NotFound)?;
        let name = Arc::from(name);
        ask_seat(&seat, limit, |answer| Control::Order { name, order, answer }).await
    }
}

impl std::fmt::Debug for SupervisorHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SupervisorHandle").field(&self.path()).finish()
    }
}

async fn ask_seat(
    seat: &Seat,
    limit: Duration,
    make: impl FnOnce(Answer) -> Control,
) -> Result<(), ControlError> {
    let (answer, answered) = oneshot::channel();
    seat.control(make(answer)).map_err(|_| ControlError::SupervisorDown)?;
    match timeout(limit, answered).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(ControlError::SupervisorDown),
        Err(_) => Err(ControlError::TimedOut),
    }
}
