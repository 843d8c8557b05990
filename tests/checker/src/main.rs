//! `bulkhead-checker`: reads the three sources, prints what is wrong, and ends with a status that says it.
//!
//! Standard output gets one JSON object, standard error the same for people. Status 0: nothing is wrong; 1: a
//! violation; 2: a source could not be read; 3: in some round nothing was in flight, so that it proved nothing.

use bulkhead_checker::{Evidence, Report, Sources, check};
use clap::Parser;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

const VIOLATIONS: u8 = 1;
const UNREADABLE: u8 = 2;
const NOTHING_IN_FLIGHT: u8 = 3;
/// Violations that are printed one by one; the rest is only counted.
const PRINTED_MAX: usize = 50;

/// Compares what clients were told, what the venue logged and what the database holds.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// What the load clients wrote down; may be given several times.
    #[arg(long)]
    record: Vec<PathBuf>,
    /// The paper venue's directory.
    #[arg(long)]
    venue_log: PathBuf,
    /// The database, as its administrator.
    #[arg(long)]
    database_url: String,
    /// The venue's clock is not the machine's (a replay): times are not compared.
    #[arg(long)]
    other_clock: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let sources = Sources {
        records: arguments.record,
        venue_log: arguments.venue_log,
        database_url: arguments.database_url,
    };
    match Evidence::read(&sources).await {
        Ok(mut evidence) => {
            evidence.is_one_clock = !arguments.other_clock;
            conclude(&check(&evidence))
        }
        Err(error) => {
            eprintln!("cannot read the evidence: {error}");
            ExitCode::from(UNREADABLE)
        }
    }
}

fn conclude(report: &Report) -> ExitCode {
    let idle = report.idle_rounds();
    print_for_people(report, &idle);
    let violations: Vec<_> = report.violations.iter().take(PRINTED_MAX).collect();
    let by_name: Vec<_> = report.by_name().into_iter().collect();
    let summary = json!({
        "ok": report.violations.is_empty() && idle.is_empty(),
        "counts": report.counts,
        "rounds": report.rounds,
        "idle_rounds": idle,
        "violations_by_name": by_name.iter().map(|(name, count)| json!({"name": name, "count": count})).collect::<Vec<_>>(),
        "violations": violations,
    });
    println!("{summary}");
    if !report.violations.is_empty() {
        return ExitCode::from(VIOLATIONS);
    }
    if idle.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(NOTHING_IN_FLIGHT) }
}

fn print_for_people(report: &Report, idle: &[u32]) {
    let counts = &report.counts;
    eprintln!(
        "checked {} tenants: {} requests ({} acknowledged, {} refused, {} lost), {} events, {} orders, {} fills, {} venue lines",
        counts.tenants,
        counts.requests,
        counts.acknowledged,
        counts.refused,
        counts.lost,
        counts.events,
        counts.orders,
        counts.fills,
        counts.venue_lines
    );
    for round in &report.rounds {
        eprintln!(
            "round {}: killed {} with {} orders and {} cancels in flight",
            round.round, round.what, round.orders_in_flight, round.cancels_in_flight
        );
    }
    for violation in report.violations.iter().take(PRINTED_MAX) {
        eprintln!("VIOLATION {violation}");
    }
    for (name, count) in report.by_name() {
        eprintln!("{count} x {name}");
    }
    match (report.violations.is_empty(), idle.is_empty()) {
        (true, true) => eprintln!("nothing is wrong"),
        (true, false) => {
            eprintln!("nothing is wrong, but rounds {idle:?} had no order in flight and prove nothing");
        }
        (false, _) => eprintln!("{} violations", report.violations.len()),
    }
}
