//! A surface of implied volatilities.
