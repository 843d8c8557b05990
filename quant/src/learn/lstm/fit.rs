//! Training: mini-batches of windows, gradients through time, and an early stop on the latest windows.

use super::EPOCHS_MAX;
use super::adam::{Adam, clip};
use super::cell::{Shape, Weights};
use super::model::{Lstm, check_shape};
use crate::learn::scale::Standardizer;
use crate::learn::{IsCancelled, check_count, check_samples, check_size};
use crate::matrix::add_scaled;
use crate::random::SplitMix64;
use crate::{Matrix, QuantError, check};
use rayon::prelude::*;

/// Most windows of a batch; gradients of shares of it are kept until they are summed.
const BATCH_MAX: usize = 1024;
/// Windows whose gradient one thread sums; fixed, so that the sum does not depend on the number of threads.
const SHARE: usize = 8;

/// How a net is trained.
#[derive(Debug, Clone, PartialEq)]
pub struct LstmOptions {
    /// Hidden units.
    pub hidden: usize,
    /// Rows that a forecast is made from.
    pub window: usize,
    /// Length of a step of Adam.
    pub learning_rate: f64,
    /// Most passes over the training windows.
    pub epochs_max: usize,
    /// Windows whose mean gradient makes a step.
    pub batch: usize,
    /// Norm that a longer gradient is cut to.
    pub gradient_norm_max: f64,
    /// Share of the windows, the latest, that tells when to stop.
    pub validation_share: f64,
    /// Rows until a target is known: so many windows before the validation are not trained on.
    pub purge: usize,
    /// Passes without a better validation after which training stops.
    pub patience: usize,
    /// Where the first weights and the order of windows come from.
    pub seed: u64,
}

/// Rows in order of time, and what is to be forecast after each.
#[derive(Debug, Clone, Copy)]
pub struct SequenceProblem<'a> {
    /// Features, a row per time.
    pub features: &'a Matrix,
    /// The target of each row.
    pub targets: &'a [f64],
}

/// A trained net.
#[derive(Debug, Clone, PartialEq)]
pub struct LstmFit {
    /// The net of the best validation.
    pub net: Lstm,
    /// Passes made.
    pub epochs: usize,
    /// Mean squared error over the training windows in the pass of the best validation, over the variance of their targets.
    pub training_error: f64,
    /// Mean squared error over the validation windows, in the same units.
    pub validation_error: f64,
}

impl Default for LstmOptions {
    fn default() -> Self {
        Self {
            hidden: 16,
            window: 20,
            learning_rate: 1e-2,
            epochs_max: 100,
            batch: 32,
            gradient_norm_max: 1.0,
            validation_share: 0.2,
            purge: 0,
            patience: 10,
            seed: 0,
        }
    }
}

/// Standardised rows and targets.
struct Training {
    rows: Matrix,
    targets: Vec<f64>,
    window: usize,
}

/// The best weights so far.
struct Best {
    weights: Weights,
    epoch: usize,
    training_error: f64,
    validation_error: f64,
}

impl Lstm {
    /// Trains a net. A window ends at its target's row; scales come from rows of training windows only.
    ///
    /// # Errors
    /// If there are too few rows for one training and one validation window, targets do not vary, an option is out of
    /// range, the error does not stay finite, or the caller cancels (asked once per pass).
    pub fn fit(
        problem: SequenceProblem<'_>,
        options: &LstmOptions,
        is_cancelled: IsCancelled<'_>,
    ) -> Result<LstmFit, QuantError> {
        let shape = Shape { inputs: problem.features.columns(), hidden: options.hidden };
        options.check(shape)?;
        check_samples(problem.features, problem.targets.len())?;
        check_size("targets", problem.targets)?;
        let (train, validation) = options.split(problem.targets.len())?;
        let known = train.end;
        let known_rows: Vec<&[f64]> = (0..known).map(|row| problem.features.row(row)).collect();
        let scale = Standardizer::fit(&Matrix::from_rows(&known_rows)?)?;
        let target_rows: Vec<[f64; 1]> = train.clone().map(|row| [problem.targets[row]]).collect();
        let target_scale = Standardizer::fit(&Matrix::from_rows(&target_rows)?)?;
        let first = problem.targets[train.start];
        if problem.targets[train.clone()].iter().all(|target| target.to_bits() == first.to_bits()) {
            return Err(QuantError::Constant { what: "target" });
        }
        let (mean, deviation) = (target_scale.means()[0], target_scale.scales()[0]);
        let training = Training {
            rows: scale.apply_rows(problem.features)?,
            targets: problem.targets.iter().map(|target| (target - mean) / deviation).collect(),
            window: options.window,
        };
        let (best, epochs) = training.run(options, shape, (train, validation), is_cancelled)?;
        let Best { weights, training_error, validation_error, .. } = best;
        let net = Self {
            weights,
            window: options.window,
            scale: Some(scale),
            target_mean: mean,
            target_scale: deviation,
        };
        Ok(LstmFit { net, epochs, training_error, validation_error })
    }
}

type Rows = std::ops::Range<usize>;

