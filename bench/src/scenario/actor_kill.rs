//! Actors killed under load: how long until their tenant takes orders again, and what a neighbour feels of it.

use super::orders::unexpected;
use crate::journal_count::JournalMark;
use crate::load::{ClosedLoop, Connection, OpenLoop, OrderRequests, Patience, Recording, request};
use crate::report::{Goal, Outcome, Unit};
use crate::stats::{Summary, median, millis};
use crate::world::{Tenant, World, call};
use crate::{BenchArgs, BenchError};
use serde::Serialize;
use serde_json::json;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::{Instant as TokioInstant, sleep_until};

/// In order of dependency, and the session beside them.
pub(super) const ACTORS: [&str; 5] =
    ["core/ledger", "core/portfolio", "core/risk", "core/order_desk", "sessions/paper"];
const CONNECTIONS: usize = 8;
const NEIGHBOUR_RATE: u32 = 200;
const KILL_EVERY: Duration = Duration::from_millis(400);
/// One kill of each actor.
const HALF: Duration = Duration::from_millis(2_000);
/// A connection that is turned away asks again after this.
const PAUSE: Duration = Duration::from_millis(1);
const CREATED: u16 = 201;
const GOAL_MS: f64 = 50.0;

/// One kill; times in microseconds since the load began.
#[derive(Debug, Clone, Copy, Serialize)]
struct Kill {
    actor: &'static str,
    asked: u64,
    answered: u64,
}

/// Each round has a quiet half and one in which every actor is killed once. They take turns, so that what the machine
/// and its disk do meanwhile falls on both.
#[derive(Debug, Clone, Copy)]
struct Rounds {
    count: u32,
    start: Duration,
}

#[derive(Debug, Clone, Copy)]
enum Half {
    Quiet,
    Kills,
}

pub(super) async fn measure(args: &BenchArgs) -> Result<Outcome, BenchError> {
    let mut outcome = Outcome::default();
    let world = World::start(args, 2).await?;
    world.open_all().await?;
    let mark = JournalMark::read(&world.db, &world.tenants).await?;
    let rounds = Rounds { count: args.kills, start: args.warm_up() };
    let duration = rounds.start(args.kills);
    let epoch = Instant::now();
    let cpu = world.watch_cpu();
    let (victim, neighbour) = loads(&world, duration);
    let (victim, neighbour, kills) =
        tokio::try_join!(victim.run(epoch), neighbour.run(epoch), kill_all(&world, epoch, rounds))?;
    let cpu = cpu.shares();
    mark.await_quiet(&world.db).await?;
    let journal = mark.count(&world.db, &(0..0)).await?;
    world.stop().await?;

    for actor in ACTORS {
        recovery_rows(&mut outcome, actor, &kills, &victim);
    }
    let before = neighbour.latency_within(&rounds.windows(Half::Quiet), CREATED);
    let during = neighbour.latency_within(&rounds.windows(Half::Kills), CREATED);
    // A stall of the disk is longer than any recovery and falls on some rounds only, whoever is killed in them.
    let p99_quiet = middle_p99(&neighbour, &rounds.windows(Half::Quiet));
    let p99_kills = middle_p99(&neighbour, &rounds.windows(Half::Kills));
    let of_rounds = format!("median of {} rounds", rounds.count);
    outcome.row(format!("neighbour's p99 with nobody killed, {of_rounds}"), p99_quiet, Unit::Millis);
    outcome.row(format!("neighbour's p99 during kills, {of_rounds}"), p99_kills, Unit::Millis);
    outcome.goal("the one to the other", (p99_kills / p99_quiet.max(0.001), Unit::Times), Goal::AtMost(1.5));
    outcome.row("neighbour's p99 with nobody killed, all rounds together", before.p99, Unit::Millis);
    outcome.row("neighbour's p99 during kills, all rounds together", during.p99, Unit::Millis);
    unexpected(&neighbour, &[CREATED])
        .into_iter()
        .for_each(|error| outcome.error(format!("neighbour: {error}")));
    let acknowledged = victim.count(CREATED) + neighbour.count(CREATED);
    let submitted = journal.of_kind("order_submitted");
    if acknowledged > submitted {
        outcome.error(format!("{} acknowledged orders are lost", acknowledged - submitted));
    }
    outcome.details = json!({
        "kills": kills, "victim_statuses": victim.statuses(), "neighbour_before": before,
        "neighbour_during": during, "cpu": cpu, "journal": journal, "acknowledged": acknowledged,
        "victim_failures": victim.failures,
    });
    Ok(outcome)
}

/// The first tenant's orders, as fast as they are answered, and the second one's at a steady rate.
fn loads(world: &World, duration: Duration) -> (ClosedLoop<OrderRequests>, OpenLoop<OrderRequests>) {
    let (first, second) = world.tenants.split_at(1);
    let script = |tenants: &[Tenant]| {
        Arc::new(OrderRequests::new(tenants.iter().map(|tenant| tenant.access_token.as_str()), "k"))
    };
    let victim = ClosedLoop {
        address: world.address(),
        connections: CONNECTIONS,
        duration,
        patience: Patience::Pause(PAUSE),
        script: script(first),
    };
    let neighbour = OpenLoop {
        address: world.address(),
        connections: CONNECTIONS,
        duration,
        rate: NEIGHBOUR_RATE,
        script: script(second),
    };
    (victim, neighbour)
}

