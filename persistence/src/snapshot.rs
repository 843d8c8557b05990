//! Snapshots: a folded state at a place in the journal. They save time and carry no authority.

use crate::journal::find_head;
use crate::{DbError, TenantTx};
use bulkhead_domain::ChainHash;

/// How many are kept per tenant: the latest, and one before it for a version that cannot read the latest.
const KEPT: i64 = 2;

/// A state as it was after event `seq`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub seq: i64,
    /// The shape of `body`.
    pub version: i16,
    /// The chain's hash at `seq`.
    pub hash: ChainHash,
    pub body: Vec<u8>,
}

/// The latest snapshot of this version that the journal still agrees with.
pub async fn load_snapshot(tx: &mut TenantTx, version: i16) -> Result<Option<Snapshot>, DbError> {
    let tenant_id = tx.tenant_id().0;
    let row = sqlx::query!(
        "select s.seq, s.hash, s.body from snapshot s
         where s.tenant_id = $1 and s.version = $2
           and (exists (select from journal j where j.tenant_id = $1 and j.seq = s.seq and j.hash = s.hash)
                or exists (select from journal_head h
                           where h.tenant_id = $1 and h.base_seq = s.seq and h.base_hash = s.hash))
         order by s.seq desc limit 1",
        tenant_id,
        version
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let hash = crate::journal::chain_hash("snapshot.hash", &row.hash)?;
    Ok(Some(Snapshot { seq: row.seq, version, hash, body: row.body }))
}

/// Stores a snapshot and forgets old ones. `false`, and nothing stored, when the journal has no row with that hash
/// at that place: the state ran ahead of the journal, or away from it.
pub async fn save_snapshot(tx: &mut TenantTx, snapshot: &Snapshot) -> Result<bool, DbError> {
    if !is_on_chain(tx, snapshot).await? {
        return Ok(false);
    }
    let tenant_id = tx.tenant_id().0;
    sqlx::query!(
        "insert into snapshot (tenant_id, seq, version, hash, body) values ($1, $2, $3, $4, $5)
         on conflict (tenant_id, seq) do update set version = excluded.version, hash = excluded.hash,
                                                    body = excluded.body",
        tenant_id,
        snapshot.seq,
        snapshot.version,
        snapshot.hash.as_slice(),
        snapshot.body
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "delete from snapshot where tenant_id = $1 and seq not in
             (select seq from snapshot where tenant_id = $1 order by seq desc limit $2)",
        tenant_id,
        KEPT
    )
    .execute(tx.conn())
    .await?;
    Ok(true)
}

async fn is_on_chain(tx: &mut TenantTx, snapshot: &Snapshot) -> Result<bool, DbError> {
    let tenant_id = tx.tenant_id().0;
    let row_hash = sqlx::query_scalar!(
        "select hash from journal where tenant_id = $1 and seq = $2",
        tenant_id,
        snapshot.seq
    )
    .fetch_optional(tx.conn())
    .await?;
    if let Some(hash) = row_hash {
        return Ok(hash == snapshot.hash);
    }
    let head = find_head(tx).await?;
    Ok(head.is_some_and(|head| head.base_seq == snapshot.seq && head.base_hash == snapshot.hash))
}
