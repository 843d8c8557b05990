//! Logistic regression with a quadratic penalty: the baseline that a forest or a net must beat.
//!
//! Minimises `Σ ln(1 + e^z) - y z + penalty/2 |w|²` with `z = w·x + b` over standardised features, by Newton's method
//! (iteratively reweighted least squares) with step halving; the intercept is not penalised. A penalty above zero has
//! exactly one answer, for separable data as well.

use super::{Forecaster, check_samples, latest, logistic_function, scale::Standardizer, softplus};
use crate::matrix::{Cholesky, add_scaled, dot};
use crate::{Matrix, QuantError, check};
use serde::{Deserialize, Serialize};

/// Most steps of Newton's method; it takes about six.
pub const ITERATIONS_MAX: usize = 100;
/// Most halvings of a step.
const HALVINGS_MAX: usize = 40;
/// Most features: the Hessian is kept in full.
pub const FEATURES_MAX: usize = 1024;
/// The version that is written, and the only one that is read.
pub const STORED_VERSION: u32 = 1;
/// Where the squared Newton decrement, twice what the objective can still fall by, is small enough for a last full step;
/// that squares it.
const DECREMENT_MIN: f64 = 1e-14;

/// A fitted logistic regression.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredLogistic", into = "StoredLogistic")]
pub struct LogisticRegression {
    scale: Standardizer,
    weights: Vec<f64>,
    intercept: f64,
    standard_errors: Vec<f64>,
}

/// A logistic regression for storage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredLogistic {
    /// Version of this layout.
    pub version: u32,
    /// What features are standardised by.
    pub scale: Standardizer,
    /// Weight of each standardised feature.
    pub weights: Vec<f64>,
    /// The log odds of the mean sample.
    pub intercept: f64,
    /// Standard error of each weight.
    pub standard_errors: Vec<f64>,
}

/// Samples with a one in front of the standardised features, and the penalty.
struct Problem<'a> {
    rows: Matrix,
    outcomes: &'a [bool],
    penalty: f64,
}

impl LogisticRegression {
    /// Fits to samples in rows and their outcomes.
    ///
    /// # Errors
    /// If outcomes are all the same or not as many as rows, the penalty is negative, or it is zero and the data leave the
    /// weights open (separable classes, dependent features).
    pub fn fit(features: &Matrix, outcomes: &[bool], penalty: f64) -> Result<Self, QuantError> {
        check_samples(features, outcomes.len())?;
        super::check_count("features", features.columns(), 1..=FEATURES_MAX)?;
        check::not_negative("penalty", penalty)?;
        if outcomes.windows(2).all(|pair| pair[0] == pair[1]) {
            return Err(QuantError::Constant { what: "outcome" });
        }
        let scale = Standardizer::fit(features)?;
        let mut rows = Matrix::zeros(features.rows(), features.columns() + 1);
        for index in 0..features.rows() {
            let row = rows.row_mut(index);
            row[0] = 1.0;
            scale.apply(features.row(index), &mut row[1..])?;
        }
        let (weights, hessian) = Problem { rows, outcomes, penalty }.solve()?;
        let standard_errors = standard_errors(&hessian)?;
        let model = Self { scale, weights: weights[1..].to_vec(), intercept: weights[0], standard_errors };
        check::series("weights", &model.weights, 0)?;
        Ok(model)
    }

    /// The probability of a true outcome.
    ///
    /// # Errors
    /// Unless there is one value per feature, finite and of sound size.
    pub fn probability(&self, row: &[f64]) -> Result<f64, QuantError> {
        let mut scaled = vec![0.0; self.weights.len()];
        self.scale.apply(row, &mut scaled)?;
        check::finite("probability", logistic_function(dot(&self.weights, &scaled) + self.intercept))
    }

    /// Weight of each standardised feature: the change of the log odds by one standard deviation.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The log odds of the mean sample.
    #[must_use]
    pub const fn intercept(&self) -> f64 {
        self.intercept
    }

    /// Standard error of each weight, from the inverse of the penalised Hessian.
    #[must_use]
    pub fn standard_errors(&self) -> &[f64] {
        &self.standard_errors
    }
}

