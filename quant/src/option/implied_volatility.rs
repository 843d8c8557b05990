//! The volatility that explains a price.
