//! The journal: one gapless, hash-chained sequence of events per tenant, the only source of truth.
//!
//! 1. An append moves the head from exactly the (epoch, incarnation, seq) it expects, in the transaction that
//!    inserts the rows; otherwise nothing of that tenant is written.
//! 2. Read models are written in that same transaction.
//! 3. Rows are never changed or deleted by any role the server signs in as.

mod append;
mod columns;
mod head;
mod read;
mod verify;

pub use append::{AppendError, BATCH_TENANTS_MAX, JournalConn};
pub(crate) use head::chain_hash;
pub use head::{Head, activate, create_head, find_head, shard_of};
pub use read::{StoredEvent, read_events, read_events_between};
pub use verify::{BreakKind, ChainBreak, ChainReport, verify};

use crate::{FillRow, OrderRow, PositionRow};
use bulkhead_domain::{ChainHash, EventId, Incarnation, TenantId, Timestamp};
use std::borrow::Cow;

/// One event as it is to be stored; its place is given by its position in the append.
#[derive(Debug, Clone)]
pub struct JournalRow {
    pub event_id: EventId,
    pub kind: Cow<'static, str>,
    pub version: i16,
    pub payload: String,
    pub hash: ChainHash,
    pub recorded_at: Timestamp,
}

/// What one tenant appends in one batch.
#[derive(Debug, Clone)]
pub struct TenantAppend {
    pub tenant_id: TenantId,
    pub epoch: i64,
    pub incarnation: Incarnation,
    /// The head's sequence before this append.
    pub expected_seq: i64,
    /// At least one. The first gets `expected_seq + 1`; the last one's hash becomes the head's.
    pub rows: Vec<JournalRow>,
    /// The last state of each order that changed, each order once.
    pub orders: Vec<OrderRow>,
    pub fills: Vec<FillRow>,
    /// The last state of each position that changed, each position once.
    pub positions: Vec<PositionRow>,
}

/// What became of one tenant's part of a batch that committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppendOutcome {
    Committed,
    /// The head was not where it was expected: another owner, or an own append that is already there. Nothing of
    /// this tenant was written.
    Fenced,
}
