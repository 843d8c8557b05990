//! How events change an order. Total: what does not fit the order's state changes nothing but its version.

use super::{CanceledBy, Certainty, CloseReason, Order, Pending, Phase};
use crate::event::{OrderAfter, OrderDenied, OrderFilled, OrderSubmitted};
use crate::{Event, Timestamp};
use std::collections::BTreeMap;

impl Order {
    /// The order as it is right after its submission was decided.
    pub fn submitted(data: &OrderSubmitted, at: Timestamp) -> Self {
        Self {
            id: data.order_id,
            client_order_id: data.client_order_id.clone(),
            venue_client_id: data.venue_client_id.clone(),
            venue_order_ids: Vec::new(),
            mode: data.mode,
            origin: data.origin,
            terms: data.terms.clone(),
            quote_currency: data.quote_currency.clone(),
            verdicts: data.verdicts.clone(),
            reserved_price: Some(data.reserved_price),
            phase: Phase::Submitting,
            certainty: Certainty::Confirmed,
            pending: None,
            fills: BTreeMap::new(),
            version: 1,
            created_at: at,
            updated_at: at,
        }
    }

    /// An order that was refused; it is closed from the start.
    pub fn denied(data: &OrderDenied, at: Timestamp) -> Self {
        let reason = CloseReason::Denied { code: data.code.clone(), message: data.message.clone() };
        Self {
            id: data.order_id,
            client_order_id: data.client_order_id.clone(),
            venue_client_id: data.venue_client_id.clone(),
            venue_order_ids: Vec::new(),
            mode: data.mode,
            origin: data.origin,
            terms: data.terms.clone(),
            quote_currency: data.quote_currency.clone(),
            verdicts: data.verdicts.clone(),
            reserved_price: None,
            phase: Phase::Closed { reason },
            certainty: Certainty::Confirmed,
            pending: None,
            fills: BTreeMap::new(),
            version: 1,
            created_at: at,
            updated_at: at,
        }
    }

    /// Applies a later event of this order.
    pub fn apply(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::OrderAccepted(data) => {
                self.bind(&data.venue_order_id);
                self.certainty = Certainty::Confirmed;
                if self.phase == Phase::Submitting {
                    self.phase = Phase::Working;
                }
            }
            Event::OrderFilled(data) => self.apply_fill(data),
            Event::OrderOutcomeUnknown(data) => {
                if !self.is_closed() {
                    self.certainty = Certainty::Unknown { since: at, cause: data.cause };
                }
            }
            Event::CancelRequested(data) => {
                if !self.is_closed() {
                    self.pending = Some(Pending::Cancel { by: data.by });
                }
            }
            Event::CancelRejected(_) => {
                self.pending = None;
                // Of a submission that was not answered it proves nothing: that may still be on its way.
                if self.phase != Phase::Submitting {
                    self.certainty = Certainty::Confirmed;
                }
            }
            Event::OrderRejected(data) => self.close(CloseReason::Rejected {
                code: data.code.clone(),
                message: data.message.clone(),
                inferred: data.inferred,
            }),
            Event::OrderCanceled(data) => self.close(CloseReason::Canceled { by: data.by }),
            Event::OrderExpired(_) => self.close(CloseReason::Expired),
            Event::OrderSubmitted(_)
            | Event::OrderDenied(_)
            | Event::AccountOpened(_)
            | Event::PortfolioCreated(_)
            | Event::PortfolioRenamed(_)
            | Event::PortfolioArchived(_)
            | Event::PortfolioRestored(_)
            | Event::CashDeposited(_)
            | Event::TradingHalted(_)
            | Event::TradingResumed(_)
            | Event::LimitsChanged(_) => return,
        }
        self.version += 1;
        self.updated_at = at;
    }

    /// What readers of an event are told of the order.
    pub fn after(&self) -> OrderAfter {
        OrderAfter {
            status: self.status(),
            filled_quantity: self.filled_quantity(),
            average_price: self.average_price(),
            version: self.version,
        }
    }

    /// Who a cancellation without a stated author is booked to.
    pub(crate) fn cancel_author(&self) -> CanceledBy {
        match self.pending {
            Some(Pending::Cancel { by }) => by,
            None => CanceledBy::Venue,
        }
    }

    fn apply_fill(&mut self, data: &OrderFilled) {
        self.bind(&data.venue_order_id);
        self.fills.entry(data.execution.execution_id.clone()).or_insert_with(|| data.execution.clone());
        if self.is_closed() {
            return;
        }
        if self.filled_quantity() >= self.terms.quantity {
            self.close(CloseReason::Filled);
        } else if self.phase == Phase::Submitting {
            self.phase = Phase::Working;
            self.certainty = Certainty::Confirmed;
        }
    }

    fn bind(&mut self, venue_order_id: &crate::VenueOrderId) {
        if self.venue_order_id() != Some(venue_order_id) {
            self.venue_order_ids.push(venue_order_id.clone());
        }
    }

    fn close(&mut self, reason: CloseReason) {
        if !self.is_closed() {
            self.phase = Phase::Closed { reason };
            self.certainty = Certainty::Confirmed;
            self.pending = None;
        }
    }
}
