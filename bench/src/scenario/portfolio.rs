//! Reads of the portfolio from memory, with nothing else going on.

use super::TENANTS;
use super::orders::unexpected;
use crate::load::{ClosedLoop, FixedRequests, OpenLoop, OrderRequests, Patience};
use crate::report::{Goal, Outcome, Unit};
use crate::stats::{Summary, median};
use crate::world::{World, portfolio_request};
use crate::{BenchArgs, BenchError};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};

const CONNECTIONS: usize = 64;
const OK: u16 = 200;
/// So many orders a second for so long give every tenant a position first.
const ORDERS_FIRST: (u32, Duration) = (200, Duration::from_secs(2));

pub(super) async fn measure(args: &BenchArgs) -> Result<Outcome, BenchError> {
    let mut outcome = Outcome::default();
    let mut world = World::start(args, TENANTS).await?;
    world.open_all().await?;
    give_positions(&world).await?;
    let (mut rates, mut latencies, mut details) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..args.repeats {
        world.keep_signed_in().await?;
        let requests: Vec<Vec<u8>> = world.tokens().map(portfolio_request).collect();
        let load = ClosedLoop {
            address: world.address(),
            connections: CONNECTIONS,
            duration: args.warm_up() + args.window(),
            patience: Patience::None,
            script: Arc::new(FixedRequests(requests.into())),
        };
        let cpu = world.watch_cpu();
        let recording = load.run(Instant::now()).await?;
        let cpu = cpu.shares();
        let window = args.window_micros();
        rates.push(recording.within(&window, OK).count() as f64 / args.window().as_secs_f64());
        latencies.push(recording.latency(&window, OK));
        details.push(json!({ "cpu": cpu, "memory": world.server_memory()? }));
        unexpected(&recording, &[OK]).into_iter().for_each(|error| outcome.error(error));
    }
    world.stop().await?;
    let latency = Summary::median(&latencies);
    let rate = median(rates.iter().copied());
    outcome.goal("GET /portfolio, 64 connections", (rate, Unit::PerSecond), Goal::AtLeast(50_000.0));
    outcome.row("GET /portfolio p50", latency.p50, Unit::Millis);
    outcome.goal("GET /portfolio p99", (latency.p99, Unit::Millis), Goal::AtMost(10.0));
    outcome.details = json!({ "rates": rates, "latencies": latencies, "runs": details });
    Ok(outcome)
}

async fn give_positions(world: &World) -> Result<(), BenchError> {
    let (rate, duration) = ORDERS_FIRST;
    let script = Arc::new(OrderRequests::new(world.tokens(), "first"));
    OpenLoop { address: world.address(), connections: 8, duration, rate, script }.run(Instant::now()).await?;
    Ok(())
}
