//! The fitted net, and how it is stored.

use super::cell::{Shape, Weights};
use super::{HIDDEN_MAX, INPUTS_MAX, WINDOW_MAX};
use crate::learn::scale::Standardizer;
use crate::learn::{Forecaster, check_count, check_size};
use crate::{Matrix, QuantError, check};
use serde::{Deserialize, Serialize};

/// The version that is written, and the only one that is read.
pub const STORED_VERSION: u32 = 1;

/// A fitted net.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredLstm", into = "StoredLstm")]
pub struct Lstm {
    pub(super) weights: Weights,
    pub(super) window: usize,
    /// Of features; none for a net whose inputs come standardised.
    pub(super) scale: Option<Standardizer>,
    pub(super) target_mean: f64,
    pub(super) target_scale: f64,
}

/// Weights of a net as PyTorch has them; gates in the order `i, f, g, o`.
#[derive(Debug, Clone, PartialEq)]
pub struct LstmWeights {
    /// Weights of inputs, a row per gate and unit.
    pub input: Matrix,
    /// Weights of the hidden state, a row per gate and unit.
    pub recurrent: Matrix,
    /// Sum of the biases of input and hidden state.
    pub bias: Vec<f64>,
    /// Weights of the output.
    pub output: Vec<f64>,
    /// Bias of the output.
    pub output_bias: f64,
}

/// What a net remembers between rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LstmState {
    hidden: Vec<f64>,
    cell: Vec<f64>,
}

/// A net for storage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredLstm {
    /// Version of this layout.
    pub version: u32,
    /// Number of features.
    pub inputs: usize,
    /// Number of hidden units.
    pub hidden: usize,
    /// Rows of a window.
    pub window: usize,
    /// All weights.
    pub weights: Vec<f64>,
    /// What features are standardised by.
    pub scale: Option<Standardizer>,
    /// Mean of the targets.
    pub target_mean: f64,
    /// Scale of the targets.
    pub target_scale: f64,
}

impl LstmState {
    /// The hidden state `h`.
    #[must_use]
    pub fn hidden(&self) -> &[f64] {
        &self.hidden
    }

    /// The cell `c`.
    #[must_use]
    pub fn cell(&self) -> &[f64] {
        &self.cell
    }
}

impl Lstm {
    /// A net from weights that were fitted elsewhere, for inputs and targets as they are.
    ///
    /// # Errors
    /// Unless the weights fit each other, and are finite and of sound size.
    pub fn from_weights(weights: &LstmWeights, window: usize) -> Result<Self, QuantError> {
        let shape = Shape { inputs: weights.input.columns(), hidden: weights.output.len() };
        check_shape(shape, window)?;
        for (matrix, columns) in [(&weights.input, shape.inputs), (&weights.recurrent, shape.hidden)] {
            check::length("rows of weights", matrix.rows(), shape.gates())?;
            check::length("columns of weights", matrix.columns(), columns)?;
        }
        check::length("biases", weights.bias.len(), shape.gates())?;
        let mut values = weights.input.transpose().as_slice().to_vec();
        values.extend_from_slice(weights.recurrent.transpose().as_slice());
        values.extend_from_slice(&weights.bias);
        values.extend_from_slice(&weights.output);
        values.push(weights.output_bias);
        check_size("weights", &values)?;
        let weights = Weights { shape, values };
        Ok(Self { weights, window, scale: None, target_mean: 0.0, target_scale: 1.0 })
    }

    /// Number of features.
    #[must_use]
    pub const fn feature_count(&self) -> usize {
        self.weights.shape.inputs
    }

    /// Number of hidden units.
    #[must_use]
    pub const fn hidden_count(&self) -> usize {
        self.weights.shape.hidden
    }

    /// Rows of a window.
    #[must_use]
    pub const fn window(&self) -> usize {
        self.window
    }

    /// What a net remembers before the first row.
    #[must_use]
    pub fn state(&self) -> LstmState {
        let zeros = vec![0.0; self.weights.shape.hidden];
        LstmState { hidden: zeros.clone(), cell: zeros }
    }

