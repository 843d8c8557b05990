//! The wall clock, read in one place only. Used for what people look at (when something happened); all deadlines
//! and windows use the monotonic clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Microseconds since 1970, zero if the machine's clock is set before that.
pub(crate) fn unix_micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
