//! Which state the market is in.
