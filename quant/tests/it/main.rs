//! The crate against reference numbers that other programs made, and against properties that must hold.

mod black_scholes;
mod process;
mod sabr;
mod heston;
mod portfolio;
mod support;
mod surface;
