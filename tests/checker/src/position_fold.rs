//! Positions and cash, recomputed from fills at average cost.

use crate::journal::{CashDeposited, OrderFilled};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Places that a share of a cost is rounded to.
const COST_SCALE: u32 = 16;

/// Where a position is kept: portfolio, account, symbol.
pub type PositionKey = (String, String, String);

/// A netted position.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Position {
    pub quantity: Decimal,
    pub cost: Decimal,
    pub realized_pnl: Decimal,
    pub fees: Decimal,
    pub seq: i64,
}

/// A tenant's positions and cash.
#[derive(Debug, Clone, Default)]
pub struct Book {
    pub positions: BTreeMap<PositionKey, Position>,
    /// By account and currency, over all portfolios, as a venue sees it.
    pub cash: BTreeMap<(String, String), Decimal>,
}

impl Book {
    /// Money came in.
    pub fn deposit(&mut self, deposit: &CashDeposited) {
        self.move_cash(&deposit.account, &deposit.currency, deposit.amount);
    }

    /// Books a fill that is not a repetition.
    pub fn fill(&mut self, filled: &OrderFilled, seq: i64) {
        let (order, execution) = (&filled.order, &filled.execution);
        let delta = if order.side == "buy" { execution.quantity } else { -execution.quantity };
        let key = (order.portfolio.clone(), order.account.clone(), order.symbol.clone());
        let position = self.positions.entry(key).or_default();
        position.trade(delta, execution.price);
        position.seq = seq;
        if execution.fee_currency == filled.quote_currency {
            position.fees += execution.fee;
        }
        self.move_cash(&order.account, &filled.quote_currency, -delta * execution.price);
        self.move_cash(&order.account, &execution.fee_currency, -execution.fee);
    }

    fn move_cash(&mut self, account: &str, currency: &str, amount: Decimal) {
        *self.cash.entry((account.to_owned(), currency.to_owned())).or_default() += amount;
    }
}

impl Position {
    fn trade(&mut self, delta: Decimal, price: Decimal) {
        let is_reducing = (self.quantity * delta).is_sign_negative() && !self.quantity.is_zero();
        if !is_reducing {
            self.quantity += delta;
            self.cost += delta * price;
            return;
        }
        let closing = delta.abs().min(self.quantity.abs());
        let closes_all = closing == self.quantity.abs();
        let cost_of_closed = if closes_all {
            self.cost
        } else {
            (self.cost * closing / self.quantity.abs()).round_dp(COST_SCALE)
        };
        let closed = if self.quantity.is_sign_positive() { closing } else { -closing };
        self.realized_pnl += closed * price - cost_of_closed;
        self.cost -= cost_of_closed;
        // What goes beyond the old position opens a new one at the fill's price.
        self.cost += (delta + closed) * price;
        self.quantity += delta;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traded(trades: &[(i64, i64)]) -> Position {
        let mut position = Position::default();
        for (delta, price) in trades {
            position.trade(Decimal::from(*delta), Decimal::from(*price));
        }
        position
    }

    #[test]
    fn closing_realizes_and_turning_starts_anew() {
        let half = traded(&[(2, 100), (-1, 130)]);
        assert_eq!((half.quantity, half.cost, half.realized_pnl), (1.into(), 100.into(), 30.into()));
        let turned = traded(&[(2, 100), (-1, 130), (-3, 90)]);
        assert_eq!(
            (turned.quantity, turned.cost, turned.realized_pnl),
            ((-2).into(), (-180).into(), 20.into())
        );
        let flat = traded(&[(2, 100), (-1, 130), (-3, 90), (2, 80)]);
        assert_eq!((flat.quantity, flat.cost, flat.realized_pnl), (0.into(), 0.into(), 40.into()));
    }
}
