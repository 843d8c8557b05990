//! What is measured: a fresh PostgreSQL, a server on it, and tenants.
//!
//! 1. Every scenario starts from an empty cluster of its own, made the way the server makes its own.
//! 2. Whatever happens, the server is ended by its process id and the cluster is told to stop.

mod cluster;
mod server;
mod tenants;
mod usage;

pub(crate) use cluster::{Cluster, WorkDir, place};
pub(crate) use tenants::{Tenant, TenantSeed, refresh_all, seed};
pub(crate) use usage::{CpuShares, CpuWatch, Memory};

use crate::load::{Connection, request};
use crate::{BenchArgs, BenchError};
use bulkhead_persistence::Db;
use serde_json::Value;
use server::Server;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Tokens last ten minutes; well before that they are exchanged.
const TOKENS_FRESH_FOR: Duration = Duration::from_secs(180);

/// A running server with its tenants.
pub(crate) struct World {
    // Dropped from first to last: the server before its database.
    server: Server,
    pub(crate) db: Db,
    cluster: Cluster,
    pub(crate) tenants: Vec<Tenant>,
    pub(crate) admin: Tenant,
    tokens_since: Instant,
}

impl World {
    /// Starts everything, with so many tenants that nobody has used yet.
    pub(crate) async fn start(args: &BenchArgs, tenants: u32) -> Result<Self, BenchError> {
        let dir = WorkDir::make(args).await?;
        let cluster = Cluster::start(&dir).await?;
        let db = cluster.open();
        let seeds = seed(&db, tenants).await?;
        let server = Server::start(args, &dir, &cluster.url()).await?;
        let mut tenants: Vec<Tenant> = seeds.into_iter().map(Tenant::from).collect();
        refresh_all(server.address, &mut tenants).await?;
        // The first is the platform's administrator and places no orders.
        let admin = tenants.swap_remove(0);
        Ok(Self { server, db, cluster, tenants, admin, tokens_since: Instant::now() })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// Exchanges the tokens when they have been in use for a while.
    pub(crate) async fn keep_signed_in(&mut self) -> Result<(), BenchError> {
        if self.tokens_since.elapsed() > TOKENS_FRESH_FOR {
            refresh_all(self.server.address, &mut self.tenants).await?;
            refresh_all(self.server.address, std::slice::from_mut(&mut self.admin)).await?;
            self.tokens_since = Instant::now();
        }
        Ok(())
    }

    pub(crate) fn tokens(&self) -> impl Iterator<Item = &str> {
        self.tenants.iter().map(|tenant| tenant.access_token.as_str())
    }

    /// Watches how the processor is shared from now on.
    pub(crate) fn watch_cpu(&self) -> CpuWatch {
        CpuWatch::start(self.server.pid, self.cluster.pid())
    }

    pub(crate) fn server_memory(&self) -> Result<Memory, BenchError> {
        Memory::of(self.server.pid)
    }

    /// Opens every tenant, so that no load meets one that has never started.
    pub(crate) async fn open_all(&self) -> Result<(), BenchError> {
        let mut connection = Connection::open(self.address()).await?;
        for tenant in &self.tenants {
            call(&mut connection, "a portfolio", &portfolio_request(&tenant.access_token)).await?;
        }
        Ok(())
    }

    /// Stops the server in order, then its database.
    pub(crate) async fn stop(self) -> Result<(), BenchError> {
        let Self { server, db, cluster, .. } = self;
        server.stop().await?;
        db.close().await;
        cluster.stop().await
    }
}

/// `GET /portfolio`.
pub(crate) fn portfolio_request(token: &str) -> Vec<u8> {
    request("GET", "/api/v1/portfolio", Some(token), None)
}

/// Sends a request that must succeed; the answer's body.
pub(crate) async fn call(
    connection: &mut Connection,
    what: &'static str,
    bytes: &[u8],
) -> Result<Value, BenchError> {
    let status = connection.exchange(bytes).await?;
    if !(200..300).contains(&status) {
        let body = String::from_utf8_lossy(connection.body()).into_owned();
        return Err(BenchError::Status { what, status, body });
    }
    serde_json::from_slice(connection.body()).map_err(BenchError::shape(what))
}
