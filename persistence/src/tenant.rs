//! Tenants.

use crate::text::stored_enum;
use crate::{DbError, SystemTx, TenantTx};
use bulkhead_domain::{TenantId, Timestamp};
use time::OffsetDateTime;
use uuid::Uuid;

stored_enum!(
    /// What a tenant pays for.
    Plan { Starter => "starter", Pro => "pro", Enterprise => "enterprise", Unlimited => "unlimited" }
);
stored_enum!(
    /// Whether a tenant may act.
    TenantStatus { Active => "active", Suspended => "suspended", Quarantined => "quarantined", Closed => "closed" }
);

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantRow {
    pub id: TenantId,
    pub name: String,
    pub plan: Plan,
    pub status: TenantStatus,
    pub created_at: Timestamp,
}

struct TenantRecord {
    id: Uuid,
    name: String,
    plan: String,
    status: String,
    created_at: OffsetDateTime,
}

impl TryFrom<TenantRecord> for TenantRow {
    type Error = DbError;
    fn try_from(row: TenantRecord) -> Result<Self, DbError> {
        Ok(Self {
            id: TenantId(row.id),
            plan: Plan::parse(&row.plan).ok_or_else(|| DbError::corrupt("tenant.plan", row.plan))?,
            status: TenantStatus::parse(&row.status)
                .ok_or_else(|| DbError::corrupt("tenant.status", row.status))?,
            name: row.name,
            created_at: row.created_at.into(),
        })
    }
}

/// Stores a new tenant. Its journal is made by [`crate::journal::create_head`] in the same transaction.
pub async fn insert_tenant(tx: &mut SystemTx, tenant: &TenantRow) -> Result<(), DbError> {
    sqlx::query!(
        "insert into tenant (id, name, plan, status, created_at) values ($1, $2, $3, $4, $5)",
        tenant.id.0,
        tenant.name,
        tenant.plan.as_str(),
        tenant.status.as_str(),
        OffsetDateTime::from(tenant.created_at)
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The tenant with this id.
pub async fn find_tenant(tx: &mut SystemTx, id: TenantId) -> Result<Option<TenantRow>, DbError> {
    let row = sqlx::query_as!(
        TenantRecord,
        "select id, name, plan, status, created_at from tenant where id = $1",
        id.0
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(TenantRow::try_from).transpose()
}

/// The tenant of this transaction.
pub async fn own_tenant(tx: &mut TenantTx) -> Result<Option<TenantRow>, DbError> {
    let id = tx.tenant_id().0;
    let row = sqlx::query_as!(
        TenantRecord,
        "select id, name, plan, status, created_at from tenant where id = $1",
        id
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(TenantRow::try_from).transpose()
}

/// At most `limit` tenants made before `cursor` (its time and id), newest first.
pub async fn list_tenants(
    tx: &mut SystemTx,
    cursor: Option<(Timestamp, TenantId)>,
    limit: i64,
) -> Result<Vec<TenantRow>, DbError> {
    let rows = sqlx::query_as!(
        TenantRecord,
        "select id, name, plan, status, created_at from tenant
         where (created_at, id) < (coalesce($1, 'infinity'::timestamptz),
                                   coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
         order by created_at desc, id desc limit $3",
        cursor.map(|(created_at, _)| OffsetDateTime::from(created_at)),
        cursor.map(|(_, id)| id.0),
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(TenantRow::try_from).collect()
}

/// Changes whether a tenant may act; `false` when there is no such tenant.
pub async fn update_tenant_status(
    tx: &mut SystemTx,
    id: TenantId,
    status: TenantStatus,
) -> Result<bool, DbError> {
    let updated = sqlx::query!("update tenant set status = $2 where id = $1", id.0, status.as_str())
        .execute(tx.conn())
        .await?;
    Ok(updated.rows_affected() == 1)
}
