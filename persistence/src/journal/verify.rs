//! Walks a tenant's hash chain, from the database alone, and says where it first breaks.

use super::{Head, StoredEvent, find_head, read_events_between};
use crate::{DbError, TenantTx};
use bulkhead_domain::chain::ChainLink;
use bulkhead_domain::{ChainHash, TenantId};

/// Rows held in memory at a time.
const PAGE_ROWS: i64 = 1_000;

/// The result of a walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainReport {
    pub tenant_id: TenantId,
    /// The walk covers what comes after this.
    pub base_seq: i64,
    /// The head's sequence when the walk began; rows appended since are not looked at.
    pub head_seq: i64,
    /// How many rows are good, from the base on.
    pub verified: i64,
    pub first_break: Option<ChainBreak>,
}

/// Where a chain breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainBreak {
    pub seq: i64,
    pub kind: BreakKind,
}

/// How a chain breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakKind {
    /// The row at this place is gone.
    Missing,
    /// The row's bytes are not those that were hashed, or it is not the row that followed the one before.
    HashMismatch,
    /// The row's epoch is below that of a row before it, or above the head's.
    EpochOutOfOrder,
    /// The last row's hash is not the head's.
    HeadMismatch,
    /// There are rows that the head does not know.
    BeyondHead,
}

/// Verifies the tenant's whole journal from its base. `None` when the tenant has no journal.
pub async fn verify(tx: &mut TenantTx) -> Result<Option<ChainReport>, DbError> {
    let tenant_id = tx.tenant_id();
    // The last row first: rows that are added meanwhile then cannot look like rows beyond the head.
    let last_seq = last_seq(tx).await?;
    let Some(head) = find_head(tx).await? else { return Ok(None) };
    let mut walk = Walk { tenant_id, seq: head.base_seq, hash: head.base_hash, epoch: 0 };
    let mut first_break = None;
    while first_break.is_none() && walk.seq < head.seq {
        let page = read_events_between(tx, walk.seq, head.seq, PAGE_ROWS).await?;
        first_break = walk.page(&page, &head);
    }
    let verified = walk.seq - head.base_seq;
    let first_break = first_break.or_else(|| end(&walk, &head, last_seq));
    Ok(Some(ChainReport { tenant_id, base_seq: head.base_seq, head_seq: head.seq, verified, first_break }))
}

async fn last_seq(tx: &mut TenantTx) -> Result<i64, DbError> {
    let tenant_id = tx.tenant_id().0;
    let last = sqlx::query_scalar!("select max(seq) from journal where tenant_id = $1", tenant_id)
        .fetch_one(tx.conn())
        .await?;
    Ok(last.unwrap_or(0))
}

fn end(walk: &Walk, head: &Head, last_seq: i64) -> Option<ChainBreak> {
    if walk.hash != head.hash {
        return Some(ChainBreak { seq: head.seq, kind: BreakKind::HeadMismatch });
    }
    (last_seq > head.seq).then_some(ChainBreak { seq: head.seq + 1, kind: BreakKind::BeyondHead })
}

/// The last good row.
struct Walk {
    tenant_id: TenantId,
    seq: i64,
    hash: ChainHash,
    epoch: i64,
}

impl Walk {
    /// Goes over the next rows; an empty page where rows are due is a missing row.
    fn page(&mut self, page: &[StoredEvent], head: &Head) -> Option<ChainBreak> {
        if page.is_empty() {
            return Some(ChainBreak { seq: self.seq + 1, kind: BreakKind::Missing });
        }
        page.iter().find_map(|row| self.step(row, head))
    }

    fn step(&mut self, row: &StoredEvent, head: &Head) -> Option<ChainBreak> {
        let seq = self.seq + 1;
        if row.seq != seq {
            return Some(ChainBreak { seq, kind: BreakKind::Missing });
        }
        let link = ChainLink {
            tenant_id: self.tenant_id,
            seq,
            event_id: row.event_id,
            kind: &row.kind,
            version: row.version,
            recorded_at: row.recorded_at,
            payload: &row.payload,
        };
        if link.hash(&self.hash) != row.hash {
            return Some(ChainBreak { seq, kind: BreakKind::HashMismatch });
        }
        if row.epoch < self.epoch || row.epoch > head.epoch {
            return Some(ChainBreak { seq, kind: BreakKind::EpochOutOfOrder });
        }
        self.seq = seq;
        self.hash = row.hash;
        self.epoch = row.epoch;
        None
    }
}
