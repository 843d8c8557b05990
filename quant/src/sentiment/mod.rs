//! How good or bad a text sounds.
