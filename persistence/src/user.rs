//! People who sign in. An email belongs to one user of one tenant.

use crate::text::stored_enum;
use crate::{DbError, SystemTx, TenantTx};
use bulkhead_domain::{TenantId, Timestamp, UserId};
use std::fmt;
use time::OffsetDateTime;
use uuid::Uuid;

/// The constraint an email breaks that is taken.
pub const EMAIL_KEY: &str = "app_user_email_key";

stored_enum!(
    /// What a user may do in its tenant.
    UserRole { Owner => "owner", Admin => "admin", Trader => "trader", Viewer => "viewer" }
);

/// A user, with the hash of the password.
#[derive(Clone, PartialEq, Eq)]
pub struct UserRow {
    pub id: UserId,
    pub tenant_id: TenantId,
    /// Lower case.
    pub email: String,
    pub password_hash: String,
    pub role: UserRole,
    pub is_platform_admin: bool,
    pub created_at: Timestamp,
}

/// Leaves out the hash, so that no log shows it.
impl fmt::Debug for UserRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserRow")
            .field("id", &self.id)
            .field("tenant_id", &self.tenant_id)
            .finish_non_exhaustive()
    }
}

/// A user as its tenant sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantUserRow {
    pub id: UserId,
    pub email: String,
    pub role: UserRole,
    pub created_at: Timestamp,
}

struct UserRecord {
    id: Uuid,
    tenant_id: Uuid,
    email: String,
    password_hash: String,
    role: String,
    is_platform_admin: bool,
    created_at: OffsetDateTime,
}

fn parse_role(role: String) -> Result<UserRole, DbError> {
    UserRole::parse(&role).ok_or_else(|| DbError::corrupt("app_user.role", role))
}

impl TryFrom<UserRecord> for UserRow {
    type Error = DbError;
    fn try_from(row: UserRecord) -> Result<Self, DbError> {
        Ok(Self {
            id: UserId(row.id),
            tenant_id: TenantId(row.tenant_id),
            email: row.email,
            password_hash: row.password_hash,
            role: parse_role(row.role)?,
            is_platform_admin: row.is_platform_admin,
            created_at: row.created_at.into(),
        })
    }
}

/// Stores a new user; breaks [`EMAIL_KEY`] when the email is taken.
pub async fn insert_user(tx: &mut SystemTx, user: &UserRow) -> Result<(), DbError> {
    sqlx::query!(
        "insert into app_user (tenant_id, id, email, password_hash, role, is_platform_admin, created_at)
         values ($1, $2, lower($3), $4, $5, $6, $7)",
        user.tenant_id.0,
        user.id.0,
        user.email,
        user.password_hash,
        user.role.as_str(),
        user.is_platform_admin,
        OffsetDateTime::from(user.created_at)
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The user with this email, in any case.
pub async fn find_user_by_email(tx: &mut SystemTx, email: &str) -> Result<Option<UserRow>, DbError> {
    let row = sqlx::query_as!(
        UserRecord,
        "select id, tenant_id, email, password_hash, role, is_platform_admin, created_at
         from app_user where email = lower($1)",
        email
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(UserRow::try_from).transpose()
}

/// The user with this id.
pub async fn find_user(tx: &mut SystemTx, id: UserId) -> Result<Option<UserRow>, DbError> {
    let row = sqlx::query_as!(
        UserRecord,
        "select id, tenant_id, email, password_hash, role, is_platform_admin, created_at
         from app_user where id = $1",
        id.0
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(UserRow::try_from).transpose()
}

/// Replaces the password's hash; `false` when there is no such user.
pub async fn update_password_hash(
    tx: &mut SystemTx,
    id: UserId,
    password_hash: &str,
) -> Result<bool, DbError> {
    let updated = sqlx::query!("update app_user set password_hash = $2 where id = $1", id.0, password_hash)
        .execute(tx.conn())
        .await?;
    Ok(updated.rows_affected() == 1)
}

/// All users of the tenant, oldest first.
pub async fn list_users(tx: &mut TenantTx) -> Result<Vec<TenantUserRow>, DbError> {
    let tenant_id = tx.tenant_id().0;
    let rows = sqlx::query!(
        "select id, email, role, created_at from app_user where tenant_id = $1 order by created_at, id",
        tenant_id
    )
    .fetch_all(tx.conn())
    .await?;
    let convert = |id, email, role, created_at: OffsetDateTime| {
        Ok(TenantUserRow { id: UserId(id), email, role: parse_role(role)?, created_at: created_at.into() })
    };
    rows.into_iter().map(|row| convert(row.id, row.email, row.role, row.created_at)).collect()
}
