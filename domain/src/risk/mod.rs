//! What a tenant may still do: buying power, reservations and the pre-trade chain.
//!
//! 1. Every open order counts in full, one of unknown outcome included.
//! 2. A reservation is made once, before the order is submitted, and released once.
//! 3. What does not raise exposure is always allowed, whatever equity says.

mod chain;
mod flatten;
mod halt;
mod limits;

pub use chain::{Authorization, Denial, DenialCode, PreTrade};
pub use flatten::ToFlatten;
pub use halt::{HaltAuthor, HaltBook, HaltMode, HaltRejection, HaltScope, REASON_LENGTH_MAX};

pub use limits::{ChangeLimits, LISTED_SYMBOLS_MAX, LimitBook, Limits, LimitsRejection};

use crate::order::Side;
use crate::portfolio::{PortfolioBook, PositionKey};
use crate::{AccountId, Amount, Currency, Event, OrderId, Price, Qty, SignedQty, Symbol};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The best bid and ask of a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote {
    pub bid: Price,
    pub ask: Price,
}

impl Quote {
    /// The middle between bid and ask; what positions are valued at.
    pub fn mark(self) -> Decimal {
        (self.bid.get() + self.ask.get()) / Decimal::TWO
    }
}

/// What one open order may still cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    pub account: AccountId,
    pub symbol: Symbol,
    pub side: Side,
    pub price: Price,
    pub leaves: Qty,
}

/// A tenant's exposure, account by account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskBook {
    accounts: BTreeMap<AccountId, AccountRisk>,
    reservations: BTreeMap<OrderId, Reservation>,
    halts: HaltBook,
    limits: LimitBook,
    /// What each portfolio holds of an account's positions; none that is zero.
    #[serde(with = "crate::entries")]
    holdings: BTreeMap<PositionKey, SignedQty>,
}

/// One account's cash, positions and open orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRisk {
    pub currency: Currency,
    #[serde(with = "rust_decimal::serde::str")]
    pub leverage_max: Decimal,
    pub shorts_allowed: bool,
    cash: BTreeMap<Currency, Amount>,
    symbols: BTreeMap<Symbol, SymbolRisk>,
}

/// One symbol's position and the sums over its open orders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct SymbolRisk {
    #[serde(with = "rust_decimal::serde::str")]
    position: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    buy_quantity: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    buy_notional: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    sell_quantity: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    sell_notional: Decimal,
}

impl SymbolRisk {
    /// The larger of what could be held long if every buy filled and what could be held short if every sell did.
    fn exposure(&self, mark: Decimal) -> Decimal {
        let bought = side_exposure(self.position, (self.buy_quantity, self.buy_notional), mark);
        let sold = side_exposure(-self.position, (self.sell_quantity, self.sell_notional), mark);
        bought.max(sold)
    }

    /// What an order of this side may still close: the position on the other side, less what open orders close already.
    fn closable(&self, side: Side) -> Decimal {
        let rest = match side {
            Side::Buy => -self.position - self.buy_quantity,
            Side::Sell => self.position - self.sell_quantity,
        };
        rest.max(Decimal::ZERO)
    }

    fn reserve(&mut self, side: Side, quantity: Decimal, price: Decimal) {
        match side {
            Side::Buy => {
                self.buy_quantity = (self.buy_quantity + quantity).normalize();
                self.buy_notional = (self.buy_notional + quantity * price).normalize();
            }
            Side::Sell => {
                self.sell_quantity = (self.sell_quantity + quantity).normalize();
                self.sell_notional = (self.sell_notional + quantity * price).normalize();
            }
        }
    }
}

/// What is held once all orders of one side are filled; `held` counts in the direction of that side. What the orders
/// close costs nothing, whatever their price; what they open counts at their average price, what is left at the mark.
fn side_exposure(held: Decimal, (quantity, notional): (Decimal, Decimal), mark: Decimal) -> Decimal {
    let after = held + quantity;
    if after <= Decimal::ZERO || quantity.is_zero() {
        return after.abs() * mark;
    }
    if held >= Decimal::ZERO {
        return held * mark + notional;
    }
    after * (notional / quantity)
}

impl AccountRisk {
    fn symbol(&self, symbol: &Symbol) -> SymbolRisk {
        self.symbols.get(symbol).copied().unwrap_or_default()
    }

    fn move_cash(&mut self, currency: &Currency, amount: Amount) {
        let balance = self.cash.entry(currency.clone()).or_insert(Amount::ZERO);
        *balance = balance.plus(amount);
    }
}

