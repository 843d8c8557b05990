//! The hash chain of a tenant's journal: each row's hash covers the one before it and the row's exact bytes.

use crate::{EventId, TenantId, Timestamp};
use sha2::{Digest, Sha256};

/// A SHA-256 value in the chain.
pub type ChainHash = [u8; 32];

/// What the first row of every journal is chained to.
pub const GENESIS_HASH: ChainHash = [0; 32];

/// The parts of a row that its hash covers.
#[derive(Debug, Clone, Copy)]
pub struct ChainLink<'a> {
    pub tenant_id: TenantId,
    pub seq: i64,
    pub event_id: EventId,
    pub kind: &'a str,
    pub version: i16,
    pub recorded_at: Timestamp,
    pub payload: &'a str,
}

impl ChainLink<'_> {
    /// `sha256(previous | tenant | seq | event id | version | recorded_at | len(kind) | kind | payload)`,
    /// integers big-endian (seq and micros 8 bytes, version 2, length 4). The epoch is left out on purpose:
    /// it says who wrote, not what happened.
    pub fn hash(&self, previous: &ChainHash) -> ChainHash {
        let kind_length = u32::try_from(self.kind.len()).expect("an event kind is a short name");
        Sha256::new()
            .chain_update(previous)
            .chain_update(self.tenant_id.0.as_bytes())
            .chain_update(self.seq.to_be_bytes())
            .chain_update(self.event_id.0.as_bytes())
            .chain_update(self.version.to_be_bytes())
            .chain_update(self.recorded_at.micros().to_be_bytes())
            .chain_update(kind_length.to_be_bytes())
            .chain_update(self.kind)
            .chain_update(self.payload)
            .finalize()
            .into()
    }
}
