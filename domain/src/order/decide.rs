//! What a request or a venue's report means for an order: the transition table, as events.
//!
//! Everything here is idempotent: a report that says nothing new gives no event.

use super::{CanceledBy, Execution, Order, Pending, Phase, UnknownCause};
use crate::event::{
    CancelRejected, CancelRequested, OrderAccepted, OrderAfter, OrderCanceled, OrderExpired, OrderFilled,
    OrderOutcomeUnknown, OrderRejected,
};
use crate::report::{ReportKind, VenueCancelCause, VenueOrder, VenueOrderState, VenueReport};
use crate::{Event, OrderId, Timestamp, VenueOrderId};

/// The code of a rejection that rests on the venue not knowing the order.
pub const NOT_AT_VENUE: &str = "NOT_AT_VENUE";

/// Why a request about an existing order cannot be met.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderRejection {
    #[error("order {id} is already {status}: it can no longer be canceled")]
    AlreadyClosed { id: OrderId, status: super::OrderStatus },
}

/// What a report leads to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReportDecision {
    pub events: Vec<Event>,
    /// The venue holds open what is closed or being cancelled here: a cancel must go (again) to the venue.
    pub cancel_at_venue: bool,
    /// A known execution came with other terms; the first report stands and a person should look.
    pub conflicting_execution: Option<Execution>,
}

/// A copy of the order that events are tried on, and what came of them.
struct Trial {
    order: Order,
    at: Timestamp,
    decision: ReportDecision,
}

impl Order {
    /// Asks for a cancellation. Asking twice is one request; the newer one changes nothing.
    pub fn decide_cancel(&self, by: CanceledBy, at: Timestamp) -> Result<Vec<Event>, OrderRejection> {
        if self.is_closed() {
            return Err(OrderRejection::AlreadyClosed { id: self.id, status: self.status() });
        }
        if self.pending.is_some() {
            return Ok(Vec::new());
        }
        let mut trial = Trial::of(self, at);
        trial.record(Event::CancelRequested(CancelRequested {
            order: self.reference(),
            by,
            after: OrderAfter::unset(),
        }));
        Ok(trial.decision.events)
    }

    /// Nobody knows what the venue did with the last request about this order.
    pub fn decide_unknown(&self, cause: UnknownCause, at: Timestamp) -> Vec<Event> {
        let awaits_venue = self.phase == Phase::Submitting || self.pending.is_some();
        if self.is_closed() || self.is_unknown() || !awaits_venue {
            return Vec::new();
        }
        let mut trial = Trial::of(self, at);
        trial.record(Event::OrderOutcomeUnknown(OrderOutcomeUnknown {
            order: self.reference(),
            cause,
            after: OrderAfter::unset(),
        }));
        trial.decision.events
    }

    /// What the venue said.
    pub fn decide_report(&self, report: &VenueReport, at: Timestamp) -> ReportDecision {
        let mut trial = Trial::of(self, at);
        let venue_ts = report.venue_ts;
        match &report.kind {
            ReportKind::Accepted { venue_order_id } => trial.accepted(venue_order_id, venue_ts),
            ReportKind::Rejected { code, message } => trial.rejected(code, message, false),
            ReportKind::Filled { venue_order_id, execution } => trial.filled(venue_order_id, execution),
            ReportKind::Canceled { cause } => trial.canceled(*cause, venue_ts),
            ReportKind::CancelRejected { message } => trial.cancel_rejected(message),
            ReportKind::Expired => trial.expired(venue_ts),
            ReportKind::State { order: Some(order) } => trial.state(order, venue_ts),
            ReportKind::State { order: None } => trial.not_at_venue(),
        }
        trial.decision
    }
}

impl Trial {
    fn of(order: &Order, at: Timestamp) -> Self {
        Self { order: order.clone(), at, decision: ReportDecision::default() }
    }

    fn record(&mut self, mut event: Event) {
        self.order.apply(&event, self.at);
        event.set_after(self.order.after());
        self.decision.events.push(event);
    }

