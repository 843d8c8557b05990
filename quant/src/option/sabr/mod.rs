//! The SABR model of a volatility smile.
