//! The paper venue: real market data, no real orders.
//!
//! 1. Every account consumes its own view of the shared market; tenants never trade with each other and
//!    never take each other's liquidity. Displayed size is there once per quote and account, a print's size
//!    once per print and account.
//! 2. What was answered is in the venue's own log first ([`log`] describes it); when the log cannot be
//!    written the venue stops answering.
//! 3. An order's id answers [`QueryOrder`](crate::RequestKind::QueryOrder) for ever, closed orders included,
//!    and never executes twice.
//! 4. The core is a step function of time and input: no clock, no task, no random source.
//!
//! [`PaperVenue`] is the core, [`PaperDriver`] feeds it from a [`Market`] and from connections,
//! [`PaperHandle`] is the [`Venue`](crate::Venue) that sends to a driver in the same process, and [`server`]
//! with [`client`] put a network in between.

pub mod client;
pub mod log;
pub mod server;
pub mod source;

mod book;
mod config;
mod driver;
mod error;
mod faults;
mod handle;
mod matching;
mod progress;
mod queries;
mod state;
mod submit;
mod venue;
mod wire;

#[cfg(test)]
mod tests;

pub use config::{MarketConfig, PaperConfig};
pub use driver::{PaperDriver, Turn};
pub use error::PaperError;
pub use faults::PaperFaults;
pub use handle::{CONNECTION_QUEUE_MAX, CONNECTIONS_MAX, ConnectionId, PaperHandle, Waker};
pub use source::{Market, MarketError, Replay, ReplayFiles, ReplayProgress, SimulatedMarket};
pub use submit::{ACCOUNTS_MAX, OPEN_ORDERS_MAX, OPEN_ORDERS_PER_ACCOUNT_MAX};
pub use venue::{PaperInput, PaperOutput, PaperVenue};
