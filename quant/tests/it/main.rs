//! The crate against reference numbers that other programs made, and against properties that must hold.
#![cfg(test)]

mod black_scholes;
mod process;
mod sabr;
mod heston;
mod portfolio;
mod covariance;
mod garch;
mod risk;
mod support;
mod surface;
