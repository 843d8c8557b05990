//! Says in the log how far a replay is: at its start, now and then as it goes, and at once when it ends.

use super::ReplayProgress;
use bulkhead_domain::Timestamp;
use tracing::info;

/// How often it is said.
const EVERY_MICROS: i64 = 5_000_000;

/// When it was said last.
#[derive(Debug, Default)]
pub(super) struct ProgressLog {
    due: Option<Timestamp>,
    is_over: bool,
}

impl ProgressLog {
    /// Says how far the replay is, if it is time to. Returns when it will be next; `None` after the end.
    pub(super) fn show(&mut self, progress: ReplayProgress, now: Timestamp) -> Option<Timestamp> {
        if self.is_time(progress, now) {
            let ReplayProgress { rows_done, rows_total, recorded_time, .. } = progress;
            let percent = rows_done * 100 / rows_total.max(1);
            info!(rows_done, rows_total, percent, %recorded_time, "replay");
            self.due = Some(now.plus_micros(EVERY_MICROS));
            self.is_over = progress.is_finished;
        }
        self.due.filter(|_| !self.is_over)
    }

    /// The end does not wait for its turn: nothing may happen after it for long.
    fn is_time(&self, progress: ReplayProgress, now: Timestamp) -> bool {
        !self.is_over && (progress.is_finished || self.due.is_none_or(|due| now >= due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_at_a_bounded_rate_and_the_end_at_once() {
        let at = |seconds: i64| Timestamp::EPOCH.plus_micros(seconds * 1_000_000);
        let so_far = |rows_done| ReplayProgress {
            rows_done,
            rows_total: 100,
            recorded_time: at(0),
            is_finished: rows_done == 100,
        };
        let mut log = ProgressLog::default();
        let mut said = Vec::new();
        for (second, rows) in [(0, 1), (1, 10), (4, 40), (5, 50), (9, 90), (10, 95), (11, 100), (20, 100)] {
            if log.is_time(so_far(rows), at(second)) {
                said.push(rows);
            }
            let next = log.show(so_far(rows), at(second));
            assert_eq!(next.is_none(), rows == 100, "it comes again until the end");
            assert!(next.is_none_or(|next| next > at(second)));
        }
        assert_eq!(said, [1, 50, 95, 100]);
    }
}
