//! The public status, derived from the fields and never stored.

use super::{CloseReason, Order, Pending, Phase};
use crate::text::write_enum_name;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a user reads as the state of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    Submitted,
    Accepted,
    PartiallyFilled,
    PendingCancel,
    Unknown,
    Filled,
    Canceled,
    Expired,
    Rejected,
    Denied,
}

impl fmt::Display for OrderStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_enum_name(self, f)
    }
}

impl Order {
    /// Precedence: closed, then unknown, then pending, then filled in part, then the phase.
    pub fn status(&self) -> OrderStatus {
        if let Phase::Closed { reason } = &self.phase {
            return match reason {
                CloseReason::Denied { .. } => OrderStatus::Denied,
                CloseReason::Rejected { .. } => OrderStatus::Rejected,
                CloseReason::Canceled { .. } => OrderStatus::Canceled,
                CloseReason::Expired => OrderStatus::Expired,
                CloseReason::Filled => OrderStatus::Filled,
            };
        }
        if self.is_unknown() {
            return OrderStatus::Unknown;
        }
        match (self.pending, &self.phase) {
            (Some(Pending::Cancel { .. }), _) => OrderStatus::PendingCancel,
            (None, _) if !self.fills.is_empty() => OrderStatus::PartiallyFilled,
            (None, Phase::Working) => OrderStatus::Accepted,
            (None, _) => OrderStatus::Submitted,
        }
    }
}
