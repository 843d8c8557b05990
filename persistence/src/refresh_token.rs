//! Refresh tokens: spent once, each with one successor. A spent token that comes back ends its session.

use crate::session::{RevokeReason, revoke_session};
use crate::{DbError, SystemTx};
use bulkhead_domain::{TenantId, Timestamp, UserId};
use time::OffsetDateTime;
use uuid::Uuid;

/// SHA-256 of a token; the token itself is never stored.
pub type TokenHash = [u8; 32];

/// A spent token may come back this long, as long as its successor is unspent: the answer may have been lost.
pub const REUSE_LEEWAY_MICROS: i64 = 10_000_000;

/// A token that is about to be issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewRefreshToken {
    pub hash: TokenHash,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
}

/// Who a session belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionOwner {
    pub session_id: Uuid,
    pub tenant_id: TenantId,
    pub user_id: UserId,
}

/// What became of a token that was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redeemed {
    /// Spent; the successor is in force. Also for a token that came back in time: its first successor, which nobody
    /// used, is spent in favour of this one.
    Rotated(SessionOwner),
    /// A token that was spent before: the session has been revoked. Commit, or it has not.
    Reused(SessionOwner),
    /// Past its time, or its session is over.
    Over,
    /// Never issued.
    Unknown,
}

/// Issues the first token of a session.
pub async fn insert_refresh_token(
    tx: &mut SystemTx,
    owner: SessionOwner,
    token: NewRefreshToken,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into refresh_token (hash, tenant_id, session_id, user_id, issued_at, expires_at)
         values ($1, $2, $3, $4, $5, $6)",
        token.hash.as_slice(),
        owner.tenant_id.0,
        owner.session_id,
        owner.user_id.0,
        OffsetDateTime::from(token.issued_at),
        OffsetDateTime::from(token.expires_at)
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Exchanges a token for `successor`, whose `issued_at` is now. Two exchanges of one token are done one after the
/// other.
pub async fn redeem_refresh_token(
    tx: &mut SystemTx,
    hash: &TokenHash,
    successor: NewRefreshToken,
) -> Result<Redeemed, DbError> {
    if !lock_family(tx, hash).await? {
        return Ok(Redeemed::Unknown);
    }
    let row = sqlx::query!(
        "select t.tenant_id, t.session_id, t.user_id, t.expires_at, t.used_at, t.successor,
                s.revoked_at, s.expires_at as session_expires_at
         from refresh_token t join session s on s.tenant_id = t.tenant_id and s.id = t.session_id
         where t.hash = $1",
        hash.as_slice()
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(Redeemed::Unknown) };
    let owner = SessionOwner {
        session_id: row.session_id,
        tenant_id: TenantId(row.tenant_id),
        user_id: UserId(row.user_id),
    };
    let now = successor.issued_at;
    let expires_at = Timestamp::from(row.expires_at.min(row.session_expires_at));
    if row.revoked_at.is_some() || expires_at <= now {
        return Ok(Redeemed::Over);
    }
    let (Some(used_at), Some(first_successor)) = (row.used_at, row.successor) else {
        spend(tx, hash.as_slice(), successor).await?;
        insert_refresh_token(tx, owner, successor).await?;
        return Ok(Redeemed::Rotated(owner));
    };
    let came_back_in_time = Timestamp::from(used_at).plus_micros(REUSE_LEEWAY_MICROS) >= now;
    if came_back_in_time && spend(tx, &first_successor, successor).await? {
        insert_refresh_token(tx, owner, successor).await?;
        return Ok(Redeemed::Rotated(owner));
    }
    revoke_session(tx, owner.session_id, RevokeReason::RefreshReuse, now).await?;
    Ok(Redeemed::Reused(owner))
}

/// The session's row is the lock of its whole family: its tokens are exchanged one at a time. A statement of its own,
/// so that the next one sees what the exchange before it did. `false` when there is no such token.
async fn lock_family(tx: &mut SystemTx, hash: &TokenHash) -> Result<bool, DbError> {
    let locked = sqlx::query!(
        "select s.id from session s join refresh_token t on s.tenant_id = t.tenant_id and s.id = t.session_id
         where t.hash = $1 for update of s",
        hash.as_slice()
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(locked.is_some())
}

/// Marks a token as spent; `false` when it was spent already.
async fn spend(tx: &mut SystemTx, hash: &[u8], successor: NewRefreshToken) -> Result<bool, DbError> {
    let spent = sqlx::query!(
        "update refresh_token set used_at = $2, successor = $3 where hash = $1 and used_at is null",
        hash,
        OffsetDateTime::from(successor.issued_at),
        successor.hash.as_slice()
    )
    .execute(tx.conn())
    .await?;
    Ok(spent.rows_affected() == 1)
}
