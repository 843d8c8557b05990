//! What can be chosen on the command line.

use crate::scenario::ScenarioName;
use clap::Args;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

const MICROS_PER_SECOND: u64 = 1_000_000;

/// How to measure. The defaults are what the published figures were made with.
#[derive(Debug, Clone, Args)]
pub struct BenchArgs {
    /// Measure only this; may be given more than once [default: everything].
    #[arg(long, value_enum, value_name = "NAME")]
    pub only: Vec<ScenarioName>,
    /// Seconds of load before each window.
    #[arg(long, default_value_t = 2, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(0..=60))]
    pub warm_up: u64,
    /// Seconds that are measured each time.
    #[arg(long, default_value_t = 5, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=600))]
    pub window: u64,
    /// How often each rate is measured; the median is quoted.
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=20))]
    pub repeats: u32,
    /// Tenants of `idle_tenants`.
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=50_000))]
    pub idle_tenants: u32,
    /// Kills of each actor in `actor_kill`.
    #[arg(long, default_value_t = 12, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub kills: u32,
    /// Seconds of each half of `overload`.
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=600))]
    pub overload_seconds: u64,
    /// Where results are written.
    #[arg(long, default_value = "bench-results", value_name = "DIR")]
    pub output: PathBuf,
    /// Where the clusters under test live; it should be on the disk that matters [default: the temporary directory].
    #[arg(long, value_name = "DIR")]
    pub work_dir: Option<PathBuf>,
    /// The server to measure [default: this program].
    #[arg(long, value_name = "FILE")]
    pub server: Option<PathBuf>,
    /// Leave the clusters and logs behind.
    #[arg(long)]
    pub keep: bool,
}

impl BenchArgs {
    pub(crate) fn warm_up(&self) -> Duration {
        Duration::from_secs(self.warm_up)
    }

    pub(crate) fn window(&self) -> Duration {
        Duration::from_secs(self.window)
    }

    /// The window in microseconds since the load began.
    pub(crate) fn window_micros(&self) -> Range<u64> {
        let start = self.warm_up * MICROS_PER_SECOND;
        start..start + self.window * MICROS_PER_SECOND
    }

    pub(crate) fn wants(&self, name: ScenarioName) -> bool {
        self.only.is_empty() || self.only.contains(&name)
    }
}
