//! Runs the paper venue: its step functions in this process, or the connection to one of its own.

use crate::clock;
use bulkhead_domain::Timestamp;
use bulkhead_supervision::{Actor, ActorError, Context, Message, PortLimits};
use bulkhead_venues::paper::client::ClientRun;
use bulkhead_venues::paper::{PaperDriver, PaperHandle};
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub(crate) const LIMITS: PortLimits = PortLimits { normal: 16, urgent: 1, recovering: 16 };

/// What a driver takes.
pub(crate) enum DriverMsg {
    /// Something waits, or something is due.
    Wake,
    /// The timer that was set for this moment has gone off.
    Due(Timestamp),
    /// The client's connection loop ended, which it never does by itself.
    ClientEnded,
}

impl Message for DriverMsg {
    fn kind(&self) -> &'static str {
        match self {
            Self::Wake => "wake",
            Self::Due(_) => "due",
            Self::ClientEnded => "client_ended",
        }
    }
}

/// Drives a paper venue in this process.
pub(crate) struct VenueDriver {
    pub(crate) handle: Arc<PaperHandle>,
}

/// The driver, and the next timer.
#[derive(Default)]
pub(crate) struct DriverState {
    driver: Option<PaperDriver>,
    timer: Option<Timestamp>,
}

impl Actor for VenueDriver {
    type Msg = DriverMsg;
    type State = DriverState;

    async fn init(&self, _cx: &Context<DriverMsg>) -> Result<DriverState, ActorError> {
        Ok(DriverState::default())
    }

    async fn recover(&self, cx: &Context<DriverMsg>, state: &mut DriverState) -> Result<(), ActorError> {
        let port = cx.port().clone();
        // Refused only when wakes are waiting already, or when there is no driver to wake.
        self.handle.set_waker(Arc::new(move || drop(port.send(DriverMsg::Wake, None))));
        state.driver = Some(PaperDriver::open(&self.handle)?);
        Self::turn(cx, state)
    }

    async fn handle(
        &self,
        cx: &Context<DriverMsg>,
        message: DriverMsg,
        state: &mut DriverState,
    ) -> Result<(), ActorError> {
        if let DriverMsg::Due(timer) = message
            && state.timer == Some(timer)
        {
            state.timer = None;
        }
        Self::turn(cx, state)
    }
}

impl VenueDriver {
    fn turn(cx: &Context<DriverMsg>, state: &mut DriverState) -> Result<(), ActorError> {
        let Some(driver) = &mut state.driver else { return Ok(()) };
        let now = clock::now();
        let turn = driver.turn(now)?;
        if turn.is_more {
            drop(cx.port().notify(DriverMsg::Wake));
        }
        if let Some(due) = turn.next_due
            && state.timer.is_none_or(|timer| due < timer)
        {
            let wait = u64::try_from(due.micros() - now.micros()).unwrap_or(0);
            if cx.send_self_after(Duration::from_micros(wait), DriverMsg::Due(due)).is_ok() {
                state.timer = Some(due);
            }
        }
        Ok(())
    }
}

/// Keeps the connection to a paper venue in another process.
pub(crate) struct VenueConnection {
    /// Taken by the first incarnation; the loop in it reconnects by itself and never ends.
    pub(crate) run: Arc<Mutex<Option<ClientRun>>>,
}

impl Actor for VenueConnection {
    type Msg = DriverMsg;
    type State = ();

    async fn init(&self, cx: &Context<DriverMsg>) -> Result<(), ActorError> {
        let run = self.run.lock().unwrap_or_else(PoisonError::into_inner).take();
        let run = run.ok_or("the connection loop can be run only once")?;
        cx.pipe(run.run(pending()), |()| DriverMsg::ClientEnded)?;
        Ok(())
    }

    async fn handle(
        &self,
        _cx: &Context<DriverMsg>,
        _message: DriverMsg,
        _state: &mut (),
    ) -> Result<(), ActorError> {
        Err("the connection loop to the venue ended".into())
    }
}