    /// Takes in a row and tells the forecast after it, in units of the target.
    ///
    /// # Errors
    /// Unless the row has one value per feature, finite and of sound size, the state is one of this net, and what comes
    /// out is finite; the state is then as before.
    pub fn step(&self, state: &mut LstmState, row: &[f64]) -> Result<f64, QuantError> {
        let Shape { inputs, hidden } = self.weights.shape;
        check::length("hidden state", state.hidden.len(), hidden)?;
        check::length("cell", state.cell.len(), hidden)?;
        let mut entering = vec![0.0; inputs + hidden];
        self.standardise(row, &mut entering[..inputs])?;
        entering[inputs..].copy_from_slice(&state.hidden);
        let mut cell = state.cell.clone();
        self.weights.step(&mut entering, &mut cell, &mut vec![0.0; 4 * hidden]);
        let forecast = self.forecast_of(&entering[inputs..])?;
        check::series("cell", &cell, 0)?;
        state.hidden.copy_from_slice(&entering[inputs..]);
        state.cell = cell;
        Ok(forecast)
    }

    /// The forecast after a window of rows, oldest first, in units of the target.
    ///
    /// # Errors
    /// Unless there are as many rows as the window has, each as for [`Self::step`].
    pub fn predict<R: AsRef<[f64]>>(&self, rows: &[R]) -> Result<f64, QuantError> {
        check::length("rows of the window", rows.len(), self.window)?;
        let mut state = self.state();
        let mut forecast = 0.0;
        for row in rows {
            forecast = self.step(&mut state, row.as_ref())?;
        }
        Ok(forecast)
    }

    fn standardise(&self, row: &[f64], out: &mut [f64]) -> Result<(), QuantError> {
        if let Some(scale) = &self.scale {
            return scale.apply(row, out);
        }
        check::length("features", row.len(), out.len())?;
        check_size("features", row)?;
        out.copy_from_slice(row);
        Ok(())
    }

    fn forecast_of(&self, hidden: &[f64]) -> Result<f64, QuantError> {
        check::finite("forecast", self.weights.read(hidden) * self.target_scale + self.target_mean)
    }
}

impl Forecaster for Lstm {
    fn forecast(&self, history: &[&[f64]]) -> Result<f64, QuantError> {
        let begin = history.len().checked_sub(self.window);
        let begin =
            begin.ok_or(QuantError::TooFew { what: "history", needed: self.window, got: history.len() })?;
        self.predict(&history[begin..])
    }
}

impl From<Lstm> for StoredLstm {
    fn from(net: Lstm) -> Self {
        let Lstm { weights: Weights { shape, values }, window, scale, target_mean, target_scale } = net;
        let Shape { inputs, hidden } = shape;
        let version = STORED_VERSION;
        Self { version, inputs, hidden, window, weights: values, scale, target_mean, target_scale }
    }
}

impl TryFrom<StoredLstm> for Lstm {
    type Error = QuantError;

    fn try_from(stored: StoredLstm) -> Result<Self, QuantError> {
        let StoredLstm { version, inputs, hidden, window, weights, scale, target_mean, target_scale } =
            stored;
        if version != STORED_VERSION {
            return Err(QuantError::UnknownModel { what: "net", why: "its version is not known" });
        }
        let shape = Shape { inputs, hidden };
        check_shape(shape, window)?;
        check::length("weights", weights.len(), shape.len())?;
        check_size("weights", &weights)?;
        if let Some(scale) = &scale {
            scale.check(inputs)?;
        }
        check_size("target", &[target_mean, target_scale])?;
        check::positive("scale of the target", target_scale)?;
        Ok(Self { weights: Weights { shape, values: weights }, window, scale, target_mean, target_scale })
    }
}

pub(super) fn check_shape(shape: Shape, window: usize) -> Result<(), QuantError> {
    check_count("inputs", shape.inputs, 1..=INPUTS_MAX)?;
    check_count("hidden units", shape.hidden, 1..=HIDDEN_MAX)?;
    check_count("rows of the window", window, 1..=WINDOW_MAX)
}
