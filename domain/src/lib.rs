//! The pure core: what an order, a position and a tenant are, and how they change.
//!
//! Everything here is a value or a function of values. There is no clock, no random source, no IO and no
//! floating point: `now` and identifiers are handed in by the caller, so that replaying a journal gives
//! the same state on every machine and in every year.

pub mod chain;
pub mod desk;
mod entries;
pub mod event;
pub mod filter;
pub mod id;
pub mod instrument;
pub mod invariants;
pub mod lots;
pub mod money;
pub mod named_book;
pub mod order;
pub mod portfolio;
pub mod report;
pub mod risk;
pub mod tenant;
pub mod text;
pub mod time;

pub use chain::{ChainHash, GENESIS_HASH};
pub use event::{Event, EventDecodeError, RecordedEvent};
pub use id::{
    AccountId, ClientOrderId, Currency, EventId, ExecutionId, Incarnation, OrderId, PortfolioId, Symbol,
    TenantId, UserId, VenueClientId, VenueName, VenueOrderId,
};
pub use money::{Amount, DecimalError, Price, Qty, SignedQty};
pub use order::Order;
pub use time::Timestamp;
