//! The wall clock. The only file of this crate that reads it.

use bulkhead_domain::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// The present, to the microsecond.
pub(crate) fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
}
