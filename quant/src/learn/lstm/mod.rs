//! A recurrent net with long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers 2000) that
//! forecasts a value from a window of rows.
//!
//! One layer; gates in PyTorch's order `i, f, g, o`: `c = f·c + i·g`, `h = o·tanh c`, output `w·h + b` after the last
//! row. Inputs and targets are standardised by what the training rows told, and the model keeps that. All in `f64`.

mod adam;
mod cell;
mod fit;
mod model;

pub use fit::{LstmFit, LstmOptions, SequenceProblem};
pub use model::{Lstm, LstmState, LstmWeights, STORED_VERSION, StoredLstm};

/// Most units of the hidden layer.
pub const HIDDEN_MAX: usize = 64;
/// Most features.
pub const INPUTS_MAX: usize = 256;
/// Most rows of a window.
pub const WINDOW_MAX: usize = 1024;
/// Most passes over the training windows.
pub const EPOCHS_MAX: usize = 10_000;
