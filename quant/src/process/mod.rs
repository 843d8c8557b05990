//! Stochastic processes and their estimation.
