//! The lines of the log; see the parent module for the format.

use crate::link::{Funding, SubmitOrder, VenueAccountKey};
use bulkhead_domain::order::{Execution, Side};
use bulkhead_domain::report::VenueCancelCause;
use bulkhead_domain::{Amount, Currency, Qty, Symbol, Timestamp, VenueClientId, VenueOrderId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a line begins: segment and byte offset; written as `[segment, offset]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "(u32, u32)", into = "(u32, u32)")]
pub struct Position {
    pub segment: u32,
    pub offset: u32,
}

impl From<(u32, u32)> for Position {
    fn from((segment, offset): (u32, u32)) -> Self {
        Self { segment, offset }
    }
}

impl From<Position> for (u32, u32) {
    fn from(position: Position) -> Self {
        (position.segment, position.offset)
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub n: u64,
    pub ts: Timestamp,
    #[serde(flatten)]
    pub record: Record,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Record {
    State(StateRecord),
    AccountOpened(OpenedRecord),
    Deposit(DepositRecord),
    Accepted(AcceptedRecord),
    Rejected(RejectedRecord),
    Filled(FilledRecord),
    Canceled(CanceledRecord),
    Expired(ExpiredRecord),
    Barred(BarredRecord),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenedRecord {
    #[serde(flatten)]
    pub key: VenueAccountKey,
    #[serde(flatten)]
    pub funding: Funding,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DepositRecord {
    #[serde(flatten)]
    pub key: VenueAccountKey,
    pub deposit_id: VenueClientId,
    #[serde(flatten)]
    pub funding: Funding,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedRecord {
    #[serde(flatten)]
    pub key: VenueAccountKey,
    pub venue_order_id: VenueOrderId,
    #[serde(flatten)]
    pub order: SubmitOrder,
    /// When the venue ends it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedRecord {
    #[serde(flatten)]
    pub key: VenueAccountKey,
    #[serde(flatten)]
    pub order: SubmitOrder,
    pub code: String,
    pub message: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilledRecord {
    #[serde(flatten)]
    pub key: VenueAccountKey,
    pub venue_client_id: VenueClientId,
    pub venue_order_id: VenueOrderId,
    pub symbol: Symbol,
    /// What `quantity` counts; `fee_currency` is what price and fee are in.
    pub base: Currency,
    pub side: Side,
    #[serde(flatten)]
    pub execution: Execution,
    pub filled_quantity: Qty,
    pub closed: bool,
    pub fill_n: u64,
    pub prev: Position,
    pub prev_fill: Option<Position>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanceledRecord {
    #[serde(flatten)]
    pub key: VenueAccountKey,
    pub venue_client_id: VenueClientId,
    pub venue_order_id: VenueOrderId,
    pub symbol: Symbol,
    pub cause: VenueCancelCause,
    pub filled_quantity: Qty,
    pub prev: Position,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpiredRecord {
    #[serde(flatten)]
    pub key: VenueAccountKey,
    pub venue_client_id: VenueClientId,
    pub venue_order_id: VenueOrderId,
    pub symbol: Symbol,
    pub filled_quantity: Qty,
    pub prev: Position,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BarredRecord {
    #[serde(flatten)]
    pub key: VenueAccountKey,
    pub venue_client_id: VenueClientId,
}

/// Everything that is needed to go on from here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateRecord {
    pub next_order: u64,
    pub accounts: Vec<AccountRecord>,
    pub orders: Vec<OrderRecord>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRecord {
    #[serde(flatten)]
    pub key: VenueAccountKey,
    pub opened_with: Funding,
    pub balances: BTreeMap<Currency, Amount>,
    pub fill_n: u64,
    pub last_fill: Option<Position>,
    /// Every so many fills of the account, where one is: entries for paging through them.
    pub fill_marks: Vec<Position>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRecord {
    #[serde(flatten)]
    pub key: VenueAccountKey,
    pub number: u64,
    pub venue_order_id: VenueOrderId,
    #[serde(flatten)]
    pub order: SubmitOrder,
    pub filled_quantity: Qty,
    pub queue_ahead: Qty,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    pub last: Position,
}

/// Order ids and deposit ids are counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::paper) enum IdSpace {
    Order,
    Deposit,
}

impl Record {
    /// The hash under which this line is the last word on an id, if it is.
    pub(super) fn closes(&self) -> Option<u64> {
        match self {
            Self::Deposit(record) => Some(id_hash(&record.key, IdSpace::Deposit, &record.deposit_id)),
            Self::Rejected(record) => {
                Some(id_hash(&record.key, IdSpace::Order, &record.order.venue_client_id))
            }
            Self::Filled(record) if record.closed => {
                Some(id_hash(&record.key, IdSpace::Order, &record.venue_client_id))
            }
            Self::Canceled(record) => Some(id_hash(&record.key, IdSpace::Order, &record.venue_client_id)),
            Self::Expired(record) => Some(id_hash(&record.key, IdSpace::Order, &record.venue_client_id)),
            Self::Barred(record) => Some(id_hash(&record.key, IdSpace::Order, &record.venue_client_id)),
            Self::State(_) | Self::AccountOpened(_) | Self::Accepted(_) | Self::Filled(_) => None,
        }
    }

    /// Whether the line is about this id of this account.
    pub(in crate::paper) fn is_about(
        &self,
        key: &VenueAccountKey,
        space: IdSpace,
        id: &VenueClientId,
    ) -> bool {
        let (own_key, own_id, own_space) = match self {
            Self::State(_) | Self::AccountOpened(_) => return false,
            Self::Deposit(record) => (&record.key, &record.deposit_id, IdSpace::Deposit),
            Self::Accepted(record) => (&record.key, &record.order.venue_client_id, IdSpace::Order),
            Self::Rejected(record) => (&record.key, &record.order.venue_client_id, IdSpace::Order),
            Self::Filled(record) => (&record.key, &record.venue_client_id, IdSpace::Order),
            Self::Canceled(record) => (&record.key, &record.venue_client_id, IdSpace::Order),
            Self::Expired(record) => (&record.key, &record.venue_client_id, IdSpace::Order),
            Self::Barred(record) => (&record.key, &record.venue_client_id, IdSpace::Order),
        };
        own_key == key && own_id == id && own_space == space
    }
}

/// FNV-1a with a final mix: written to disk, so it must never change. Equal hashes are told apart by reading
/// the line.
pub(in crate::paper) fn id_hash(key: &VenueAccountKey, space: IdSpace, id: &VenueClientId) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let tag: &[u8] = match space {
        IdSpace::Order => b"/o/",
        IdSpace::Deposit => b"/d/",
    };
    let parts =
        [key.tenant_id.0.as_bytes().as_slice(), key.account.as_str().as_bytes(), tag, id.as_str().as_bytes()];
    let mut hash = OFFSET;
    for byte in parts.into_iter().flatten() {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
    }
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}
