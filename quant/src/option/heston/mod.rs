//! Heston's model of stochastic volatility.
