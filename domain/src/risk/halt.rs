//! The kill switch: who stopped what, how far, and what that means for a new order.
//!
//! 1. A halt stands until somebody resumes its scope; nothing else ends it.
//! 2. Where several apply, the strictest counts.
//! 3. A halt only tightens: to loosen one, resume it first.

use crate::event::{TradingHalted, TradingResumed};
use crate::{AccountId, Event, Symbol, UserId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Reasons are for people; longer ones belong elsewhere.
pub const REASON_LENGTH_MAX: usize = 200;

/// What a halt does, from the mildest to the strictest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HaltMode {
    /// Only orders that reduce a position pass. Open orders stay.
    ReduceOnly,
    /// The same, and open orders are cancelled.
    CancelAll,
    /// The same, and positions are closed at the market.
    Flatten,
    /// Open orders are cancelled and no order passes.
    Halt,
}

impl HaltMode {
    /// Whether open orders are cancelled.
    pub fn cancels(self) -> bool {
        self != Self::ReduceOnly
    }
}

impl fmt::Display for HaltMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::text::write_enum_name(self, f)
    }
}

/// What is halted. `Platform` is the whole tenant too, but set and lifted by the platform's operators.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "scope", content = "name", rename_all = "snake_case")]
pub enum HaltScope {
    Platform,
    Tenant,
    Account(AccountId),
    Symbol(Symbol),
}

impl HaltScope {
    /// Whether an order in this account and symbol is within the scope.
    pub fn covers(&self, account: &AccountId, symbol: &Symbol) -> bool {
        match self {
            Self::Platform | Self::Tenant => true,
            Self::Account(one) => one == account,
            Self::Symbol(one) => one == symbol,
        }
    }
}

impl fmt::Display for HaltScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platform => f.write_str("the tenant by the platform"),
            Self::Tenant => f.write_str("the tenant"),
            Self::Account(account) => write!(f, "account {account}"),
            Self::Symbol(symbol) => write!(f, "symbol {symbol}"),
        }
    }
}

/// Who halted or resumed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum HaltAuthor {
    /// Somebody of the tenant.
    User { user_id: UserId },
    /// An operator of the platform.
    PlatformAdmin { user_id: UserId },
}

/// Why a halt is not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HaltRejection {
    #[error("{scope} is halted with {present}, which is stricter: resume it before a milder halt")]
    Stricter { scope: HaltScope, present: HaltMode },
    #[error("there is no account {account}")]
    UnknownAccount { account: AccountId },
}

/// The halts that stand, one a scope.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HaltBook {
    #[serde(with = "crate::entries")]
    halts: BTreeMap<HaltScope, TradingHalted>,
}

impl HaltBook {
    /// The event a halt leads to; none if the scope is halted like this already.
    pub fn decide_halt(&self, halt: TradingHalted) -> Result<Option<Event>, HaltRejection> {
        match self.halts.get(&halt.scope).map(|present| present.mode) {
            Some(present) if present > halt.mode => {
                Err(HaltRejection::Stricter { scope: halt.scope, present })
            }
            Some(present) if present == halt.mode => Ok(None),
            _ => Ok(Some(Event::TradingHalted(halt))),
        }
    }

    /// The event a resumption leads to; none if the scope is not halted.
    pub fn decide_resume(&self, resume: TradingResumed) -> Option<Event> {
        self.halts.contains_key(&resume.scope).then_some(Event::TradingResumed(resume))
    }

    /// Folds one event in.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::TradingHalted(data) => drop(self.halts.insert(data.scope.clone(), data.clone())),
            Event::TradingResumed(data) => drop(self.halts.remove(&data.scope)),
            _ => {}
        }
    }

    /// The halts that stand, from the widest scope down.
    pub fn iter(&self) -> impl Iterator<Item = &TradingHalted> {
        self.halts.values()
    }

    /// Whether nothing is halted.
    pub fn is_empty(&self) -> bool {
        self.halts.is_empty()
    }

    /// The strictest halt that covers an order here; of equal ones, the widest.
    pub fn strictest(&self, account: &AccountId, symbol: &Symbol) -> Option<&TradingHalted> {
        let covering = self.halts.values().filter(|halt| halt.scope.covers(account, symbol));
        covering.rev().max_by_key(|halt| halt.mode)
    }
}
