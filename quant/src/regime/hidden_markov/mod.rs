//! A hidden Markov model whose states have normal distributions (Rabiner, "A tutorial on hidden Markov models", 1989;
//! Hamilton 1989 for markets).

mod chain;
mod filter;
mod fit;
mod path;

pub use filter::{RegimeFilter, StoredFilter};
pub use fit::{FitOptions, HiddenMarkovFit};
pub use path::Path;

use crate::learn::check_size;
use crate::{Matrix, QuantError, check};
use chain::Chain;
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;

/// Most states.
pub const STATES_MAX: usize = 8;
/// Most observations of one computation over all of them.
pub const OBSERVATIONS_MAX: usize = 10_000_000;
/// The version that is written, and the only one that is read.
pub const STORED_VERSION: u32 = 1;
/// Smallest variance, so that no square over it overflows.
const VARIANCE_MIN: f64 = 1e-100;
/// What probabilities may miss one by.
const SUM_TOLERANCE: f64 = 1e-9;

/// A model with two to eight states. A fitted one has them in order of variance, the calmest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredHiddenMarkov", into = "StoredHiddenMarkov")]
pub struct HiddenMarkov {
    start: Vec<f64>,
    /// Row by row: from a state, to each.
    transition: Vec<f64>,
    means: Vec<f64>,
    variances: Vec<f64>,
    /// `-ln(2π variance) / 2` of each state.
    log_norms: Vec<f64>,
}

/// The parameters of a model, for storage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredHiddenMarkov {
    /// Version of this layout.
    pub version: u32,
    /// Probability of each state at the first observation.
    pub start: Vec<f64>,
    /// Probabilities from a state (row) to each (column).
    pub transition: Vec<Vec<f64>>,
    /// Mean of each state.
    pub means: Vec<f64>,
    /// Variance of each state.
    pub variances: Vec<f64>,
}

impl HiddenMarkov {
    /// Number of states.
    #[must_use]
    pub fn state_count(&self) -> usize {
        self.means.len()
    }

    /// Probability of each state at the first observation.
    #[must_use]
    pub fn start(&self) -> &[f64] {
        &self.start
    }

    /// Probabilities from a state to each.
    #[must_use]
    pub fn transition(&self, state: usize) -> Option<&[f64]> {
        self.transition.chunks(self.state_count()).nth(state)
    }

    /// Mean of each state.
    #[must_use]
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// Variance of each state.
    #[must_use]
    pub fn variances(&self) -> &[f64] {
        &self.variances
    }

    /// The log-likelihood of the observations.
    ///
    /// # Errors
    /// If there are none, too many, or they are not finite and of sound size.
    pub fn log_likelihood(&self, observations: &[f64]) -> Result<f64, QuantError> {
        check_observations(observations, 1)?;
        let mut filter = RegimeFilter::new(self.clone());
        for &observation in observations {
            filter.update(observation)?;
        }
        check::finite("log-likelihood", filter.log_likelihood())
    }

    /// The probability of each state (columns) at each observation (rows), given those up to it.
    ///
    /// # Errors
    /// As [`Self::log_likelihood`].
    pub fn filtered(&self, observations: &[f64]) -> Result<Matrix, QuantError> {
        check_observations(observations, 1)?;
        let mut filter = RegimeFilter::new(self.clone());
        let mut filtered = Matrix::zeros(observations.len(), self.state_count());
        for (row, &observation) in observations.iter().enumerate() {
            filtered.row_mut(row).copy_from_slice(filter.update(observation)?);
        }
        Ok(filtered)
    }

    /// The probability of each state (columns) at each observation (rows), given all of them. It knows the future: do not
    /// trade on it.
    ///
    /// # Errors
    /// As [`Self::log_likelihood`].
    pub fn smoothed(&self, observations: &[f64]) -> Result<Matrix, QuantError> {
        check_observations(observations, 1)?;
        let rows = match self.state_count() {
            2 => self.smoothed_by::<2>(observations),
            3 => self.smoothed_by::<3>(observations),
            4 => self.smoothed_by::<4>(observations),
            _ => self.smoothed_by::<STATES_MAX>(observations),
        };
        Matrix::new(observations.len(), self.state_count(), rows)
    }

    fn smoothed_by<const N: usize>(&self, observations: &[f64]) -> Vec<f64> {
        let chain = Chain::<N>::of(self);
        let mut rows = vec![0.0; observations.len() * self.state_count()];
        chain.backward(&chain.forward(observations), |at, posterior| {
            let begin = at * self.state_count();
            rows[begin..begin + self.state_count()].copy_from_slice(&posterior[..self.state_count()]);
        });
        rows
    }

    /// The logarithm of a state's density at an observation.
    fn log_density(&self, state: usize, observation: f64) -> f64 {
        let distance = observation - self.means[state];
        self.log_norms[state] - distance * distance / (2.0 * self.variances[state])
    }
}

impl From<HiddenMarkov> for StoredHiddenMarkov {
    fn from(model: HiddenMarkov) -> Self {
        let transition = model.transition.chunks(model.means.len()).map(<[f64]>::to_vec).collect();
        let HiddenMarkov { start, means, variances, .. } = model;
        Self { version: STORED_VERSION, start, transition, means, variances }
    }
}

impl TryFrom<StoredHiddenMarkov> for HiddenMarkov {
    type Error = QuantError;

    /// # Errors
    /// Unless the parameters are those of a model with two to eight states.
    fn try_from(stored: StoredHiddenMarkov) -> Result<Self, QuantError> {
        let StoredHiddenMarkov { version, start, transition, means, variances } = stored;
        if version != STORED_VERSION {
            return Err(QuantError::UnknownModel { what: "regime model", why: "its version is not known" });
        }
        let count = means.len();
        check_state_count(count)?;
        check::length("variances", variances.len(), count)?;
        check::length("rows of the transition", transition.len(), count)?;
        check_distribution(&start, count)?;
        for row in &transition {
            check_distribution(row, count)?;
        }
        check_size("means", &means)?;
        check_size("variances", &variances)?;
        if let Some(&value) = variances.iter().find(|variance| **variance < VARIANCE_MIN) {
            return Err(QuantError::OutOfRange { what: "variance", value, expected: "at least 1e-100" });
        }
        let log_norms = variances.iter().map(|variance| -0.5 * (TAU * variance).ln()).collect();
        Ok(Self { start, transition: transition.concat(), means, variances, log_norms })
    }
}

fn check_state_count(count: usize) -> Result<(), QuantError> {
    crate::learn::check_count("states", count, 2..=STATES_MAX)
}

/// Fails unless these are `count` probabilities that add up to one.
fn check_distribution(probabilities: &[f64], count: usize) -> Result<(), QuantError> {
    check::length("probabilities of states", probabilities.len(), count)?;
    for &probability in probabilities {
        check::not_negative("probability of a state", probability)?;
    }
    let value: f64 = probabilities.iter().sum();
    if (value - 1.0).abs() > SUM_TOLERANCE {
        return Err(QuantError::OutOfRange { what: "sum of probabilities", value, expected: "one" });
    }
    Ok(())
}

fn check_observations(observations: &[f64], needed: usize) -> Result<(), QuantError> {
    check::series("observations", observations, needed)?;
    crate::learn::check_count("observations", observations.len(), needed..=OBSERVATIONS_MAX)?;
    check_size("observations", observations)
}
