//! Orders from outside for one child, and the supervisor's own end.

use ractor::ActorCell;
use tokio::time::Instant;

use crate::background::spawn_helper;
use crate::error::ControlError;
use crate::event::EventKind;
use crate::health::ActorState;
use crate::limits::Window;
use crate::seat::Key;

use super::live::{Asked, Closing, Live, reply};
use super::stop::{Leaving, stop_all, stop_one};
use super::{Answer, Control, Order};

impl Live {
    pub(super) fn carry_out(&mut self, name: &str, order: Order, answer: Answer) {
        if self.closing.is_some() {
            return reply(answer, Err(ControlError::SupervisorDown));
        }
        let Some(key) = self.seat.key_of(name) else {
            return reply(answer, Err(ControlError::NotFound));
        };
        match order {
            Order::Kill(reason) => reply(answer, self.kill(key, Asked::Kill(reason))),
            Order::Restart(reason) => reply(answer, self.restart(key, reason)),
            Order::Release => reply(answer, self.release(key)),
            Order::Remove(deadline) => self.remove(key, deadline, answer),
        }
    }

    pub(super) fn close(&mut self, deadline: Instant) {
        if self.closing.is_none() {
            self.begin_closing(Closing::Asked, Some(deadline));
        }
    }

    /// From here on nothing is started; `Closed` comes when all children have ended.
    pub(super) fn begin_closing(&mut self, closing: Closing, deadline: Option<Instant>) {
        self.closing = Some(closing);
        self.seat.node().set_state(ActorState::Draining);
        let mut leaving = Vec::new();
        for child in self.children.values_mut().rev() {
            child.pending = None;
            match child.cell.clone() {
                Some(cell) => leaving.push(Leaving::new(cell, &child.spec)),
                None if child.quarantined => {}
                None => child.set_down(ActorState::Stopped),
            }
        }
        let (me, width) = (self.me.clone(), self.config.stop_width);
        spawn_helper(async move {
            stop_all(leaving, width, deadline).await;
            drop(me.cast(Control::Closed));
        });
    }

    fn kill(&mut self, key: Key, asked: Asked) -> Result<(), ControlError> {
        let child = self.children.get_mut(&key).ok_or(ControlError::NotFound)?;
        let cell = child.cell.clone().ok_or(ControlError::NotRunning)?;
        match child.asked {
            Some(Asked::Remove(_)) => return Err(ControlError::NotRunning),
            // Its group decides when it starts again; a kill only hastens its end.
            Some(Asked::Sibling) => {}
            Some(Asked::Kill(_) | Asked::Restart(_)) | None => child.asked = Some(asked),
        }
        cell.kill();
        Ok(())
    }

    fn restart(&mut self, key: Key, reason: std::sync::Arc<str>) -> Result<(), ControlError> {
        let child = self.children.get_mut(&key).ok_or(ControlError::NotFound)?;
        if child.quarantined || matches!(child.asked, Some(Asked::Remove(_))) {
            return Err(ControlError::NotRunning);
        }
        match child.cell.clone() {
            None => match child.pending {
                Some(group) => self.start_now(group),
                None => self.restart_on_request(key, reason),
            },
            // It is on its way to a restart already.
            Some(_) if child.asked.is_some() => {}
            Some(cell) => {
                child.asked = Some(Asked::Restart(reason));
                self.leave_by_itself(key, cell, None);
            }
        }
        Ok(())
    }

    fn release(&mut self, key: Key) -> Result<(), ControlError> {
        let child = self.children.get_mut(&key).ok_or(ControlError::NotFound)?;
        if !child.quarantined {
            return Err(ControlError::NotQuarantined);
        }
        child.quarantined = false;
        child.failures = Window::default();
        child.attempt = 0;
        self.emit(key, EventKind::Released);
        self.restart_on_request(key, "released".into());
        Ok(())
    }

    fn remove(&mut self, key: Key, deadline: Instant, answer: Answer) {
        let Some(child) = self.children.get_mut(&key) else {
            return reply(answer, Err(ControlError::NotFound));
        };
        if matches!(child.asked, Some(Asked::Remove(_))) {
            return reply(answer, Err(ControlError::NotRunning));
        }
        child.pending = None;
        match child.cell.clone() {
            None => {
                self.forget(key);
                reply(answer, Ok(()));
            }
            Some(cell) => {
                child.asked = Some(Asked::Remove(answer));
                self.leave_by_itself(key, cell, Some(deadline));
            }
        }
    }

    /// Stops one child beside the handler: its end arrives as an event like any other.
    fn leave_by_itself(&self, key: Key, cell: ActorCell, deadline: Option<Instant>) {
        if let Some(child) = self.children.get(&key) {
            spawn_helper(stop_one(Leaving::new(cell, &child.spec), deadline));
        }
    }
}
