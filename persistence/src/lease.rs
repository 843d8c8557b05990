//! Who owns which shard: node leases and shard claims, by the database's clock alone.
//!
//! 1. A lease that ran out is never revived under the same incarnation.
//! 2. A shard changes hands only when its owner let go of it, or its owner's lease ran out [`GUARD`] ago.
//! 3. Every claim bumps the shard's epoch; activation carries it into the tenants' fences.

use crate::endpoint::{Endpoint, Role};
use crate::{DbError, db};
use bulkhead_domain::Incarnation;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgTransaction};
use sqlx::{ConnectOptions, Connection};
use std::time::Duration;
use tokio::time::timeout;

/// How often an owner beats.
pub const BEAT: Duration = Duration::from_millis(2_500);
/// How long a lease lasts after a beat.
pub const TIME_TO_LIVE: Duration = Duration::from_secs(10);
/// How much longer others wait before they take over; an owner stops this much before its lease runs out.
pub const GUARD: Duration = Duration::from_secs(2);
/// A beat that takes longer has failed.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// Every shard there is.
pub const SHARDS: usize = 256;

/// A life of a node: what shards are claimed under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeClaim {
    pub node_id: String,
    pub incarnation: Incarnation,
    /// Where other nodes reach it.
    pub addr: String,
}

/// What a claim of all shards came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimOutcome {
    /// All shards are this node's; the lease runs from before this answer.
    Claimed { shards: Vec<(i16, i64)> },
    /// Somebody else's lease still holds; asking again is useless before this has passed.
    Held { node_id: String, wait: Duration },
}

/// The node's own connection for its lease. Connects when needed; a failed call costs the connection.
#[derive(Debug)]
pub struct LeaseConn {
    options: PgConnectOptions,
    conn: Option<PgConnection>,
}

impl LeaseConn {
    pub(crate) fn new(endpoint: &Endpoint) -> Self {
        Self { options: endpoint.role(Role::System), conn: None }
    }

    /// Claims every shard, unless another node (or another life of this one) still holds a lease on any.
    pub async fn claim_all_shards(&mut self, claim: &NodeClaim) -> Result<ClaimOutcome, DbError> {
        let mut conn = self.take().await?;
        let outcome = within(claim_all(&mut conn, claim, Others::Wait)).await?;
        self.conn = Some(conn);
        Ok(outcome)
    }

    /// Claims every shard at once and ends whatever leases there are. Only for a process that knows by other means
    /// that it is alone: it holds the lock of the data directory that the database lives in.
    pub async fn seize_all_shards(&mut self, claim: &NodeClaim) -> Result<Vec<(i16, i64)>, DbError> {
        let mut conn = self.take().await?;
        let outcome = within(claim_all(&mut conn, claim, Others::End)).await?;
        self.conn = Some(conn);
        match outcome {
            ClaimOutcome::Claimed { shards } => Ok(shards),
            ClaimOutcome::Held { .. } => unreachable!("no lease is left to hold a shard"),
        }
    }

