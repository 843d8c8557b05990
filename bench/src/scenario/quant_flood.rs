//! What a flood of calibrations does to the orders of others: the same orders with and without it, in turn.

use super::TENANTS;
use super::orders::check;
use crate::journal_count::JournalMark;
use crate::load::{ClosedLoop, FixedRequests, OpenLoop, OrderRequests, Patience, Recording, request};
use crate::report::{Goal, Outcome, Unit};
use crate::stats::Summary;
use crate::world::World;
use crate::{BenchArgs, BenchError};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};

const RATE: u32 = 500;
const CONNECTIONS: usize = 64;
/// The last tenants calibrate, the others trade.
const FLOODERS: usize = 10;
const FLOOD_CONNECTIONS: usize = 160;
/// Whoever is told that there is no room waits this long, so that what is measured is the computing.
const FLOOD_PAUSE: Duration = Duration::from_millis(100);
const CREATED: u16 = 201;
/// What the orders' tail may grow by: within what it varies by itself.
const TIMES_MAX: f64 = 1.5;

pub(super) async fn measure(args: &BenchArgs) -> Result<Outcome, BenchError> {
    let mut outcome = Outcome::default();
    let mut world = World::start(args, TENANTS).await?;
    world.open_all().await?;
    let (mut calm, mut flooded, mut calibrations) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..args.repeats {
        world.keep_signed_in().await?;
        let (first, second) = (format!("qa{number}"), format!("qb{number}"));
        calm.push(half(args, &world, (&first, &mut outcome)).await?);
        let flood = flood(args, &world).run(Instant::now());
        let (orders, flood) = tokio::join!(half(args, &world, (&second, &mut outcome)), flood);
        flooded.push(orders?);
        calibrations.push(flood?);
    }
    world.stop().await?;
    let (without, with) = (Summary::median(&calm), Summary::median(&flooded));
    let what = "acknowledgement at 500 orders/s";
    outcome.row(format!("{what} p50, nobody calibrates"), without.p50, Unit::Millis);
    outcome.row(format!("{what} p99, nobody calibrates"), without.p99, Unit::Millis);
    outcome.row(format!("{what} p50, ten tenants calibrate without end"), with.p50, Unit::Millis);
    outcome.row(format!("{what} p99, ten tenants calibrate without end"), with.p99, Unit::Millis);
    outcome.goal(
        "p99 with the flood, to without",
        (with.p99 / without.p99, Unit::Times),
        Goal::AtMost(TIMES_MAX),
    );
    let seconds = (args.warm_up() + args.window()).as_secs_f64() * f64::from(args.repeats);
    for (statuses, name) in
        [(&[200, 422][..], "answered at once"), (&[202], "answered with a job"), (&[429, 503], "turned away")]
    {
        let of = |recording: &Recording| statuses.iter().map(|status| recording.count(*status)).sum::<u64>();
        let count: u64 = calibrations.iter().map(of).sum();
        outcome.row(format!("calibrations {name}"), count as f64 / seconds, Unit::PerSecond);
    }
    outcome.details = json!({ "without": calm, "with": flooded });
    Ok(outcome)
}

async fn half(
    args: &BenchArgs,
    world: &World,
    (run, outcome): (&str, &mut Outcome),
) -> Result<Summary, BenchError> {
    let mark = JournalMark::read(&world.db, &world.tenants).await?;
    let traders = TENANTS as usize - FLOODERS;
    let load = OpenLoop {
        address: world.address(),
        connections: CONNECTIONS,
        duration: args.warm_up() + args.window(),
        rate: RATE,
        script: Arc::new(OrderRequests::new(world.tokens().take(traders), run)),
    };
    let recording = load.run(Instant::now()).await?;
    mark.await_quiet(&world.db).await?;
    let journal = mark.count(&world.db, &(0..0)).await?;
    check(&recording, &journal).into_iter().for_each(|error| outcome.error(error));
    Ok(recording.latency(&args.window_micros(), CREATED))
}

fn flood(args: &BenchArgs, world: &World) -> ClosedLoop<FixedRequests> {
    let body = surface();
    let requests: Vec<Vec<u8>> = world
        .tokens()
        .skip(TENANTS as usize - FLOODERS)
        .map(|token| request("POST", "/api/v1/quant/calibrate/heston", Some(token), Some(&body)))
        .collect();
    ClosedLoop {
        address: world.address(),
        connections: FLOOD_CONNECTIONS,
        duration: args.warm_up() + args.window(),
        patience: Patience::Pause(FLOOD_PAUSE),
        script: Arc::new(FixedRequests(requests.into())),
    }
}

/// Five expiries of ten strikes, with a smile that no parameters meet exactly, so that every start is followed.
fn surface() -> String {
    let quotes: Vec<_> = [0.1, 0.25, 0.5, 1.0, 2.0]
        .into_iter()
        .flat_map(|expiry_years| (0..10).map(move |n| (expiry_years, f64::from(n) - 4.5)))
        .map(|(expiry_years, n)| {
            let bump = if n.rem_euclid(2.0) < 1.0 { 0.004 } else { -0.004 };
            json!({
                "strike": 100.0 + 5.0 * n,
                "expiry_years": expiry_years,
                "implied_volatility": 0.4 - 0.012 * n + 0.0015 * n * n + bump,
                "type": if n < 0.0 { "put" } else { "call" },
            })
        })
        .collect();
    json!({ "spot": 100, "rate": 0.01, "dividend": 0.0, "quotes": quotes }).to_string()
}
