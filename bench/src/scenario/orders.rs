//! Market orders, from the request to the durable fill. What is quoted is fills a second, counted from the journal;
//! every acknowledged order is looked for there.

use super::{Figures, TENANTS};
use crate::journal_count::{JournalCount, JournalMark};
use crate::load::{ClosedLoop, OrderRequests, Patience, Recording};
use crate::report::{Goal, Outcome, Unit};
use crate::stats::{Summary, median};
use crate::world::{CpuShares, World};
use crate::{BenchArgs, BenchError, clock};
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;
use std::time::Instant;

const CREATED: u16 = 201;

/// One window of orders.
#[derive(Debug, Serialize)]
pub(super) struct OrderRun {
    pub(super) connections: usize,
    pub(super) fills_per_second: f64,
    pub(super) acknowledged_per_second: f64,
    pub(super) latency: Summary,
    /// From the last answer until the journal stood still.
    pub(super) drained_ms: f64,
    pub(super) cpu: CpuShares,
    pub(super) rss_mib: f64,
    pub(super) journal: JournalCount,
    #[serde(skip)]
    pub(super) errors: Vec<String>,
}

/// 100 tenants at 64 and 256 connections.
pub(super) async fn many(args: &BenchArgs, figures: &mut Figures) -> Result<Outcome, BenchError> {
    let mut outcome = Outcome::default();
    let mut all = Vec::new();
    for (connections, goal) in [(64, 4_500.0), (256, 8_000.0)] {
        let mut world = World::start(args, TENANTS).await?;
        world.open_all().await?;
        let runs = repeat(args, &mut world, connections).await?;
        let rate = rows(&mut outcome, &format!("100 tenants, {connections} connections"), &runs, goal);
        if connections == 256 {
            figures.served = Some(rate);
        }
        all.push(runs);
        world.stop().await?;
    }
    outcome.details = json!({ "runs": all });
    Ok(outcome)
}

/// One tenant at 256 connections.
pub(super) async fn one(args: &BenchArgs) -> Result<Outcome, BenchError> {
    let mut outcome = Outcome::default();
    let mut world = World::start(args, 1).await?;
    world.open_all().await?;
    let runs = repeat(args, &mut world, 256).await?;
    rows(&mut outcome, "one tenant, 256 connections", &runs, 6_000.0);
    outcome.details = json!({ "runs": runs });
    world.stop().await?;
    Ok(outcome)
}

async fn repeat(
    args: &BenchArgs,
    world: &mut World,
    connections: usize,
) -> Result<Vec<OrderRun>, BenchError> {
    let mut runs = Vec::new();
    for number in 0..args.repeats {
        world.keep_signed_in().await?;
        runs.push(measure(args, world, (connections, number)).await?);
    }
    Ok(runs)
}

/// Adds the rows of several runs; the median of the fills a second.
fn rows(outcome: &mut Outcome, what: &str, runs: &[OrderRun], goal: f64) -> f64 {
    let rate = median(runs.iter().map(|run| run.fills_per_second));
    outcome.goal(format!("durable fills, {what}"), (rate, Unit::PerSecond), Goal::AtLeast(goal));
    let acknowledged = median(runs.iter().map(|run| run.acknowledged_per_second));
    outcome.row(format!("orders acknowledged, {what}"), acknowledged, Unit::PerSecond);
    let latency = Summary::median(&runs.iter().map(|run| run.latency).collect::<Vec<_>>());
    outcome.row(format!("acknowledgement p50, {what}"), latency.p50, Unit::Millis);
    outcome.row(format!("acknowledgement p99, {what}"), latency.p99, Unit::Millis);
    runs.iter().flat_map(|run| &run.errors).for_each(|error| outcome.error(error.clone()));
    rate
}

