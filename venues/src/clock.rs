//! The wall clock, and how a venue's clock follows from it. The only file here that reads real time.

use bulkhead_domain::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Reads the wall clock; a test hands in its own.
pub type WallClock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Whether a venue lives in the present or in a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockKind {
    /// The present, apart from the venue's skew.
    Live,
    /// The time of a recording, which may lie years back and run faster than real time.
    Recorded,
}

/// A venue's time as a function of the wall clock's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockMap {
    pub kind: ClockKind,
    /// At this wall time ...
    pub wall_anchor: Timestamp,
    /// ... it is this time at the venue.
    pub venue_anchor: Timestamp,
    /// Venue microseconds per wall microsecond.
    pub speed: u32,
    /// How far the venue's clock is ahead of what it should be (negative: behind).
    pub skew_micros: i64,
}

impl ClockMap {
    /// The present, ahead by `skew_micros`.
    pub fn live(skew_micros: i64) -> Self {
        let epoch = Timestamp::EPOCH;
        Self { kind: ClockKind::Live, wall_anchor: epoch, venue_anchor: epoch, speed: 1, skew_micros }
    }

    /// The venue's time when the wall clock shows `wall`.
    pub fn venue_time(&self, wall: Timestamp) -> Timestamp {
        let elapsed = wall.micros().saturating_sub(self.wall_anchor.micros());
        let moved = elapsed.saturating_mul(i64::from(self.speed)).saturating_add(self.skew_micros);
        self.venue_anchor.plus_micros(moved)
    }

    /// When the wall clock shows the first moment at which the venue's shows at least `venue`.
    pub fn wall_time(&self, venue: Timestamp) -> Timestamp {
        let ahead =
            venue.micros().saturating_sub(self.venue_anchor.micros()).saturating_sub(self.skew_micros);
        let speed = i64::from(self.speed.max(1));
        self.wall_anchor.plus_micros(ahead.div_euclid(speed) + i64::from(ahead.rem_euclid(speed) > 0))
    }

    /// The same clock for a reader whose wall clock is `micros` behind the one the anchors were read from.
    #[must_use]
    pub fn seen_from(mut self, micros: i64) -> Self {
        self.wall_anchor = self.wall_anchor.plus_micros(-micros);
        self
    }
}

/// The machine's clock.
pub fn system_clock() -> WallClock {
    Arc::new(|| {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_runs_at_its_speed_from_its_anchor() {
        let map = ClockMap {
            kind: ClockKind::Recorded,
            wall_anchor: Timestamp::from_micros(1_000),
            venue_anchor: Timestamp::from_micros(50),
            speed: 10,
            skew_micros: 3,
        };
        assert_eq!(map.venue_time(Timestamp::from_micros(1_002)).micros(), 50 + 20 + 3);
        assert_eq!(map.wall_time(Timestamp::from_micros(50 + 20 + 3)).micros(), 1_002);
        assert_eq!(map.wall_time(Timestamp::from_micros(50 + 21 + 3)).micros(), 1_003);
        assert_eq!(map.seen_from(500).venue_time(Timestamp::from_micros(502)).micros(), 50 + 20 + 3);
    }
}
