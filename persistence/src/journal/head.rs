//! The head of a tenant's journal: the fence and the end of the chain.

use crate::{DbError, NodeClaim, SystemTx, TenantTx};
use bulkhead_domain::{ChainHash, GENESIS_HASH, Incarnation, TenantId};
use uuid::Uuid;

/// Where a tenant's journal ends and who may append to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub tenant_id: TenantId,
    pub shard_id: i16,
    pub epoch: i64,
    pub incarnation: Incarnation,
    pub seq: i64,
    pub hash: ChainHash,
    /// Rows up to here are archived; 0 when none are.
    pub base_seq: i64,
    pub base_hash: ChainHash,
}

/// The row as it is stored.
pub(super) struct HeadRecord {
    pub(super) tenant_id: Uuid,
    pub(super) shard_id: i16,
    pub(super) epoch: i64,
    pub(super) incarnation: Uuid,
    pub(super) seq: i64,
    pub(super) hash: Vec<u8>,
    pub(super) base_seq: i64,
    pub(super) base_hash: Vec<u8>,
}

/// Reads a stored hash.
pub(crate) fn chain_hash(what: &'static str, bytes: &[u8]) -> Result<ChainHash, DbError> {
    ChainHash::try_from(bytes).map_err(|error| DbError::corrupt(what, error))
}

impl TryFrom<HeadRecord> for Head {
    type Error = DbError;
    fn try_from(row: HeadRecord) -> Result<Self, DbError> {
        Ok(Self {
            tenant_id: TenantId(row.tenant_id),
            shard_id: row.shard_id,
            epoch: row.epoch,
            incarnation: Incarnation(row.incarnation),
            seq: row.seq,
            hash: chain_hash("journal_head.hash", &row.hash)?,
            base_seq: row.base_seq,
            base_hash: chain_hash("journal_head.base_hash", &row.base_hash)?,
        })
    }
}

/// The shard a new tenant falls into: the last byte of its id, which is random in every kind of uuid in use.
pub fn shard_of(tenant_id: TenantId) -> i16 {
    i16::from(*tenant_id.0.as_bytes().last().expect("a uuid has sixteen bytes"))
}

/// Gives a new tenant an empty journal, in the transaction that makes the tenant. Nobody owns it until it is
/// activated.
pub async fn create_head(tx: &mut SystemTx, tenant_id: TenantId) -> Result<(), DbError> {
    sqlx::query!(
        "insert into journal_head (tenant_id, shard_id, epoch, incarnation, seq, hash, base_seq, base_hash)
         values ($1, $2, 0, '00000000-0000-0000-0000-000000000000', 0, $3, 0, $3)",
        tenant_id.0,
        shard_of(tenant_id),
        GENESIS_HASH.as_slice(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes a tenant over for the node that owns its shard: bumps the fence and reads the head behind it.
///
/// Waits for an append that is in flight; from then on every append of an earlier owner is fenced. `None` when the
/// claim does not hold the tenant's shard (any more), or there is no such tenant. The takeover counts only once the
/// transaction has committed.
pub async fn activate(
    tx: &mut SystemTx,
    tenant_id: TenantId,
    claim: &NodeClaim,
) -> Result<Option<Head>, DbError> {
    let row = sqlx::query_as!(
        HeadRecord,
        "update journal_head h set epoch = s.epoch, incarnation = s.owner_incarnation
         from shard s
         where h.tenant_id = $1 and s.shard_id = h.shard_id
           and s.owner = $2 and s.owner_incarnation = $3 and h.epoch <= s.epoch
         returning h.tenant_id, h.shard_id, h.epoch, h.incarnation, h.seq, h.hash, h.base_seq, h.base_hash",
        tenant_id.0,
        claim.node_id,
        claim.incarnation.0,
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Head::try_from).transpose()
}

/// The tenant's own head.
pub async fn find_head(tx: &mut TenantTx) -> Result<Option<Head>, DbError> {
    let tenant_id = tx.tenant_id().0;
    let row = sqlx::query_as!(
        HeadRecord,
        "select tenant_id, shard_id, epoch, incarnation, seq, hash, base_seq, base_hash
         from journal_head where tenant_id = $1",
        tenant_id
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Head::try_from).transpose()
}