async fn measure(
    args: &BenchArgs,
    world: &World,
    (connections, number): (usize, u32),
) -> Result<OrderRun, BenchError> {
    let mark = JournalMark::read(&world.db, &world.tenants).await?;
    let script = Arc::new(OrderRequests::new(world.tokens(), &format!("o{connections}-{number}")));
    let load = ClosedLoop {
        address: world.address(),
        connections,
        duration: args.warm_up() + args.window(),
        patience: Patience::None,
        script,
    };
    let cpu = world.watch_cpu();
    let (epoch, epoch_at) = (Instant::now(), clock::now());
    let recording = load.run(epoch).await?;
    let cpu = cpu.shares();
    let rss_mib = world.server_memory()?.rss as f64 / f64::from(1 << 20);
    let drained = mark.await_quiet(&world.db).await?;
    let window = args.window_micros();
    let journal_window = epoch_at.plus_micros(window.start.cast_signed()).micros()
        ..epoch_at.plus_micros(window.end.cast_signed()).micros();
    let journal = mark.count(&world.db, &journal_window).await?;
    let seconds = args.window().as_secs_f64();
    Ok(OrderRun {
        connections,
        fills_per_second: journal.fills_within as f64 / seconds,
        acknowledged_per_second: recording.within(&window, CREATED).count() as f64 / seconds,
        latency: recording.latency(&window, CREATED),
        drained_ms: drained.as_secs_f64() * 1_000.0,
        cpu,
        rss_mib,
        errors: check(&recording, &journal),
        journal,
    })
}

/// What does not agree between the answers and the journal.
pub(super) fn check(recording: &Recording, journal: &JournalCount) -> Vec<String> {
    let mut errors = unexpected(recording, &[CREATED]);
    let acknowledged = recording.count(CREATED);
    let (submitted, filled) = (journal.of_kind("order_submitted"), journal.of_kind("order_filled"));
    if submitted != acknowledged && recording.unanswered == 0 {
        errors.push(format!("{acknowledged} orders were acknowledged, {submitted} are in the journal"));
    }
    if acknowledged > submitted {
        errors.push(format!("{} acknowledged orders are lost", acknowledged - submitted));
    }
    if filled < submitted {
        errors.push(format!("{} of {submitted} orders have no fill", submitted - filled));
    }
    errors
}

/// Answers that should not have been given.
pub(super) fn unexpected(recording: &Recording, expected: &[u16]) -> Vec<String> {
    let others = recording.statuses().into_iter().filter(|(status, _)| !expected.contains(status));
    let mut errors: Vec<String> =
        others.map(|(status, count)| format!("{count} answers were {status}")).collect();
    if recording.unanswered > 0 {
        errors.push(format!("{} requests were not answered", recording.unanswered));
    }
    if !errors.is_empty() {
        errors.extend(recording.failures.iter().cloned());
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Sample;

    fn recording(statuses: &[u16]) -> Recording {
        let sample = |status: &u16| Sample { intended: 0, sent: 0, done: 1, status: *status };
        Recording { samples: statuses.iter().map(sample).collect(), ..Recording::default() }
    }

    fn journal(submitted: u64, filled: u64) -> JournalCount {
        let kinds = [("order_submitted".to_owned(), submitted), ("order_filled".to_owned(), filled)];
        JournalCount { kinds: kinds.into(), ..JournalCount::default() }
    }

    #[test]
    fn an_acknowledged_order_that_is_not_in_the_journal_is_an_error() {
        assert!(check(&recording(&[201, 201]), &journal(2, 2)).is_empty());
        assert_eq!(check(&recording(&[201, 201]), &journal(1, 1)).len(), 2);
        assert_eq!(check(&recording(&[201]), &journal(1, 0)), ["1 of 1 orders have no fill"]);
        assert_eq!(check(&recording(&[201, 503]), &journal(1, 1)), ["1 answers were 503"]);
    }

    #[test]
    fn an_order_without_an_answer_may_be_in_the_journal_or_not() {
        let mut lost = recording(&[201]);
        lost.fail("reset");
        assert!(check(&lost, &journal(2, 2)).iter().all(|error| !error.contains("journal")));
    }
}
