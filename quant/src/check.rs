//! Checks of input that every method shares.

use crate::QuantError;

/// `value`, if it is neither NaN nor infinite.
pub(crate) fn finite(what: &'static str, value: f64) -> Result<f64, QuantError> {
    if value.is_finite() { Ok(value) } else { Err(QuantError::NotFinite { what }) }
}

/// `value`, if it is finite and above zero.
pub(crate) fn positive(what: &'static str, value: f64) -> Result<f64, QuantError> {
    finite(what, value)?;
    if value > 0.0 { Ok(value) } else { Err(QuantError::OutOfRange { what, value, expected: "above zero" }) }
}

/// `value`, if it is finite and not below zero.
pub(crate) fn not_negative(what: &'static str, value: f64) -> Result<f64, QuantError> {
    finite(what, value)?;
    if value >= 0.0 {
        Ok(value)
    } else {
        Err(QuantError::OutOfRange { what, value, expected: "zero or more" })
    }
}

/// `value`, if it lies strictly between zero and one.
pub(crate) fn fraction(what: &'static str, value: f64) -> Result<f64, QuantError> {
    finite(what, value)?;
    if value > 0.0 && value < 1.0 {
        Ok(value)
    } else {
        Err(QuantError::OutOfRange { what, value, expected: "between zero and one" })
    }
}

/// `values`, if all are finite and there are at least `needed`.
pub(crate) fn series<'a>(
    what: &'static str,
    values: &'a [f64],
    needed: usize,
) -> Result<&'a [f64], QuantError> {
    if values.len() < needed {
        return Err(QuantError::TooFew { what, needed, got: values.len() });
    }
    if values.iter().all(|value| value.is_finite()) {
        Ok(values)
    } else {
        Err(QuantError::NotFinite { what })
    }
}

/// Fails unless `values` has as many entries as `expected`.
pub(crate) fn length(what: &'static str, got: usize, expected: usize) -> Result<(), QuantError> {
    if got == expected { Ok(()) } else { Err(QuantError::LengthMismatch { what, expected, got }) }
}
