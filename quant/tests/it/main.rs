//! The crate against reference numbers that other programs made, and against properties that must hold.
#![cfg(test)]

mod black_scholes;
mod covariance;
mod garch;
mod heston;
mod portfolio;
mod process;
mod risk;
mod sabr;
mod risk_fuzz;
mod anomaly;
mod sentiment;
mod signal;
mod forest;
mod learn_support;
mod logistic;
mod lstm;
mod regime;
mod feature;
mod indicator;
mod support;
mod surface;
mod walk_forward;
