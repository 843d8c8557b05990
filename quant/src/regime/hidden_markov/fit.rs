//! Fitting by expectation and maximisation (Baum and others 1970) from several starts.
//!
//! The likelihood has more than one peak, and none where a state shrinks to a single value: so a few steps from each
//! start choose where to climb, variances have a floor, and an end with a state at the floor is not taken.

use super::chain::Chain;
use super::{
    HiddenMarkov, STATES_MAX, STORED_VERSION, StoredHiddenMarkov, check_observations, check_state_count,
};
use crate::learn::{IsCancelled, check_count};
use crate::random::SplitMix64;
use crate::{QuantError, check};

/// Most starts.
const STARTS_MAX: usize = 100;
/// Most steps from a start.
const ITERATIONS_MAX: usize = 100_000;
/// Steps from each start before one is chosen.
const TRIAL_ITERATIONS: usize = 10;
/// Probability of staying in a state, at a start that is not random.
const STAY: f64 = 0.95;
/// Fewest observations that a state must be expected to have.
const OCCUPANCY_MIN: f64 = 2.0;

/// How a model is fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct FitOptions {
    /// Number of states, two to eight.
    pub state_count: usize,
    /// Number of starts.
    pub start_count: usize,
    /// Most steps from a start.
    pub iterations_max: usize,
    /// Gain of log-likelihood by a step at which the climb ends.
    pub tolerance: f64,
    /// Smallest variance of a state, as a share of the variance of the observations.
    pub variance_floor: f64,
    /// Where random starts come from.
    pub seed: u64,
}

/// A fitted model.
#[derive(Debug, Clone, PartialEq)]
pub struct HiddenMarkovFit {
    /// The model, states in order of variance.
    pub model: HiddenMarkov,
    /// Log-likelihood of the observations.
    pub log_likelihood: f64,
    /// Steps from its start to its end.
    pub iterations: usize,
    /// Whether the climb ended before its limit.
    pub is_converged: bool,
}

impl Default for FitOptions {
    fn default() -> Self {
        Self {
            state_count: 2,
            start_count: 4,
            iterations_max: 1000,
            tolerance: 1e-6,
            variance_floor: 1e-4,
            seed: 0,
        }
    }
}

/// Observations with mean zero and variance one, so that a floor means the same for all.
struct Problem<'a> {
    values: Vec<f64>,
    mean: f64,
    deviation: f64,
    options: &'a FitOptions,
}

/// A point of the climb.
struct Climb<const N: usize> {
    chain: Chain<N>,
    log_likelihood: f64,
    iterations: usize,
    /// Whether the last step gained less than the tolerance.
    is_converged: bool,
    /// Whether every state has observations and a variance of its own.
    is_sound: bool,
}

impl HiddenMarkov {
    /// Fits to observations.
    ///
    /// # Errors
    /// If there are too few observations (ten per state), they do not vary, an option is out of range, every end has a
    /// state at the floor, or the caller cancels (asked once per step).
    pub fn fit(
        observations: &[f64],
        options: &FitOptions,
        is_cancelled: IsCancelled<'_>,
    ) -> Result<HiddenMarkovFit, QuantError> {
        check_state_count(options.state_count)?;
        check_count("starts", options.start_count, 1..=STARTS_MAX)?;
        check_count("iterations", options.iterations_max, 1..=ITERATIONS_MAX)?;
        check::positive("tolerance", options.tolerance)?;
        check::fraction("variance floor", options.variance_floor)?;
        check_observations(observations, 10 * options.state_count)?;
        let problem = Problem::new(observations, options)?;
        match options.state_count {
            2 => problem.solve::<2>(is_cancelled),
            3 => problem.solve::<3>(is_cancelled),
            4 => problem.solve::<4>(is_cancelled),
            _ => problem.solve::<STATES_MAX>(is_cancelled),
        }
    }
}

impl<'a> Problem<'a> {
    fn new(observations: &[f64], options: &'a FitOptions) -> Result<Self, QuantError> {
        let count = observations.len() as f64;
        let mean = observations.iter().map(|value| value / count).sum::<f64>();
        let squares = observations.iter().map(|value| (value - mean).powi(2) / count);
        let deviation = squares.sum::<f64>().sqrt();
        if deviation <= mean.abs() * 1e-14 || !deviation.is_normal() {
            return Err(QuantError::Constant { what: "observations" });
        }
        let values = observations.iter().map(|value| (value - mean) / deviation).collect();
        Ok(Self { values, mean, deviation, options })
    }

    fn solve<const N: usize>(&self, is_cancelled: IsCancelled<'_>) -> Result<HiddenMarkovFit, QuantError> {
        let mut random = SplitMix64::new(self.options.seed);
        let mut trials = Vec::with_capacity(self.options.start_count);
        for start in 0..self.options.start_count {
            let mut trial = self.start::<N>(start, &mut random);
            self.climb(&mut trial, TRIAL_ITERATIONS, is_cancelled)?;
            trials.push(trial);
        }
        trials.sort_by(|a, b| b.log_likelihood.total_cmp(&a.log_likelihood));
        for mut trial in trials {
            self.climb(&mut trial, self.options.iterations_max, is_cancelled)?;
            if trial.is_sound {
                return self.finish(&trial);
            }
        }
        Err(QuantError::NotIdentified { why: "a state shrinks to a single value or to no observations" })
    }

