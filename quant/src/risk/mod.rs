//! Measures of risk and of performance.
//!
//! Returns are simple returns per period, as fractions. Losses, value at risk and expected shortfall are positive when
//! money is lost; drawdowns lie between minus one and zero. Where practice knows several conventions, each is a variant
//! of an enum, and none is silently preferred. Every function refuses what is not finite, and none has a quick answer
//! for a series that does not vary: dividing by its deviation is [`QuantError::Constant`](crate::QuantError::Constant).
//!
//! * [`tail`]: historical value at risk and expected shortfall; [`parametric`]: normal and Cornish-Fisher;
//!   [`monte_carlo`]: simulated; [`component`]: what each position adds.
//! * [`performance`], [`drawdown`], [`relative`], [`rolling`]: ratios, drawdowns, benchmark, moving windows.
//! * [`ewma`], [`garch`], [`range`]: volatility from returns and from bars.
//! * [`covariance`]: estimates for several assets; [`exposure`]: what a book holds.

pub mod component;
pub mod covariance;
pub mod drawdown;
pub mod ewma;
pub mod exposure;
pub mod garch;
pub mod moments;
pub mod monte_carlo;
pub mod parametric;
pub mod performance;
pub mod range;
pub mod relative;
pub mod rolling;
pub mod tail;

/// A float that is known to be a whole number within what a `usize` holds; what is not is brought to the nearest end.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and callers pass counts that are bounded by the length of a slice"
)]
const fn whole(value: f64) -> usize {
    value as usize
}
