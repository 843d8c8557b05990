//! The identity service: sign-up, sign-in, and proof of who is asking.

mod session;
mod signup;

pub(crate) use signup::TENANT_NAME_LENGTH_MAX;
pub use signup::{AdminOutcome, Signup};

use crate::access_token::{AccessTokens, Proven, expiry};
use crate::error::{AuthenticateError, IdentityError};
use crate::password::Passwords;
use crate::principal::Principal;
use crate::revocation::{CheckedAt, Revocations};
use crate::signing_key::SigningKey;
use crate::token_cache::{TokenCache, Verified};
use bulkhead_domain::{TenantId, Timestamp, UserId};
use bulkhead_persistence::{Db, Plan, session as sessions};
use std::sync::Arc;
use uuid::Uuid;

/// Reads the present time.
pub type Clock = fn() -> Timestamp;

/// What a sign-in or a refresh gives.
#[derive(Clone)]
pub struct Tokens {
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub access_token: String,
    pub refresh_token: String,
    /// When the access token expires.
    pub expires_at: Timestamp,
}

/// Leaves the tokens out, so that no log shows them.
impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("tenant_id", &self.tenant_id).finish_non_exhaustive()
    }
}

/// Cheap to clone; one per process.
#[derive(Debug, Clone)]
pub struct Identity(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Db,
    clock: Clock,
    default_plan: Plan,
    /// Tokens issued before this are new to the revocation set: their sessions are looked up once.
    started_at: Timestamp,
    passwords: Passwords,
    tokens: AccessTokens,
    cache: TokenCache,
    revocations: Revocations,
}

impl Identity {
    /// Starts the service. Hashes a password once, which takes some 40 ms.
    pub fn new(db: Db, key: &SigningKey, default_plan: Plan, clock: Clock) -> Result<Self, IdentityError> {
        Ok(Self(Arc::new(Inner {
            db,
            clock,
            default_plan,
            started_at: clock(),
            passwords: Passwords::new()?,
            tokens: AccessTokens::new(key),
            cache: TokenCache::new(),
            revocations: Revocations::new(),
        })))
    }

    /// Proves who sends an access token. A token seen before costs well under a microsecond and no lock.
    pub async fn authenticate(&self, token: &str) -> Result<Principal, AuthenticateError> {
        match self.recall(token) {
            Some(known) => known,
            // In a box of its own: it is rare, and every request would have room for it otherwise.
            None => Box::pin(self.admit(token)).await,
        }
    }

    /// Whether a principal proven earlier still is who it was: not expired, its session not ended.
    pub fn still_good(&self, principal: &Principal) -> Result<(), AuthenticateError> {
        if (self.0.clock)() >= principal.expires_at {
            return Err(AuthenticateError::Token(crate::TokenError::Expired));
        }
        if self.0.revocations.contains(principal.session_id) {
            return Err(AuthenticateError::Revoked);
        }
        Ok(())
    }

    /// Answers for a token verified before; `None` when there is none.
    fn recall(&self, token: &str) -> Option<Result<Principal, AuthenticateError>> {
        let guard = self.0.cache.get(token)?;
        let verified = guard.as_ref()?;
        let principal = verified.principal;
        if (self.0.clock)() >= principal.expires_at {
            return Some(Err(AuthenticateError::Token(crate::TokenError::Expired)));
        }
        if self.0.revocations.contains_since(principal.session_id, &verified.checked_at) {
            return Some(Err(AuthenticateError::Revoked));
        }
        Some(Ok(principal))
    }

    /// Verifies a token that is new here.
    async fn admit(&self, token: &str) -> Result<Principal, AuthenticateError> {
        let Proven { principal, issued_at } = self.0.tokens.verify(token, (self.0.clock)())?;
        if self.0.revocations.contains(principal.session_id) {
            return Err(AuthenticateError::Revoked);
        }
        if issued_at <= self.0.started_at {
            self.check_session(&principal).await?;
        }
        let verified = Verified { token: token.into(), principal, checked_at: CheckedAt::default() };
        self.0.cache.insert(verified);
        Ok(principal)
    }

    /// What an earlier process revoked is known to the database only.
    async fn check_session(&self, principal: &Principal) -> Result<(), AuthenticateError> {
        let mut tx = self.0.db.begin_system().await?;
        let session = sessions::find_session(&mut tx, principal.session_id).await?;
        if session.is_some_and(|session| session.revoked_at.is_none()) {
            return Ok(());
        }
        self.forget_session(principal.session_id);
        Err(AuthenticateError::Revoked)
    }

    /// Refuses the access tokens of a session from now on.
    fn forget_session(&self, session_id: Uuid) {
        let now = (self.0.clock)();
        self.0.revocations.revoke(session_id, expiry(now), now);
    }
}

#[cfg(test)]
mod tests;
