//! Reading events back.

use super::head::chain_hash;
use crate::{DbError, TenantTx};
use bulkhead_domain::{ChainHash, Event, EventDecodeError, EventId, RecordedEvent, Timestamp};
use time::OffsetDateTime;
use uuid::Uuid;

/// A journal row as it is stored, its payload not yet decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    pub seq: i64,
    pub epoch: i64,
    pub event_id: EventId,
    pub kind: String,
    pub version: i16,
    pub payload: String,
    pub hash: ChainHash,
    pub recorded_at: Timestamp,
}

impl StoredEvent {
    /// The event itself, old versions upcast.
    pub fn decode(&self) -> Result<RecordedEvent, EventDecodeError> {
        Ok(RecordedEvent {
            seq: self.seq,
            event_id: self.event_id,
            recorded_at: self.recorded_at,
            event: Event::decode(&self.kind, self.version, &self.payload)?,
        })
    }
}

struct EventRecord {
    seq: i64,
    epoch: i64,
    event_id: Uuid,
    kind: String,
    version: i16,
    payload: String,
    hash: Vec<u8>,
    recorded_at: OffsetDateTime,
}

impl TryFrom<EventRecord> for StoredEvent {
    type Error = DbError;
    fn try_from(row: EventRecord) -> Result<Self, DbError> {
        Ok(Self {
            seq: row.seq,
            epoch: row.epoch,
            event_id: EventId(row.event_id),
            kind: row.kind,
            version: row.version,
            payload: row.payload,
            hash: chain_hash("journal.hash", &row.hash)?,
            recorded_at: row.recorded_at.into(),
        })
    }
}

/// At most `limit` events after `after_seq`, oldest first.
pub async fn read_events(tx: &mut TenantTx, after_seq: i64, limit: i64) -> Result<Vec<StoredEvent>, DbError> {
    read_events_between(tx, after_seq, i64::MAX, limit).await
}

/// At most `limit` events after `after_seq` up to and with `upto_seq`, oldest first.
pub async fn read_events_between(
    tx: &mut TenantTx,
    after_seq: i64,
    upto_seq: i64,
    limit: i64,
) -> Result<Vec<StoredEvent>, DbError> {
    let tenant_id = tx.tenant_id().0;
    let rows = sqlx::query_as!(
        EventRecord,
        "select seq, epoch, event_id, kind, version, payload, hash, recorded_at
         from journal where tenant_id = $1 and seq > $2 and seq <= $3 order by seq limit $4",
        tenant_id,
        after_seq,
        upto_seq,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(StoredEvent::try_from).collect()
}
