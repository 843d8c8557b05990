//! The crate against reference numbers that other programs made, and against properties that must hold.

mod support;
