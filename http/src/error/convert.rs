//! Failures of the layers below, as codes.

use super::{ApiError, Code, Outcome};
use bulkhead_actors::jobs::{JobFailure, SubmitError};
use bulkhead_actors::tenant::AdminError;
use bulkhead_actors::{
    CallFailure, CancelError, PictureError, PlaceError, PortfolioError, Unavailable, UnknownPart,
};
use bulkhead_identity::{AuthenticateError, HashError, IdentityError, TokenError};
use bulkhead_persistence::DbError;
use bulkhead_quant::QuantError;
use bulkhead_supervision::ControlError;
use serde_json::json;
use std::time::Duration;

const RETRY_SHORTLY: Duration = Duration::from_secs(1);
const HOW_TO_FIND_OUT: &str = "the outcome is unknown: the request may have been executed. Do not send it under a new \
                               client_order_id; ask GET /api/v1/orders/by-client-id/{client_order_id}, or repeat it \
                               with the same client_order_id";

impl From<Unavailable> for ApiError {
    fn from(unavailable: Unavailable) -> Self {
        let code = match unavailable {
            Unavailable::Overloaded => Code::Overloaded,
            Unavailable::Recovering => Code::Recovering,
            Unavailable::Quarantined => Code::Quarantined,
            Unavailable::Stopped => Code::TenantStopped,
            Unavailable::Expired => Code::DeadlinePassed,
            Unavailable::UnknownTenant => Code::TenantNotFound,
            Unavailable::DatabaseAway => Code::DatabaseUnavailable,
        };
        let error = ApiError::of(code);
        match unavailable.retry_after() {
            Some(after) => error.with_retry_after(after),
            None => error,
        }
    }
}

impl From<CallFailure> for ApiError {
    fn from(failure: CallFailure) -> Self {
        match failure {
            CallFailure::NotExecuted(unavailable) => unavailable.into(),
            CallFailure::OutcomeUnknown => ApiError::new(Code::OutcomeUnknown, HOW_TO_FIND_OUT)
                .with_outcome(Outcome::Unknown)
                .with_retry_after(RETRY_SHORTLY),
        }
    }
}

impl From<PictureError> for ApiError {
    fn from(error: PictureError) -> Self {
        let message = error.to_string();
        match error {
            PictureError::Failed(failure) => failure.into(),
            PictureError::Unknown(UnknownPart::Account(_)) => {
                ApiError::new(Code::UnknownAccount, message).with_field("account")
            }
            PictureError::Unknown(UnknownPart::Portfolio(_)) => {
                ApiError::new(Code::UnknownPortfolio, message).with_field("portfolio")
            }
        }
    }
}

impl From<PlaceError> for ApiError {
    fn from(error: PlaceError) -> Self {
        let message = error.to_string();
        match error {
            PlaceError::Failed(failure) => failure.into(),
            PlaceError::Rejected(rejection) => rejection.into(),
            PlaceError::TermsRule(error) => error.into(),
            PlaceError::InstrumentRule(error) => error.into(),
            PlaceError::UnknownSymbol(_) => ApiError::new(Code::UnknownSymbol, message).with_field("symbol"),
            PlaceError::Reconciling => ApiError::of(Code::Reconciling).with_retry_after(RETRY_SHORTLY),
            PlaceError::InProgress => ApiError::of(Code::OrderInProgress).with_retry_after(RETRY_SHORTLY),
        }
    }
}

impl From<CancelError> for ApiError {
    fn from(error: CancelError) -> Self {
        match error {
            CancelError::Failed(failure) => failure.into(),
            CancelError::Rejected(rejection) => rejection.into(),
            CancelError::NotOpen(_) => ApiError::of(Code::OrderNotFound),
        }
    }
}

impl From<PortfolioError> for ApiError {
    fn from(error: PortfolioError) -> Self {
        match error {
            PortfolioError::Failed(CallFailure::OutcomeUnknown) => ApiError::new(
                Code::OutcomeUnknown,
                "the outcome is unknown: repeat the same request, or look at the portfolio",
            )
            .with_outcome(Outcome::Unknown)
            .with_retry_after(RETRY_SHORTLY),
            PortfolioError::Failed(failure) => failure.into(),
            PortfolioError::Rejected(rejection) => rejection.into(),
        }
    }
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unavailable(_) => {
                ApiError::of(Code::DatabaseUnavailable).with_retry_after(RETRY_SHORTLY).caused_by(error)
            }
            DbError::OutcomeUnknown(_) => ApiError::of(Code::OutcomeUnknown)
                .with_outcome(Outcome::Unknown)
                .with_retry_after(RETRY_SHORTLY)
                .caused_by(error),
            DbError::Constraint { .. } | DbError::Query(_) => {
                ApiError::internal(error).with_outcome(Outcome::NotExecuted)
            }
            DbError::Corrupt { .. } | DbError::Migration(_) => {
                ApiError::internal(error).with_outcome(Outcome::NotExecuted)
            }
        }
    }
}