impl RiskBook {
    /// The account, if the tenant has it.
    pub fn account(&self, account: &AccountId) -> Option<&AccountRisk> {
        self.accounts.get(account)
    }

    /// How many orders hold a reservation.
    pub fn reservation_count(&self) -> usize {
        self.reservations.len()
    }

    /// Holds back what an order may cost. A second reservation for the same order changes nothing, so that a
    /// reservation made ahead of the journal and the event that records it count once.
    pub fn reserve(&mut self, order_id: OrderId, reservation: Reservation) {
        if self.reservations.contains_key(&order_id) {
            return;
        }
        self.adjust(&reservation, reservation.leaves.get());
        self.reservations.insert(order_id, reservation);
    }

    /// Gives back what is left of an order's reservation; `false` when there was none (any more).
    pub fn release(&mut self, order_id: OrderId) -> bool {
        let Some(reservation) = self.reservations.remove(&order_id) else { return false };
        self.adjust(&reservation, -reservation.leaves.get());
        true
    }

    /// Folds one committed event in.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::AccountOpened(data) => {
                let account = AccountRisk {
                    currency: data.currency.clone(),
                    leverage_max: data.leverage_max,
                    shorts_allowed: data.shorts_allowed,
                    cash: BTreeMap::new(),
                    symbols: BTreeMap::new(),
                };
                self.accounts.insert(data.account.clone(), account);
            }
            Event::CashDeposited(data) => {
                if let Some(account) = self.accounts.get_mut(&data.account) {
                    account.move_cash(&data.currency, data.amount);
                }
            }
            Event::OrderSubmitted(data) => self.reserve(
                data.order_id,
                Reservation {
                    account: data.terms.account.clone(),
                    symbol: data.terms.symbol.clone(),
                    side: data.terms.side,
                    price: data.reserved_price,
                    leaves: data.terms.quantity,
                },
            ),
            Event::OrderFilled(data) => self.fill(data),
            Event::OrderRejected(data) => drop(self.release(data.order.id)),
            Event::OrderCanceled(data) => drop(self.release(data.order.id)),
            Event::OrderExpired(data) => drop(self.release(data.order.id)),
            Event::TradingHalted(_) | Event::TradingResumed(_) => self.halts.apply(event),
            Event::LimitsChanged(_) => self.limits.apply(event),
            Event::PortfolioCreated(_)
            | Event::PortfolioRenamed(_)
            | Event::PortfolioArchived(_)
            | Event::PortfolioRestored(_)
            | Event::OrderDenied(_)
            | Event::OrderAccepted(_)
            | Event::OrderOutcomeUnknown(_)
            | Event::CancelRequested(_)
            | Event::CancelRejected(_) => {}
        }
    }

    fn fill(&mut self, data: &crate::event::OrderFilled) {
        self.shrink_reservation(data.order.id, data.execution.quantity);
        let Some(account) = self.accounts.get_mut(&data.order.account) else { return };
        let delta = data.order.side.signed(data.execution.quantity).get();
        let symbol = account.symbols.entry(data.order.symbol.clone()).or_default();
        symbol.position = (symbol.position + delta).normalize();
        account.move_cash(&data.quote_currency, Amount::from(-delta * data.execution.price.get()));
        account.move_cash(&data.execution.fee_currency, Amount::ZERO.minus(data.execution.fee));
        self.hold(PortfolioBook::position_key(data), delta);
    }

    fn hold(&mut self, position: PositionKey, delta: Decimal) {
        let holding = self.holdings.remove(&position).unwrap_or(SignedQty::ZERO).get() + delta;
        if !holding.is_zero() {
            self.holdings.insert(position, SignedQty::from(holding));
        }
    }

    fn shrink_reservation(&mut self, order_id: OrderId, filled: Qty) {
        let Some(mut reservation) = self.reservations.remove(&order_id) else { return };
        let released = reservation.leaves.min(filled);
        self.adjust(&reservation, -released.get());
        reservation.leaves = reservation.leaves.saturating_minus(released);
        if !reservation.leaves.is_zero() {
            self.reservations.insert(order_id, reservation);
        }
    }

    fn adjust(&mut self, reservation: &Reservation, quantity: Decimal) {
        if let Some(account) = self.accounts.get_mut(&reservation.account) {
            let symbol = account.symbols.entry(reservation.symbol.clone()).or_default();
            symbol.reserve(reservation.side, quantity, reservation.price.get());
        }
    }
}
