//! The forward and backward passes over all observations, scaled at each, for a number of states that is known when
//! compiled: sums over states then need no loop. States beyond those of the model have probability zero.

use super::HiddenMarkov;

/// A model in arrays.
#[derive(Debug, Clone)]
pub(super) struct Chain<const N: usize> {
    pub(super) start: [f64; N],
    pub(super) transition: [[f64; N]; N],
    pub(super) means: [f64; N],
    pub(super) variances: [f64; N],
}

/// What the forward pass leaves.
#[derive(Debug)]
pub(super) struct Forward<const N: usize> {
    /// Probability of each state at each observation, given those up to it.
    filtered: Vec<[f64; N]>,
    /// Density of each state at each observation, over the largest, over the scale of the observation.
    weights: Vec<[f64; N]>,
    pub(super) log_likelihood: f64,
}

impl<const N: usize> Chain<N> {
    /// A model of at most `N` states.
    pub(super) fn of(model: &HiddenMarkov) -> Self {
        let count = model.state_count();
        let mut chain =
            Self { start: [0.0; N], transition: [[0.0; N]; N], means: [0.0; N], variances: [1.0; N] };
        chain.start[..count].copy_from_slice(&model.start);
        chain.means[..count].copy_from_slice(&model.means);
        chain.variances[..count].copy_from_slice(&model.variances);
        for (row, from) in chain.transition.iter_mut().zip(model.transition.chunks(count)) {
            row[..count].copy_from_slice(from);
        }
        chain
    }

    /// Filters all observations.
    pub(super) fn forward(&self, observations: &[f64]) -> Forward<N> {
        let norms = self.variances.map(|variance| -0.5 * (std::f64::consts::TAU * variance).ln());
        let precisions = self.variances.map(|variance| 0.5 / variance);
        let mut filtered = Vec::with_capacity(observations.len());
        let mut weights = Vec::with_capacity(observations.len());
        let mut log_likelihood = 0.0;
        let mut predicted = self.start;
        for &observation in observations {
            let mut logs = [f64::NEG_INFINITY; N];
            let mut largest = f64::NEG_INFINITY;
            for state in 0..N {
                let distance = observation - self.means[state];
                if predicted[state] > 0.0 {
                    logs[state] = norms[state] - distance * distance * precisions[state];
                    largest = largest.max(logs[state]);
                }
            }
            let densities = logs.map(|log| if log < largest { (log - largest).exp() } else { 1.0 });
            let joint: [f64; N] = std::array::from_fn(|state| predicted[state] * densities[state]);
            let scale: f64 = joint.iter().sum();
            let inverse = 1.0 / scale;
            log_likelihood += largest + scale.ln();
            let now = joint.map(|value| value * inverse);
            filtered.push(now);
            weights.push(densities.map(|density| density * inverse));
            predicted =
                std::array::from_fn(|to| (0..N).map(|from| now[from] * self.transition[from][to]).sum());
        }
        Forward { filtered, weights, log_likelihood }
    }

    /// Goes back from the last observation, showing the probability of each state given all of them, and returns the
    /// expected number of moves from a state to each.
    pub(super) fn backward(
        &self,
        forward: &Forward<N>,
        mut visit: impl FnMut(usize, &[f64; N]),
    ) -> [[f64; N]; N] {
        let mut counts = [[0.0; N]; N];
        let mut beta = [1.0; N];
        for at in (0..forward.filtered.len()).rev() {
            let now = forward.filtered[at];
            // A state that cannot be has no say, however likely it would make what follows.
            let posterior = |state: usize| if now[state] > 0.0 { now[state] * beta[state] } else { 0.0 };
            visit(at, &std::array::from_fn(posterior));
            let Some(earlier) = at.checked_sub(1) else { break };
            let arrival: [f64; N] = std::array::from_fn(|to| forward.weights[at][to] * beta[to]);
            let before = forward.filtered[earlier];
            for from in 0..N {
                for to in 0..N {
                    counts[from][to] += before[from] * arrival[to];
                }
            }
            beta = std::array::from_fn(|from| (0..N).map(|to| self.transition[from][to] * arrival[to]).sum());
        }
        for (counts, probabilities) in counts.iter_mut().zip(&self.transition) {
            for (count, probability) in counts.iter_mut().zip(probabilities) {
                *count *= probability;
            }
        }
        counts
    }
}
