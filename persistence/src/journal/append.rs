//! The writer's connection and the fenced batch append.

use super::columns::{BodyColumns, EventColumns, FillColumns, HeadColumns, OrderColumns, PositionColumns};
use super::{AppendOutcome, Head, TenantAppend};
use crate::endpoint::{Endpoint, Role};
use crate::{DbError, db};
use bulkhead_domain::TenantId;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions};
use std::collections::HashSet;
use std::time::Duration;
use tokio::time::timeout;

/// How long the statements of one batch may take before it counts as not committed. Longer than the server's own
/// limits, so that it fires only when the network swallows the answer.
const STATEMENTS_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a commit may take before its outcome counts as unknown.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(10);
/// Tenants in one batch. The policy compares every row with the batch's list, so its cost grows with the square.
pub const BATCH_TENANTS_MAX: usize = 512;

/// Why a batch was not reported as committed.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Certainly nothing was written, and the cause passes: the same batch may be tried again.
    #[error("nothing was appended: {0}")]
    NotCommitted(#[source] DbError),
    /// The connection went away around the commit. [`JournalConn::read_heads`] tells which it was.
    #[error("it is not known whether the batch was appended: {0}")]
    Ambiguous(#[source] DbError),
    /// Certainly nothing was written, and the data is at fault: try tenant by tenant, so that one is to blame.
    #[error("the batch cannot be appended: {0}")]
    Statement(#[source] DbError),
}

impl From<DbError> for AppendError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unavailable(_) => Self::NotCommitted(error),
            DbError::OutcomeUnknown(_) => Self::Ambiguous(error),
            _ => Self::Statement(error),
        }
    }
}

impl From<sqlx::Error> for AppendError {
    fn from(error: sqlx::Error) -> Self {
        Self::from(DbError::from(error))
    }
}

/// A journal writer's own connection. Connects again by itself after it was lost.
#[derive(Debug)]
pub struct JournalConn {
    options: PgConnectOptions,
    /// Taken out while in use: a call that is dropped half way closes the connection, and the server rolls back.
    conn: Option<PgConnection>,
}

impl JournalConn {
    /// Connects as the journal writer.
    pub async fn connect(endpoint: &Endpoint) -> Result<Self, DbError> {
        let mut this = Self { options: endpoint.role(Role::Writer), conn: None };
        this.conn = Some(this.take().await?);
        Ok(this)
    }

    /// Appends what many tenants have waiting, in one transaction; the outcomes are in the batch's order.
    ///
    /// # Panics
    /// When a tenant is in the batch twice, has no rows, or names an order or a position twice.
    pub async fn append(&mut self, batch: &[TenantAppend]) -> Result<Vec<AppendOutcome>, AppendError> {
        assert_well_formed(batch);
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let mut conn = self.take().await?;
        let written = timeout(STATEMENTS_TIMEOUT, write(&mut conn, batch)).await;
        let moved = match written {
            Ok(Ok(moved)) => moved,
            Ok(Err(error)) => {
                self.put_back_after_failure(conn).await;
                return Err(error.into());
            }
            Err(_elapsed) => return Err(DbError::timed_out().into()),
        };
        match timeout(COMMIT_TIMEOUT, run(&mut conn, "commit".to_owned())).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(DbError::at_commit(error).into()),
            Err(_elapsed) => return Err(AppendError::Ambiguous(DbError::timed_out())),
        }
        self.conn = Some(conn);
        let outcome_of = |append: &TenantAppend| {
            if moved.contains(&append.tenant_id) { AppendOutcome::Committed } else { AppendOutcome::Fenced }
        };
        Ok(batch.iter().map(outcome_of).collect())
    }

    /// The heads of `tenant_ids` in no order, each locked for a moment: an append that is still on its way is
    /// waited for, so the answer settles whether an ambiguous one happened.
    pub async fn read_heads(&mut self, tenant_ids: &[TenantId]) -> Result<Vec<Head>, DbError> {
        let mut conn = self.take().await?;
        let heads = timeout(STATEMENTS_TIMEOUT, lock_heads(&mut conn, tenant_ids)).await;
        let heads = heads.map_err(|_elapsed| DbError::timed_out())??;
        self.conn = Some(conn);
        Ok(heads)
    }

    async fn take(&mut self) -> Result<PgConnection, DbError> {
        match self.conn.take() {
            Some(conn) => Ok(conn),
            None => {
                let connecting = timeout(db::ACQUIRE_TIMEOUT, self.options.connect()).await;
                Ok(connecting.map_err(|_elapsed| DbError::timed_out())??)
            }
        }
    }

    async fn put_back_after_failure(&mut self, mut conn: PgConnection) {
        if matches!(timeout(COMMIT_TIMEOUT, run(&mut conn, "rollback".to_owned())).await, Ok(Ok(()))) {
            self.conn = Some(conn);
        }
    }
}