impl Problem<'_> {
    /// The intercept and the weights, and the Hessian there.
    fn solve(&self) -> Result<(Vec<f64>, Cholesky), QuantError> {
        let mut weights = vec![0.0; self.rows.columns()];
        let mut objective = self.objective(&weights);
        for _ in 0..ITERATIONS_MAX {
            let (gradient, hessian) = self.derivatives(&weights);
            let hessian = Cholesky::new(&hessian, "Hessian")
                .map_err(|_| QuantError::NotIdentified { why: "the classes separate or features depend" })?;
            let step = hessian.solve(&gradient);
            let decrement = dot(&step, &gradient);
            if !decrement.is_finite() {
                return Err(QuantError::NotFinite { what: "step" });
            }
            if decrement <= DECREMENT_MIN * (1.0 + objective) {
                add_scaled(&mut weights, -1.0, &step);
                return Ok((weights, hessian));
            }
            (weights, objective) = self.search(&weights, &step, (objective, decrement))?;
        }
        Err(QuantError::NoConvergence { what: "logistic regression", iterations: ITERATIONS_MAX })
    }

    /// The first of the step and its halves that brings the objective down by a share of what the slope promises.
    fn search(
        &self,
        weights: &[f64],
        step: &[f64],
        (objective, decrement): (f64, f64),
    ) -> Result<(Vec<f64>, f64), QuantError> {
        let mut length = 1.0;
        for _ in 0..HALVINGS_MAX {
            let mut next = weights.to_vec();
            add_scaled(&mut next, -length, step);
            let lower = self.objective(&next);
            if lower < objective - 1e-4 * length * decrement {
                return Ok((next, lower));
            }
            length /= 2.0;
        }
        Err(QuantError::NoConvergence { what: "search along a step", iterations: HALVINGS_MAX })
    }

    fn objective(&self, weights: &[f64]) -> f64 {
        let loss = |(index, &outcome): (usize, &bool)| {
            let z = dot(self.rows.row(index), weights);
            softplus(if outcome { -z } else { z })
        };
        let losses: f64 = self.outcomes.iter().enumerate().map(loss).sum();
        losses + 0.5 * self.penalty * dot(&weights[1..], &weights[1..])
    }

    fn derivatives(&self, weights: &[f64]) -> (Vec<f64>, Matrix) {
        let width = weights.len();
        let mut gradient: Vec<f64> = weights.iter().map(|weight| self.penalty * weight).collect();
        gradient[0] = 0.0;
        let mut hessian = Matrix::zeros(width, width);
        for feature in 1..width {
            hessian[(feature, feature)] = self.penalty;
        }
        for (index, &outcome) in self.outcomes.iter().enumerate() {
            let row = self.rows.row(index);
            let probability = logistic_function(dot(row, weights));
            add_scaled(&mut gradient, probability - f64::from(u8::from(outcome)), row);
            let curvature = probability * (1.0 - probability);
            for feature in 0..width {
                let lower = &mut hessian.row_mut(feature)[..=feature];
                add_scaled(lower, curvature * row[feature], row);
            }
        }
        (gradient, hessian)
    }
}

/// Square roots of the diagonal of the inverse, without the intercept's.
fn standard_errors(hessian: &Cholesky) -> Result<Vec<f64>, QuantError> {
    let width = hessian.lower().rows();
    let error = |feature: usize| {
        let mut unit = vec![0.0; width];
        unit[feature] = 1.0;
        check::finite("standard error", hessian.solve(&unit)[feature].max(0.0).sqrt())
    };
    (1..width).map(error).collect()
}

impl Forecaster for LogisticRegression {
    fn forecast(&self, history: &[&[f64]]) -> Result<f64, QuantError> {
        self.probability(latest(history)?)
    }
}

impl From<LogisticRegression> for StoredLogistic {
    fn from(model: LogisticRegression) -> Self {
        let LogisticRegression { scale, weights, intercept, standard_errors } = model;
        Self { version: STORED_VERSION, scale, weights, intercept, standard_errors }
    }
}

impl TryFrom<StoredLogistic> for LogisticRegression {
    type Error = QuantError;

    fn try_from(stored: StoredLogistic) -> Result<Self, QuantError> {
        let StoredLogistic { version, scale, weights, intercept, standard_errors } = stored;
        if version != STORED_VERSION {
            return Err(QuantError::UnknownModel { what: "regression", why: "its version is not known" });
        }
        super::check_count("features", weights.len(), 1..=FEATURES_MAX)?;
        scale.check(weights.len())?;
        check::length("standard errors", standard_errors.len(), weights.len())?;
        super::check_size("weights", &weights)?;
        super::check_size("intercept", &[intercept])?;
        super::check_size("standard errors", &standard_errors)?;
        Ok(Self { scale, weights, intercept, standard_errors })
    }
}
