//! Option prices, their sensitivities, and the models behind them.

pub mod black_scholes;
pub mod heston;
pub mod implied_volatility;
pub mod sabr;
pub mod surface;
