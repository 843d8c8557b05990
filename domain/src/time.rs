//! Points in time, in whole microseconds since 1970-01-01T00:00:00Z. Read from a clock elsewhere, never here.

use serde::{Deserialize, Serialize};
use std::fmt;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A moment with microsecond precision; written as RFC 3339 in UTC, for example `2026-01-02T03:04:05.000006Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

/// A text that is no RFC 3339 timestamp of this age.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be an RFC 3339 timestamp such as 2026-01-02T03:04:05.000006Z")]
pub struct TimestampError;

/// Years 0000 to 9999, what RFC 3339 can write.
const MICROS_MIN: i64 = -62_167_219_200_000_000;
const MICROS_MAX: i64 = 253_402_300_799_999_999;

impl Timestamp {
    pub const EPOCH: Self = Self(0);

    /// From microseconds since 1970, held to the years RFC 3339 can write.
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.clamp(MICROS_MIN, MICROS_MAX))
    }

    /// Microseconds since 1970.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Parses RFC 3339; finer than microseconds is cut off.
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| TimestampError)?;
        Ok(Self::from(moment))
    }

    /// This moment moved by `micros`.
    #[must_use]
    pub fn plus_micros(self, micros: i64) -> Self {
        Self::from_micros(self.0.saturating_add(micros))
    }
}

impl From<OffsetDateTime> for Timestamp {
    fn from(moment: OffsetDateTime) -> Self {
        let micros = moment.unix_timestamp_nanos().div_euclid(1000);
        Self::from_micros(i64::try_from(micros).unwrap_or(MICROS_MAX))
    }
}

impl From<Timestamp> for OffsetDateTime {
    fn from(timestamp: Timestamp) -> Self {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(timestamp.0) * 1000)
            .expect("years 0000 to 9999 are within range")
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = OffsetDateTime::from(*self);
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
            moment.year(),
            u8::from(moment.month()),
            moment.day(),
            moment.hour(),
            moment.minute(),
            moment.second(),
            moment.microsecond()
        )
    }
}

impl From<Timestamp> for String {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.to_string()
    }
}

impl TryFrom<String> for Timestamp {
    type Error = TimestampError;
    fn try_from(text: String) -> Result<Self, TimestampError> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_and_reads_microseconds() {
        let moment = Timestamp::parse("2021-01-08T00:00:00.278001Z").unwrap();
        assert_eq!(moment.to_string(), "2021-01-08T00:00:00.278001Z");
        assert_eq!(Timestamp::parse("2021-01-08T01:00:00.278001+01:00").unwrap(), moment);
        assert!(Timestamp::parse("2021-01-08").is_err());
    }
}
