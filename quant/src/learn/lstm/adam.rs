//! The optimiser of Kingma and Ba ("Adam", 2015), after the gradient is cut to a norm.

use crate::matrix::dot;

const DECAY_FIRST: f64 = 0.9;
const DECAY_SECOND: f64 = 0.999;
const DIVISOR_MIN: f64 = 1e-8;

/// Running means of the gradient and of its square.
#[derive(Debug)]
pub(super) struct Adam {
    first: Vec<f64>,
    second: Vec<f64>,
    steps: i32,
}

impl Adam {
    pub(super) fn new(count: usize) -> Self {
        Self { first: vec![0.0; count], second: vec![0.0; count], steps: 0 }
    }

    /// Moves the weights one step down.
    pub(super) fn step(&mut self, weights: &mut [f64], gradient: &[f64], learning_rate: f64) {
        self.steps = self.steps.saturating_add(1);
        let first_sum = 1.0 - DECAY_FIRST.powi(self.steps);
        let second_sum = 1.0 - DECAY_SECOND.powi(self.steps);
        let means = self.first.iter_mut().zip(&mut self.second);
        for ((weight, slope), (first, second)) in weights.iter_mut().zip(gradient).zip(means) {
            *first += (1.0 - DECAY_FIRST) * (slope - *first);
            *second += (1.0 - DECAY_SECOND) * (slope * slope - *second);
            *weight -= learning_rate * (*first / first_sum) / ((*second / second_sum).sqrt() + DIVISOR_MIN);
        }
    }
}

/// Scales the gradient down to a norm, if it is longer (Pascanu, Mikolov and Bengio 2013).
pub(super) fn clip(gradient: &mut [f64], norm_max: f64) {
    let norm = dot(gradient, gradient).sqrt();
    if norm > norm_max {
        gradient.iter_mut().for_each(|slope| *slope *= norm_max / norm);
    }
}
