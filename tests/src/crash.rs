//! `kill -9` under load, again and again: what was acknowledged is there for ever, and nothing happened twice.
//!
//! `BULKHEAD_CRASH_ROUNDS` sets how often the server is killed in all (20 times if absent); rounds that kill only its
//! database or only the venue come on top. `BULKHEAD_CRASH_SEED` sets where the random numbers begin.

use crate::harness::checker::Case;
use crate::harness::load::{Load, LoadOptions};
use crate::harness::program::{self, Running};
use crate::harness::{Server, ServerOptions, TestDir};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::path::Path;
use std::time::Duration;
use tokio::time::sleep;

const ROUNDS: u32 = 20;
const SEED: u64 = 20_260_101;
/// A round ends when every tenant had so many orders acknowledged after the crash.
const PROGRESS: u64 = 4;
/// The checker looks at everything after so many rounds, and at the end.
const ROUNDS_PER_CHECK: u32 = 25;

/// What is killed in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Server,
    Database,
    Venue,
    ServerAndVenue,
}

impl Victim {
    fn is_server(self) -> bool {
        matches!(self, Self::Server | Self::ServerAndVenue)
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Half of the server's deaths: each of the two tests makes as many.
fn deaths() -> u32 {
    u32::try_from(setting("BULKHEAD_CRASH_ROUNDS", ROUNDS.into())).unwrap().div_ceil(2)
}

/// A server under load, and whatever else can be killed.
struct Crashes {
    server: Server,
    venue: Option<VenueProcess>,
    load: Option<Load>,
    rng: ChaCha8Rng,
    options: LoadOptions,
}

/// The paper venue as a process of its own.
struct VenueProcess {
    dir: TestDir,
    running: Option<Running>,
    address: String,
}

impl VenueProcess {
    async fn start() -> Self {
        let mut venue = Self { dir: TestDir::new(), running: None, address: "127.0.0.1:0".to_owned() };
        venue.start_again().await;
        venue.address = venue.running.as_ref().unwrap().listen();
        venue
    }

    /// At the same address as before: the server looks for it there.
    async fn start_again(&mut self) {
        let mut command = program::command("bulkhead");
        command.args(["venue", "paper", "--listen", &self.address, "--data"]).arg(self.log());
        self.running = Some(Running::start(command, &self.dir.join("venue.log")).await);
    }

    fn log(&self) -> std::path::PathBuf {
        self.dir.join("venue")
    }
}

impl Crashes {
    async fn start(venue: Option<VenueProcess>, seed: u64) -> Self {
        let mut arguments = Vec::new();
        if let Some(venue) = &venue {
            arguments = vec!["--paper-venue", &venue.address];
        }
        let server = Server::start(ServerOptions::with(&arguments)).await;
        let options = LoadOptions { seed, tenants: 4, connections: 8 };
        let load = Load::start(&server, options).await;
        load.await_progress(PROGRESS).await;
        Self { server, venue, load: Some(load), rng: ChaCha8Rng::seed_from_u64(seed), options }
    }

    fn load(&mut self) -> &mut Load {
        self.load.as_mut().unwrap()
    }

    /// Kills at a random moment at which orders are in flight, and brings everything back.
    async fn round(&mut self, round: u32, victim: Victim) {
        let moment = Duration::from_millis(self.rng.random_range(20..500));
        sleep(moment).await;
        let in_flight = self.rng.random_range(1..=8);
        self.load().await_in_flight(in_flight).await;
        self.load().record.kill(round, &format!("{victim:?}"));
        match victim {
            Victim::Server => self.kill_server().await,
            Victim::Database => self.kill_database().await,
            Victim::Venue => {
                self.kill_venue().await;
                self.venue.as_mut().unwrap().start_again().await;
            }
            Victim::ServerAndVenue => {
                self.kill_venue().await;
                self.server.kill().await;
                self.load().server_is_down();
                self.venue.as_mut().unwrap().start_again().await;
                self.start_server().await;
            }
        }
        self.load().await_progress(PROGRESS).await;
    }

    async fn kill_server(&mut self) {
        self.server.kill().await;
        self.load().server_is_down();
        self.start_server().await;
    }

    async fn start_server(&mut self) {
        self.server.start_again().await;
        let load = self.load.as_mut().unwrap();
        load.server_is_up(&self.server);
    }

    async fn kill_venue(&mut self) {
        self.venue.as_mut().unwrap().running.take().unwrap().kill().await;
    }

    /// The server lives on without its database for a moment, and starts it again.
    async fn kill_database(&mut self) {
        self.server.cluster().kill().await;
        self.load().await_progress(PROGRESS).await;
    }

    /// Brings everything to rest, and has everything compared.
    async fn check(&mut self) {
        let record = self.load.take().unwrap().finish().await;
        let own = self.server.venue_log();
        let venue_log = self.venue.as_ref().map_or(own, VenueProcess::log);
        self.compare(record.path(), &venue_log).await;
    }

    async fn compare(&self, record: &Path, venue_log: &Path) {
        let database_url = self.server.cluster().url("bulkhead");
        let verdict = Case { record, venue_log, database_url: &database_url }.run().await;
        eprintln!("{}", verdict.text);
        verdict.assert_green();
    }

    /// Goes through all rounds; what the next victim is follows from the round's number.
    async fn run(mut self, victims: &[Victim]) {
        let mut died = 0;
        for (round, victim) in (1..).zip(victims.iter().copied().cycle()) {
            self.round(round, victim).await;
            died += u32::from(victim.is_server());
            if died == deaths() {
                break;
            }
            if round % ROUNDS_PER_CHECK == 0 {
                self.check().await;
                self.options.seed += 1;
                self.load = Some(Load::start(&self.server, self.options).await);
                self.load().await_progress(PROGRESS).await;
            }
        }
        self.check().await;
        self.server.terminate().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_dies_at_once_and_nothing_is_lost() {
    let seed = setting("BULKHEAD_CRASH_SEED", SEED);
    let victims = [Victim::Server, Victim::Server, Victim::Database, Victim::Server, Victim::Server];
    Crashes::start(None, seed).await.run(&victims).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_venue_outlives_the_server_and_nothing_happens_twice() {
    let seed = setting("BULKHEAD_CRASH_SEED", SEED) + 1_000_000;
    let victims = [Victim::Server, Victim::Server, Victim::ServerAndVenue, Victim::Server, Victim::Venue];
    let venue = VenueProcess::start().await;
    Crashes::start(Some(venue), seed).await.run(&victims).await;
}
