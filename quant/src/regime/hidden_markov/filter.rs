//! Probabilities of states, brought up to date by each observation.

use super::{HiddenMarkov, STATES_MAX, STORED_VERSION, StoredHiddenMarkov, check_distribution};
use crate::learn::check_size;
use crate::{QuantError, check};
use serde::{Deserialize, Serialize};

/// The filter of a model: what is known of the state, given all observations so far. An update costs the same whatever
/// came before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredFilter", into = "StoredFilter")]
pub struct RegimeFilter {
    model: HiddenMarkov,
    probabilities: Vec<f64>,
    log_likelihood: f64,
    count: u64,
}

/// A filter for storage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredFilter {
    /// Version of this layout.
    pub version: u32,
    /// The model.
    pub model: StoredHiddenMarkov,
    /// Probability of each state.
    pub probabilities: Vec<f64>,
    /// Log-likelihood of the observations so far.
    pub log_likelihood: f64,
    /// Number of observations so far.
    pub count: u64,
}

impl RegimeFilter {
    /// The filter before the first observation.
    #[must_use]
    pub fn new(model: HiddenMarkov) -> Self {
        Self { probabilities: model.start.clone(), model, log_likelihood: 0.0, count: 0 }
    }

    /// Takes in an observation and tells the probability of each state now: the prediction times the density, divided by
    /// their sum. Densities are taken over the largest of them, so that an outlier in every state does not make all zero.
    ///
    /// # Errors
    /// If the observation is not finite or not of sound size; the filter is then as before.
    pub fn update(&mut self, observation: f64) -> Result<&[f64], QuantError> {
        check_size("observation", &[observation])?;
        let count = self.model.state_count();
        let mut predicted = [0.0; STATES_MAX];
        if self.count == 0 {
            predicted[..count].copy_from_slice(&self.model.start);
        } else {
            for (from, row) in self.probabilities.iter().zip(self.model.transition.chunks(count)) {
                crate::matrix::add_scaled(&mut predicted[..count], *from, row);
            }
        }
        let mut log_densities = [f64::NEG_INFINITY; STATES_MAX];
        for (state, log_density) in log_densities[..count].iter_mut().enumerate() {
            if predicted[state] > 0.0 {
                *log_density = self.model.log_density(state, observation);
            }
        }
        let largest = log_densities.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for (state, log_density) in log_densities.iter().enumerate() {
            predicted[state] *= (log_density - largest).exp();
        }
        let sum: f64 = predicted.iter().sum();
        for (probability, joint) in self.probabilities.iter_mut().zip(&predicted) {
            *probability = joint / sum;
        }
        self.log_likelihood += largest + sum.ln();
        self.count = self.count.saturating_add(1);
        Ok(&self.probabilities)
    }

    /// Probability of each state, given the observations so far.
    #[must_use]
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    /// The most probable state; the first of equals.
    #[must_use]
    pub fn state(&self) -> usize {
        let better = |best: usize, at: usize| {
            if self.probabilities[at] > self.probabilities[best] { at } else { best }
        };
        (0..self.probabilities.len()).fold(0, better)
    }

    /// Log-likelihood of the observations so far.
    #[must_use]
    pub const fn log_likelihood(&self) -> f64 {
        self.log_likelihood
    }

    /// Number of observations so far.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The model.
    #[must_use]
    pub const fn model(&self) -> &HiddenMarkov {
        &self.model
    }
}

impl From<RegimeFilter> for StoredFilter {
    fn from(filter: RegimeFilter) -> Self {
        let RegimeFilter { model, probabilities, log_likelihood, count } = filter;
        Self { version: STORED_VERSION, model: model.into(), probabilities, log_likelihood, count }
    }
}

impl TryFrom<StoredFilter> for RegimeFilter {
    type Error = QuantError;

    fn try_from(stored: StoredFilter) -> Result<Self, QuantError> {
        let StoredFilter { version, model, probabilities, log_likelihood, count } = stored;
        if version != STORED_VERSION {
            return Err(QuantError::UnknownModel { what: "regime filter", why: "its version is not known" });
        }
        let model = HiddenMarkov::try_from(model)?;
        check_distribution(&probabilities, model.state_count())?;
        check::finite("log-likelihood", log_likelihood)?;
        Ok(Self { model, probabilities, log_likelihood, count })
    }
}
