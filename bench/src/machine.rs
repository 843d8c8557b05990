//! What the figures were measured on.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::Serialize;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::stats::Summary;

const SYNCS: usize = 200;
const SYNC_BYTES: usize = 8_192;

/// The machine and the software on it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) processor: String,
    pub(crate) memory_gib: f64,
    pub(crate) kernel: String,
    pub(crate) postgres: String,
    pub(crate) commit: String,
    /// Writing 8 KiB and syncing it, where the clusters are; milliseconds.
    pub(crate) sync_p50_ms: f64,
    pub(crate) sync_p99_ms: f64,
}

impl Machine {
    /// Looks at this machine, and at the disk below `dir`.
    pub(crate) fn look(dir: &Path) -> Self {
        let sync = time_syncs(dir.parent().unwrap_or(dir)).unwrap_or_default();
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            processor: field("/proc/cpuinfo", "model name"),
            memory_gib: memory_gib(),
            kernel: read("/proc/sys/kernel/osrelease"),
            postgres: output("postgres", &["--version"])
                .or_else(|| output("pg_config", &["--version"]))
                .or_else(|| output("psql", &["--version"]))
                .unwrap_or_else(|| "unknown".to_owned()),
            commit: commit(),
            sync_p50_ms: sync.p50,
            sync_p99_ms: sync.p99,
        }
    }
}

/// Processes that wanted to run in the last minute: whether something else ran beside a measurement.
pub(crate) fn load_average() -> f64 {
    read("/proc/loadavg").split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0.0)
}

/// Thousands of connections need as many files, here and in the server that inherits this.
pub(crate) fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
    {
        eprintln!("the limit of open files stays at {:?}: {error}", limit.current);
    }
}

fn commit() -> String {
    let head = output("git", &["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
    let is_changed = output("git", &["status", "--porcelain", "--untracked-files=no"])
        .is_some_and(|text| !text.is_empty());
    if is_changed { format!("{head} and uncommitted changes") } else { head }
}

fn output(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

fn field(path: &str, name: &str) -> String {
    let text = read(path);
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

fn memory_gib() -> f64 {
    let text = field("/proc/meminfo", "MemTotal");
    let kilobytes: f64 = text.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0.0);
    (kilobytes / 1_048_576.0 * 10.0).round() / 10.0
}

fn time_syncs(dir: &Path) -> std::io::Result<Summary> {
    let path = dir.join(format!("bulkhead-sync-{}", std::process::id()));
    let mut file = fs::File::create(&path)?;
    let mut micros = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let begun = Instant::now();
        file.write_all(&[7; SYNC_BYTES])?;
        file.sync_data()?;
        micros.push(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
    }
    fs::remove_file(&path)?;
    Ok(Summary::of_micros(micros))
}
