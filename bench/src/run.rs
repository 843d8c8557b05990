//! One run: the scenarios that were asked for, one after the other, and the report.

use crate::machine::{self, Machine};
use crate::report::{Report, ScenarioReport};
use crate::scenario::{self, Figures, ScenarioName};
use crate::world::{WorkDir, place};
use crate::{BenchArgs, BenchError};
use std::time::Instant;
use tokio::signal::unix::{SignalKind, signal};

/// Measures, prints the table and writes the results. A scenario that cannot be measured is reported as such and the
/// others go on.
pub async fn run(args: BenchArgs) -> Result<(), BenchError> {
    machine::raise_file_limit();
    let mut terminated = signal(SignalKind::terminate()).map_err(BenchError::io("listen for signals"))?;
    // Whoever is interrupted still drops what it started, which ends it.
    tokio::select! {
        done = run_all(&args) => done,
        _ = tokio::signal::ctrl_c() => Err(BenchError::Interrupted),
        _ = terminated.recv() => Err(BenchError::Interrupted),
    }
}

async fn run_all(args: &BenchArgs) -> Result<(), BenchError> {
    let mut report = Report::new(Machine::look(&place(args)), args);
    let mut figures = Figures::default();
    for name in ScenarioName::ALL {
        if !args.wants(name) {
            continue;
        }
        eprintln!("{} ...", name.as_str());
        let begun = (Instant::now(), machine::load_average());
        let outcome = scenario::run(name, args, &mut figures).await;
        report.add(ScenarioReport::new(name, begun, outcome));
        // After each, so that an interrupted run is not lost.
        report.write(&args.output)?;
    }
    if !args.keep {
        WorkDir::clear(args).await?;
    }
    println!("{}", report.markdown());
    Ok(())
}
