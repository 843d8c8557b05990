//! A ledger killed with 10,000 events behind its last snapshot, while a neighbour trades.

use super::actor_kill::{kill, summary};
use crate::load::{Connection, OpenLoop, OrderRequests, Script};
use crate::report::{Goal, Outcome, Unit};
use crate::stats::median;
use crate::world::{Tenant, World};
use crate::{BenchArgs, BenchError};
use bulkhead_domain::TenantId;
use bulkhead_domain::tenant::TenantImage;
use bulkhead_persistence::snapshot::{load_snapshot, save_snapshot};
use bulkhead_persistence::{Db, Snapshot, journal};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

const EVENTS: i64 = 10_000;
const RATE: u32 = 1_000;
/// Two events to an order, and a few more to be above.
const FILL_FOR: Duration = Duration::from_millis(5_100);
const CONNECTIONS: usize = 16;
const NEIGHBOUR_RATE: u32 = 200;
const KILL_EVERY: Duration = Duration::from_millis(500);
const SERVED_WITHIN: Duration = Duration::from_secs(10);
const RETRY: Duration = Duration::from_micros(500);
/// The server reads snapshots of its own version only.
const OTHER_VERSION: i16 = -1;
const GOAL_MS: f64 = 100.0;

pub(super) async fn measure(args: &BenchArgs) -> Result<Outcome, BenchError> {
    let mut outcome = Outcome::default();
    let world = World::start(args, 2).await?;
    world.open_all().await?;
    let (victims, neighbours) = world.tenants.split_at(1);
    let Some(victim) = victims.first() else { return Ok(outcome) };
    load(&world, victims, (RATE, FILL_FOR)).run(Instant::now()).await?;
    let events = events_of(&world.db, victim.id).await?;
    if events < EVENTS {
        outcome.error(format!("only {events} events were made"));
    }
    let duration = KILL_EVERY * (args.kills + 2);
    let neighbour = load(&world, neighbours, (NEIGHBOUR_RATE, duration)).run(Instant::now());
    let (_, micros) = tokio::try_join!(neighbour, recover(args, &world, victim))?;
    let behind = events_of(&world.db, victim.id).await?;
    world.stop().await?;

    let middle = median(micros.iter().map(|micros| crate::stats::millis(*micros)));
    let summary = summary(&micros);
    let what = format!("ledger killed, {EVENTS} events behind its snapshot, serving again");
    outcome.goal(
        format!("{what}, median of {}", micros.len()),
        (middle, Unit::Millis),
        Goal::AtMost(GOAL_MS),
    );
    outcome.row(format!("{what}, longest"), summary.max, Unit::Millis);
    outcome.details =
        json!({ "events_first": events, "events_last": behind, "micros": micros, "summary": summary });
    Ok(outcome)
}

fn load(world: &World, tenants: &[Tenant], (rate, duration): (u32, Duration)) -> OpenLoop<OrderRequests> {
    let tokens = tenants.iter().map(|tenant| tenant.access_token.as_str());
    let script = Arc::new(OrderRequests::new(tokens, "load"));
    OpenLoop { address: world.address(), connections: CONNECTIONS, duration, rate, script }
}

async fn recover(args: &BenchArgs, world: &World, victim: &Tenant) -> Result<Vec<u64>, BenchError> {
    let mut administrator = Connection::open(world.address()).await?;
    let mut trader = Connection::open(world.address()).await?;
    let orders = OrderRequests::new([victim.access_token.as_str()], "probe");
    let mut micros = Vec::new();
    for _ in 0..args.kills {
        hide_snapshots(&world.db, victim.id).await?;
        sleep(KILL_EVERY).await;
        let begun = Instant::now();
        kill(&mut administrator, world, (victim, "core/ledger")).await?;
        timeout(SERVED_WITHIN, await_served(&mut trader, &orders))
            .await
            .map_err(|_| BenchError::Deadline { what: "serving again after a kill" })??;
        micros.push(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
    }
    Ok(micros)
}

/// Sends orders until one is accepted.
async fn await_served(trader: &mut Connection, orders: &OrderRequests) -> Result<(), BenchError> {
    let mut bytes = Vec::new();
    loop {
        orders.write(0, 0, &mut bytes);
        if trader.exchange(&bytes).await? == 201 {
            return Ok(());
        }
        sleep(RETRY).await;
    }
}

async fn events_of(db: &Db, tenant_id: TenantId) -> Result<i64, BenchError> {
    let mut tx = db.begin_for(tenant_id).await?;
    Ok(journal::find_head(&mut tx).await?.map_or(0, |head| head.seq))
}

/// Makes the tenant's snapshots unreadable for the server, which then has to replay everything: each is stored again
/// as one of another version.
async fn hide_snapshots(db: &Db, tenant_id: TenantId) -> Result<(), BenchError> {
    let mut tx = db.begin_for(tenant_id).await?;
    while let Some(snapshot) = load_snapshot(&mut tx, TenantImage::VERSION).await? {
        save_snapshot(&mut tx, &Snapshot { version: OTHER_VERSION, ..snapshot }).await?;
    }
    Ok(tx.commit().await?)
}
