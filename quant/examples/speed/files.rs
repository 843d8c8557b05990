//! The inputs on disk: columns of numbers as little-endian `f64`, everything else as JSON.

use crate::Outcome;
use bulkhead_quant::Matrix;
use serde::{Serialize, de::DeserializeOwned};
use std::fs;
use std::path::PathBuf;

/// The directory of inputs.
pub(crate) struct Inputs {
    dir: PathBuf,
}

impl Inputs {
    pub(crate) fn new(dir: &str) -> Self {
        Self { dir: PathBuf::from(dir) }
    }

    pub(crate) fn write_numbers(&self, name: &str, values: &[f64]) -> Outcome<()> {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Ok(fs::write(self.dir.join(format!("{name}.f64")), bytes)?)
    }

    pub(crate) fn read_numbers(&self, name: &str) -> Outcome<Vec<f64>> {
        let bytes = fs::read(self.dir.join(format!("{name}.f64")))?;
        let (values, rest) = bytes.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(format!("{name}.f64 is cut short").into());
        }
        Ok(values.iter().map(|value| f64::from_le_bytes(*value)).collect())
    }

    /// A matrix of this many columns, row by row.
    pub(crate) fn read_matrix(&self, name: &str, columns: usize) -> Outcome<Matrix> {
        let values = self.read_numbers(name)?;
        Ok(Matrix::new(values.len() / columns, columns, values)?)
    }

    pub(crate) fn write_json(&self, name: &str, value: &impl Serialize) -> Outcome<()> {
        Ok(fs::write(self.dir.join(format!("{name}.json")), serde_json::to_vec(value)?)?)
    }

    pub(crate) fn read_json<T: DeserializeOwned>(&self, name: &str) -> Outcome<T> {
        let path = self.dir.join(format!("{name}.json"));
        let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(serde_json::from_slice(&bytes)?)
    }
}
