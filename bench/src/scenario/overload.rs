//! Far too much: what memory does, and what is answered, when two thousand connections never stop posting.

use super::TENANTS;
use super::orders::unexpected;
use crate::journal_count::JournalMark;
use crate::load::{ClosedLoop, OrderRequests, Patience, Recording};
use crate::report::{Goal, Outcome, Unit};
use crate::world::{CpuShares, Memory, World};
use crate::{BenchArgs, BenchError};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::sleep;

const NORMAL_CONNECTIONS: usize = 256;
const OVERLOAD_CONNECTIONS: usize = 2_000;
const SAMPLE_EVERY: Duration = Duration::from_millis(200);
const MIB: f64 = 1_048_576.0;

/// One half of the scenario.
struct Half {
    recording: Recording,
    memory_at_end: Memory,
    rss_peak: u64,
    cpu: CpuShares,
}

pub(super) async fn measure(args: &BenchArgs) -> Result<Outcome, BenchError> {
    let mut outcome = Outcome::default();
    let mut world = World::start(args, TENANTS).await?;
    world.open_all().await?;
    let mark = JournalMark::read(&world.db, &world.tenants).await?;
    let normal = half(args, &world, NORMAL_CONNECTIONS).await?;
    world.keep_signed_in().await?;
    let over = half(args, &world, OVERLOAD_CONNECTIONS).await?;
    mark.await_quiet(&world.db).await?;
    let journal = mark.count(&world.db, &(0..0)).await?;
    world.stop().await?;

    let rss = normal.memory_at_end.rss as f64;
    outcome.row("server memory after orders at 256 connections", rss / MIB / 1_024.0, Unit::GiB);
    outcome.row("its peak at 2,000 connections", over.rss_peak as f64 / MIB / 1_024.0, Unit::GiB);
    outcome.goal("the one to the other", (over.rss_peak as f64 / rss, Unit::Times), Goal::AtMost(1.5));
    let seconds = args.overload_seconds as f64;
    for status in [201, 429, 503] {
        let rate = over.recording.count(status) as f64 / seconds;
        outcome.row(format!("answers {status} at 2,000 connections"), rate, Unit::PerSecond);
    }
    unexpected(&normal.recording, &[201]).into_iter().for_each(|error| outcome.error(error));
    unexpected(&over.recording, &[201, 429, 503]).into_iter().for_each(|error| outcome.error(error));
    let acknowledged = normal.recording.count(201) + over.recording.count(201);
    let submitted = journal.of_kind("order_submitted");
    let unanswered = normal.recording.unanswered + over.recording.unanswered;
    if acknowledged > submitted || (unanswered == 0 && acknowledged != submitted) {
        outcome.error(format!("{acknowledged} orders were acknowledged, {submitted} are in the journal"));
    }
    outcome.details = json!({ "normal": details(&normal), "overload": details(&over), "journal": journal });
    Ok(outcome)
}

fn details(half: &Half) -> Value {
    let window = 0..u64::MAX;
    json!({
        "statuses": half.recording.statuses(),
        "unanswered": half.recording.unanswered,
        "latency_201": half.recording.latency(&window, 201),
        "latency_503": half.recording.latency(&window, 503),
        "rss_peak": half.rss_peak,
        "memory_at_end": half.memory_at_end,
        "cpu": half.cpu,
    })
}

async fn half(args: &BenchArgs, world: &World, connections: usize) -> Result<Half, BenchError> {
    let load = ClosedLoop {
        address: world.address(),
        connections,
        duration: Duration::from_secs(args.overload_seconds),
        patience: Patience::None,
        script: Arc::new(OrderRequests::new(world.tokens(), &format!("v{connections}"))),
    };
    let cpu = world.watch_cpu();
    let mut rss_peak = 0;
    let load = load.run(Instant::now());
    tokio::pin!(load);
    let recording = loop {
        tokio::select! {
            done = &mut load => break done?,
            () = sleep(SAMPLE_EVERY) => rss_peak = rss_peak.max(world.server_memory()?.rss),
        }
    };
    Ok(Half { recording, memory_at_end: world.server_memory()?, rss_peak, cpu: cpu.shares() })
}
