//! Positions and cash: a fold of the journal.
//!
//! 1. Cash moves by exactly what the fills and fees say, to the last digit.
//! 2. The cost of what is closed leaves the position in full: a flat position has no cost.
//! 3. Paper and live never add up: everything is kept per portfolio and account.

use crate::event::{AccountOpened, OrderFilled};
use crate::order::Mode;
use crate::{AccountId, Amount, Currency, Event, PortfolioId, SignedQty, Symbol, VenueName};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Where a position is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PositionKey {
    pub portfolio: PortfolioId,
    pub account: AccountId,
    pub symbol: Symbol,
}

/// Where cash is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CashKey {
    pub portfolio: PortfolioId,
    pub account: AccountId,
    pub currency: Currency,
}

/// A netted position at average cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Long is positive, short negative.
    pub quantity: SignedQty,
    /// What the open quantity cost, with its sign, in the quote currency.
    pub cost: Amount,
    /// Profit of what was closed, before fees.
    pub realized_pnl: Amount,
    /// Fees paid in the quote currency.
    pub fees: Amount,
    pub quote_currency: Currency,
}

/// A venue account of the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub venue: VenueName,
    pub mode: Mode,
    pub currency: Currency,
}

/// All of a tenant's portfolios.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortfolioBook {
    pub portfolios: BTreeSet<PortfolioId>,
    pub accounts: BTreeMap<AccountId, Account>,
    #[serde(with = "crate::entries")]
    pub positions: BTreeMap<PositionKey, Position>,
    #[serde(with = "crate::entries")]
    pub cash: BTreeMap<CashKey, Amount>,
}

impl Position {
    pub(crate) fn flat(quote_currency: Currency) -> Self {
        let zero = Amount::ZERO;
        Self { quantity: SignedQty::ZERO, cost: zero, realized_pnl: zero, fees: zero, quote_currency }
    }

    /// The average price of the open quantity, rounded to 16 places.
    pub fn average_price(&self) -> Option<Amount> {
        let quantity = self.quantity.get();
        (!quantity.is_zero()).then(|| Amount::rounded(self.cost.get() / quantity))
    }

    /// Books a fill of `delta` (signed) at `price`.
    pub(crate) fn book(&mut self, delta: Decimal, price: Decimal) {
        let held = self.quantity.get();
        let opposes = !held.is_zero() && held.is_sign_positive() != delta.is_sign_positive();
        let closing = if opposes { held.abs().min(delta.abs()) } else { Decimal::ZERO };
        if opposes {
            let closed = if held.is_sign_positive() { closing } else { -closing };
            // Closing everything takes the whole cost, so that no rounding residue stays behind.
            let cost = if closing == held.abs() {
                self.cost
            } else {
                Amount::rounded(self.cost.get() * closing / held.abs())
            };
            self.cost = self.cost.minus(cost);
            self.realized_pnl = self.realized_pnl.plus(Amount::from(closed * price)).minus(cost);
        }
        let opening = delta.abs() - closing;
        if !opening.is_zero() {
            let opened = if delta.is_sign_positive() { opening } else { -opening };
            self.cost = self.cost.plus(Amount::from(opened * price));
        }
        self.quantity = SignedQty::from(held + delta);
    }
}

