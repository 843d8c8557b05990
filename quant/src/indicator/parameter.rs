//! Checks of the parameters that indicators are made with.

use crate::{QuantError, check};

/// The longest period, as in TA-Lib.
pub const PERIOD_MAX: usize = 100_000;

/// The largest factor that a width or a weight may have.
const FACTOR_MAX: f64 = 1e6;

/// `period`, if it is from 1 to [`PERIOD_MAX`].
pub(super) fn period(what: &'static str, period: usize) -> Result<usize, QuantError> {
    if (1..=PERIOD_MAX).contains(&period) {
        return Ok(period);
    }
    Err(QuantError::OutOfRange { what, value: period as f64, expected: "from 1 to 100000" })
}

/// `period`, if it is from 2 to [`PERIOD_MAX`].
pub(super) fn long_period(what: &'static str, period: usize) -> Result<usize, QuantError> {
    if (2..=PERIOD_MAX).contains(&period) {
        return Ok(period);
    }
    Err(QuantError::OutOfRange { what, value: period as f64, expected: "from 2 to 100000" })
}

/// Fails unless `fast` is below `slow`.
pub(super) fn ordered(fast: usize, slow: usize) -> Result<(), QuantError> {
    if fast < slow {
        return Ok(());
    }
    Err(QuantError::OutOfRange { what: "fast period", value: fast as f64, expected: "below the slow period" })
}

/// `factor`, if it is above zero and not absurd.
pub(super) fn factor(what: &'static str, factor: f64) -> Result<f64, QuantError> {
    check::positive(what, factor)?;
    if factor <= FACTOR_MAX {
        return Ok(factor);
    }
    Err(QuantError::OutOfRange { what, value: factor, expected: "at most 1e6" })
}

/// The whole number that `value` is, if it can be a period.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and from 1 to PERIOD_MAX")]
pub(super) fn whole(what: &'static str, value: f64) -> Result<usize, QuantError> {
    check::finite(what, value)?;
    if value.fract() == 0.0 && value >= 1.0 && value <= PERIOD_MAX as f64 {
        return Ok(value as usize);
    }
    Err(QuantError::OutOfRange { what, value, expected: "a whole number from 1 to 100000" })
}
