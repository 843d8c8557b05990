//! Limits a tenant sets itself, and the checks that hold orders to them.
//!
//! 1. A limit holds for each account by itself; of several that cover an order, each must hold.
//! 2. What only reduces a position is bound by the price collar alone, so that a limit never keeps a risk on the books.
//! 3. Open orders count in full.

use super::chain::{Case, Denial, DenialCode, deny_beyond, value_account};
use super::{HaltAuthor, HaltScope};
use crate::event::LimitsChanged;
use crate::order::Side;
use crate::{AccountId, Event, Symbol};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Symbols a list of allowed or denied ones may have.
pub const LISTED_SYMBOLS_MAX: usize = 1_000;

/// The limits of one scope; what is absent is not limited.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    #[serde(default, with = "rust_decimal::serde::str_option", skip_serializing_if = "Option::is_none")]
    pub order_quantity_max: Option<Decimal>,
    #[serde(default, with = "rust_decimal::serde::str_option", skip_serializing_if = "Option::is_none")]
    pub order_notional_max: Option<Decimal>,
    #[serde(default, with = "rust_decimal::serde::str_option", skip_serializing_if = "Option::is_none")]
    pub position_notional_max: Option<Decimal>,
    #[serde(default, with = "rust_decimal::serde::str_option", skip_serializing_if = "Option::is_none")]
    pub gross_exposure_max: Option<Decimal>,
    #[serde(default, with = "rust_decimal::serde::str_option", skip_serializing_if = "Option::is_none")]
    pub net_exposure_max: Option<Decimal>,
    /// How far a limit price may be from the middle of the quote, in percent of it.
    #[serde(default, with = "rust_decimal::serde::str_option", skip_serializing_if = "Option::is_none")]
    pub price_collar_percent: Option<Decimal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_orders_max: Option<u32>,
    /// Only these may be traded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbols_allowed: Option<BTreeSet<Symbol>>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub symbols_denied: BTreeSet<Symbol>,
}

/// Why limits are not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitsRejection {
    #[error("the limits have version {present}, not {expected}: look at them again")]
    VersionMismatch { expected: u64, present: u64 },
    #[error("there is no account {account}")]
    UnknownAccount { account: AccountId },
}

/// A wish to replace the limits of a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeLimits {
    pub scope: HaltScope,
    pub limits: Limits,
    /// The version the wish is based on; none: whatever it is.
    pub expected_version: Option<u64>,
    pub by: HaltAuthor,
    pub at: crate::Timestamp,
}

/// All limits of a tenant. The version counts their changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitBook {
    pub version: u64,
    #[serde(with = "crate::entries")]
    limits: BTreeMap<HaltScope, Limits>,
}

impl LimitBook {
    /// The event a wish leads to; none if the limits are like this already.
    pub fn decide(&self, change: ChangeLimits) -> Result<Option<Event>, LimitsRejection> {
        let ChangeLimits { scope, limits, expected_version, by, at } = change;
        let present = self.version;
        if let Some(expected) = expected_version.filter(|expected| *expected != present) {
            return Err(LimitsRejection::VersionMismatch { expected, present });
        }
        if self.limits.get(&scope).unwrap_or(&Limits::default()) == &limits {
            return Ok(None);
        }
        Ok(Some(Event::LimitsChanged(LimitsChanged { scope, limits, version: present + 1, by, at })))
    }

    /// Folds one event in.
    pub fn apply(&mut self, event: &Event) {
        if let Event::LimitsChanged(data) = event {
            self.version = data.version;
            if data.limits == Limits::default() {
                self.limits.remove(&data.scope);
            } else {
                self.limits.insert(data.scope.clone(), data.limits.clone());
            }
        }
    }

    /// The limits of each scope that has some.
    pub fn iter(&self) -> impl Iterator<Item = (&HaltScope, &Limits)> {
        self.limits.iter()
    }

    fn covering<'a>(&'a self, case: &'a Case<'_>) -> impl Iterator<Item = (&'a HaltScope, &'a Limits)> {
        let terms = case.ask.terms;
        self.limits.iter().filter(|(scope, _)| scope.covers(&terms.account, &terms.symbol))
    }
}

