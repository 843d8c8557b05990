//! The cell: one step forward, and the gradient back through all steps of a window.

use crate::learn::logistic_function;
use crate::matrix::{add_scaled, dot};

/// How many numbers there are of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) inputs: usize,
    pub(super) hidden: usize,
}

/// All weights in one list: for each input and then each hidden unit its weight in every gate (so that a step adds
/// whole rows), then the biases of gates, the weights of the output, and its bias.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weights {
    pub(super) shape: Shape,
    pub(super) values: Vec<f64>,
}

/// What a step leaves for the way back.
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// Input and hidden state before.
    entering: Vec<f64>,
    cell_before: Vec<f64>,
    gates: Vec<f64>,
    cell_tanh: Vec<f64>,
}

impl Shape {
    pub(super) const fn gates(self) -> usize {
        4 * self.hidden
    }

    const fn entering(self) -> usize {
        self.inputs + self.hidden
    }

    const fn biases_at(self) -> usize {
        self.entering() * self.gates()
    }

    const fn output_at(self) -> usize {
        self.biases_at() + self.gates()
    }

    /// Number of weights.
    pub(super) const fn len(self) -> usize {
        self.output_at() + self.hidden + 1
    }
}

impl Weights {
    pub(super) fn biases(&self) -> &[f64] {
        &self.values[self.shape.biases_at()..self.shape.output_at()]
    }

    pub(super) fn biases_mut(&mut self) -> &mut [f64] {
        &mut self.values[self.shape.biases_at()..self.shape.output_at()]
    }

    fn row(&self, from: usize) -> &[f64] {
        let gates = self.shape.gates();
        &self.values[from * gates..(from + 1) * gates]
    }

    fn output(&self) -> &[f64] {
        &self.values[self.shape.output_at()..self.shape.output_at() + self.shape.hidden]
    }

    /// The forecast from a hidden state.
    pub(super) fn read(&self, hidden: &[f64]) -> f64 {
        dot(self.output(), hidden) + self.values[self.shape.len() - 1]
    }

    /// One step: `entering` holds the input, then the hidden state, which is brought up to date with `cell`. `gates` has
    /// room for all four and holds them after.
    pub(super) fn step(&self, entering: &mut [f64], cell: &mut [f64], gates: &mut [f64]) {
        let Shape { inputs, hidden } = self.shape;
        gates.copy_from_slice(self.biases());
        self.add_products(entering, gates);
        let (sigmoids, rest) = gates.split_at_mut(2 * hidden);
        let (candidates, outputs) = rest.split_at_mut(hidden);
        sigmoids.iter_mut().chain(outputs.iter_mut()).for_each(|gate| *gate = logistic_function(*gate));
        candidates.iter_mut().for_each(|gate| *gate = tanh(*gate));
        let (input_gates, forget_gates) = sigmoids.split_at(hidden);
        for unit in 0..hidden {
            cell[unit] = forget_gates[unit] * cell[unit] + input_gates[unit] * candidates[unit];
            entering[inputs + unit] = outputs[unit] * tanh(cell[unit]);
        }
    }

