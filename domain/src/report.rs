//! What a venue says about an order, in words that fit every venue.

use crate::order::Execution;
use crate::{Qty, Timestamp, VenueClientId, VenueOrderId};
use serde::{Deserialize, Serialize};

/// One statement of a venue about one order. May be late, repeated or out of order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VenueReport {
    pub venue_client_id: VenueClientId,
    /// By the venue's clock.
    pub venue_ts: Timestamp,
    pub kind: ReportKind,
}

/// What is stated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ReportKind {
    /// The venue has the order; it rests.
    Accepted {
        venue_order_id: VenueOrderId,
    },
    /// The venue proves that it did not take the order.
    Rejected {
        code: String,
        message: String,
    },
    /// An execution; implies that the venue has the order.
    Filled {
        venue_order_id: VenueOrderId,
        execution: Execution,
    },
    /// The order is over at the venue without (further) fills.
    Canceled {
        cause: VenueCancelCause,
    },
    /// The venue did not cancel; the order may be filled or unknown to it.
    CancelRejected {
        message: String,
    },
    Expired,
    /// The answer to a query by client id: everything the venue knows. `None`: it never had such an order,
    /// and no request that was sent before the query can still reach it.
    State {
        order: Option<VenueOrder>,
    },
}

/// Why a venue ended an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VenueCancelCause {
    /// We asked.
    Requested,
    /// Immediate-or-cancel or fill-or-kill ran out of liquidity.
    TimeInForce,
    /// The market closed, the account was liquidated, or the like.
    Unsolicited,
}

/// An order as the venue holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VenueOrder {
    pub venue_order_id: VenueOrderId,
    pub state: VenueOrderState,
    pub filled_quantity: Qty,
    pub executions: Vec<Execution>,
}

/// How the venue sees the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum VenueOrderState {
    Open,
    Filled,
    Canceled { cause: VenueCancelCause },
    Rejected { code: String, message: String },
    Expired,
}
