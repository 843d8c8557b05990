//! Sessions: one sign-in and everything that was refreshed from it.

use crate::text::stored_enum;
use crate::{DbError, SystemTx};
use bulkhead_domain::{TenantId, Timestamp, UserId};
use time::OffsetDateTime;
use uuid::Uuid;

stored_enum!(
    /// Why a session ended before its time.
    RevokeReason {
        SignedOut => "signed_out",
        RefreshReuse => "refresh_reuse",
        Admin => "admin",
        PasswordChange => "password_change",
    }
);

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub created_at: Timestamp,
    /// However active, it ends here.
    pub expires_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

/// Stores a new session.
pub async fn insert_session(tx: &mut SystemTx, session: &SessionRow) -> Result<(), DbError> {
    sqlx::query!(
        "insert into session (tenant_id, id, user_id, created_at, expires_at) values ($1, $2, $3, $4, $5)",
        session.tenant_id.0,
        session.id,
        session.user_id.0,
        OffsetDateTime::from(session.created_at),
        OffsetDateTime::from(session.expires_at)
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The session with this id.
pub async fn find_session(tx: &mut SystemTx, id: Uuid) -> Result<Option<SessionRow>, DbError> {
    let row = sqlx::query!(
        "select tenant_id, user_id, created_at, expires_at, revoked_at from session where id = $1",
        id
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| SessionRow {
        id,
        tenant_id: TenantId(row.tenant_id),
        user_id: UserId(row.user_id),
        created_at: row.created_at.into(),
        expires_at: row.expires_at.into(),
        revoked_at: row.revoked_at.map(Timestamp::from),
    }))
}

/// Ends a session and with it every refresh token of its family; `false` when it was over or unknown.
pub async fn revoke_session(
    tx: &mut SystemTx,
    id: Uuid,
    reason: RevokeReason,
    now: Timestamp,
) -> Result<bool, DbError> {
    let revoked = sqlx::query!(
        "update session set revoked_at = $2, revoke_reason = $3 where id = $1 and revoked_at is null",
        id,
        OffsetDateTime::from(now),
        reason.as_str()
    )
    .execute(tx.conn())
    .await?;
    Ok(revoked.rows_affected() == 1)
}

/// Ends every session of a user; their ids.
pub async fn revoke_sessions_of(
    tx: &mut SystemTx,
    user: (TenantId, UserId),
    reason: RevokeReason,
    now: Timestamp,
) -> Result<Vec<Uuid>, DbError> {
    let (tenant_id, user_id) = user;
    let ids = sqlx::query_scalar!(
        "update session set revoked_at = $3, revoke_reason = $4
         where tenant_id = $1 and user_id = $2 and revoked_at is null returning id",
        tenant_id.0,
        user_id.0,
        OffsetDateTime::from(now),
        reason.as_str()
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids)
}
