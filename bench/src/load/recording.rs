//! What became of every request of a load.

use crate::stats::Summary;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Instant;

/// Failures that are kept in words; the others are only counted.
const FAILURES_KEPT_MAX: usize = 5;

/// One answered request; times are microseconds since the load began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) intended: u64,
    pub(crate) sent: u64,
    pub(crate) done: u64,
    pub(crate) status: u16,
}

/// All requests of a load, or of one connection of it.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    pub(crate) samples: Vec<Sample>,
    /// Requests that got no answer: whether they were executed is not known.
    pub(crate) unanswered: u64,
    pub(crate) failures: Vec<String>,
}

impl Recording {
    pub(crate) fn fail(&mut self, failure: impl std::fmt::Display) {
        self.unanswered += 1;
        self.note(failure.to_string());
    }

    /// Keeps the first few of what went wrong.
    pub(crate) fn note(&mut self, failure: String) {
        if self.failures.len() < FAILURES_KEPT_MAX {
            self.failures.push(failure);
        }
    }

    pub(crate) fn join(&mut self, other: Self) {
        self.samples.extend(other.samples);
        self.unanswered += other.unanswered;
        other.failures.into_iter().for_each(|failure| self.note(failure));
    }

    /// How often each status was answered.
    pub(crate) fn statuses(&self) -> BTreeMap<u16, u64> {
        let mut counts = BTreeMap::new();
        for sample in &self.samples {
            *counts.entry(sample.status).or_default() += 1;
        }
        counts
    }

    pub(crate) fn count(&self, status: u16) -> u64 {
        self.statuses().get(&status).copied().unwrap_or(0)
    }

    /// Requests with this status that were answered within `window`.
    pub(crate) fn within(&self, window: &Range<u64>, status: u16) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(move |sample| sample.status == status && window.contains(&sample.done))
    }

    /// Latency from the moment a request was to be sent, of those with this status that were due within `window`.
    pub(crate) fn latency(&self, window: &Range<u64>, status: u16) -> Summary {
        self.due(std::slice::from_ref(window), status, |sample| sample.intended)
    }

    /// The same over several windows together.
    pub(crate) fn latency_within(&self, windows: &[Range<u64>], status: u16) -> Summary {
        self.due(windows, status, |sample| sample.intended)
    }

    /// The same from the moment it was sent.
    pub(crate) fn latency_from_send(&self, window: &Range<u64>, status: u16) -> Summary {
        self.due(std::slice::from_ref(window), status, |sample| sample.sent)
    }

    fn due(&self, windows: &[Range<u64>], status: u16, from: fn(&Sample) -> u64) -> Summary {
        let is_due = |sample: &&Sample| windows.iter().any(|window| window.contains(&sample.intended));
        let due = self.samples.iter().filter(|sample| sample.status == status).filter(is_due);
        Summary::of_micros(due.map(|sample| sample.done.saturating_sub(from(sample))))
    }
}

/// Microseconds from `epoch` to `moment`.
pub(crate) fn micros_between(epoch: Instant, moment: Instant) -> u64 {
    u64::try_from(moment.saturating_duration_since(epoch).as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(intended: u64, sent: u64, done: u64, status: u16) -> Sample {
        Sample { intended, sent, done, status }
    }

    #[test]
    fn latency_counts_from_the_intended_time_and_only_within_the_window() {
        let samples = vec![
            sample(0, 0, 500, 201),
            sample(1_000, 3_000, 5_000, 201),
            sample(1_500, 1_500, 2_000, 503),
            sample(2_000, 2_000, 90_000, 201),
        ];
        let recording = Recording { samples, ..Recording::default() };
        let window = 1_000..2_000;
        assert_eq!(recording.latency(&window, 201).count, 1);
        assert!((recording.latency(&window, 201).max - 4.0).abs() < 0.01);
        assert!((recording.latency_from_send(&window, 201).max - 2.0).abs() < 0.01);
        assert_eq!(recording.latency_within(&[0..500, 2_000..3_000], 201).count, 2);
        assert_eq!(recording.within(&(0..6_000), 201).count(), 2);
        assert_eq!(recording.statuses(), BTreeMap::from([(201, 3), (503, 1)]));
    }

    #[test]
    fn joining_adds_counts_and_bounds_the_words() {
        let mut all = Recording::default();
        for _ in 0..4 {
            let mut one = Recording::default();
            one.fail("a");
            one.fail("b");
            all.join(one);
        }
        assert_eq!(all.unanswered, 8);
        assert_eq!(all.failures.len(), FAILURES_KEPT_MAX);
    }
}
