//! Risk: one per tenant, answers "may I?" from memory.
//!
//! Its book is a fold of committed events, plus reservations it made for orders that are not committed yet.
//! When the desk restarts, reservations of orders that never reached the journal are given back.

mod flatten;
#[cfg(test)]
mod tests;

use crate::feed::CommittedBatch;
use crate::image::{ImageSource, patiently};
use crate::ledger::LedgerMsg;
use crate::order_desk::{DeskMsg, RehearseReply};
use crate::quotes::{Instruments, QuoteBoard};
use bulkhead_domain::desk::PlaceOrder;
use bulkhead_domain::risk::{Authorization, PreTrade, RiskBook};
use bulkhead_domain::{Event, OrderId};
use bulkhead_supervision::{Actor, ActorError, Context, Message, Port, PortLimits};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

pub(crate) const LIMITS: PortLimits = PortLimits { normal: 1_024, urgent: 256, recovering: 256 };
/// The ledger may be waiting for the database; whoever needs this sooner has a deadline of its own.
const FOLLOW_TIMEOUT: Duration = Duration::from_secs(3600);

/// What risk takes.
pub(crate) enum RiskMsg {
    /// Answered to the desk as [`DeskMsg::Authorized`].
    Authorize {
        desk_incarnation: u64,
        /// The desk's own count of halts; comes back with the answer.
        halt_changes: u64,
        place: Box<PlaceOrder>,
    },
    /// The same question without a reservation; answered to the desk as [`DeskMsg::Rehearsed`].
    Rehearse {
        place: Box<PlaceOrder>,
        reply: RehearseReply,
    },
    /// The desk has recorded a halt or a resumption; it holds from here on, before it is durable.
    HaltChanged(Box<Event>),
    /// Time to see what is left to flatten.
    CheckFlat,
    Committed(Arc<CommittedBatch>),
    /// A new desk has attached to the ledger: nothing its predecessors asked for is on its way any more.
    DeskAttached,
}

impl Message for RiskMsg {
    fn kind(&self) -> &'static str {
        match self {
            Self::Authorize { .. } => "authorize",
            Self::Rehearse { .. } => "rehearse",
            Self::HaltChanged(_) => "halt_changed",
            Self::CheckFlat => "check_flat",
            Self::Committed(_) => "committed",
            Self::DeskAttached => "desk_attached",
        }
    }
}

/// The actor.
pub(crate) struct Risk {
    pub(crate) images: Arc<ImageSource>,
    pub(crate) ledger: Port<LedgerMsg>,
    pub(crate) desk: Port<DeskMsg>,
    pub(crate) quotes: QuoteBoard,
    pub(crate) instruments: Instruments,
}

/// The book, and which of its reservations are not durable.
#[derive(Default)]
pub(crate) struct RiskState {
    seq: i64,
    book: RiskBook,
    ahead: HashSet<OrderId>,
    /// Halts and resumptions that were told ahead of their commit and are in the book already.
    halts_ahead: u32,
    flattening: flatten::Flattening,
}

impl Actor for Risk {
    type Msg = RiskMsg;
    type State = RiskState;

    async fn init(&self, _cx: &Context<RiskMsg>) -> Result<RiskState, ActorError> {
        Ok(RiskState::default())
    }

    async fn recover(&self, cx: &Context<RiskMsg>, state: &mut RiskState) -> Result<(), ActorError> {
        let attached = self.ledger.call(FOLLOW_TIMEOUT, LedgerMsg::Follow).await?;
        state.seq = attached.seq;
        state.book = match attached.image {
            Some(image) => image.risk.clone(),
            None => patiently("risk", || self.images.at(attached.seq)).await?.risk.clone(),
        };
        self.flatten(cx, state);
        Ok(())
    }

    async fn handle(
        &self,
        cx: &Context<RiskMsg>,
        message: RiskMsg,
        state: &mut RiskState,
    ) -> Result<(), ActorError> {
        match message {
            RiskMsg::Authorize { desk_incarnation, halt_changes, place } => {
                let authorization = self.decide(state, &place);
                let answer = DeskMsg::Authorized { desk_incarnation, halt_changes, place, authorization };
                // A desk that is gone gets a successor, which has this reservation released.
                drop(self.desk.notify(answer));
            }
            RiskMsg::Rehearse { place, reply } => self.rehearse(state, place, reply),
            RiskMsg::HaltChanged(event) => {
                state.change_halts(&event);
                self.flatten(cx, state);
            }
            RiskMsg::CheckFlat => {
                state.flattening.is_check_due = false;
                self.flatten(cx, state);
            }
            RiskMsg::Committed(batch) => {
                state.fold(&batch)?;
                self.flatten(cx, state);
            }
            RiskMsg::DeskAttached => state.forget_ahead(),
        }
        Ok(())
    }
}

impl Risk {
    fn rehearse(&self, state: &RiskState, place: Box<PlaceOrder>, reply: RehearseReply) {
        let authorization = self.judge(state, &place);
        // A desk that is gone takes the reply with it: the caller asks again.
        drop(self.desk.notify(DeskMsg::Rehearsed { place, authorization, reply }));
    }

    fn judge(&self, state: &RiskState, place: &PlaceOrder) -> Option<Authorization> {
        let instrument = self.instruments.get(&place.terms.symbol)?;
        let quotes = |symbol: &bulkhead_domain::Symbol| self.quotes.quote(symbol);
        let ask = PreTrade { terms: &place.terms, instrument, quotes: &quotes };
        state.book.authorize(&ask)
    }

    fn decide(&self, state: &mut RiskState, place: &PlaceOrder) -> Option<Authorization> {
        // Asked again about the same order: what the first answer reserved is not in the way of the second.
        if state.ahead.remove(&place.order_id) {
            state.book.release(place.order_id);
        }
        let authorization = self.judge(state, place)?;
        if let Ok(reservation) = &authorization.outcome {
            state.book.reserve(place.order_id, reservation.clone());
            state.ahead.insert(place.order_id);
        }
        Some(authorization)
    }
}

impl RiskState {
    fn fold(&mut self, batch: &CommittedBatch) -> Result<(), ActorError> {
        for recorded in batch.unseen(self.seq)? {
            self.seq = recorded.seq;
            if let Event::OrderSubmitted(data) = &recorded.event {
                self.ahead.remove(&data.order_id);
            }
            if recorded.event.is_risk_event() && self.halts_ahead > 0 {
                // In the book already, and so may be a later one that this must not undo.
                self.halts_ahead -= 1;
                continue;
            }
            self.book.apply(&recorded.event);
        }
        Ok(())
    }

    /// Takes a halt or a resumption ahead of its commit.
    fn change_halts(&mut self, event: &Event) {
        self.halts_ahead += 1;
        self.book.apply(event);
    }

    /// Everything the desk before recorded is durable and folded in.
    fn forget_ahead(&mut self) {
        self.halts_ahead = 0;
        for order_id in self.ahead.drain() {
            self.book.release(order_id);
        }
    }
}
