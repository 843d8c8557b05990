//! What processes use, read from /proc.

use crate::BenchError;
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::time::Instant;

/// How the machine's processors were shared, each in percent of all of them.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct CpuShares {
    pub(crate) server: f64,
    pub(crate) postgres: f64,
    pub(crate) generator: f64,
}

/// Reads the processor time of everything that takes part, twice.
pub(crate) struct CpuWatch {
    server: u32,
    postgres: u32,
    begun: Instant,
    before: CpuSeconds,
}

#[derive(Debug, Clone, Copy, Default)]
struct CpuSeconds {
    server: f64,
    postgres: f64,
    generator: f64,
}

impl CpuWatch {
    pub(crate) fn start(server: u32, postgres: u32) -> Self {
        Self { server, postgres, begun: Instant::now(), before: CpuSeconds::read(server, postgres) }
    }

    /// The shares since the start.
    pub(crate) fn shares(&self) -> CpuShares {
        let now = CpuSeconds::read(self.server, self.postgres);
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        let available = self.begun.elapsed().as_secs_f64() * cores;
        let percent = |after: f64, before: f64| ((after - before) / available * 1_000.0).round() / 10.0;
        CpuShares {
            server: percent(now.server, self.before.server),
            postgres: percent(now.postgres, self.before.postgres),
            generator: percent(now.generator, self.before.generator),
        }
    }
}

impl CpuSeconds {
    fn read(server: u32, postgres: u32) -> Self {
        let processes = processes();
        let of = |pid| processes.get(&pid).map_or(0.0, |process: &ProcessStat| process.own);
        let backends: f64 =
            processes.values().filter(|process| process.parent == postgres).map(|process| process.own).sum();
        let ended = processes.get(&postgres).map_or(0.0, |process| process.ended_children);
        Self {
            server: of(server),
            postgres: of(postgres) + ended + backends,
            generator: of(std::process::id()),
        }
    }
}

/// One process, times in seconds.
#[derive(Debug, PartialEq)]
struct ProcessStat {
    parent: u32,
    own: f64,
    ended_children: f64,
}

fn processes() -> HashMap<u32, ProcessStat> {
    let ticks = rustix::param::clock_ticks_per_second() as f64;
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids: HashSet<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    let read = |pid: u32| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Some((pid, parse_stat(&text, ticks)?))
    };
    pids.into_iter().filter_map(read).collect()
}

/// Reads `/proc/<pid>/stat`; the name in it may hold anything, so fields count from its end.
fn parse_stat(text: &str, ticks: f64) -> Option<ProcessStat> {
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let seconds = |at: usize| fields.get(at)?.parse::<f64>().ok().map(|value| value / ticks);
    Some(ProcessStat {
        parent: fields.get(1)?.parse().ok()?,
        own: seconds(11)? + seconds(12)?,
        ended_children: seconds(13)? + seconds(14)?,
    })
}

/// A process's memory, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Memory {
    pub(crate) rss: u64,
    pub(crate) pss: u64,
    pub(crate) anonymous: u64,
}

impl Memory {
    pub(crate) fn of(pid: u32) -> Result<Self, BenchError> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"));
        Ok(parse_rollup(&text.map_err(BenchError::io("read the server's memory"))?))
    }
}

fn parse_rollup(text: &str) -> Memory {
    let bytes = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1_024)
    };
    Memory {
        rss: bytes("Rss:").unwrap_or(0),
        pss: bytes("Pss:").unwrap_or(0),
        anonymous: bytes("Anonymous:").unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name() {
        let text = "42 (a) b (c)) S 7 42 42 0 -1 4194560 1 0 0 0 300 50 20 5 20 0 9 0 100 1 1";
        let stat = parse_stat(text, 100.0).unwrap();
        assert_eq!(stat, ProcessStat { parent: 7, own: 3.5, ended_children: 0.25 });
        assert_eq!(parse_stat("42 (cut S 7", 100.0), None);
    }

    #[test]
    fn the_rollup_is_read_in_bytes() {
        let text = "5581-7ffe ---p 00000000 00:00 0  [rollup]\nRss:    2048 kB\nPss:  1024 kB\nPss_Anon: 5 kB\nAnonymous:  512 kB\n";
        assert_eq!(parse_rollup(text), Memory { rss: 2 << 20, pss: 1 << 20, anonymous: 1 << 19 });
    }

    #[test]
    fn this_process_uses_memory_and_time() {
        assert!(Memory::of(std::process::id()).unwrap().rss > 1 << 20);
        assert!(processes().contains_key(&std::process::id()));
    }
}
