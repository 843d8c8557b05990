//! The model of Black and Scholes.
