//! Learning from samples: forests, a recurrent net, logistic regression, and how to judge them without looking ahead.
//!
//! A sample is a row of a [`crate::Matrix`] and a target at the same position; rows are in order of time wherever order
//! matters. Every random choice comes from a seed, and a result does not depend on the number of threads. A stored
//! model has a version, and is checked in full when it is read: a model that loads can be evaluated.

pub mod calibration;
pub mod forest;
pub mod logistic;
pub mod lstm;
pub mod metric;
pub mod scale;
pub mod walk_forward;

use crate::{Matrix, QuantError, check};

/// Asks whether a long computation should stop; it then ends with [`QuantError::Cancelled`].
pub type IsCancelled<'a> = &'a (dyn Fn() -> bool + Sync);

/// What features and targets may be in size, so that no square or sum of them overflows.
pub(crate) const VALUE_MAX: f64 = 1e100;

/// A fitted model that forecasts from the rows up to now. It is handed the past only, so it cannot look ahead.
pub trait Forecaster {
    /// The forecast for the last row of `history` (oldest first): a value, or the probability of class one.
    ///
    /// # Errors
    /// If the rows are not what the model was fitted to.
    fn forecast(&self, history: &[&[f64]]) -> Result<f64, QuantError>;
}

/// The last row of a history, which must have one.
fn latest<'a>(history: &[&'a [f64]]) -> Result<&'a [f64], QuantError> {
    history.last().copied().ok_or(QuantError::TooFew { what: "history", needed: 1, got: 0 })
}

/// Fails unless all values are finite and at most [`VALUE_MAX`] in size.
pub(crate) fn check_size(what: &'static str, values: &[f64]) -> Result<(), QuantError> {
    check::series(what, values, 0)?;
    match values.iter().find(|value| value.abs() > VALUE_MAX) {
        Some(&value) => Err(QuantError::OutOfRange { what, value, expected: "at most 1e100 in size" }),
        None => Ok(()),
    }
}

/// Fails unless there are at least two samples of at least one feature, as many as targets, all of sound size.
fn check_samples(features: &Matrix, target_count: usize) -> Result<(), QuantError> {
    if features.columns() == 0 {
        return Err(QuantError::TooFew { what: "features", needed: 1, got: 0 });
    }
    if features.rows() < 2 {
        return Err(QuantError::TooFew { what: "samples", needed: 2, got: features.rows() });
    }
    check::length("targets", target_count, features.rows())?;
    check_size("features", features.as_slice())
}

/// Fails unless a whole number lies in the range.
pub(crate) fn check_count(
    what: &'static str,
    got: usize,
    range: std::ops::RangeInclusive<usize>,
) -> Result<(), QuantError> {
    if got < *range.start() {
        return Err(QuantError::TooFew { what, needed: *range.start(), got });
    }
    if got > *range.end() {
        return Err(QuantError::TooMany { what, most: *range.end(), got });
    }
    Ok(())
}

/// `1 / (1 + e^-x)`, without overflow on either side.
fn logistic_function(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// `ln(1 + e^x)`, without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}
