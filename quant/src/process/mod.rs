//! Stochastic processes and their estimation.

pub mod ornstein_uhlenbeck;
