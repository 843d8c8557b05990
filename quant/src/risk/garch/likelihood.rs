//! Likelihood of a GARCH(1,1), and its exact derivatives.
//!
//! `ln L = -½ Σ (ln 2π + ln vₜ + εₜ² / vₜ)`. The derivatives of `vₜ` follow recursions like that of `vₜ` itself
//! (Fiorentini, Calzolari and Panattoni, Journal of Applied Econometrics 11, 1996). Order of parameters: `μ, ω, α, β`.

use super::Garch;
use std::f64::consts::PI;

pub(super) type Vector = [f64; 4];
pub(super) type Square = [[f64; 4]; 4];

/// What the likelihood is of. The variance and the squared residual before the first are `backcast`, which stays fixed.
pub(super) struct Sample<'a> {
    pub(super) returns: &'a [f64],
    pub(super) backcast: f64,
}

/// Likelihood and what one step of scoring needs.
pub(super) struct Score {
    pub(super) log_likelihood: f64,
    pub(super) gradient: Vector,
    /// Fisher's information, from first derivatives only; never indefinite.
    pub(super) information: Square,
}

/// Second derivatives, and what the robust errors need.
pub(super) struct Curvature {
    pub(super) gradient: Vector,
    pub(super) hessian: Square,
    /// Sum over observations of the outer product of the gradient with itself.
    pub(super) outer: Square,
}

/// One observation on the way through the sample.
struct Step {
    residual: f64,
    variance: f64,
    /// First derivatives of the variance.
    first: Vector,
    /// Residual and squared residual one before; those that the backcast stands for have no derivative by the mean.
    before: f64,
    variance_before: f64,
    first_before: Vector,
}

impl Sample<'_> {
    /// The logarithm of the likelihood.
    pub(super) fn log_likelihood(&self, model: &Garch) -> f64 {
        let mut sum = 0.0;
        model.each_variance(self.returns, self.backcast, |residual, variance| {
            sum += variance.ln() + residual * residual / variance;
        });
        -0.5 * (sum + self.returns.len() as f64 * (2.0 * PI).ln())
    }

    pub(super) fn score(&self, model: &Garch) -> Score {
        let mut score = Score { log_likelihood: 0.0, gradient: [0.0; 4], information: [[0.0; 4]; 4] };
        self.each(model, |step| {
            let (residual, variance) = (step.residual, step.variance);
            let inverse = 1.0 / variance;
            score.log_likelihood += variance.ln() + residual * residual * inverse;
            let slope = 0.5 * inverse * (residual * residual * inverse - 1.0);
            let weight = 0.5 * inverse * inverse;
            for i in 0..4 {
                score.gradient[i] += slope * step.first[i];
                for j in 0..=i {
                    score.information[i][j] += weight * step.first[i] * step.first[j];
                }
            }
            score.gradient[0] += residual * inverse;
            score.information[0][0] += inverse;
        });
        score.log_likelihood = -0.5 * (score.log_likelihood + self.returns.len() as f64 * (2.0 * PI).ln());
        mirror(&mut score.information);
        score
    }

    pub(super) fn curvature(&self, model: &Garch) -> Curvature {
        let mut sums = Curvature { gradient: [0.0; 4], hessian: [[0.0; 4]; 4], outer: [[0.0; 4]; 4] };
        let mut second = [[0.0; 4]; 4];
        self.each(model, |step| {
            advance(&mut second, step, model);
            let inverse = 1.0 / step.variance;
            let square = step.residual * step.residual * inverse;
            let slope = 0.5 * inverse * (square - 1.0);
            let bend = 0.5 * inverse * inverse * (1.0 - 2.0 * square);
            let mut gradient = step.first.map(|first| slope * first);
            gradient[0] += step.residual * inverse;
            for i in 0..4 {
                sums.gradient[i] += gradient[i];
                for j in 0..=i {
                    sums.hessian[i][j] += slope * second[i][j] + bend * step.first[i] * step.first[j];
                    sums.outer[i][j] += gradient[i] * gradient[j];
                }
                // The derivative of the residual by the mean is minus one.
                sums.hessian[i][0] -= step.residual * inverse * inverse * step.first[i];
            }
            sums.hessian[0][0] -= inverse + step.residual * inverse * inverse * step.first[0];
        });
        mirror(&mut sums.hessian);
        mirror(&mut sums.outer);
        sums
    }

    fn each(&self, model: &Garch, mut visit: impl FnMut(&Step)) {
        let mut step = Step {
            residual: 0.0,
            variance: self.backcast,
            first: [0.0; 4],
            before: 0.0,
            variance_before: self.backcast,
            first_before: [0.0; 4],
        };
        let mut square = self.backcast;
        for value in self.returns {
            step.before = step.residual;
            step.variance_before = step.variance;
            step.first_before = step.first;
            let by = [-2.0 * model.alpha * step.before, 1.0, square, step.variance_before];
            step.variance = model.omega + model.alpha * square + model.beta * step.variance_before;
            step.first = std::array::from_fn(|i| by[i] + model.beta * step.first_before[i]);
            step.residual = value - model.mean;
            square = step.residual * step.residual;
            visit(&step);
        }
    }
}

/// Takes the lower half of the second derivatives of the variance one observation further.
fn advance(second: &mut Square, step: &Step, model: &Garch) {
    for row in second.iter_mut() {
        for value in row {
            *value *= model.beta;
        }
    }
    // Before the first observation there is no residual, and no derivative by the mean.
    if step.first_before[1] > 0.0 {
        second[0][0] += 2.0 * model.alpha;
    }
    second[2][0] -= 2.0 * step.before;
    second[3][0] += step.first_before[0];
    second[3][1] += step.first_before[1];
    second[3][2] += step.first_before[2];
    second[3][3] += 2.0 * step.first_before[3];
}

/// Copies the lower half to the upper.
fn mirror(square: &mut Square) {
    let lower = *square;
    *square = std::array::from_fn(|i| std::array::from_fn(|j| lower[i.max(j)][i.min(j)]));
}
