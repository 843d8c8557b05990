//! Who is asking: passwords, tokens, sessions and roles.
//!
//! 1. A password is stored as an argon2id hash, a refresh token as its SHA-256; neither appears in a log.
//! 2. The tenant of a request comes from a verified token, never from a header, a path or a body.
//! 3. A session that was ended is refused on this node at once, whatever its tokens say.

mod access_token;
mod email;
mod error;
mod password;
mod principal;
mod refresh_token;
mod revocation;
mod service;
mod signing_key;
mod token_cache;

pub use access_token::{LIFETIME_SECONDS as ACCESS_TOKEN_LIFETIME_SECONDS, TokenError};
pub use bulkhead_persistence::UserRole;
pub use email::{Email, EmailError};
pub use error::{AuthenticateError, IdentityError};
pub use password::{
    HashError, LENGTH_MAX as PASSWORD_LENGTH_MAX, LENGTH_MIN as PASSWORD_LENGTH_MIN, PasswordRuleError,
};
pub use principal::{Permission, Principal};
pub use service::{AdminOutcome, Clock, Identity, Signup, Tokens};
pub use signing_key::{SigningKey, SigningKeyError};
