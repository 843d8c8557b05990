//! PostgreSQL: the only crate that speaks to it.
//!
//! 1. A tenant's rows are reached only through a [`TenantTx`]; row-level security enforces it again below.
//! 2. The journal and its read models are written only by [`JournalConn`], fenced by epoch, incarnation and
//!    sequence in the same transaction.
//! 3. Platform tables are reached through [`SystemTx`], so that every such use can be found by name.
//! 4. An error says what is known about the outcome: see [`DbError`] and [`AppendError`].

mod bootstrap;
mod db;
mod endpoint;
mod error;
pub mod fill;
pub mod journal;
pub mod lease;
pub mod order;
pub mod position;
pub mod private_postgres;
pub mod quant_parameter;
pub mod refresh_token;
pub mod session;
pub mod snapshot;
pub mod tenant;
mod text;
pub mod user;

pub use db::{Db, PoolSizes, SystemTx, TenantTx};
pub use endpoint::Endpoint;
pub use error::DbError;
pub use fill::FillRow;
pub use journal::{
    AppendError, AppendOutcome, ChainBreak, ChainReport, Head, JournalConn, JournalRow, StoredEvent,
    TenantAppend,
};
pub use lease::{LeaseConn, NodeClaim};
pub use order::OrderRow;
pub use position::PositionRow;
pub use private_postgres::{PrivatePostgres, PrivatePostgresError, Throwaway};
pub use snapshot::Snapshot;
pub use tenant::{Plan, TenantRow, TenantStatus};
pub use user::{UserRole, UserRow};