    /// Four rows at a time, so that the gates are loaded and stored a quarter as often.
    fn add_products(&self, entering: &[f64], gates: &mut [f64]) {
        let width = self.shape.gates();
        let rows = &self.values[..self.shape.biases_at()];
        let (quads, rest) = entering.as_chunks::<4>();
        for (factors, block) in quads.iter().zip(rows.chunks_exact(4 * width)) {
            let (a, b) = block.split_at(2 * width);
            let ((a, b), (c, d)) = (a.split_at(width), b.split_at(width));
            for ((((gate, a), b), c), d) in gates.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                *gate += (factors[0] * a + factors[1] * b) + (factors[2] * c + factors[3] * d);
            }
        }
        for (offset, factor) in rest.iter().enumerate() {
            add_scaled(gates, *factor, self.row(quads.len() * 4 + offset));
        }
    }

    /// Goes through a window of standardised rows; the forecast, and what the way back needs.
    pub(super) fn forward<'a>(&self, rows: impl Iterator<Item = &'a [f64]>) -> (f64, Vec<Step>) {
        let Shape { inputs, hidden } = self.shape;
        let mut entering = vec![0.0; inputs + hidden];
        let mut cell = vec![0.0; hidden];
        let mut steps = Vec::new();
        for row in rows {
            entering[..inputs].copy_from_slice(row);
            let mut step = Step {
                entering: entering.clone(),
                cell_before: cell.clone(),
                gates: vec![0.0; 4 * hidden],
                cell_tanh: Vec::new(),
            };
            self.step(&mut entering, &mut cell, &mut step.gates);
            step.cell_tanh = cell.iter().map(|&value| tanh(value)).collect();
            steps.push(step);
        }
        (self.read(&entering[inputs..]), steps)
    }

    /// Adds to `gradient` that of a loss whose slope in the forecast is `slope`, by going back through the steps.
    pub(super) fn backward(&self, steps: &[Step], slope: f64, gradient: &mut [f64]) {
        let Shape { inputs, hidden } = self.shape;
        let output_at = self.shape.output_at();
        if let Some(last) = steps.last() {
            let outputs = &last.gates[3 * hidden..];
            for unit in 0..hidden {
                gradient[output_at + unit] += slope * outputs[unit] * last.cell_tanh[unit];
            }
        }
        gradient[output_at + hidden] += slope;
        let mut hidden_slope: Vec<f64> = self.output().iter().map(|weight| slope * weight).collect();
        let mut cell_slope = vec![0.0; hidden];
        for step in steps.iter().rev() {
            let gate_slopes = step.gate_slopes(&hidden_slope, &mut cell_slope);
            for (from, &value) in step.entering.iter().enumerate() {
                let begin = from * gate_slopes.len();
                add_scaled(&mut gradient[begin..begin + gate_slopes.len()], value, &gate_slopes);
            }
            add_scaled(&mut gradient[self.shape.biases_at()..output_at], 1.0, &gate_slopes);
            for (unit, slope) in hidden_slope.iter_mut().enumerate() {
                *slope = dot(self.row(inputs + unit), &gate_slopes);
            }
        }
    }
}

impl Step {
    /// Slopes of the loss in the gates before their functions; `cell_slope` becomes that of the cell before the step.
    fn gate_slopes(&self, hidden_slope: &[f64], cell_slope: &mut [f64]) -> Vec<f64> {
        let hidden = hidden_slope.len();
        let mut slopes = vec![0.0; 4 * hidden];
        for unit in 0..hidden {
            let [i, f, g, o] = std::array::from_fn(|gate| self.gates[gate * hidden + unit]);
            let tanh = self.cell_tanh[unit];
            let of_cell = cell_slope[unit] + hidden_slope[unit] * o * (1.0 - tanh * tanh);
            slopes[unit] = of_cell * g * i * (1.0 - i);
            slopes[hidden + unit] = of_cell * self.cell_before[unit] * f * (1.0 - f);
            slopes[2 * hidden + unit] = of_cell * i * (1.0 - g * g);
            slopes[3 * hidden + unit] = hidden_slope[unit] * tanh * o * (1.0 - o);
            cell_slope[unit] = of_cell * f;
        }
        slopes
    }
}

/// The hyperbolic tangent through one exponential, good to 2e-16 absolutely; the library's takes three times as long.
fn tanh(x: f64) -> f64 {
    let e = (-2.0 * x.abs()).exp();
    ((1.0 - e) / (1.0 + e)).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix64;

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let shape = Shape { inputs: 3, hidden: 5 };
        let mut random = SplitMix64::new(11);
        let mut weights =
            Weights { shape, values: (0..shape.len()).map(|_| 0.5 * random.normal()).collect() };
        let rows: Vec<Vec<f64>> = (0..7).map(|_| (0..3).map(|_| random.normal()).collect()).collect();
        let loss = |weights: &Weights| {
            let error = weights.forward(rows.iter().map(Vec::as_slice)).0 - 0.7;
            0.5 * error * error
        };
        let (forecast, steps) = weights.forward(rows.iter().map(Vec::as_slice));
        let mut gradient = vec![0.0; shape.len()];
        weights.backward(&steps, forecast - 0.7, &mut gradient);
        for (index, slope) in gradient.iter().enumerate() {
            let weight = weights.values[index];
            let [up, down] = [1e-5, -1e-5].map(|change| {
                weights.values[index] = weight + change;
                loss(&weights)
            });
            weights.values[index] = weight;
            let difference = (up - down) / 2e-5;
            assert!((slope - difference).abs() < 1e-8 * (1.0 + slope.abs()), "{index}: {slope} {difference}");
        }
        assert!(gradient.iter().filter(|slope| slope.abs() > 1e-6).count() > shape.len() / 2);
    }

    #[test]
    fn the_tangent_agrees_with_the_library() {
        for x in [-1e300, -30.0, -1.0, -1e-9, 0.0, 1e-300, 0.3, 5.0, 400.0] {
            assert!((tanh(x) - x.tanh()).abs() < 4e-16, "{x}");
        }
    }
}
