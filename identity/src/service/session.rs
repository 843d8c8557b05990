//! Sign-in, refresh and sign-out.

use super::{Identity, Tokens};
use crate::access_token::expiry;
use crate::email::Email;
use crate::error::IdentityError;
use crate::principal::Principal;
use crate::refresh_token::RefreshToken;
use bulkhead_domain::Timestamp;
use bulkhead_persistence::refresh_token::{
    NewRefreshToken, Redeemed, SessionOwner, insert_refresh_token, redeem_refresh_token,
};
use bulkhead_persistence::session::{RevokeReason, SessionRow, insert_session, revoke_session};
use bulkhead_persistence::tenant::find_tenant;
use bulkhead_persistence::user::{find_user, find_user_by_email};
use bulkhead_persistence::{DbError, SystemTx, TenantRow, TenantStatus, UserRow};
use secrecy::SecretString;
use tracing::warn;
use uuid::Uuid;

const MICROS_PER_DAY: i64 = 86_400_000_000;
/// A session that nobody refreshes for this long is over.
const REFRESH_LIFETIME_MICROS: i64 = 30 * MICROS_PER_DAY;
/// And after this long it is over anyway.
const SESSION_LIFETIME_MICROS: i64 = 90 * MICROS_PER_DAY;

impl Identity {
    /// Signs in by e-mail and password.
    pub async fn login(&self, email: &str, password: SecretString) -> Result<Tokens, IdentityError> {
        // An address that cannot exist takes as long as one that does not.
        let user = match Email::parse(email) {
            Ok(email) => self.find_user(&email).await?,
            Err(_) => None,
        };
        let stored = user.as_ref().map(|user| user.password_hash.clone());
        if !self.0.passwords.verify(password, stored).await? {
            return Err(IdentityError::BadCredentials);
        }
        let user = user.ok_or(IdentityError::BadCredentials)?;
        let mut tx = self.0.db.begin_system().await?;
        let tenant = find_tenant(&mut tx, user.tenant_id).await?;
        check_active(tenant.as_ref())?;
        let tokens = self.open_session(&mut tx, &user).await?;
        tx.commit().await?;
        Ok(tokens)
    }

    /// Exchanges a refresh token. A token that was spent before ends its session.
    pub async fn refresh(&self, refresh_token: &str) -> Result<Tokens, IdentityError> {
        let hash = RefreshToken::hash_of(refresh_token).ok_or(IdentityError::RefreshInvalid)?;
        let now = (self.0.clock)();
        let successor = RefreshToken::random().ok_or(IdentityError::Random)?;
        let mut tx = self.0.db.begin_system().await?;
        let owner = match redeem_refresh_token(&mut tx, &hash, new_row(&successor, now)).await? {
            Redeemed::Rotated(owner) => owner,
            Redeemed::Reused(owner) => return self.end_reused(tx, owner).await,
            Redeemed::Over | Redeemed::Unknown => return Err(IdentityError::RefreshInvalid),
        };
        let user = find_user(&mut tx, owner.user_id).await?.ok_or(IdentityError::UserGone)?;
        check_active(find_tenant(&mut tx, owner.tenant_id).await?.as_ref())?;
        tx.commit().await?;
        Ok(self.tokens_for(&user, owner.session_id, successor.text))
    }

    /// Ends the session. Its access tokens are refused from now on, even if the database is away.
    pub async fn logout(&self, principal: &Principal) -> Result<(), IdentityError> {
        self.forget_session(principal.session_id);
        let mut tx = self.0.db.begin_system().await?;
        revoke_session(&mut tx, principal.session_id, RevokeReason::SignedOut, (self.0.clock)()).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The user and the tenant behind a principal.
    pub async fn me(&self, principal: &Principal) -> Result<(UserRow, TenantRow), IdentityError> {
        let mut tx = self.0.db.begin_system().await?;
        let user = find_user(&mut tx, principal.user_id).await?.ok_or(IdentityError::UserGone)?;
        let tenant = find_tenant(&mut tx, principal.tenant_id).await?.ok_or(IdentityError::UserGone)?;
        Ok((user, tenant))
    }

    /// Begins a session inside the caller's transaction.
    pub(super) async fn open_session(
        &self,
        tx: &mut SystemTx,
        user: &UserRow,
    ) -> Result<Tokens, IdentityError> {
        let now = (self.0.clock)();
        let refresh_token = RefreshToken::random().ok_or(IdentityError::Random)?;
        let session_id = Uuid::now_v7();
        let session = SessionRow {
            id: session_id,
            tenant_id: user.tenant_id,
            user_id: user.id,
            created_at: now,
            expires_at: now.plus_micros(SESSION_LIFETIME_MICROS),
            revoked_at: None,
        };
        insert_session(tx, &session).await?;
        let owner = SessionOwner { session_id, tenant_id: user.tenant_id, user_id: user.id };
        insert_refresh_token(tx, owner, new_row(&refresh_token, now)).await?;
        Ok(self.tokens_for(user, session_id, refresh_token.text))
    }

    fn tokens_for(&self, user: &UserRow, session_id: Uuid, refresh_token: String) -> Tokens {
        let now = (self.0.clock)();
        let principal = Principal {
            tenant_id: user.tenant_id,
            user_id: user.id,
            session_id,
            role: user.role,
            is_platform_admin: user.is_platform_admin,
            expires_at: expiry(now),
        };
        Tokens {
            tenant_id: user.tenant_id,
            user_id: user.id,
            access_token: self.0.tokens.issue(&principal, now),
            refresh_token,
            expires_at: principal.expires_at,
        }
    }

    async fn end_reused(&self, tx: SystemTx, owner: SessionOwner) -> Result<Tokens, IdentityError> {
        self.forget_session(owner.session_id);
        tx.commit().await?;
        warn!(tenant.id = %owner.tenant_id, session.id = %owner.session_id, "spent refresh token came back");
        Err(IdentityError::RefreshReused)
    }

    async fn find_user(&self, email: &Email) -> Result<Option<UserRow>, DbError> {
        let mut tx = self.0.db.begin_system().await?;
        find_user_by_email(&mut tx, email.as_str()).await
    }
}

fn new_row(token: &RefreshToken, now: Timestamp) -> NewRefreshToken {
    NewRefreshToken { hash: token.hash, issued_at: now, expires_at: now.plus_micros(REFRESH_LIFETIME_MICROS) }
}

/// A quarantined tenant may look at its history; a suspended or closed one is not let in.
fn check_active(tenant: Option<&TenantRow>) -> Result<(), IdentityError> {
    match tenant.map(|tenant| tenant.status) {
        Some(TenantStatus::Active | TenantStatus::Quarantined) => Ok(()),
        Some(TenantStatus::Suspended | TenantStatus::Closed) => Err(IdentityError::TenantSuspended),
        None => Err(IdentityError::UserGone),
    }
}
