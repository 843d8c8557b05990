//! What a kill switch that flattens has left to close.

use super::{HaltMode, RiskBook};
use crate::order::{OrderKind, OrderTerms, Side, TimeInForce};
use crate::portfolio::PositionKey;
use crate::{AccountId, Qty, Symbol};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// A position to be closed, less what open orders close already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToFlatten {
    pub position: PositionKey,
    pub side: Side,
    pub quantity: Decimal,
}

impl ToFlatten {
    /// The market order that closes this much of it.
    pub fn order(&self, quantity: Qty) -> OrderTerms {
        OrderTerms {
            portfolio: self.position.portfolio.clone(),
            account: self.position.account.clone(),
            symbol: self.position.symbol.clone(),
            side: self.side,
            kind: OrderKind::Market,
            quantity,
            time_in_force: TimeInForce::Ioc,
            expires_at: None,
            post_only: false,
            reduce_only: true,
        }
    }
}

impl RiskBook {
    /// Whether a halt that flattens stands anywhere.
    pub fn is_flattening(&self) -> bool {
        self.halts.iter().any(|halt| halt.mode == HaltMode::Flatten)
    }

    /// What is held where the strictest halt is one that flattens. An account's position is closed as a whole: portfolios
    /// whose holdings cancel out at the venue keep them.
    pub fn to_flatten(&self) -> Vec<ToFlatten> {
        let mut left: BTreeMap<(&AccountId, &Symbol), Decimal> = BTreeMap::new();
        let mut found = Vec::new();
        for (position, holding) in &self.holdings {
            let strictest = self.halts.strictest(&position.account, &position.symbol);
            if strictest.is_none_or(|halt| halt.mode != HaltMode::Flatten) {
                continue;
            }
            let Some(account) = self.accounts.get(&position.account) else { continue };
            let netted = account.symbol(&position.symbol);
            let is_long = netted.position.is_sign_positive();
            if holding.get().is_sign_positive() != is_long {
                continue;
            }
            let side = if is_long { Side::Sell } else { Side::Buy };
            let rest =
                left.entry((&position.account, &position.symbol)).or_insert_with(|| netted.closable(side));
            let quantity = holding.get().abs().min(*rest);
            if quantity > Decimal::ZERO {
                *rest -= quantity;
                found.push(ToFlatten { position: position.clone(), side, quantity });
            }
        }
        found
    }
}
