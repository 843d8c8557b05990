//! How often failures may happen and how long a restart waits. Pure, but for the seed of the jitter.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::time::Instant;

/// How many failures a supervisor bears. Requested kills and restarts do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intensity {
    /// Most failures of one child within `child_within`.
    pub child_max: u32,
    /// The window of `child_max`.
    pub child_within: Duration,
    /// Most failures of all descendants together within `tree_within`, down to the next child with
    /// `GiveUp::Quarantine`, which has a budget of its own.
    pub tree_max: u32,
    /// The window of `tree_max`.
    pub tree_within: Duration,
}

impl Default for Intensity {
    fn default() -> Self {
        Self {
            child_max: 3,
            child_within: Duration::from_secs(30),
            tree_max: 10,
            tree_within: Duration::from_secs(60),
        }
    }
}

/// How long a restart waits: the first not at all, later ones a random time up to a doubling ceiling (full jitter).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Ceiling of the second restart.
    pub base: Duration,
    /// Ceiling of all.
    pub cap: Duration,
    /// A child that ran this long starts anew with the first.
    pub reset_after: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base: Duration::from_millis(100),
            cap: Duration::from_secs(30),
            reset_after: Duration::from_secs(60),
        }
    }
}

impl Backoff {
    /// The longest the restart after `failures` earlier ones may wait.
    #[must_use]
    pub fn ceiling(&self, failures: u32) -> Duration {
        match failures {
            0 => Duration::ZERO,
            1..=32 => self.base.saturating_mul(1 << (failures - 1)).min(self.cap),
            _ => self.cap,
        }
    }

    /// The delay for a random number: uniform between nothing and the ceiling.
    #[must_use]
    pub fn delay(&self, failures: u32, random: u32) -> Duration {
        self.ceiling(failures).mul_f64(f64::from(random) / f64::from(u32::MAX))
    }
}

/// Jitter needs to differ between nodes, not to be secret; the standard library's hash seeds do.
pub(crate) fn jitter() -> u32 {
    let random = RandomState::new().hash_one(0_u8);
    u32::try_from(random >> 32).unwrap_or(0)
}

/// The recent failures, oldest first. Holds one more than the limit at most.
#[derive(Debug, Default)]
pub(crate) struct Window(VecDeque<Instant>);

impl Window {
    /// Notes a failure and tells whether there are now more than `max` within the window.
    pub(crate) fn exceeds(&mut self, now: Instant, max: u32, within: Duration) -> bool {
        while self.0.front().is_some_and(|oldest| now.saturating_duration_since(*oldest) >= within) {
            self.0.pop_front();
        }
        let max = max as usize;
        if self.0.len() <= max {
            self.0.push_back(now);
        }
        self.0.len() > max
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ceilings_double_from_the_second_restart_to_the_cap() {
        let backoff = Backoff::default();
        let millis = |failures| backoff.ceiling(failures).as_millis();
        let table = [
            (0, 0),
            (1, 100),
            (2, 200),
            (3, 400),
            (9, 25_600),
            (10, 30_000),
            (33, 30_000),
            (u32::MAX, 30_000),
        ];
        for (failures, expected) in table {
            assert_eq!(millis(failures), expected, "after {failures}");
        }
    }

    #[test]
    fn jitter_covers_the_whole_range() {
        let backoff = Backoff::default();
        assert_eq!(backoff.delay(3, 0), Duration::ZERO);
        assert_eq!(backoff.delay(3, u32::MAX), Duration::from_millis(400));
        assert!((0..20).map(|_| jitter()).collect::<std::collections::HashSet<_>>().len() > 15);
    }

    #[test]
    fn window_counts_only_recent_failures() {
        let (start, within) = (Instant::now(), Duration::from_secs(30));
        let at = |secs| start + Duration::from_secs(secs);
        let mut window = Window::default();
        for (second, exceeded) in
            [(0, false), (1, false), (2, false), (3, true), (29, true), (33, false), (34, false)]
        {
            assert_eq!(window.exceeds(at(second), 3, within), exceeded, "at {second} s");
        }
    }

    proptest! {
        #[test]
        fn delay_never_passes_the_cap(failures: u32, random: u32, base_ms in 0_u64..100_000, cap_ms in 0_u64..100_000) {
            let backoff = Backoff {
                base: Duration::from_millis(base_ms),
                cap: Duration::from_millis(cap_ms),
                reset_after: Duration::ZERO,
            };
            prop_assert!(backoff.delay(failures, random) <= backoff.cap);
        }
    }
}