/// Refuses with the first scope whose limit `would_be` is above.
fn check_each(
    case: &Case<'_>,
    code: DenialCode,
    limit: fn(&Limits) -> Option<Decimal>,
    would_be: impl Fn() -> Option<Decimal>,
) -> Result<(), Denial> {
    let mut limited =
        case.limits.covering(case).filter_map(|(scope, one)| Some((scope, limit(one)?))).peekable();
    if limited.peek().is_none() || case.reduces() {
        return Ok(());
    }
    let Some(would_be) = would_be() else {
        return deny_beyond(DenialCode::NoMarketPrice, "an account without prices", None);
    };
    for (scope, limit) in limited {
        if would_be > limit {
            return deny_beyond(code, &scope.to_string(), Some((limit, would_be)));
        }
    }
    Ok(())
}

pub(super) fn check_symbols(case: &Case<'_>) -> Result<(), Denial> {
    if case.reduces() {
        return Ok(());
    }
    let symbol = &case.ask.terms.symbol;
    let is_barred = |limits: &Limits| {
        limits.symbols_denied.contains(symbol)
            || limits.symbols_allowed.as_ref().is_some_and(|allowed| !allowed.contains(symbol))
    };
    match case.limits.covering(case).find(|(_, limits)| is_barred(limits)) {
        Some((scope, _)) => deny_beyond(DenialCode::SymbolNotAllowed, &scope.to_string(), None),
        None => Ok(()),
    }
}

pub(super) fn check_order_quantity(case: &Case<'_>) -> Result<(), Denial> {
    let quantity = case.ask.terms.quantity.get();
    check_each(case, DenialCode::OrderQuantityLimit, |limits| limits.order_quantity_max, || Some(quantity))
}

pub(super) fn check_order_notional(case: &Case<'_>) -> Result<(), Denial> {
    let notional = || Some(case.price?.get() * case.ask.terms.quantity.get());
    check_each(case, DenialCode::OrderNotionalLimit, |limits| limits.order_notional_max, notional)
}

pub(super) fn check_position(case: &Case<'_>) -> Result<(), Denial> {
    let after = || case.exposures().map(|(_, after)| after);
    check_each(case, DenialCode::PositionLimit, |limits| limits.position_notional_max, after)
}

pub(super) fn check_gross_exposure(case: &Case<'_>) -> Result<(), Denial> {
    let after = || {
        let (before, after) = case.exposures()?;
        Some(value_account(case.account, case.ask.quotes)?.exposure - before + after)
    };
    check_each(case, DenialCode::GrossExposureLimit, |limits| limits.gross_exposure_max, after)
}

/// What is held long over short, if all orders of this one's side filled and no others.
pub(super) fn check_net_exposure(case: &Case<'_>) -> Result<(), Denial> {
    let terms = case.ask.terms;
    let after = || {
        let mut net = terms.quantity.get() * case.mark()?;
        for (symbol, risk) in &case.account.symbols {
            let held = match terms.side {
                Side::Buy => risk.position + risk.buy_quantity,
                Side::Sell => risk.sell_quantity - risk.position,
            };
            if !held.is_zero() {
                net += held * (case.ask.quotes)(symbol)?.mark();
            }
        }
        Some(net)
    };
    check_each(case, DenialCode::NetExposureLimit, |limits| limits.net_exposure_max, after)
}

pub(super) fn check_open_orders(case: &Case<'_>) -> Result<(), Denial> {
    let terms = case.ask.terms;
    if case.reduces() {
        return Ok(());
    }
    for (scope, limits) in case.limits.covering(case) {
        let Some(limit) = limits.open_orders_max else { continue };
        let counts = |one: &&super::Reservation| {
            one.account == terms.account && scope.covers(&one.account, &one.symbol)
        };
        let would_be = Decimal::from(case.reservations.values().filter(counts).count() + 1);
        if would_be > Decimal::from(limit) {
            let numbers = Some((Decimal::from(limit), would_be));
            return deny_beyond(DenialCode::OpenOrdersLimit, &scope.to_string(), numbers);
        }
    }
    Ok(())
}

pub(super) fn check_price_collar(case: &Case<'_>) -> Result<(), Denial> {
    let (Some(price), Some(mark)) = (case.ask.terms.kind.limit_price(), case.mark()) else { return Ok(()) };
    let would_be = ((price.get() - mark).abs() * Decimal::ONE_HUNDRED / mark).round_dp(8);
    for (scope, limits) in case.limits.covering(case) {
        if let Some(limit) = limits.price_collar_percent.filter(|limit| would_be > *limit) {
            return deny_beyond(DenialCode::PriceCollar, &scope.to_string(), Some((limit, would_be)));
        }
    }
    Ok(())
}
