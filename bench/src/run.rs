//! One run: the scenarios that were asked for, one after the other, and the report.

use crate::machine::{self, Machine};
use crate::report::{Report, ScenarioReport};
use crate::scenario::{self, Figures, ScenarioName};
use crate::world::{WorkDir, place};
use crate::{BenchArgs, BenchError};
use std::io::Write;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

const CLEAR_WITHIN: Duration = Duration::from_secs(30);
const CLEAR_RETRY: Duration = Duration::from_millis(500);

/// Measures, prints the table and writes the results. A scenario that cannot be measured is reported as such and the
/// others go on.
pub async fn run(args: BenchArgs) -> Result<(), BenchError> {
    machine::raise_file_limit();
    let mut terminated = signal(SignalKind::terminate()).map_err(BenchError::io("listen for signals"))?;
    // Whoever is interrupted still drops what it started, which ends it.
    tokio::select! {
        done = run_all(&args) => return done,
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
    clear_after_interruption(&args).await;
    Err(BenchError::Interrupted)
}

/// A cluster that was just being started comes up all the same, with nobody to stop it: it is waited for.
async fn clear_after_interruption(args: &BenchArgs) {
    let deadline = Instant::now() + CLEAR_WITHIN;
    while !args.keep && Instant::now() < deadline {
        match WorkDir::clear(args).await {
            Ok(()) => return,
            // Until then its start holds the directory's lock.
            Err(_) => sleep(CLEAR_RETRY).await,
        }
    }
}

async fn run_all(args: &BenchArgs) -> Result<(), BenchError> {
    let mut report = Report::new(Machine::look(&place(args)), args);
    let mut figures = Figures::default();
    for name in ScenarioName::ALL {
        if !args.wants(name) {
            continue;
        }
        // Whoever does not read it still gets the report.
        drop(writeln!(std::io::stderr(), "{} ...", name.as_str()));
        let begun = (Instant::now(), machine::load_average());
        let outcome = scenario::run(name, args, &mut figures).await;
        report.add(ScenarioReport::new(name, begun, outcome));
        // After each, so that an interrupted run is not lost.
        report.write(&args.output)?;
    }
    if !args.keep {
        WorkDir::clear(args).await?;
    }
    // It is in the file as well.
    drop(writeln!(std::io::stdout(), "{}", report.markdown()));
    Ok(())
}
