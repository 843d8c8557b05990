//! Momentum: how far and how fast the price has moved.

mod change;
mod composite;
mod convergence;
mod oscillator;
mod strength;

pub use change::{Coppock, Dpo, KnowSureThing, KstValue, Momentum, RateOfChange};
pub use composite::{ConnorsRsi, ElderRay, ElderRayValue, Fisher, FisherValue, UltimateOscillator};
pub use convergence::{Apo, Awesome, Macd, MacdValue, Ppo, Trix, Tsi};
pub use oscillator::{Cci, Stochastic, StochasticFast, StochasticRsi, StochasticValue, WilliamsR};
pub use strength::{Cmo, Rsi};