fn assert_well_formed(batch: &[TenantAppend]) {
    assert!(batch.len() <= BATCH_TENANTS_MAX, "a batch has at most {BATCH_TENANTS_MAX} tenants");
    let mut tenants = HashSet::with_capacity(batch.len());
    for append in batch {
        assert!(tenants.insert(append.tenant_id), "a tenant is in a batch at most once");
        assert!(!append.rows.is_empty(), "an append has at least one row");
        let mut orders = HashSet::with_capacity(append.orders.len());
        assert!(
            append.orders.iter().all(|row| orders.insert(row.id)),
            "an order is in an append at most once"
        );
        let mut positions = HashSet::with_capacity(append.positions.len());
        assert!(
            append.positions.iter().all(|row| positions.insert((&row.portfolio, &row.account, &row.symbol))),
            "a position is in an append at most once"
        );
    }
}

/// Everything up to the commit; the tenants whose head moved.
async fn write(conn: &mut PgConnection, batch: &[TenantAppend]) -> Result<HashSet<TenantId>, sqlx::Error> {
    // One order of locks for all writers, so that two of them can wait for but never block each other.
    let mut sorted: Vec<&TenantAppend> = batch.iter().collect();
    sorted.sort_unstable_by_key(|append| append.tenant_id);
    begin(conn, sorted.iter().map(|append| append.tenant_id)).await?;
    let moved = move_heads(conn, &sorted).await?;
    let mut body = BodyColumns::default();
    sorted.iter().filter(|append| moved.contains(&append.tenant_id)).for_each(|append| body.push(append));
    insert_events(conn, &body.events).await?;
    upsert_orders(conn, &body.orders).await?;
    insert_fills(conn, &body.fills).await?;
    upsert_positions(conn, &body.positions).await?;
    Ok(moved)
}

/// Begins and declares the batch's tenants in one round trip.
async fn begin(
    conn: &mut PgConnection,
    tenant_ids: impl Iterator<Item = TenantId>,
) -> Result<(), sqlx::Error> {
    let list: Vec<String> = tenant_ids.map(|tenant_id| tenant_id.to_string()).collect();
    // Nothing can be bound here; uuids are written by us and have no quotes.
    run(conn, format!("begin; select set_config('app.tenants', '{{{}}}', true)", list.join(","))).await
}

async fn run(conn: &mut PgConnection, sql: String) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await?;
    Ok(())
}

async fn lock_heads(conn: &mut PgConnection, tenant_ids: &[TenantId]) -> Result<Vec<Head>, DbError> {
    begin(conn, tenant_ids.iter().copied()).await?;
    let ids: Vec<uuid::Uuid> = tenant_ids.iter().map(|tenant_id| tenant_id.0).collect();
    let rows = sqlx::query_as!(
        super::head::HeadRecord,
        "select tenant_id, shard_id, epoch, incarnation, seq, hash, base_seq, base_hash
         from journal_head where tenant_id = any($1) order by tenant_id for update",
        &ids
    )
    .fetch_all(&mut *conn)
    .await?;
    run(conn, "commit".to_owned()).await?;
    rows.into_iter().map(Head::try_from).collect()
}

/// Locks the heads in the order of their tenants, whatever the plan, and moves those that are where they are expected.
/// What is compared is what was read under the lock, not what the statement's snapshot shows.
async fn move_heads(
    conn: &mut PgConnection,
    batch: &[&TenantAppend],
) -> Result<HashSet<TenantId>, sqlx::Error> {
    let mut heads = HeadColumns::default();
    batch.iter().for_each(|append| heads.push(append));
    let moved = sqlx::query_scalar!(
        "with locked as materialized (
             select tenant_id, epoch, incarnation, seq from journal_head
             where tenant_id = any($1) order by tenant_id for update)
         update journal_head h set seq = w.seq, hash = w.hash
         from locked l
              join unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bigint[], $5::bigint[], $6::bytea[])
                   as w (tenant_id, epoch, incarnation, expected_seq, seq, hash)
              on (w.tenant_id, w.epoch, w.incarnation, w.expected_seq) = (l.tenant_id, l.epoch, l.incarnation, l.seq)
         where h.tenant_id = l.tenant_id
         returning h.tenant_id",
        &heads.tenant_id,
        &heads.epoch,
        &heads.incarnation,
        &heads.expected_seq,
        &heads.seq,
        &heads.hash as &[&[u8]],
    )
    .fetch_all(conn)
    .await?;
    Ok(moved.into_iter().map(TenantId).collect())
}

