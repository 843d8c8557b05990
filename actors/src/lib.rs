//! The actors: the tree of each tenant, and what the tenants of a node share.
//!
//! A tenant is reached through a [`TenantHandle`] only; [`Tenants`] opens one, starting its tree on first use.
//! Nothing leaves a tenant (a reply, a venue request, a frame) before the events that justify it are durable,
//! except what only reduces risk.

pub mod clock;
pub mod exchange_session;
pub mod failure;
#[cfg(test)]
mod fakes;
pub mod feed;
mod image;
pub mod jobs;
pub mod journal_writer;
mod lease;
pub mod ledger;
pub mod market_data;
pub mod node;
mod opening;
pub mod order_desk;
pub mod portfolio;
pub mod quotes;
pub mod risk;
mod snapshotter;
pub mod tenant;
mod venue_driver;
mod warden;

pub use failure::{
    CallFailure, CancelError, HaltError, Halted, LimitsError, PictureError, PlaceError, Placed,
    PortfolioError, Rehearsed, RiskGate, Unavailable, UnknownPart,
};
pub use feed::{CommittedBatch, FeedSubscription};
pub use jobs::Jobs;
pub use node::{Node, NodeConfig, NodeStartError};
pub use order_desk::{BookEntry, Made};
pub use portfolio::{PortfolioFilter, PortfolioView, PositionView};
pub use tenant::{TenantHandle, Tenants};
