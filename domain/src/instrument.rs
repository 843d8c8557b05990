//! Instruments and the rules a venue puts on orders in them.

use crate::money::NOTIONAL_LIMIT;
use crate::order::{OrderKind, OrderTerms};
use crate::{Currency, Price, Qty, Symbol};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What is traded. Only spot trades today; positions and margins of the others differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstrumentKind {
    Spot,
    Perpetual,
    Future,
    Option,
    Equity,
}

/// One instrument of a venue, with its filters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instrument {
    pub symbol: Symbol,
    pub kind: InstrumentKind,
    pub base: Currency,
    pub quote: Currency,
    pub price_tick: Price,
    pub quantity_step: Qty,
    pub quantity_min: Qty,
    pub quantity_max: Qty,
    pub notional_min: Price,
    /// Share of the notional that a taker pays, for example 0.001.
    #[serde(with = "rust_decimal::serde::str")]
    pub taker_fee_rate: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub maker_fee_rate: Decimal,
}

/// How an order breaks its instrument's rules; says what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InstrumentRuleError {
    #[error("price {price} is off the tick: must be a multiple of {tick}")]
    PriceOffTick { price: Price, tick: Price },
    #[error("quantity {quantity} is off the step: must be a multiple of {step}")]
    QuantityOffStep { quantity: Qty, step: Qty },
    #[error("quantity {quantity} is too small: must be at least {min}")]
    QuantityTooSmall { quantity: Qty, min: Qty },
    #[error("quantity {quantity} is too large: must be at most {max}")]
    QuantityTooLarge { quantity: Qty, max: Qty },
    #[error("the order is worth {notional}: must be worth at least {min}")]
    NotionalTooSmall { notional: Decimal, min: Price },
    #[error("the order is worth {notional}: must be worth less than {NOTIONAL_LIMIT}")]
    NotionalTooLarge { notional: Decimal },
}

impl Instrument {
    /// Checks an order against the filters. A market order's worth is checked by the risk chain, which
    /// knows a price.
    pub fn check(&self, terms: &OrderTerms) -> Result<(), InstrumentRuleError> {
        self.check_quantity(terms.quantity)?;
        match terms.kind {
            OrderKind::Market => Ok(()),
            OrderKind::Limit { price } => self.check_price(price, terms.quantity),
        }
    }

    /// The largest quantity an order may have that is not more than `quantity`; none if that is below the minimum.
    pub fn largest_order_within(&self, quantity: Decimal) -> Option<Qty> {
        let capped = quantity.min(self.quantity_max.get());
        let stepped = capped - capped % self.quantity_step.get();
        let quantity = Qty::try_from(stepped.max(Decimal::ZERO).normalize()).ok()?;
        (quantity >= self.quantity_min).then_some(quantity)
    }

    fn check_quantity(&self, quantity: Qty) -> Result<(), InstrumentRuleError> {
        if quantity < self.quantity_min {
            return Err(InstrumentRuleError::QuantityTooSmall { quantity, min: self.quantity_min });
        }
        if quantity > self.quantity_max {
            return Err(InstrumentRuleError::QuantityTooLarge { quantity, max: self.quantity_max });
        }
        if !(quantity.get() % self.quantity_step.get()).is_zero() {
            return Err(InstrumentRuleError::QuantityOffStep { quantity, step: self.quantity_step });
        }
        Ok(())
    }

    fn check_price(&self, price: Price, quantity: Qty) -> Result<(), InstrumentRuleError> {
        if !(price.get() % self.price_tick.get()).is_zero() {
            return Err(InstrumentRuleError::PriceOffTick { price, tick: self.price_tick });
        }
        // Exact only below the limit, so the check itself must not overflow.
        let notional = price.get().checked_mul(quantity.get()).unwrap_or(Decimal::MAX);
        if notional >= NOTIONAL_LIMIT {
            return Err(InstrumentRuleError::NotionalTooLarge { notional });
        }
        if notional < self.notional_min.get() {
            return Err(InstrumentRuleError::NotionalTooSmall { notional, min: self.notional_min });
        }
        Ok(())
    }
}
