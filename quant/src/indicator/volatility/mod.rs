//! Volatility: ranges, bands about an average, and estimates from bars.

mod bands;
mod estimate;
mod range;

pub use bands::{Band, Bollinger, Donchian, Keltner};
pub(crate) use estimate::log_ratio;
pub use estimate::{GarmanKlass, HistoricalVolatility, Parkinson, RogersSatchell};
pub use range::{Atr, Choppiness, MassIndex, Natr, TrueRange, UlcerIndex};
