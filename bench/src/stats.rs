//! Latencies and medians.

use hdrhistogram::Histogram;
use serde::Serialize;

/// Three significant digits: what a benchmark on a shared machine can promise at most.
const DIGITS: u8 = 3;
const MICROS_PER_MILLI: f64 = 1_000.0;

/// The distribution of a latency, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct Summary {
    pub(crate) count: u64,
    pub(crate) mean: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

impl Summary {
    /// Of latencies in microseconds.
    pub(crate) fn of_micros(latencies: impl IntoIterator<Item = u64>) -> Self {
        let mut histogram = Histogram::<u64>::new(DIGITS).expect("the number of digits is within 0 to 5");
        for latency in latencies {
            // Grows as needed, so that nothing is cut off.
            histogram.record(latency).expect("a histogram that resizes takes every value");
        }
        let at = |quantile| millis(histogram.value_at_quantile(quantile));
        Self {
            count: histogram.len(),
            mean: histogram.mean() / MICROS_PER_MILLI,
            p50: at(0.5),
            p99: at(0.99),
            p999: at(0.999),
            max: millis(histogram.max()),
        }
    }

    /// Each figure's median over several runs.
    pub(crate) fn median(runs: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| median(runs.iter().map(figure));
        Self {
            count: runs.iter().map(|run| run.count).sum(),
            mean: of(|run| run.mean),
            p50: of(|run| run.p50),
            p99: of(|run| run.p99),
            p999: of(|run| run.p999),
            max: of(|run| run.max),
        }
    }
}

/// Microseconds as milliseconds.
pub(crate) fn millis(micros: u64) -> f64 {
    micros as f64 / MICROS_PER_MILLI
}

/// The middle value, the mean of the two middle ones for an even number, zero for none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle), values.len() % 2) {
        (None, _) => 0.0,
        (Some(high), 1) => *high,
        (Some(high), _) => {
            values.get(middle.saturating_sub(1)).map_or(*high, |low| f64::midpoint(*low, *high))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_the_two_middle_values() {
        let table: &[(&[f64], f64)] = &[
            (&[], 0.0),
            (&[3.0], 3.0),
            (&[9.0, 1.0], 5.0),
            (&[7.0, 1.0, 2.0], 2.0),
            (&[4.0, 1.0, 2.0, 8.0], 3.0),
        ];
        for (values, expected) in table {
            let found = median(values.iter().copied());
            assert!((found - expected).abs() < 1e-9, "{values:?} gave {found}");
        }
    }

    #[test]
    fn quantiles_of_known_latencies_are_within_the_promised_digits() {
        let summary = Summary::of_micros(1..=100_000);
        assert_eq!(summary.count, 100_000);
        for (found, expected) in
            [(summary.p50, 50.0), (summary.p99, 99.0), (summary.p999, 99.9), (summary.max, 100.0)]
        {
            assert!((found - expected).abs() <= expected / 900.0, "{found} for {expected}");
        }
    }

    #[test]
    fn no_latency_gives_zeros_and_a_huge_one_is_kept() {
        assert_eq!(Summary::of_micros([]), Summary::default());
        let hour = Summary::of_micros([3_600_000_000]);
        assert!((hour.max - 3_600_000.0).abs() < 4_000.0);
    }

    #[test]
    fn the_median_of_runs_is_taken_figure_by_figure() {
        let run = |p50, p99| Summary { count: 10, p50, p99, ..Summary::default() };
        let median = Summary::median(&[run(1.0, 30.0), run(3.0, 10.0), run(2.0, 20.0)]);
        assert_eq!(median.count, 30);
        assert!((median.p50 - 2.0).abs() < 1e-9 && (median.p99 - 20.0).abs() < 1e-9);
    }
}
