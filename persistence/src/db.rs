//! The doors to the database.
//!
//! 1. The pools are private; a statement runs inside a [`TenantTx`] or a [`SystemTx`] or not at all.
//! 2. Dropping a transaction rolls it back; only [`TenantTx::commit`] and [`SystemTx::commit`] keep what was done.

use crate::endpoint::{Endpoint, Role};
use crate::{DbError, JournalConn, LeaseConn};
use bulkhead_domain::TenantId;
use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, Postgres, Transaction};
use std::time::Duration;

/// How long a request waits for a free connection before it is told that the database is unavailable.
pub(crate) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// A connection that was idle for longer is tried before it is used; a fresher one is trusted.
const TRUST_IDLE: Duration = Duration::from_secs(1);
/// Connections are renewed after this long, so that what a session accumulates is bounded.
const CONNECTION_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// How many connections each door may use at most.
#[derive(Debug, Clone, Copy)]
pub struct PoolSizes {
    pub tenant: u32,
    pub system: u32,
}

impl Default for PoolSizes {
    fn default() -> Self {
        Self { tenant: 16, system: 8 }
    }
}

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    endpoint: Endpoint,
    app: PgPool,
    system: PgPool,
}

impl Db {
    /// Opens the doors; connects when they are first used.
    pub fn open(endpoint: &Endpoint, sizes: PoolSizes) -> Self {
        Self {
            endpoint: endpoint.clone(),
            app: pool(endpoint, Role::App, sizes.tenant),
            system: pool(endpoint, Role::System, sizes.system),
        }
    }

    /// Begins a transaction that sees one tenant's rows.
    pub async fn begin_for(&self, tenant_id: TenantId) -> Result<TenantTx, DbError> {
        // One round trip instead of two. Nothing can be bound here; a uuid is written by us and has no quotes.
        let begin = format!("begin; select set_config('app.current_tenant_id', '{tenant_id}', true)");
        let tx = self.app.begin_with(AssertSqlSafe(begin)).await?;
        Ok(TenantTx { tx, tenant_id })
    }

    /// Begins a transaction on the platform's tables.
    pub async fn begin_system(&self) -> Result<SystemTx, DbError> {
        Ok(SystemTx { tx: self.system.begin().await? })
    }

    /// A connection of its own for a journal writer.
    pub async fn journal_conn(&self) -> Result<JournalConn, DbError> {
        JournalConn::connect(&self.endpoint).await
    }

    /// A connection of its own for the node's lease, so that no queue for a pool can cost the lease.
    pub fn lease_conn(&self) -> LeaseConn {
        LeaseConn::new(&self.endpoint)
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), DbError> {
        self.begin_system().await?;
        Ok(())
    }

    /// Closes the pools after what is running.
    pub async fn close(&self) {
        self.app.close().await;
        self.system.close().await;
    }
}

fn pool(endpoint: &Endpoint, role: Role, connections_max: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .max_lifetime(CONNECTION_LIFETIME)
        .test_before_acquire(false)
        .before_acquire(|conn, meta| {
            Box::pin(async move {
                if meta.idle_for > TRUST_IDLE {
                    conn.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(endpoint.role(role))
}

/// A transaction that sees exactly one tenant.
#[derive(Debug)]
pub struct TenantTx {
    tx: Transaction<'static, Postgres>,
    tenant_id: TenantId,
}

impl TenantTx {
    /// Whose rows these are.
    pub fn tenant_id(&self) -> TenantId {
        self.tenant_id
    }

    /// Keeps what was done.
    pub async fn commit(self) -> Result<(), DbError> {
        commit(self.tx).await
    }

    pub(crate) fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }
}

/// A transaction on the platform's own tables.
#[derive(Debug)]
pub struct SystemTx {
    tx: Transaction<'static, Postgres>,
}

impl SystemTx {
    /// Keeps what was done.
    pub async fn commit(self) -> Result<(), DbError> {
        commit(self.tx).await
    }

    pub(crate) fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }
}

async fn commit(mut tx: Transaction<'static, Postgres>) -> Result<(), DbError> {
    // A commit after a failed statement rolls back and reports success; any statement before it reports the failure.
    sqlx::query("select").execute(&mut *tx).await?;
    tx.commit().await.map_err(DbError::at_commit)
}
