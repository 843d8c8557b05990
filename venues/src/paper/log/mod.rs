//! The venue's own log: what happened, in order, as JSON lines. It is the truth that an outside checker
//! compares with the tenants' journals.
//!
//! # Files
//! - `segment-<number, 10 digits>.jsonl`: append-only; the highest number is the current one. A segment ends
//!   after [`SEGMENT_CLOSED_MAX`] closed ids or [`SEGMENT_BYTES_MAX`] bytes (of lines after its first). Only the last line of the last
//!   segment may be torn (no line feed, or not JSON) after a crash; it is cut off when the venue opens.
//! - `lock`: held by the process that has the log open.
//! - `index-<first>-<last>.idx`: where each closed id of those segments is; can be rebuilt from them.
//!
//! # Lines
//! Every line is one object with `n` (1, 2, 3, ... without a gap across segments), `ts` (venue clock,
//! RFC 3339), `kind`, and by kind (all prices, quantities and amounts are strings; all kinds but `state` have
//! `tenant_id` and `account`):
//! - `account_opened`: `currency`, `amount`; once per account.
//! - `deposit`: `deposit_id`, `currency`, `amount`.
//! - `accepted`: `venue_client_id`, `venue_order_id`, `symbol`, `side`, `type` (`market`, `limit`), `price`
//!   (limit only), `quantity`, `time_in_force`, `expires_at` (`gtd` only), `post_only` (where true), `ends_at`
//!   (`gtd` and `day`: when the venue ends it). First line of every order that the venue took.
//! - `filled`: `venue_client_id`, `venue_order_id`, `symbol`, `base`, `side`, `execution_id`, `price`,
//!   `quantity`, `fee`, `fee_currency` (the quote currency), `liquidity`, `venue_ts` (= `ts`),
//!   `filled_quantity` (so far, this one included), `closed` (whether this completes the order), `fill_n`
//!   (1, 2, 3, ... per account). Moves the account's balances: `base` by the quantity, `fee_currency` by the
//!   notional and by minus the fee.
//! - `canceled`: `venue_client_id`, `venue_order_id`, `symbol`, `cause` (`requested`, `time_in_force`,
//!   `unsolicited`), `filled_quantity`. Last line of its order.
//! - `expired`: the same without `cause`, at or after the order's `ends_at`. Last line of its order.
//! - `rejected`: the order as in `accepted` without `venue_order_id` and `ends_at`, and `code`, `message`. The only line of
//!   its order.
//! - `barred`: `venue_client_id`; a query found no such order, and from now on there never will be one.
//! - `state`: first line of every segment; repeats what the lines before it amount to (`next_order`,
//!   `accounts` with balances, `orders` that are open), so that only the last segment is read on start. A
//!   reader of the whole log may skip it or check it.
//!
//! `prev` and `prev_fill` are `[segment, offset]` of the order's line before, and of the account's fill
//! before, or null; they serve the venue's own look-ups.

mod files;
mod index;
mod index_set;
mod record;
mod recover;
mod writer;

pub use files::read_all;
pub(super) use record::IdSpace;
pub use record::{
    AcceptedRecord, AccountRecord, BarredRecord, CanceledRecord, DepositRecord, ExpiredRecord, FilledRecord,
    Line, OpenedRecord, OrderRecord, Position, Record, RejectedRecord, StateRecord,
};
pub(super) use recover::open;
pub(super) use writer::Log;

/// A segment ends after this many closed ids; their index is sorted in memory until then.
pub const SEGMENT_CLOSED_MAX: usize = 65_536;
/// A segment ends after this many bytes.
pub const SEGMENT_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// When a segment ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentLimits {
    pub closed_max: usize,
    pub bytes_max: u64,
}

impl Default for SegmentLimits {
    fn default() -> Self {
        Self { closed_max: SEGMENT_CLOSED_MAX, bytes_max: SEGMENT_BYTES_MAX }
    }
}