impl LstmOptions {
    fn check(&self, shape: Shape) -> Result<(), QuantError> {
        check_shape(shape, self.window)?;
        check::fraction("learning rate", self.learning_rate)?;
        check_count("epochs", self.epochs_max, 1..=EPOCHS_MAX)?;
        check_count("windows of a batch", self.batch, 1..=BATCH_MAX)?;
        check::positive("norm of the gradient", self.gradient_norm_max)?;
        check::fraction("validation share", self.validation_share)?;
        check_count("patience", self.patience, 1..=EPOCHS_MAX)
    }

    /// Rows at which training and validation windows end.
    fn split(&self, row_count: usize) -> Result<(Rows, Rows), QuantError> {
        let first = self.window - 1;
        let windows = row_count.saturating_sub(first);
        let validation = share_of(windows, self.validation_share).max(1);
        let train_end = row_count.saturating_sub(validation).saturating_sub(self.purge);
        if train_end < first + 2 {
            return Err(QuantError::TooFew {
                what: "rows to train on",
                needed: (first + 2).saturating_add(validation).saturating_add(self.purge),
                got: row_count,
            });
        }
        Ok((first..train_end, row_count - validation..row_count))
    }
}

impl Training {
    fn run(
        &self,
        options: &LstmOptions,
        shape: Shape,
        (train, validation): (Rows, Rows),
        is_cancelled: IsCancelled<'_>,
    ) -> Result<(Best, usize), QuantError> {
        let mut random = SplitMix64::new(options.seed);
        let mut weights = first_weights(shape, &mut random);
        let mut adam = Adam::new(shape.len());
        let mut order: Vec<usize> = train.collect();
        let mut best: Option<Best> = None;
        for epoch in 1..=options.epochs_max {
            if is_cancelled() {
                return Err(QuantError::Cancelled);
            }
            shuffle(&mut order, &mut random);
            let mut training_error = 0.0;
            for batch in order.chunks(options.batch) {
                let (error, mut gradient) = self.gradient(&weights, batch);
                training_error += error / order.len() as f64;
                clip(&mut gradient, options.gradient_norm_max);
                adam.step(&mut weights.values, &gradient, options.learning_rate);
            }
            let validation_error = self.error(&weights, validation.clone());
            if !(training_error + validation_error).is_finite() {
                return Err(QuantError::NotFinite { what: "error of the net" });
            }
            if best.as_ref().is_none_or(|best| validation_error < best.validation_error) {
                let weights = weights.clone();
                best = Some(Best { weights, epoch, training_error, validation_error });
            }
            if let Some(best) = best.take_if(|best| epoch - best.epoch >= options.patience) {
                return Ok((best, epoch));
            }
        }
        let best = best.ok_or(QuantError::NoConvergence { what: "net", iterations: options.epochs_max })?;
        Ok((best, options.epochs_max))
    }

    fn rows_of(&self, end: usize) -> impl Iterator<Item = &[f64]> {
        (end + 1 - self.window..=end).map(|row| self.rows.row(row))
    }

    /// The summed squared error of a batch of windows, and the gradient of half its mean.
    fn gradient(&self, weights: &Weights, batch: &[usize]) -> (f64, Vec<f64>) {
        let share = |ends: &[usize]| {
            let (mut sum, mut gradient) = (0.0, vec![0.0; weights.values.len()]);
            for &end in ends {
                let (forecast, steps) = weights.forward(self.rows_of(end));
                let error = forecast - self.targets[end];
                sum += error * error;
                weights.backward(&steps, error / batch.len() as f64, &mut gradient);
            }
            (sum, gradient)
        };
        let shares: Vec<(f64, Vec<f64>)> = batch.par_chunks(SHARE).map(share).collect();
        let mut whole = (0.0, vec![0.0; weights.values.len()]);
        for (sum, gradient) in &shares {
            whole.0 += sum;
            add_scaled(&mut whole.1, 1.0, gradient);
        }
        whole
    }

    /// The mean squared error over windows.
    fn error(&self, weights: &Weights, ends: Rows) -> f64 {
        let count = ends.len() as f64;
        let square = |end: usize| (weights.forward(self.rows_of(end)).0 - self.targets[end]).powi(2);
        ends.into_par_iter().map(square).collect::<Vec<f64>>().iter().sum::<f64>() / count
    }
}

/// Uniform within `1 / √hidden`, as PyTorch; forget gates begin open (Jozefowicz, Zaremba and Sutskever 2015).
fn first_weights(shape: Shape, random: &mut SplitMix64) -> Weights {
    let bound = 1.0 / (shape.hidden as f64).sqrt();
    let values = (0..shape.len()).map(|_| bound * (2.0 * random.uniform() - 1.0)).collect();
    let mut weights = Weights { shape, values };
    weights.biases_mut()[shape.hidden..2 * shape.hidden].fill(1.0);
    weights
}

/// Fisher and Yates's shuffle.
fn shuffle(values: &mut [usize], random: &mut SplitMix64) {
    for end in (2..=values.len()).rev() {
        values.swap(end - 1, random.below(end));
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a count is neither negative nor larger than the count"
)]
fn share_of(count: usize, share: f64) -> usize {
    (count as f64 * share) as usize
}
