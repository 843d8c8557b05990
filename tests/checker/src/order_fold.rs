//! The life of an order, recomputed from its events.

use crate::journal::{Entry, Execution, OrderMade, Payload, Terms};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Where an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    Submitting,
    Working,
    Denied,
    Rejected,
    Canceled,
    Expired,
    Filled,
}

/// An order as its events tell it.
#[derive(Debug, Clone)]
pub struct Order {
    pub id: Uuid,
    pub client_order_id: String,
    pub venue_client_id: String,
    pub terms: Terms,
    pub life: Life,
    pub is_unknown: bool,
    pub is_cancel_pending: bool,
    pub was_cancel_requested: bool,
    pub fills: BTreeMap<String, Execution>,
    pub version: u64,
    pub created_seq: i64,
    pub created_micros: i64,
    pub updated_seq: i64,
}

impl Order {
    /// The order that an event brings into being.
    pub fn made(made: &OrderMade, life: Life, entry: &Entry) -> Self {
        Self {
            id: made.order_id,
            client_order_id: made.client_order_id.clone(),
            venue_client_id: made.venue_client_id.clone(),
            terms: made.terms.clone(),
            life,
            is_unknown: false,
            is_cancel_pending: false,
            was_cancel_requested: false,
            fills: BTreeMap::new(),
            version: 1,
            created_seq: entry.seq,
            created_micros: entry.recorded_micros,
            updated_seq: entry.seq,
        }
    }

    /// Folds in a later event.
    pub fn apply(&mut self, entry: &Entry) {
        match &entry.payload {
            Payload::OrderAccepted(_) => {
                self.is_unknown = false;
                if self.life == Life::Submitting {
                    self.life = Life::Working;
                }
            }
            Payload::OrderFilled(filled) => self.fill(&filled.execution),
            Payload::OrderOutcomeUnknown(_) => self.is_unknown = true,
            Payload::CancelRequested(_) => {
                self.is_cancel_pending = true;
                self.was_cancel_requested = true;
            }
            Payload::CancelRejected(_) => {
                self.is_cancel_pending = false;
                self.is_unknown = false;
            }
            Payload::OrderRejected(_) => self.close(Life::Rejected),
            Payload::OrderCanceled(_) => self.close(Life::Canceled),
            Payload::OrderExpired(_) => self.close(Life::Expired),
            Payload::AccountOpened
            | Payload::HaltChanged
            | Payload::PortfolioCreated
            | Payload::PortfolioChanged
            | Payload::CashDeposited(_)
            | Payload::OrderSubmitted(_)
            | Payload::OrderDenied(_) => return,
        }
        self.version += 1;
        self.updated_seq = entry.seq;
    }

    /// Whether it is over.
    pub fn is_closed(&self) -> bool {
        !matches!(self.life, Life::Submitting | Life::Working)
    }

    /// The sum of its fills.
    pub fn filled_quantity(&self) -> Decimal {
        self.fills.values().map(|fill| fill.quantity).sum()
    }

    /// The status a user reads.
    pub fn status(&self) -> &'static str {
        match self.life {
            Life::Denied => "denied",
            Life::Rejected => "rejected",
            Life::Canceled => "canceled",
            Life::Expired => "expired",
            Life::Filled => "filled",
            Life::Submitting | Life::Working if self.is_unknown => "unknown",
            Life::Submitting | Life::Working if self.is_cancel_pending => "pending_cancel",
            Life::Submitting | Life::Working if !self.fills.is_empty() => "partially_filled",
            Life::Working => "accepted",
            Life::Submitting => "submitted",
        }
    }

    fn fill(&mut self, execution: &Execution) {
        self.fills.entry(execution.execution_id.clone()).or_insert_with(|| execution.clone());
        if self.is_closed() {
            return;
        }
        if self.filled_quantity() >= self.terms.quantity {
            self.close(Life::Filled);
        } else if self.life == Life::Submitting {
            self.life = Life::Working;
            self.is_unknown = false;
        }
    }

    fn close(&mut self, life: Life) {
        if !self.is_closed() {
            self.life = life;
            self.is_unknown = false;
            self.is_cancel_pending = false;
        }
    }
}
