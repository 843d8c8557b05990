//! What a numerical question can be refused for.

use thiserror::Error;

/// Why there is no number. Bad input changes nothing and never panics; every variant says what was wrong and what
/// would be right.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum QuantError {
    /// An input is NaN or infinite.
    #[error("{what} must be finite")]
    NotFinite { what: &'static str },
    /// An input lies outside what the method is defined for.
    #[error("{what} is {value}, and must be {expected}")]
    OutOfRange { what: &'static str, value: f64, expected: &'static str },
    /// There are fewer observations than the method needs.
    #[error("{what} needs at least {needed} values, and has {got}")]
    TooFew { what: &'static str, needed: usize, got: usize },
    /// There are more values than the method takes.
    #[error("{what} takes at most {most} values, and has {got}")]
    TooMany { what: &'static str, most: usize, got: usize },
    /// Two inputs that belong together differ in length.
    #[error("{what} must have {expected} values, and has {got}")]
    LengthMismatch { what: &'static str, expected: usize, got: usize },
    /// A series does not vary where the method divides by its variation.
    #[error("{what} does not vary")]
    Constant { what: &'static str },
    /// A matrix that must be positive definite is not.
    #[error("{what} is not positive definite")]
    NotPositiveDefinite { what: &'static str },
    /// No answer satisfies all constraints.
    #[error("no solution satisfies: {what}")]
    Infeasible { what: &'static str },
    /// The data do not determine the parameters, or the best fit is not a fit.
    #[error("did not identify the parameters: {why}")]
    NotIdentified { why: &'static str },
    /// An iteration ended at its limit.
    #[error("{what} did not converge within {iterations} iterations")]
    NoConvergence { what: &'static str, iterations: usize },
    /// Nothing is known by the name that was given.
    #[error("there is no {what} of this name")]
    UnknownName { what: &'static str },
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// A stored model is of a version or a shape that is not known.
    #[error("the stored {what} cannot be read: {why}")]
    UnknownModel { what: &'static str, why: &'static str },
}