impl PortfolioBook {
    /// Folds one event in.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::AccountOpened(data) => self.open_account(data),
            Event::PortfolioCreated(data) => {
                self.portfolios.insert(data.portfolio.clone());
            }
            Event::CashDeposited(data) => {
                let key = CashKey {
                    portfolio: data.portfolio.clone(),
                    account: data.account.clone(),
                    currency: data.currency.clone(),
                };
                self.move_cash(key, data.amount);
            }
            Event::OrderFilled(data) => self.fill(data),
            Event::PortfolioRenamed(_)
            | Event::PortfolioArchived(_)
            | Event::PortfolioRestored(_)
            | Event::OrderSubmitted(_)
            | Event::OrderDenied(_)
            | Event::OrderAccepted(_)
            | Event::OrderRejected(_)
            | Event::OrderOutcomeUnknown(_)
            | Event::CancelRequested(_)
            | Event::CancelRejected(_)
            | Event::OrderCanceled(_)
            | Event::OrderExpired(_)
            | Event::TradingHalted(_)
            | Event::TradingResumed(_)
            | Event::LimitsChanged(_) => {}
        }
    }

    /// How many positions a portfolio holds, flat ones not counted.
    pub fn open_position_count(&self, portfolio: &PortfolioId) -> usize {
        let is_open = |(key, position): &(&PositionKey, &Position)| {
            key.portfolio == *portfolio && !position.quantity.get().is_zero()
        };
        self.positions.iter().filter(is_open).count()
    }

    /// The position a fill is booked to.
    pub fn position_key(data: &OrderFilled) -> PositionKey {
        PositionKey {
            portfolio: data.order.portfolio.clone(),
            account: data.order.account.clone(),
            symbol: data.order.symbol.clone(),
        }
    }

    fn open_account(&mut self, data: &AccountOpened) {
        let account = Account { venue: data.venue.clone(), mode: data.mode, currency: data.currency.clone() };
        self.accounts.insert(data.account.clone(), account);
    }

    fn fill(&mut self, data: &OrderFilled) {
        let delta = data.order.side.signed(data.execution.quantity).get();
        let price = data.execution.price.get();
        let position = self
            .positions
            .entry(Self::position_key(data))
            .or_insert_with(|| Position::flat(data.quote_currency.clone()));
        position.book(delta, price);
        if data.execution.fee_currency == data.quote_currency {
            position.fees = position.fees.plus(data.execution.fee);
        }
        let cash = |currency: &Currency| CashKey {
            portfolio: data.order.portfolio.clone(),
            account: data.order.account.clone(),
            currency: currency.clone(),
        };
        self.move_cash(cash(&data.quote_currency), Amount::from(-delta * price));
        self.move_cash(cash(&data.execution.fee_currency), Amount::ZERO.minus(data.execution.fee));
    }

    fn move_cash(&mut self, key: CashKey, amount: Amount) {
        let balance = self.cash.entry(key).or_insert(Amount::ZERO);
        *balance = balance.plus(amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn position() -> Position {
        Position::flat(Currency::parse("USDT").unwrap())
    }

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn closing_half_keeps_the_average_and_turning_starts_anew() {
        let mut p = position();
        p.book(dec("2"), dec("100"));
        p.book(dec("-1"), dec("130"));
        assert_eq!((p.average_price().unwrap().get(), p.realized_pnl.get()), (dec("100"), dec("30")));
        p.book(dec("-3"), dec("90"));
        assert_eq!(p.quantity.get(), dec("-2"));
        assert_eq!((p.average_price().unwrap().get(), p.realized_pnl.get()), (dec("90"), dec("20")));
        p.book(dec("2"), dec("80"));
        assert_eq!((p.cost.get(), p.realized_pnl.get()), (Decimal::ZERO, dec("40")));
    }

    proptest! {
        /// Money in equals money out: realised profit is what cash and the open cost say, to the last digit.
        #[test]
        fn profit_is_conserved(fills in prop::collection::vec((1i64..2_000_000, 1i64..9_000_000_000, any::<bool>()), 1..60)) {
            let mut p = position();
            let mut cash = Decimal::ZERO;
            let mut held = Decimal::ZERO;
            for (quantity, price, buys) in fills {
                let delta = Decimal::new(if buys { quantity } else { -quantity }, 5);
                let price = Decimal::new(price, 4);
                p.book(delta, price);
                cash -= delta * price;
                held += delta;
            }
            prop_assert_eq!(p.quantity.get(), held.normalize());
            prop_assert_eq!(p.realized_pnl.get() - p.cost.get(), cash);
            if held.is_zero() { prop_assert!(p.cost.get().is_zero()); }
        }
    }
}
