//! Points in time, in whole microseconds since 1970-01-01T00:00:00Z. Read from a clock elsewhere, never here.

use serde::{Deserialize, Serialize};
use std::fmt;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A moment with microsecond precision; written as RFC 3339 in UTC, for example `2026-01-02T03:04:05.000006Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
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

    /// The first moment of the next day in UTC.
    #[must_use]
    pub fn end_of_day(self) -> Self {
        Self::from_micros(self.0.div_euclid(DAY).saturating_add(1).saturating_mul(DAY))
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

/// `YYYY-MM-DDThh:mm:ss.ffffffZ`; each `0` below is a digit to be filled in.
const TEMPLATE: &[u8; 27] = b"0000-00-00T00:00:00.000000Z";
const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar (Howard Hinnant,
/// "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`).
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

impl Timestamp {
    /// The text, without allocating: events carry several of these and are written by the thousand.
    fn text(self) -> [u8; 27] {
        let (year, month, day) = civil_from_days(self.0.div_euclid(DAY));
        let micros = self.0.rem_euclid(DAY);
        let seconds = micros / SECOND;
        let fields = [
            (0, 4, year),
            (5, 2, month),
            (8, 2, day),
            (11, 2, seconds / 3_600),
            (14, 2, seconds / 60 % 60),
            (17, 2, seconds % 60),
            (20, 6, micros % SECOND),
        ];
        let mut text = *TEMPLATE;
        for (start, width, value) in fields {
            let mut rest = value;
            for digit in text.iter_mut().skip(start).take(width).rev() {
                *digit = b'0' + u8::try_from(rest % 10).expect("a digit is below ten");
                rest /= 10;
            }
        }
        text
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).expect("the template and digits are ASCII"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer
            .serialize_str(std::str::from_utf8(&self.text()).expect("the template and digits are ASCII"))
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

    #[test]
    fn a_day_ends_with_the_next_one() {
        let end = |text: &str| Timestamp::parse(text).unwrap().end_of_day().to_string();
        assert_eq!(end("2026-02-28T23:59:59.999999Z"), "2026-03-01T00:00:00.000000Z");
        assert_eq!(end("2026-03-01T00:00:00Z"), "2026-03-02T00:00:00.000000Z");
        assert_eq!(end("1969-12-31T12:00:00Z"), "1970-01-01T00:00:00.000000Z");
    }

    #[test]
    fn writes_what_it_reads_in_every_century() {
        for micros in
            [MICROS_MIN, MICROS_MAX, 0, -1, 951_782_399_999_999, 951_782_400_000_000, 4_107_542_400_000_001]
        {
            let moment = Timestamp::from_micros(micros);
            assert_eq!(Timestamp::parse(&moment.to_string()), Ok(moment), "{moment}");
        }
        let step = 86_400_000_000 * 11 + 12_345_678_901;
        let mut micros = MICROS_MIN;
        while micros < MICROS_MAX - step {
            micros += step;
            let (moment, offset) =
                (Timestamp::from_micros(micros), OffsetDateTime::from(Timestamp::from_micros(micros)));
            let (date, time) = (offset.date(), offset.time());
            assert!(
                moment.to_string().starts_with(&format!("{date}T{:02}:", time.hour())),
                "{moment} {offset}"
            );
        }
    }
}