/// Kills each actor in turn in the second half of every round.
async fn kill_all(world: &World, epoch: Instant, rounds: Rounds) -> Result<Vec<Kill>, BenchError> {
    let mut connection = Connection::open(world.address()).await?;
    let mut kills = Vec::new();
    let Some(victim) = world.tenants.first() else { return Ok(kills) };
    for round in 0..rounds.count {
        for (number, actor) in (0..).zip(ACTORS) {
            let due = rounds.start(round) + HALF + KILL_EVERY * number;
            sleep_until(TokioInstant::from_std(epoch + due)).await;
            let asked = since(epoch);
            kill(&mut connection, world, (victim, actor)).await?;
            kills.push(Kill { actor, asked, answered: since(epoch) });
        }
    }
    Ok(kills)
}

impl Rounds {
    fn start(self, round: u32) -> Duration {
        self.start + HALF * 2 * round
    }

    /// One half of every round, in microseconds.
    fn windows(self, half: Half) -> Vec<Range<u64>> {
        let offset = match half {
            Half::Quiet => Duration::ZERO,
            Half::Kills => HALF,
        };
        let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let starts = (0..self.count).map(|round| self.start(round) + offset);
        starts.map(|start| micros(start)..micros(start + HALF)).collect()
    }
}

/// Kills one actor of a tenant through the administrator's route.
pub(super) async fn kill(
    connection: &mut Connection,
    world: &World,
    (tenant, actor): (&Tenant, &str),
) -> Result<(), BenchError> {
    let path = format!("/api/v1/admin/tenants/{}/actors/kill", tenant.id);
    let body = json!({ "path": actor, "reason": "benchmark" }).to_string();
    let bytes = request("POST", &path, Some(&world.admin.access_token), Some(&body));
    call(connection, "killing an actor", &bytes).await?;
    Ok(())
}

/// The median of the windows' 99th percentiles, in milliseconds.
fn middle_p99(recording: &Recording, windows: &[Range<u64>]) -> f64 {
    median(windows.iter().map(|window| recording.latency(window, CREATED).p99))
}

fn since(epoch: Instant) -> u64 {
    u64::try_from(epoch.elapsed().as_micros()).unwrap_or(u64::MAX)
}

fn recovery_rows(outcome: &mut Outcome, actor: &str, kills: &[Kill], victim: &Recording) {
    let of_actor: Vec<&Kill> = kills.iter().filter(|kill| kill.actor == actor).collect();
    let served: Vec<u64> = of_actor.iter().filter_map(|kill| served_again(kill, victim)).collect();
    if served.len() < of_actor.len() {
        outcome
            .error(format!("{actor}: no order was accepted after {} kills", of_actor.len() - served.len()));
    }
    let middle = median(served.iter().map(|micros| millis(*micros)));
    let worst = served.iter().copied().max().map_or(0.0, millis);
    outcome.goal(
        format!("{actor} killed, serving again, median of {}", served.len()),
        (middle, Unit::Millis),
        Goal::AtMost(GOAL_MS),
    );
    outcome.row(format!("{actor} killed, serving again, longest"), worst, Unit::Millis);
    let gaps =
        of_actor.iter().map(|kill| millis(longest_gap(&(kill.asked..kill.asked + window_micros()), victim)));
    outcome.row(
        format!("{actor} killed, longest gap between acceptances, median"),
        median(gaps),
        Unit::Millis,
    );
}

fn window_micros() -> u64 {
    u64::try_from(KILL_EVERY.as_micros()).unwrap_or(u64::MAX)
}

/// From the request to kill until an order is accepted that was sent after the kill was done: one that was sent
/// before might have been decided by the actor that died.
fn served_again(kill: &Kill, victim: &Recording) -> Option<u64> {
    let accepted =
        victim.samples.iter().filter(|sample| sample.status == CREATED && sample.sent >= kill.answered);
    accepted.map(|sample| sample.done).min().map(|done| done - kill.asked)
}

/// The longest time within `window` in which nothing was accepted.
fn longest_gap(window: &Range<u64>, victim: &Recording) -> u64 {
    let mut done: Vec<u64> = victim.within(window, CREATED).map(|sample| sample.done).collect();
    done.sort_unstable();
    let starts = [window.start].into_iter().chain(done.iter().copied());
    let ends = done.iter().copied().chain([window.end]);
    starts.zip(ends).map(|(start, end)| end - start).max().unwrap_or(0)
}

/// The distribution of several recoveries.
pub(super) fn summary(micros: &[u64]) -> Summary {
    Summary::of_micros(micros.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Sample;

    fn victim(samples: &[(u64, u64, u16)]) -> Recording {
        let sample = |&(sent, done, status): &(u64, u64, u16)| Sample { intended: sent, sent, done, status };
        Recording { samples: samples.iter().map(sample).collect(), ..Recording::default() }
    }

    #[test]
    fn an_order_sent_before_the_kill_proves_nothing() {
        let kill = Kill { actor: "core/ledger", asked: 100, answered: 120 };
        let recording =
            victim(&[(90, 130, 201), (110, 131, 201), (125, 140, 503), (150, 180, 201), (130, 190, 201)]);
        assert_eq!(served_again(&kill, &recording), Some(80));
        assert_eq!(served_again(&kill, &victim(&[(110, 131, 201)])), None);
    }

    #[test]
    fn the_longest_gap_includes_the_edges() {
        let recording = victim(&[(0, 20, 201), (0, 30, 201), (0, 35, 503)]);
        assert_eq!(longest_gap(&(0..100), &recording), 70);
        assert_eq!(longest_gap(&(25..32), &recording), 5);
        assert_eq!(longest_gap(&(0..100), &victim(&[])), 100);
    }
}
