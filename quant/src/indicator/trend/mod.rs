//! Trend: its strength, its direction, and where it would end.

mod directional;
mod extremes;
mod hilbert;
mod stop;

pub use directional::{Adx, Adxr, DirectionalIndex, DirectionalValue, Dx, Vortex, VortexValue};
pub use extremes::{Aroon, AroonOscillator, AroonValue, Ichimoku, IchimokuPeriods, IchimokuValue};
pub use hilbert::HilbertTrendline;
pub use stop::{ParabolicSar, Supertrend, SupertrendValue};
