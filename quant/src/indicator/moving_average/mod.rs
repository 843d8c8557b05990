//! Moving averages: of equal weights, of falling weights, and of weights that follow the market.

mod adaptive;
mod exponential;
mod weighted;

pub use adaptive::{Kama, McGinley, Vidya};
pub use exponential::{Dema, Ema, T3, Tema, WilderAverage, ZeroLagEma};
pub use weighted::{Alma, HullAverage, Sma, TriangularAverage, Vwma, Wma};
