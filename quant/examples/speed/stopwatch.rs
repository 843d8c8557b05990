//! Takes times and prints them. The peers' side takes them in the same way.
//!
//! They are times of the processor, not of the clock on the wall: what else the machine does makes a long call wait more
//! often than a short one, and the ratio of the two would tell of that. On one thread and a quiet machine they are equal.

use crate::Outcome;
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Shortest sample: calls that take less are taken together, so that reading the clock does not count.
const SAMPLE: Duration = Duration::from_micros(50);
/// Time given to a task.
const TASK: Duration = Duration::from_millis(250);
const SAMPLES_MIN: usize = 3;
const SAMPLES_MAX: usize = 2_001;

/// Times the tasks that are wanted, one after another.
pub(crate) struct Stopwatch {
    only: Option<String>,
    is_any_found: bool,
}

/// A task's times, to which the answer is still to come.
pub(crate) struct Timed {
    task: String,
    median: f64,
    best: f64,
}

impl Stopwatch {
    pub(crate) fn new(only: Option<&str>) -> Self {
        Self { only: only.map(str::to_owned), is_any_found: false }
    }

    /// Whether a task of this area is wanted: if not, its inputs need not be read.
    pub(crate) fn wants_area(&self, area: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only.split('/').next() == Some(area))
    }

    fn wants(&self, task: &str) -> bool {
        let is_it =
            |only: &str| task.strip_prefix(only).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        self.only.as_deref().is_none_or(is_it)
    }

    /// Times a task, if it is wanted, and gives what its last call gave.
    pub(crate) fn time<T, E: Into<Box<dyn std::error::Error>>>(
        &mut self,
        task: &str,
        work: impl FnMut() -> Result<T, E>,
    ) -> Outcome<Option<(Timed, T)>> {
        self.time_each((task, 1), work)
    }

    /// Times a task that does its work `count` times in a call; the times are of one.
    pub(crate) fn time_each<T, E: Into<Box<dyn std::error::Error>>>(
        &mut self,
        (task, count): (&str, usize),
        mut work: impl FnMut() -> Result<T, E>,
    ) -> Outcome<Option<(Timed, T)>> {
        if !self.wants(task) {
            return Ok(None);
        }
        self.is_any_found = true;
        let mut timed = |calls: usize| -> Outcome<(Duration, T)> {
            let start = processor_time()?;
            for _ in 1..calls {
                black_box(work().map_err(Into::into)?);
            }
            let answer = black_box(work().map_err(Into::into)?);
            Ok((processor_time()? - start, answer))
        };
        timed(1)?;
        let (once, mut answer) = timed(1)?;
        let calls = usize::try_from(SAMPLE.as_nanos().div_ceil(once.as_nanos().max(1)))?;
        let begin = Instant::now();
        let mut times = Vec::new();
        while times.len() < SAMPLES_MIN || times.len() < SAMPLES_MAX && begin.elapsed() < TASK {
            let (elapsed, last) = timed(calls)?;
            times.push(elapsed.as_secs_f64() / (calls * count) as f64);
            answer = last;
        }
        times.sort_by(f64::total_cmp);
        let (median, best) = (times[times.len() / 2], times[0]);
        Ok(Some((Timed { task: task.to_owned(), median, best }, answer)))
    }

    /// Fails if nothing was wanted that there is.
    pub(crate) fn finish(self) -> Outcome<()> {
        if self.is_any_found { Ok(()) } else { Err("there is no such task".into()) }
    }
}

/// What this process has used of the processor.
fn processor_time() -> Outcome<Duration> {
    Ok(Duration::try_from(clock_gettime(ClockId::ProcessCPUTime))?)
}

impl Timed {
    /// Prints the task's line.
    pub(crate) fn answer(self, answer: &[f64]) {
        let Self { task, median, best } = self;
        println!(
            "{}",
            json!({"task": task, "seconds_median": median, "seconds_best": best, "answer": answer})
        );
    }
}
