//! Why somebody was not let in, or something about identities could not be done.

use crate::access_token::TokenError;
use crate::email::EmailError;
use crate::password::{HashError, PasswordRuleError};
use bulkhead_persistence::DbError;

/// Why an access token does not let its bearer in.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticateError {
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("the session was ended")]
    Revoked,
    /// The token is from before this process started, and the database that knows of its session is away.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Why a request about identities was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error("email {0}")]
    InvalidEmail(#[from] EmailError),
    #[error("password {0}")]
    InvalidPassword(#[from] PasswordRuleError),
    #[error("tenant_name must have 1 to {} visible characters", crate::service::TENANT_NAME_LENGTH_MAX)]
    InvalidTenantName,
    #[error("this e-mail address has an account already: log in instead")]
    EmailTaken,
    #[error("e-mail address or password is wrong")]
    BadCredentials,
    #[error("the tenant is suspended")]
    TenantSuspended,
    #[error("the refresh token is not valid: log in again")]
    RefreshInvalid,
    #[error("the refresh token was used before: the session was ended, log in again")]
    RefreshReused,
    #[error("the user no longer exists")]
    UserGone,
    #[error(transparent)]
    Hash(#[from] HashError),
    #[error("the operating system gave no random bytes")]
    Random,
    #[error(transparent)]
    Db(#[from] DbError),
}
