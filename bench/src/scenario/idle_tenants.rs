//! Tenants that do nothing: what they hold, how fast they start, and how fast they come back.

use super::latency_rows;
use super::orders::unexpected;
use crate::load::{Connection, Recording, Script, request};
use crate::load::{FixedRequests, Sample};
use crate::report::{Goal, Outcome, Unit};
use crate::stats::Summary;
use crate::world::{CpuShares, Memory, World, portfolio_request};
use crate::{BenchArgs, BenchError};
use futures_util::future::try_join_all;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::time::sleep;

const CONNECTIONS: usize = 64;
/// Memory is read when what was freed had time to be given back.
const SETTLE: Duration = Duration::from_secs(3);
/// Passivated tenants that are woken one at a time.
const WAKES: usize = 500;
const KIB: f64 = 1_024.0;
const GIB: f64 = 1_073_741_824.0;

/// One request for each tenant.
struct Sweep {
    recording: Recording,
    seconds: f64,
    cpu: CpuShares,
    memory: Memory,
}

pub(super) async fn measure(args: &BenchArgs) -> Result<Outcome, BenchError> {
    let mut outcome = Outcome::default();
    let mut world = World::start(args, args.idle_tenants).await?;
    // Authenticates everyone without starting anyone, so that the tokens are in memory before it is read.
    let known = sweep(&world, |_, token| request("GET", "/api/v1/instruments", Some(token), None)).await?;
    let opened = sweep(&world, |_, token| portfolio_request(token)).await?;
    world.keep_signed_in().await?;
    let admin = world.admin.access_token.clone();
    let passivate = |id: &str, _: &str| {
        request("POST", &format!("/api/v1/admin/tenants/{id}/passivate"), Some(&admin), Some("{}"))
    };
    let passivated = sweep(&world, passivate).await?;
    let woken = wake(&world).await?;
    let reopened = sweep(&world, |_, token| portfolio_request(token)).await?;
    world.stop().await?;

    let tenants = f64::from(args.idle_tenants);
    let per_tenant = |memory: Memory| (memory.rss as f64 - known.memory.rss as f64) / tenants / KIB;
    let what = format!("{} tenants", args.idle_tenants);
    outcome.goal("a live idle tenant in memory", (per_tenant(opened.memory), Unit::KiB), Goal::AtMost(64.0));
    outcome.goal(
        format!("{what} live, server memory"),
        (opened.memory.rss as f64 / GIB, Unit::GiB),
        Goal::AtMost(0.8),
    );
    outcome.row(format!("{what} opened for the first time, journals begun"), opened.seconds, Unit::Seconds);
    outcome.goal(format!("{what} opened again"), (reopened.seconds, Unit::Seconds), Goal::AtMost(2.0));
    outcome.goal(
        "a passivated tenant in memory",
        (per_tenant(passivated.memory), Unit::KiB),
        Goal::AtMost(1.0),
    );
    outcome.goal("first answer after passivation p50", (woken.p50, Unit::Millis), Goal::AtMost(10.0));
    outcome.goal("first answer after passivation p99", (woken.p99, Unit::Millis), Goal::AtMost(10.0));
    latency_rows(&mut outcome, "opening under load", &opened.recording.latency(&(0..u64::MAX), 200));
    for sweep in [&known, &opened, &passivated, &reopened] {
        unexpected(&sweep.recording, &[200, 202]).into_iter().for_each(|error| outcome.error(error));
    }
    let detail =
        |sweep: &Sweep| json!({ "seconds": sweep.seconds, "memory": sweep.memory, "cpu": sweep.cpu });
    outcome.details = json!({
        "known": detail(&known), "opened": detail(&opened), "passivated": detail(&passivated),
        "reopened": detail(&reopened), "woken": woken, "made_by": "rows stored directly, signed in by refresh token",
    });
    Ok(outcome)
}

/// Sends what `make` makes of each tenant's id and token, over 64 connections, and reads the memory some time after.
async fn sweep(world: &World, make: impl Fn(&str, &str) -> Vec<u8>) -> Result<Sweep, BenchError> {
    let requests: Vec<Vec<u8>> =
        world.tenants.iter().map(|tenant| make(&tenant.id.to_string(), &tenant.access_token)).collect();
    let script = FixedRequests(requests.into());
    let next = AtomicUsize::new(0);
    let cpu = world.watch_cpu();
    let begun = Instant::now();
    let work = |_| take_turns(world.address(), &script, (&next, world.tenants.len()));
    let parts = try_join_all((0..CONNECTIONS).map(work)).await?;
    let (seconds, cpu) = (begun.elapsed().as_secs_f64(), cpu.shares());
    let mut recording = Recording::default();
    parts.into_iter().for_each(|part| recording.join(part));
    sleep(SETTLE).await;
    Ok(Sweep { recording, seconds, cpu, memory: world.server_memory()? })
}

async fn take_turns(
    address: SocketAddr,
    script: &FixedRequests,
    (next, end): (&AtomicUsize, usize),
) -> Result<Recording, BenchError> {
    let mut connection = Connection::open(address).await?;
    let mut recording = Recording::default();
    let mut bytes = Vec::new();
    loop {
        let turn = next.fetch_add(1, Ordering::Relaxed);
        if turn >= end {
            return Ok(recording);
        }
        script.write(0, turn, &mut bytes);
        let begun = Instant::now();
        let status = connection.exchange(&bytes).await?;
        let done = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        recording.samples.push(Sample { intended: 0, sent: 0, done, status });
        if status >= 300 {
            recording.note(format!("{status}: {}", String::from_utf8_lossy(connection.body())));
        }
    }
}

/// Wakes some passivated tenants one after the other.
async fn wake(world: &World) -> Result<Summary, BenchError> {
    let mut connection = Connection::open(world.address()).await?;
    let mut micros = Vec::new();
    for tenant in world.tenants.iter().take(WAKES) {
        let bytes = portfolio_request(&tenant.access_token);
        let begun = Instant::now();
        crate::world::call(&mut connection, "the first message after passivation", &bytes).await?;
        micros.push(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
    }
    Ok(Summary::of_micros(micros))
}