    /// Waits until every shard is this node's.
    pub async fn await_all_shards(&mut self, claim: &NodeClaim) -> Result<Vec<(i16, i64)>, DbError> {
        loop {
            match self.claim_all_shards(claim).await? {
                ClaimOutcome::Claimed { shards } => return Ok(shards),
                ClaimOutcome::Held { node_id, wait } => {
                    tracing::info!(holder = %node_id, wait_ms = wait.as_millis(), "waiting for a node's lease");
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }

    /// Extends the lease. `false`: it ran out or was taken, and this incarnation is over for ever.
    ///
    /// The caller counts its deadline from before the call: `TIME_TO_LIVE - GUARD` from then.
    pub async fn heartbeat(&mut self, claim: &NodeClaim) -> Result<bool, DbError> {
        let mut conn = self.take().await?;
        let beaten = within(beat(&mut conn, claim)).await?;
        self.conn = Some(conn);
        Ok(beaten)
    }

    /// Lets go of everything at once, after every tree has been stopped.
    pub async fn release(&mut self, claim: &NodeClaim) -> Result<(), DbError> {
        let mut conn = self.take().await?;
        within(release_all(&mut conn, claim)).await?;
        self.conn = Some(conn);
        Ok(())
    }

    async fn take(&mut self) -> Result<PgConnection, DbError> {
        match self.conn.take() {
            Some(conn) => Ok(conn),
            None => Ok(timeout(db::ACQUIRE_TIMEOUT, self.options.connect())
                .await
                .map_err(|_elapsed| DbError::timed_out())??),
        }
    }
}

/// What a claim does about other lives' leases.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    Wait,
    End,
}

async fn within<T>(call: impl Future<Output = Result<T, DbError>>) -> Result<T, DbError> {
    timeout(CALL_TIMEOUT, call).await.unwrap_or_else(|_elapsed| Err(DbError::timed_out()))
}

async fn claim_all(
    conn: &mut PgConnection,
    claim: &NodeClaim,
    others: Others,
) -> Result<ClaimOutcome, DbError> {
    let mut tx = conn.begin().await?;
    // All shards before any node row: one order of locks for claims, and a second claimer waits here.
    sqlx::query!("select shard_id from shard order by shard_id for update").fetch_all(&mut *tx).await?;
    if others == Others::End {
        sqlx::query!("delete from node").execute(&mut *tx).await?;
    } else if let Some(held) = find_holder(&mut tx, claim).await? {
        // Dropping would roll back only when the connection is next used, and hold every shard's lock until then.
        tx.rollback().await?;
        return Ok(held);
    }
    sqlx::query!(
        "insert into node (node_id, incarnation, addr, lease_until)
         values ($1, $2, $3, clock_timestamp() + make_interval(secs => $4))
         on conflict (node_id) do update set incarnation = excluded.incarnation, addr = excluded.addr,
             lease_until = excluded.lease_until, draining = false",
        claim.node_id,
        claim.incarnation.0,
        claim.addr,
        TIME_TO_LIVE.as_secs_f64()
    )
    .execute(&mut *tx)
    .await?;
    let shards = sqlx::query!(
        "update shard set epoch = epoch + 1, owner = $1, owner_incarnation = $2, state = 'owned'
         returning shard_id, epoch",
        claim.node_id,
        claim.incarnation.0
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await.map_err(DbError::at_commit)?;
    Ok(ClaimOutcome::Claimed {
        shards: shards.into_iter().map(|shard| (shard.shard_id, shard.epoch)).collect(),
    })
}

/// Another life with a lease, the longest one first.
async fn find_holder(tx: &mut PgTransaction<'_>, claim: &NodeClaim) -> Result<Option<ClaimOutcome>, DbError> {
    let holder = sqlx::query!(
        r#"select n.node_id,
                  extract(epoch from n.lease_until - clock_timestamp())::float8 + $2 as "wait_seconds!"
         from node n
         where n.incarnation <> $1 and n.lease_until > clock_timestamp() - make_interval(secs => $2)
           and (n.node_id = $3 or exists (select from shard s where s.owner = n.node_id
                                          and s.owner_incarnation = n.incarnation))
         order by n.lease_until desc limit 1"#,
        claim.incarnation.0,
        GUARD.as_secs_f64(),
        claim.node_id
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(holder.map(|row| ClaimOutcome::Held {
        node_id: row.node_id,
        wait: Duration::try_from_secs_f64(row.wait_seconds).unwrap_or_default(),
    }))
}

async fn beat(conn: &mut PgConnection, claim: &NodeClaim) -> Result<bool, DbError> {
    let beaten = sqlx::query!(
        "update node set lease_until = clock_timestamp() + make_interval(secs => $3)
         where node_id = $1 and incarnation = $2 and lease_until > clock_timestamp()",
        claim.node_id,
        claim.incarnation.0,
        TIME_TO_LIVE.as_secs_f64()
    )
    .execute(conn)
    .await?;
    Ok(beaten.rows_affected() == 1)
}

async fn release_all(conn: &mut PgConnection, claim: &NodeClaim) -> Result<(), DbError> {
    let mut tx = conn.begin().await?;
    sqlx::query!(
        "update shard set owner = null, owner_incarnation = null, state = 'free'
         where owner = $1 and owner_incarnation = $2",
        claim.node_id,
        claim.incarnation.0
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "delete from node where node_id = $1 and incarnation = $2",
        claim.node_id,
        claim.incarnation.0
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await.map_err(DbError::at_commit)
}
