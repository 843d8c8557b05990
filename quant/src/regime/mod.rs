//! Which state a market is in, told from the past only.
//!
//! A Gaussian hidden Markov model tells probabilities of states; volatility's percentile is the simple companion. What
//! is traded on is the *filtered* probability, given observations up to now. The smoothed one knows the future and is for
//! studies alone.

mod hidden_markov;
mod volatility;

pub use hidden_markov::{
    FitOptions, HiddenMarkov, HiddenMarkovFit, OBSERVATIONS_MAX, Path, RegimeFilter, STATES_MAX,
    STORED_VERSION, StoredFilter, StoredHiddenMarkov,
};
pub use volatility::{VolatilityLevel, VolatilityReading, VolatilityRegime, VolatilityRegimeOptions};
