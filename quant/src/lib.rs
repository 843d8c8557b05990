//! Numbers for trading: option models, risk measures, indicators, portfolio construction, learning.
//!
//! Pure functions over `f64`: no input or output, no clock, no hidden randomness (whoever draws hands in a seed). Every
//! method names its formula and its source. Bad input gets a [`QuantError`]; nothing panics, and every iteration has a
//! limit. Amounts of money are not kept here: a caller converts once on the way in, and rounds to a tick or a lot on
//! the way out.
#![expect(
    clippy::indexing_slicing,
    reason = "numerical kernels index within bounds that their checks of input have established"
)]

pub mod anomaly;
pub mod feature;
pub mod indicator;
pub mod learn;
pub mod matrix;
pub mod normal;
pub mod option;
pub mod portfolio;
pub mod process;
pub mod random;
pub mod regime;
pub mod risk;
pub mod sentiment;
pub mod signal;

mod check;
mod error;

pub use error::QuantError;
pub use matrix::Matrix;
