//! The most probable path of states (Viterbi 1967).

use super::{HiddenMarkov, check_observations};
use crate::{QuantError, check};

/// States, one per observation.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// The states.
    pub states: Vec<usize>,
    /// The logarithm of the joint density of states and observations.
    pub log_probability: f64,
}

impl HiddenMarkov {
    /// The path that is most probable given all observations. It knows the future: do not trade on it.
    ///
    /// # Errors
    /// If there are no observations, too many, or they are not finite and of sound size.
    pub fn most_probable_path(&self, observations: &[f64]) -> Result<Path, QuantError> {
        check_observations(observations, 1)?;
        let count = self.state_count();
        let transition: Vec<f64> = self.transition.iter().map(|probability| probability.ln()).collect();
        let enter = |state: usize| self.start[state].ln() + self.log_density(state, observations[0]);
        let mut scores: Vec<f64> = (0..count).map(enter).collect();
        let mut next = vec![0.0; count];
        let mut before: Vec<u8> = Vec::with_capacity(count * (observations.len() - 1));
        for &observation in &observations[1..] {
            for (state, score) in next.iter_mut().enumerate() {
                let (from, best) = largest(scores.iter().zip(transition[state..].iter().step_by(count)));
                *score = best + self.log_density(state, observation);
                before.push(from);
            }
            std::mem::swap(&mut scores, &mut next);
        }
        let (mut state, log_probability) = largest(scores.iter().map(|score| (score, &0.0)));
        let mut states = vec![usize::from(state)];
        for choices in before.rchunks(count) {
            state = choices[usize::from(state)];
            states.push(usize::from(state));
        }
        states.reverse();
        check::finite("log-probability of the path", log_probability)?;
        Ok(Path { states, log_probability })
    }

    /// The logarithm of the joint density of a path and the observations; minus infinity for a path that cannot be.
    ///
    /// # Errors
    /// Unless there is one state, which exists, per observation, and observations are sound.
    pub fn path_log_probability(&self, observations: &[f64], states: &[usize]) -> Result<f64, QuantError> {
        check_observations(observations, 1)?;
        check::length("states", states.len(), observations.len())?;
        let count = self.state_count();
        if states.iter().any(|state| *state >= count) {
            return Err(QuantError::Infeasible { what: "every state of a path exists" });
        }
        let densities: f64 =
            states.iter().zip(observations).map(|(&state, &x)| self.log_density(state, x)).sum();
        let moves: f64 = states.windows(2).map(|pair| self.transition[pair[0] * count + pair[1]].ln()).sum();
        Ok(self.start[states[0]].ln() + moves + densities)
    }
}

/// Where the sum of a pair is largest, the first of equals, and the sum.
fn largest<'a>(pairs: impl Iterator<Item = (&'a f64, &'a f64)>) -> (u8, f64) {
    let mut best = (0, f64::NEG_INFINITY);
    for (index, (a, b)) in (0_u8..).zip(pairs) {
        if a + b > best.1 {
            best = (index, a + b);
        }
    }
    best
}