impl From<AuthenticateError> for ApiError {
    fn from(error: AuthenticateError) -> Self {
        match error {
            AuthenticateError::Token(TokenError::Expired) => ApiError::of(Code::TokenExpired),
            AuthenticateError::Token(TokenError::Invalid) => ApiError::of(Code::TokenInvalid),
            AuthenticateError::Revoked => ApiError::of(Code::SessionRevoked),
            AuthenticateError::Db(error) => error.into(),
        }
    }
}

impl From<IdentityError> for ApiError {
    fn from(error: IdentityError) -> Self {
        let message = error.to_string();
        match error {
            IdentityError::InvalidEmail(_) => ApiError::new(Code::InvalidEmail, message).with_field("email"),
            IdentityError::InvalidPassword(_) => {
                ApiError::new(Code::InvalidPassword, message).with_field("password")
            }
            IdentityError::InvalidTenantName => {
                ApiError::new(Code::InvalidTenantName, message).with_field("tenant_name")
            }
            IdentityError::EmailTaken => ApiError::new(Code::EmailTaken, message).with_field("email"),
            IdentityError::BadCredentials => ApiError::new(Code::InvalidCredentials, message),
            IdentityError::TenantSuspended => ApiError::of(Code::TenantSuspended),
            IdentityError::RefreshInvalid => ApiError::new(Code::RefreshTokenInvalid, message),
            IdentityError::RefreshReused => ApiError::new(Code::RefreshTokenReused, message),
            IdentityError::UserGone => ApiError::of(Code::SessionRevoked),
            IdentityError::Hash(HashError::Overloaded) => {
                ApiError::of(Code::Overloaded).with_retry_after(RETRY_SHORTLY)
            }
            IdentityError::Hash(error) => ApiError::internal(error).with_outcome(Outcome::NotExecuted),
            IdentityError::Random => ApiError::internal(message).with_outcome(Outcome::NotExecuted),
            IdentityError::Db(error) => error.into(),
        }
    }
}

impl From<AdminError> for ApiError {
    fn from(error: AdminError) -> Self {
        let message = error.to_string();
        match error {
            AdminError::UnknownTenant => ApiError::of(Code::TenantNotFound),
            AdminError::UnknownActor(_) => ApiError::new(Code::ActorNotFound, message).with_field("path"),
            AdminError::InUse | AdminError::NotQuarantined => ApiError::new(Code::ActorConflict, message),
            AdminError::Control(error) => error.into(),
            AdminError::Db(error) => error.into(),
        }
    }
}

impl From<ControlError> for ApiError {
    fn from(error: ControlError) -> Self {
        let message = error.to_string();
        match error {
            ControlError::NotFound | ControlError::InvalidName(_) => {
                ApiError::new(Code::ActorNotFound, message).with_field("path")
            }
            ControlError::AlreadyExists | ControlError::NotRunning | ControlError::NotQuarantined => {
                ApiError::new(Code::ActorConflict, message)
            }
            ControlError::SupervisorDown => ApiError::of(Code::TenantStopped).with_retry_after(RETRY_SHORTLY),
            ControlError::TimedOut => {
                ApiError::new(Code::OutcomeUnknown, "the request was accepted but did not finish in time")
                    .with_outcome(Outcome::Unknown)
            }
        }
    }
}

impl From<QuantError> for ApiError {
    fn from(error: QuantError) -> Self {
        let message = error.to_string();
        match error {
            QuantError::NotFinite { what }
            | QuantError::OutOfRange { what, .. }
            | QuantError::TooFew { what, .. }
            | QuantError::TooMany { what, .. }
            | QuantError::LengthMismatch { what, .. }
            | QuantError::Constant { what }
            | QuantError::NotPositiveDefinite { what } => {
                ApiError::new(Code::InvalidNumbers, message).with_details(json!({ "what": what }))
            }
            QuantError::Infeasible { .. } => ApiError::new(Code::Infeasible, message),
            QuantError::NotIdentified { .. } => ApiError::new(Code::NotIdentified, message),
            QuantError::NoConvergence { .. } => ApiError::new(Code::NoConvergence, message),
            QuantError::Cancelled => ApiError::of(Code::JobCanceled),
            QuantError::UnknownModel { .. } | QuantError::UnknownName { .. } => {
                ApiError::new(Code::InvalidModel, message)
            }
        }
    }
}

impl From<JobFailure> for ApiError {
    fn from(failure: JobFailure) -> Self {
        match failure {
            JobFailure::Refused(error) => error.into(),
            JobFailure::Interrupted => ApiError::of(Code::JobInterrupted).with_retry_after(RETRY_SHORTLY),
        }
    }
}

impl From<SubmitError> for ApiError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::TooManyJobs => ApiError::of(Code::TooManyJobs).with_retry_after(RETRY_SHORTLY),
            SubmitError::Unavailable(unavailable) => unavailable.into(),
        }
    }
}
