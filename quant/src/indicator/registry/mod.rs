//! Indicators by name, for routes and features that are told at run time what to compute.
//!
//! [`DEFINITIONS`] lists them with their parameters, inputs and outputs. [`Streaming::new`] makes one, which takes bars
//! and can be stored and restored whole.

mod streaming;
mod table;

pub use streaming::{OUTPUTS_MAX, Streaming, Values};
pub use table::{DEFINITIONS, Definition, Field, Parameter};

use crate::QuantError;

/// The indicator of this name.
///
/// # Errors
/// If there is none.
pub fn find(name: &str) -> Result<&'static Definition, QuantError> {
    let unknown = QuantError::UnknownName { what: "indicator" };
    DEFINITIONS.iter().find(|definition| definition.name == name).ok_or(unknown)
}
