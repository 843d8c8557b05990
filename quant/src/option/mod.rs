//! Option prices, their sensitivities, and the models behind them.

pub mod bachelier;
pub mod black_scholes;
pub mod heston;
pub mod implied_volatility;
pub mod sabr;
pub mod surface;

/// The right that an option gives: to buy or to sell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionKind {
    Call,
    Put,
}
