//! What must hold at every level, stated once and used by property tests, debug checks and verification.

use crate::order::{CloseReason, Order, Phase};
use crate::portfolio::{PortfolioBook, PositionKey};
use crate::{Event, RecordedEvent};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// A statement that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("event {found} follows {previous}: a journal has no gaps")]
    SequenceGap { previous: i64, found: i64 },
    #[error("order {order} has filled {filled} of {quantity} and is not closed")]
    FilledButOpen { order: String, filled: Decimal, quantity: Decimal },
    #[error("order {order} is closed as filled with {filled} of {quantity}")]
    ClosedUnfilled { order: String, filled: Decimal, quantity: Decimal },
    #[error("order {order} is closed and still has a pending request or an unknown outcome")]
    ClosedPending { order: String },
    #[error("position {key:?} is {found}: its fills add up to {expected}")]
    PositionMismatch { key: PositionKey, found: Decimal, expected: Decimal },
}

/// Sequence numbers follow each other by one.
pub fn check_sequence(previous: i64, events: &[RecordedEvent]) -> Result<(), Violation> {
    let mut previous = previous;
    for recorded in events {
        if recorded.seq != previous + 1 {
            return Err(Violation::SequenceGap { previous, found: recorded.seq });
        }
        previous = recorded.seq;
    }
    Ok(())
}

/// Phase, certainty, pending and fills agree.
pub fn check_order(order: &Order) -> Result<(), Violation> {
    let (filled, quantity) = (order.filled_quantity().get(), order.terms.quantity.get());
    let name = || order.id.to_string();
    if !order.is_closed() && filled >= quantity {
        return Err(Violation::FilledButOpen { order: name(), filled, quantity });
    }
    if order.phase == (Phase::Closed { reason: CloseReason::Filled }) && filled < quantity {
        return Err(Violation::ClosedUnfilled { order: name(), filled, quantity });
    }
    if order.is_closed() && (order.pending.is_some() || order.is_unknown()) {
        return Err(Violation::ClosedPending { order: name() });
    }
    Ok(())
}

/// Positions are the fold of fills.
pub fn check_positions<'a>(
    events: impl IntoIterator<Item = &'a Event>,
    book: &PortfolioBook,
) -> Result<(), Violation> {
    let mut expected: BTreeMap<PositionKey, Decimal> = BTreeMap::new();
    for event in events {
        if let Event::OrderFilled(data) = event {
            let delta = data.order.side.signed(data.execution.quantity).get();
            *expected.entry(PortfolioBook::position_key(data)).or_default() += delta;
        }
    }
    for (key, expected) in expected {
        let found = book.positions.get(&key).map_or(Decimal::ZERO, |position| position.quantity.get());
        if found != expected {
            return Err(Violation::PositionMismatch { key, found, expected });
        }
    }
    Ok(())
}
