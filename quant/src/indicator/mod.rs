//! Technical indicators, bar by bar and over columns, numerically the same as TA-Lib where TA-Lib has them.
//!
//! Every indicator is a struct that takes one sample at a time and costs the same for every one of them. Its state can
//! be stored and goes on where it stopped. [`mod@column`] runs any of them over whole columns, with kernels of its own for
//! the ones that are asked for most; [`registry`] finds them by name. What all of them keep:
//!
//! 1. No value is given before the warm-up of the indicator is over, and from then on every sample gives one.
//! 2. A sample that is not finite, beyond [`VALUE_MAX`] or not a bar is refused with an error and changes nothing.
//! 3. Sums over a window never take away what they have added, so rounding errors do not grow with the length of a
//!    series and an outlier leaves no trace once it has left the window.
//! 4. Where a formula divides by zero the value is the one that TA-Lib gives, mostly zero. The tests for zero are exact,
//!    so that they do not depend on the unit that prices are quoted in.

pub mod column;
pub mod momentum;
pub mod moving_average;
pub mod price;
pub mod registry;
pub mod statistic;
pub mod trend;
pub mod volatility;
pub mod volume;

mod aggregate;
mod parameter;
mod sample;
mod smoothing;
mod window;

pub use parameter::PERIOD_MAX;
pub use sample::{Bar, Pair, Sample, VALUE_MAX};

use crate::QuantError;

/// What an indicator gives: a number, or several that belong together.
pub trait Output: Copy {
    /// The numbers as an array.
    type Array: AsRef<[f64]> + Copy;
    /// What the numbers are called, in the order of the array.
    const NAMES: &'static [&'static str];
    /// The numbers.
    fn array(self) -> Self::Array;
}

impl Output for f64 {
    type Array = [f64; 1];
    const NAMES: &'static [&'static str] = &["value"];

    fn array(self) -> [f64; 1] {
        [self]
    }
}

/// A computation that takes samples in the order of time.
pub trait Indicator {
    /// What it takes: a price, a [`Pair`] or a [`Bar`].
    type Input: Sample;
    /// What it gives once it has warmed up.
    type Output: Output;

    /// Takes a sample that is known to be sound; nothing while warming up.
    fn step(&mut self, input: Self::Input) -> Option<Self::Output>;

    /// Takes a sample; nothing while warming up.
    ///
    /// # Errors
    /// If the sample is not sound (see [`Sample::check`]). It has then changed nothing.
    fn update(&mut self, input: Self::Input) -> Result<Option<Self::Output>, QuantError> {
        input.check()?;
        Ok(self.step(input))
    }
}

/// Declares a struct of numbers that an indicator gives together.
macro_rules! output {
    ($(#[$doc:meta])* $name:ident { $($field:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub struct $name {
            $(pub $field: f64),+
        }

        impl $crate::indicator::Output for $name {
            type Array = [f64; [$(stringify!($field)),+].len()];
            const NAMES: &'static [&'static str] = &[$(stringify!($field)),+];

            fn array(self) -> Self::Array {
                [$(self.$field),+]
            }
        }
    };
}
use output;

/// The largest size of a quotient. What is beyond it has no meaning as the value of an indicator, and what is computed
/// from values up to it stays finite.
const QUOTIENT_MAX: f64 = 1e60;

/// `numerator / denominator`; zero where that is not defined, as in TA-Lib, or beyond [`QUOTIENT_MAX`].
pub(crate) fn quotient(numerator: f64, denominator: f64) -> f64 {
    let quotient = numerator / denominator;
    if quotient.abs() <= QUOTIENT_MAX { quotient } else { 0.0 }
}