    fn accepted(&mut self, venue_order_id: &VenueOrderId, venue_ts: Timestamp) {
        if self.order.is_closed() {
            // Closed here on an inference that this proves wrong, or an acknowledgement overtaken by the end.
            // Asking the venue to cancel is right in the first case and harmless in the second.
            self.decision.cancel_at_venue = self.order.fills.is_empty();
            return;
        }
        let is_news = self.order.phase == Phase::Submitting || self.order.is_unknown();
        if is_news || self.order.venue_order_id() != Some(venue_order_id) {
            let order = self.order.reference();
            let venue_order_id = venue_order_id.clone();
            let after = OrderAfter::unset();
            self.record(Event::OrderAccepted(OrderAccepted { order, venue_order_id, venue_ts, after }));
        }
    }

    fn rejected(&mut self, code: &str, message: &str, inferred: bool) {
        if self.order.phase == Phase::Submitting {
            self.record(Event::OrderRejected(OrderRejected {
                order: self.order.reference(),
                code: code.to_owned(),
                message: message.to_owned(),
                inferred,
                after: OrderAfter::unset(),
            }));
        }
    }

    fn filled(&mut self, venue_order_id: &VenueOrderId, execution: &Execution) {
        if let Some(known) = self.order.fills.get(&execution.execution_id) {
            if known.price != execution.price || known.quantity != execution.quantity {
                self.decision.conflicting_execution = Some(execution.clone());
            }
            return;
        }
        // The inference was wrong: what is left of the order is live at the venue.
        self.decision.cancel_at_venue |= self.order.is_inferred_rejected();
        self.record(Event::OrderFilled(OrderFilled {
            order: self.order.reference(),
            mode: self.order.mode,
            quote_currency: self.order.quote_currency.clone(),
            venue_order_id: venue_order_id.clone(),
            execution: execution.clone(),
            late: self.order.is_closed(),
            after: OrderAfter::unset(),
        }));
    }

    fn canceled(&mut self, cause: VenueCancelCause, venue_ts: Timestamp) {
        if self.order.is_closed() {
            return;
        }
        let by = match cause {
            VenueCancelCause::Requested => self.order.cancel_author(),
            VenueCancelCause::TimeInForce | VenueCancelCause::Unsolicited => CanceledBy::Venue,
        };
        let order = self.order.reference();
        self.record(Event::OrderCanceled(OrderCanceled { order, by, venue_ts, after: OrderAfter::unset() }));
    }

    fn cancel_rejected(&mut self, message: &str) {
        if matches!(self.order.pending, Some(Pending::Cancel { .. })) {
            self.record(Event::CancelRejected(CancelRejected {
                order: self.order.reference(),
                message: message.to_owned(),
                after: OrderAfter::unset(),
            }));
        }
    }

    fn expired(&mut self, venue_ts: Timestamp) {
        if !self.order.is_closed() {
            let order = self.order.reference();
            self.record(Event::OrderExpired(OrderExpired { order, venue_ts, after: OrderAfter::unset() }));
        }
    }

    fn state(&mut self, venue_order: &VenueOrder, venue_ts: Timestamp) {
        for execution in &venue_order.executions {
            self.filled(&venue_order.venue_order_id, execution);
        }
        match &venue_order.state {
            VenueOrderState::Open => {
                self.accepted(&venue_order.venue_order_id, venue_ts);
                self.decision.cancel_at_venue = self.order.is_closed() || self.order.pending.is_some();
            }
            VenueOrderState::Filled => {}
            VenueOrderState::Canceled { cause } => self.canceled(*cause, venue_ts),
            VenueOrderState::Rejected { code, message } => self.rejected(code, message, false),
            VenueOrderState::Expired => self.expired(venue_ts),
        }
    }

    fn not_at_venue(&mut self) {
        self.rejected(NOT_AT_VENUE, "the venue has no such order and can no longer receive it", true);
    }
}