async fn insert_events(conn: &mut PgConnection, events: &EventColumns<'_>) -> Result<(), sqlx::Error> {
    if events.seq.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into journal (tenant_id, seq, epoch, event_id, kind, version, payload, hash, recorded_at)
         select * from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::uuid[], $5::text[], $6::smallint[],
                              $7::text[], $8::bytea[], $9::timestamptz[])",
        &events.tenant_id,
        &events.seq,
        &events.epoch,
        &events.event_id,
        &events.kind as &[&str],
        &events.version,
        &events.payload as &[&str],
        &events.hash as &[&[u8]],
        &events.recorded_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// `on conflict`, not `update .. from`: its plan goes by the key whatever the statistics say.
async fn upsert_orders(conn: &mut PgConnection, orders: &OrderColumns<'_>) -> Result<(), sqlx::Error> {
    if orders.id.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into trade_order (tenant_id, id, client_order_id, venue_client_id, portfolio, account, mode, symbol,
                                  side, status, created_at, updated_at, created_seq, updated_seq, body)
         select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                              $8::text[], $9::text[], $10::text[], $11::timestamptz[], $12::timestamptz[],
                              $13::bigint[], $14::bigint[], $15::text[])
         on conflict (tenant_id, id) do update
         set status = excluded.status, updated_at = excluded.updated_at, updated_seq = excluded.updated_seq,
             body = excluded.body",
        &orders.tenant_id,
        &orders.id,
        &orders.client_order_id as &[&str],
        &orders.venue_client_id as &[&str],
        &orders.portfolio as &[&str],
        &orders.account as &[&str],
        &orders.mode,
        &orders.symbol as &[&str],
        &orders.side,
        &orders.status,
        &orders.created_at,
        &orders.updated_at,
        &orders.created_seq,
        &orders.updated_seq,
        &orders.body as &[&str],
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn insert_fills(conn: &mut PgConnection, fills: &FillColumns<'_>) -> Result<(), sqlx::Error> {
    if fills.seq.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into fill (tenant_id, account, execution_id, order_id, seq, portfolio, mode, symbol, side, price,
                           quantity, fee, fee_currency, liquidity, venue_ts, recorded_at)
         select * from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::bigint[], $6::text[], $7::text[],
                              $8::text[], $9::text[], $10::numeric[], $11::numeric[], $12::numeric[], $13::text[],
                              $14::text[], $15::timestamptz[], $16::timestamptz[])",
        &fills.tenant_id,
        &fills.account as &[&str],
        &fills.execution_id as &[&str],
        &fills.order_id,
        &fills.seq,
        &fills.portfolio as &[&str],
        &fills.mode,
        &fills.symbol as &[&str],
        &fills.side,
        &fills.price,
        &fills.quantity,
        &fills.fee,
        &fills.fee_currency as &[&str],
        &fills.liquidity,
        &fills.venue_ts,
        &fills.recorded_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn upsert_positions(
    conn: &mut PgConnection,
    positions: &PositionColumns<'_>,
) -> Result<(), sqlx::Error> {
    if positions.seq.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into position (tenant_id, portfolio, account, symbol, quantity, cost, realized_pnl, fees, seq)
         select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::numeric[], $6::numeric[],
                              $7::numeric[], $8::numeric[], $9::bigint[])
         on conflict (tenant_id, portfolio, account, symbol) do update
         set quantity = excluded.quantity, cost = excluded.cost, realized_pnl = excluded.realized_pnl,
             fees = excluded.fees, seq = excluded.seq",
        &positions.tenant_id,
        &positions.portfolio as &[&str],
        &positions.account as &[&str],
        &positions.symbol as &[&str],
        &positions.quantity,
        &positions.cost,
        &positions.realized_pnl,
        &positions.fees,
        &positions.seq,
    )
    .execute(conn)
    .await?;
    Ok(())
}