    /// The model to start from: states that differ in variance; in mean; at random.
    fn start<const N: usize>(&self, number: usize, random: &mut SplitMix64) -> Climb<N> {
        let count = self.options.state_count;
        let mut chain =
            Chain { start: [0.0; N], transition: [[0.0; N]; N], means: [0.0; N], variances: [1.0; N] };
        let stay = if number < 2 { STAY } else { 0.5 + 0.5 * STAY * random.uniform() };
        for state in 0..count {
            chain.start[state] = 1.0 / count as f64;
            chain.transition[state][..count].fill((1.0 - stay) / (count - 1) as f64);
            chain.transition[state][state] = stay;
            let rank = state as f64 - 0.5 * (count - 1) as f64;
            (chain.means[state], chain.variances[state]) = match number {
                0 => (0.0, 4.0_f64.powf(rank)),
                1 => (2.0 * rank / count as f64, 0.5),
                _ => (
                    self.values[random.below(self.values.len())].clamp(-2.0, 2.0),
                    4.0_f64.powf(2.0 * random.uniform() - 1.0),
                ),
            };
        }
        let log_likelihood = f64::NEG_INFINITY;
        Climb { chain, log_likelihood, iterations: 0, is_converged: false, is_sound: true }
    }

    /// Steps until the gain is small or there were `iterations_max` from the start.
    fn climb<const N: usize>(
        &self,
        at: &mut Climb<N>,
        iterations_max: usize,
        is_cancelled: IsCancelled<'_>,
    ) -> Result<(), QuantError> {
        while !at.is_converged && at.iterations < iterations_max {
            if is_cancelled() {
                return Err(QuantError::Cancelled);
            }
            let before = at.log_likelihood;
            self.step(at)?;
            at.is_converged = at.log_likelihood - before < self.options.tolerance;
            at.iterations += 1;
        }
        Ok(())
    }

    /// One step of expectation and maximisation. The log-likelihood is that before the step.
    fn step<const N: usize>(&self, at: &mut Climb<N>) -> Result<(), QuantError> {
        let forward = at.chain.forward(&self.values);
        at.log_likelihood = check::finite("log-likelihood", forward.log_likelihood)?;
        let (mut occupancy, mut sums, mut squares) = ([0.0; N], [0.0; N], [0.0; N]);
        let mut start = at.chain.start;
        let moves = at.chain.backward(&forward, |index, posterior| {
            let value = self.values[index];
            for state in 0..N {
                occupancy[state] += posterior[state];
                sums[state] += posterior[state] * value;
                squares[state] += posterior[state] * value * value;
            }
            if index == 0 {
                start = *posterior;
            }
        });
        let chain = &mut at.chain;
        normalise(&mut chain.start, &start);
        for (row, counts) in chain.transition.iter_mut().zip(&moves) {
            normalise(row, counts);
        }
        at.is_sound = true;
        let floor = self.options.variance_floor;
        for state in 0..self.options.state_count {
            at.is_sound &= occupancy[state] >= OCCUPANCY_MIN;
            // What hardly occurs is left where it is: there is nothing to estimate it from.
            if occupancy[state] > 1e-8 {
                let mean = sums[state] / occupancy[state];
                let variance = squares[state] / occupancy[state] - mean * mean;
                chain.means[state] = mean;
                chain.variances[state] = variance.max(floor);
                at.is_sound &= variance > floor;
            }
        }
        Ok(())
    }

    /// The model in the units of the observations, states in order of variance.
    fn finish<const N: usize>(&self, end: &Climb<N>) -> Result<HiddenMarkovFit, QuantError> {
        let Chain { start, transition, means, variances } = &end.chain;
        let mut order: Vec<usize> = (0..self.options.state_count).collect();
        order.sort_by(|&a, &b| variances[a].total_cmp(&variances[b]));
        let pick = |values: &[f64; N]| order.iter().map(|&state| values[state]).collect::<Vec<f64>>();
        let stored = StoredHiddenMarkov {
            version: STORED_VERSION,
            start: pick(start),
            transition: order.iter().map(|&state| pick(&transition[state])).collect(),
            means: pick(means).iter().map(|mean| mean * self.deviation + self.mean).collect(),
            variances: pick(variances).iter().map(|v| v * self.deviation * self.deviation).collect(),
        };
        let log_likelihood = end.log_likelihood - self.values.len() as f64 * self.deviation.ln();
        Ok(HiddenMarkovFit {
            model: stored.try_into()?,
            log_likelihood,
            iterations: end.iterations,
            is_converged: end.is_converged,
        })
    }
}

/// Sets probabilities to the shares of these counts, unless there are none.
fn normalise<const N: usize>(probabilities: &mut [f64; N], counts: &[f64; N]) {
    let sum: f64 = counts.iter().sum();
    if sum > 1e-200 && sum.is_finite() {
        *probabilities = counts.map(|count| count / sum);
    }
}
