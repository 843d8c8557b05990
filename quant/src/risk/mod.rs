//! Measures of risk and of performance.
