//! A histogram of durations in 80 bytes: powers of two from 128 ns up, halved now and then so that it shows the recent
//! past. Its percentiles are right within a factor of two, which is what a health view needs.

use std::time::Duration;

const BUCKETS: usize = 32;
const FIRST_BUCKET_SHIFT: u32 = 7;
/// After this many samples all counts are halved; keeps every count within `u16`.
const DECAY_AT: u32 = 8192;

#[derive(Debug)]
pub(crate) struct Histogram {
    counts: [u16; BUCKETS],
    total: u32,
    sum_ns: u64,
}

impl Histogram {
    pub(crate) const fn new() -> Self {
        Self { counts: [0; BUCKETS], total: 0, sum_ns: 0 }
    }

    pub(crate) fn record(&mut self, took: Duration) {
        let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let wanted = (u64::BITS - (ns >> FIRST_BUCKET_SHIFT).leading_zeros()) as usize;
        if let Some(count) = self.counts.get_mut(wanted.min(BUCKETS - 1)) {
            *count += 1;
        }
        self.total += 1;
        self.sum_ns = self.sum_ns.saturating_add(ns);
        if self.total >= DECAY_AT {
            self.decay();
        }
    }

    /// Mean in microseconds, zero without samples.
    pub(crate) fn mean_us(&self) -> f64 {
        if self.total == 0 {
            return 0.0;
        }
        Duration::from_nanos(self.sum_ns / u64::from(self.total)).as_secs_f64() * 1e6
    }

    /// Upper bound of the bucket that holds the 99th percentile, in microseconds.
    pub(crate) fn p99_us(&self) -> f64 {
        let rank = self.total - self.total / 100;
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += u32::from(*count);
            if seen >= rank && seen > 0 {
                return Duration::from_nanos(1 << (FIRST_BUCKET_SHIFT as usize + bucket)).as_secs_f64() * 1e6;
            }
        }
        0.0
    }

    /// The sum is scaled by what the counts really kept, so that the mean does not drift when odd counts are halved.
    fn decay(&mut self) {
        let before = u64::from(self.total);
        self.counts.iter_mut().for_each(|count| *count /= 2);
        self.total = self.counts.iter().map(|count| u32::from(*count)).sum();
        self.sum_ns = self.sum_ns / before * u64::from(self.total);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentile_is_an_upper_bound_within_a_factor_of_two() {
        for micros in [1_u64, 3, 10, 99, 1_000, 250_000] {
            let mut histogram = Histogram::new();
            (0..100).for_each(|_| histogram.record(Duration::from_micros(micros)));
            let (p99, true_us) = (histogram.p99_us(), Duration::from_micros(micros).as_secs_f64() * 1e6);
            assert!(p99 >= true_us && p99 <= true_us * 2.0, "{micros} us gave {p99}");
            assert!((histogram.mean_us() - true_us).abs() < 0.01);
        }
    }

    #[test]
    fn one_slow_sample_in_a_thousand_does_not_move_p99_but_twenty_do() {
        let mut histogram = Histogram::new();
        (0..999).for_each(|_| histogram.record(Duration::from_micros(10)));
        histogram.record(Duration::from_secs(1));
        assert!(histogram.p99_us() < 20.0);
        (0..20).for_each(|_| histogram.record(Duration::from_secs(1)));
        assert!(histogram.p99_us() > 1e6);
    }

    #[test]
    fn forgets_the_distant_past_and_never_overflows() {
        let mut histogram = Histogram::new();
        (0..100_000).for_each(|_| histogram.record(Duration::from_secs(1)));
        (0..200_000).for_each(|_| histogram.record(Duration::from_micros(1)));
        assert!(histogram.p99_us() < 4.0);
        assert!(histogram.mean_us() < 10.0, "mean {}", histogram.mean_us());
    }

    #[test]
    fn empty_is_zero() {
        let histogram = Histogram::new();
        assert!(histogram.mean_us() == 0.0 && histogram.p99_us() == 0.0);
    }
}
