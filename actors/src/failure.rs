//! How a request to a tenant can fail, by what the caller may conclude.

use bulkhead_domain::Order;
use bulkhead_domain::desk::PlaceRejection;
use bulkhead_domain::event::TradingHalted;
use bulkhead_domain::instrument::InstrumentRuleError;
use bulkhead_domain::named_book::PortfolioRejection;
use bulkhead_domain::order::{OrderRejection, TermsRuleError};
use bulkhead_domain::risk::{Authorization, HaltRejection, LimitBook, LimitsRejection};
use bulkhead_domain::{AccountId, OrderId, PortfolioId, Symbol};
use bulkhead_persistence::DbError;
use bulkhead_supervision::{CallError, Refused};
use std::sync::Arc;
use std::time::Duration;

const RETRY_SOON: Duration = Duration::from_millis(100);
const RETRY_SHORTLY: Duration = Duration::from_secs(1);
const RETRY_LATER: Duration = Duration::from_secs(30);

/// Why a tenant does not answer. The request was certainly not executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    #[error("too much is waiting")]
    Overloaded,
    #[error("the tenant is recovering")]
    Recovering,
    #[error("the tenant is quarantined")]
    Quarantined,
    #[error("the tenant is stopped")]
    Stopped,
    #[error("the deadline passed before work started")]
    Expired,
    #[error("there is no such tenant")]
    UnknownTenant,
    #[error("the database is away")]
    DatabaseAway,
}

impl Unavailable {
    /// When to try again, if that makes sense.
    pub fn retry_after(self) -> Option<Duration> {
        match self {
            Self::Overloaded | Self::Expired => Some(RETRY_SOON),
            Self::Recovering | Self::Stopped | Self::DatabaseAway => Some(RETRY_SHORTLY),
            Self::Quarantined => Some(RETRY_LATER),
            Self::UnknownTenant => None,
        }
    }
}

impl From<Refused> for Unavailable {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Overloaded => Self::Overloaded,
            Refused::Recovering | Refused::Dropped => Self::Recovering,
            Refused::Stopped => Self::Stopped,
            Refused::Expired => Self::Expired,
        }
    }
}

/// Why a call has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallFailure {
    #[error("not executed: {0}")]
    NotExecuted(#[from] Unavailable),
    #[error("the outcome is unknown")]
    OutcomeUnknown,
}

impl From<CallError> for CallFailure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NotDelivered(refused) => Self::NotExecuted(refused.into()),
            CallError::OutcomeUnknown(_) => Self::OutcomeUnknown,
        }
    }
}

/// A part of the tenant that is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownPart {
    #[error("there is no account {0}")]
    Account(AccountId),
    #[error("there is no portfolio {0}")]
    Portfolio(PortfolioId),
}

/// Why there is no picture of a portfolio.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    #[error(transparent)]
    Failed(#[from] CallFailure),
    #[error(transparent)]
    Unknown(#[from] UnknownPart),
}

impl From<CallError> for PictureError {
    fn from(error: CallError) -> Self {
        Self::Failed(error.into())
    }
}

/// An order that a request led to.
#[derive(Debug, Clone)]
pub struct Placed {
    pub order: Arc<Order>,
    /// The same request was made before.
    pub existing: bool,
}

/// What would become of a request for an order.
#[derive(Debug, Clone)]
pub enum Rehearsed {
    /// It was made before: this is its order.
    Existing(Arc<Order>),
    /// What the pre-trade chain says of it now.
    Judged(Authorization),
}

/// Why a request for an order led to none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    #[error(transparent)]
    Failed(#[from] CallFailure),
    #[error(transparent)]
    Rejected(#[from] PlaceRejection),
    #[error(transparent)]
    TermsRule(#[from] TermsRuleError),
    #[error(transparent)]
    InstrumentRule(#[from] InstrumentRuleError),
    #[error("there is no instrument {0}")]
    UnknownSymbol(Symbol),
    /// The account's state at its venue is being established; only cancels are taken until then.
    #[error("the account is being reconciled with its venue")]
    Reconciling,
    /// Many wait for the decision about this very order already.
    #[error("the same order is being placed at this moment")]
    InProgress,
}

impl From<Unavailable> for PlaceError {
    fn from(unavailable: Unavailable) -> Self {
        Self::Failed(unavailable.into())
    }
}

impl From<CallError> for PlaceError {
    fn from(error: CallError) -> Self {
        Self::Failed(error.into())
    }
}

/// What stands after a halt or a resumption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halted {
    /// Every halt that stands now, from the widest scope down.
    pub halts: Vec<TradingHalted>,
    /// Open orders whose cancellation was asked for.
    pub cancels: usize,
    /// It was not so before.
    pub changed: bool,
}

/// What stands between an order and the venue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RiskGate {
    /// Every halt that stands, from the widest scope down.
    pub halts: Vec<TradingHalted>,
    pub limits: LimitBook,
}

/// Why limits were not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitsError {
    #[error(transparent)]
    Failed(#[from] CallFailure),
    #[error(transparent)]
    Rejected(#[from] LimitsRejection),
}

impl From<CallError> for LimitsError {
    fn from(error: CallError) -> Self {
        Self::Failed(error.into())
    }
}

/// Why trading was not halted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HaltError {
    #[error(transparent)]
    Failed(#[from] CallFailure),
    #[error(transparent)]
    Rejected(#[from] HaltRejection),
}

impl From<CallError> for HaltError {
    fn from(error: CallError) -> Self {
        Self::Failed(error.into())
    }
}

/// Why an order was not cancelled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CancelError {
    #[error(transparent)]
    Failed(#[from] CallFailure),
    #[error(transparent)]
    Rejected(#[from] OrderRejection),
    /// No open order has this id; it may be closed.
    #[error("order {0} is not open")]
    NotOpen(OrderId),
}

impl From<CallError> for CancelError {
    fn from(error: CallError) -> Self {
        Self::Failed(error.into())
    }
}

/// Why a portfolio was not made or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortfolioError {
    #[error(transparent)]
    Failed(#[from] CallFailure),
    #[error(transparent)]
    Rejected(#[from] PortfolioRejection),
}

impl From<CallError> for PortfolioError {
    fn from(error: CallError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<&DbError> for Unavailable {
    /// A read that failed executed nothing, whatever the reason.
    fn from(_: &DbError) -> Self {
        Self::DatabaseAway
    }
}
