//! How long an order waits for its 201 at a modest, steady rate.

use super::TENANTS;
use super::orders::check;
use crate::journal_count::JournalMark;
use crate::load::{OpenLoop, OrderRequests};
use crate::report::{Goal, Outcome, Unit};
use crate::stats::Summary;
use crate::world::World;
use crate::{BenchArgs, BenchError};
use serde_json::json;
use std::sync::Arc;
use std::time::Instant;

const RATE: u32 = 500;
const CONNECTIONS: usize = 64;
const CREATED: u16 = 201;

pub(super) async fn measure(args: &BenchArgs) -> Result<Outcome, BenchError> {
    let mut outcome = Outcome::default();
    let mut world = World::start(args, TENANTS).await?;
    world.open_all().await?;
    let (mut latencies, mut from_send, mut details) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..args.repeats {
        world.keep_signed_in().await?;
        let mark = JournalMark::read(&world.db, &world.tenants).await?;
        let load = OpenLoop {
            address: world.address(),
            connections: CONNECTIONS,
            duration: args.warm_up() + args.window(),
            rate: RATE,
            script: Arc::new(OrderRequests::new(world.tokens(), &format!("a{number}"))),
        };
        let cpu = world.watch_cpu();
        let recording = load.run(Instant::now()).await?;
        let cpu = cpu.shares();
        mark.await_quiet(&world.db).await?;
        let journal = mark.count(&world.db, &(0..0)).await?;
        check(&recording, &journal).into_iter().for_each(|error| outcome.error(error));
        let window = args.window_micros();
        latencies.push(recording.latency(&window, CREATED));
        from_send.push(recording.latency_from_send(&window, CREATED));
        details.push(json!({ "cpu": cpu, "memory": world.server_memory()?, "journal": journal }));
    }
    world.stop().await?;
    let (latency, sent) = (Summary::median(&latencies), Summary::median(&from_send));
    let what = "acknowledgement at 500 orders/s";
    outcome.goal(format!("{what} p50"), (latency.p50, Unit::Millis), Goal::AtMost(6.0));
    outcome.goal(format!("{what} p99"), (latency.p99, Unit::Millis), Goal::AtMost(25.0));
    outcome.row(format!("{what} p99.9"), latency.p999, Unit::Millis);
    outcome.row(format!("{what} max"), latency.max, Unit::Millis);
    outcome.row("the same counted from sending, p50", sent.p50, Unit::Millis);
    outcome.row("the same counted from sending, p99", sent.p99, Unit::Millis);
    outcome.details = json!({ "from_intended": latencies, "from_send": from_send, "runs": details });
    Ok(outcome)
}
