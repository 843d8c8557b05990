//! The floor: what the database takes of the same rows in the same statements when nothing stands before it. Two
//! connections as in the server, each with its half of the tenants, 64 orders to a batch and two commits to an order.

use super::floor_rows::{FloorTenant, Placed, Rows};
use super::{Figures, TENANTS};
use crate::load::on_own_thread;
use crate::report::{Goal, Outcome, Unit};
use crate::stats::{Summary, median};
use crate::world::{Cluster, TenantSeed, WorkDir, seed};
use crate::{BenchArgs, BenchError};
use bulkhead_persistence::{AppendOutcome, JournalConn, TenantAppend};
use serde_json::json;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Instant;

const BATCH_ORDERS: usize = 64;
const CONNECTIONS: usize = 2;
const GOAL_SHARE_PERCENT: f64 = 50.0;

/// One connection with its tenants.
struct Writer {
    conn: JournalConn,
    rows: Rows,
    tenants: Vec<FloorTenant>,
    next_tenant: usize,
    next_order: u64,
}

/// What one connection did in one window.
#[derive(Default)]
struct WriterRun {
    orders: u64,
    batch_micros: Vec<u64>,
}

pub(super) async fn measure(args: &BenchArgs, figures: &Figures) -> Result<Outcome, BenchError> {
    let dir = WorkDir::make(args).await?;
    let cluster = Cluster::start(&dir).await?;
    let db = cluster.open();
    let seeds = seed(&db, TENANTS).await?;
    let mut writers = Vec::new();
    for half in 0..CONNECTIONS {
        let tenants =
            seeds.iter().skip(half).step_by(CONNECTIONS).map(|seed: &TenantSeed| FloorTenant::new(seed.id));
        writers.push(Writer {
            conn: db.journal_conn().await?,
            rows: Rows::template(),
            tenants: tenants.collect(),
            next_tenant: 0,
            next_order: (half as u64) << 32,
        });
    }
    let payload_mean = Rows::template().payload_mean();
    let (mut rates, mut batches) = (Vec::new(), Vec::new());
    for _ in 0..args.repeats {
        let runs;
        (writers, runs) = run_all(writers, args.window_micros()).await?;
        let orders: u64 = runs.iter().map(|run| run.orders).sum();
        rates.push(orders as f64 / args.window().as_secs_f64());
        batches.push(Summary::of_micros(runs.into_iter().flat_map(|run| run.batch_micros)));
    }
    drop(writers);
    db.close().await;
    cluster.stop().await?;
    let mut outcome = Outcome::default();
    let floor = median(rates.iter().copied());
    outcome.row("bare SQL, batches of 64, two commits per order", floor, Unit::PerSecond);
    if let Some(served) = figures.served {
        let share = served / floor * 100.0;
        outcome.goal(
            "served at 256 connections, of the floor",
            (share, Unit::Percent),
            Goal::AtLeast(GOAL_SHARE_PERCENT),
        );
    }
    outcome.details = json!({ "rates": rates, "batch_ms": batches, "payload_bytes_mean": payload_mean });
    Ok(outcome)
}

/// Runs every connection on a thread of its own for one window.
async fn run_all(
    writers: Vec<Writer>,
    window: Range<u64>,
) -> Result<(Vec<Writer>, Vec<WriterRun>), BenchError> {
    let epoch = Instant::now();
    let run = |writer: Writer| {
        let window = window.clone();
        on_own_thread(move || writer.run(epoch, window))
    };
    let done = futures_util::future::try_join_all(writers.into_iter().map(run)).await?;
    let mut writers = Vec::new();
    let mut runs = Vec::new();
    for one in done {
        let (writer, run) = one?;
        writers.push(writer);
        runs.push(run);
    }
    Ok((writers, runs))
}

impl Writer {
    async fn run(mut self, epoch: Instant, window: Range<u64>) -> Result<(Self, WriterRun), BenchError> {
        let mut run = WriterRun::default();
        let micros = || u64::try_from(epoch.elapsed().as_micros()).unwrap_or(u64::MAX);
        while micros() < window.end {
            let begun = micros();
            let placed = self.submit().await?;
            let between = micros();
            self.fill(&placed).await?;
            if window.contains(&micros()) {
                run.orders += placed.len() as u64;
                run.batch_micros.extend([between - begun, micros() - between]);
            }
        }
        Ok((self, run))
    }

    /// The first commit of the next batch of orders; each with its tenant.
    async fn submit(&mut self) -> Result<Vec<(usize, Placed)>, BenchError> {
        let mut appends = BTreeMap::new();
        let mut placed = Vec::with_capacity(BATCH_ORDERS);
        for _ in 0..BATCH_ORDERS {
            let at = self.next_tenant;
            self.next_tenant = (at + 1) % self.tenants.len().max(1);
            self.next_order += 1;
            if let Some(tenant) = self.tenants.get_mut(at) {
                let append = appends.entry(at).or_insert_with(|| Rows::begin(tenant));
                placed.push((at, self.rows.submit(tenant, append, self.next_order)));
            }
        }
        self.append(appends).await?;
        Ok(placed)
    }

    /// The second commit of the same orders.
    async fn fill(&mut self, placed: &[(usize, Placed)]) -> Result<(), BenchError> {
        let mut appends = BTreeMap::new();
        for (at, order) in placed {
            if let Some(tenant) = self.tenants.get_mut(*at) {
                let append = appends.entry(*at).or_insert_with(|| Rows::begin(tenant));
                self.rows.fill(tenant, append, order);
            }
        }
        self.append(appends).await
    }

    async fn append(&mut self, appends: BTreeMap<usize, TenantAppend>) -> Result<(), BenchError> {
        let batch: Vec<TenantAppend> = appends.into_values().collect();
        let outcomes = self.conn.append(&batch).await?;
        let all_moved = outcomes.iter().all(|outcome| *outcome == AppendOutcome::Committed);
        assert!(all_moved, "nobody else writes these journals");
        Ok(())
    }
}
