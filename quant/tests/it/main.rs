//! The crate against reference numbers that other programs made, and against properties that must hold.
#![cfg(test)]

mod anomaly;
mod black_scholes;
mod covariance;
mod feature;
mod forest;
mod garch;
mod heston;
mod indicator;
mod learn_support;
mod logistic;
mod lstm;
mod portfolio;
mod process;
mod regime;
mod risk;
mod risk_fuzz;
mod sabr;
mod sentiment;
mod signal;
mod support;
mod surface;
mod walk_forward;
