//! All of a tenant as one fold of its journal: what a snapshot holds and what its actors start from.

use crate::desk::DeskBook;
use crate::order::Order;
use crate::portfolio::PortfolioBook;
use crate::risk::RiskBook;
use crate::{Event, RecordedEvent};
use serde::{Deserialize, Serialize};

/// The sequence number of the last event in each stream; 0 when there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamHeads {
    pub events: i64,
    pub orders: i64,
    pub trades: i64,
    pub risk: i64,
}

impl StreamHeads {
    /// Moves the heads past one event.
    pub fn advance(&mut self, seq: i64, event: &Event) {
        self.events = seq;
        if event.is_order_event() {
            self.orders = seq;
        }
        if event.is_trade() {
            self.trades = seq;
        }
        if event.is_risk_event() {
            self.risk = seq;
        }
    }
}

/// A tenant as of one sequence number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantImage {
    pub seq: i64,
    pub streams: StreamHeads,
    pub desk: DeskBook,
    pub risk: RiskBook,
    pub portfolio: PortfolioBook,
}

impl TenantImage {
    /// The version of the stored form; a snapshot of another version is ignored and made anew.
    pub const VERSION: i16 = 3;

    /// Folds in the next event.
    pub fn apply(&mut self, recorded: &RecordedEvent) {
        assert!(
            recorded.seq == self.seq + 1,
            "events are folded in sequence: {} after {}",
            recorded.seq,
            self.seq
        );
        let event = &recorded.event;
        self.seq = recorded.seq;
        self.streams.advance(recorded.seq, event);
        self.portfolio.apply(event);
        self.risk.apply(event);
        self.desk.apply(event, recorded.recorded_at);
        if let Some(order_id) = event.order_id()
            && self.desk.order(order_id).is_some_and(Order::is_closed)
        {
            self.desk.forget(order_id);
        }
    }
}
