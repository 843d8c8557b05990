//! Validation that walks forward: fit on the past, forecast what comes next, move on.
//!
//! A label that is known only `purge` rows later would leak the test into the end of the training rows, so that many are
//! dropped there; `embargo` drops more, for what is left of serial correlation (López de Prado, Advances in Financial
//! Machine Learning, 2018, chapter 7; all training lies before the test here, so both widen the same gap).

use super::{Forecaster, IsCancelled, check_count, check_samples};
use crate::{Matrix, QuantError, check};
use std::ops::Range;

/// Most windows of one validation.
pub const WINDOWS_MAX: usize = 100_000;

/// What a model is fitted to as the walk goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrainingRows {
    /// All rows from the first.
    Expanding,
    /// The last `train_count` rows before the gap.
    Rolling,
}

/// How to walk. Counts are of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct WalkForward {
    /// What a model is fitted to.
    pub training: TrainingRows,
    /// Rows of the first training, and of every one if rolling.
    pub train_count: usize,
    /// Rows that one model forecasts; the last window may have fewer.
    pub test_count: usize,
    /// Rows that it takes until a label is known.
    pub purge: usize,
    /// Further rows left out before a test.
    pub embargo: usize,
}

/// Rows to fit to, and rows to forecast after them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Rows to fit to.
    pub train: Range<usize>,
    /// Rows to forecast.
    pub test: Range<usize>,
}

/// What was said of a row by a model that was fitted before it.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// The row.
    pub row: usize,
    /// What the model said.
    pub forecast: f64,
    /// What came.
    pub actual: f64,
}

impl WalkForward {
    /// The windows over so many rows, in order. Tests follow each other without a hole or an overlap.
    ///
    /// # Errors
    /// If training or test are empty, there is no row to test, or there are too many windows.
    pub fn windows(&self, row_count: usize) -> Result<Vec<Window>, QuantError> {
        check_count("training rows", self.train_count, 2..=usize::MAX)?;
        check_count("test rows", self.test_count, 1..=usize::MAX)?;
        let first = self.train_count.saturating_add(self.purge).saturating_add(self.embargo);
        if first >= row_count {
            return Err(QuantError::TooFew {
                what: "rows to walk over",
                needed: first.saturating_add(1),
                got: row_count,
            });
        }
        check_count("windows", (row_count - first).div_ceil(self.test_count), 1..=WINDOWS_MAX)?;
        let gap = self.purge + self.embargo;
        let window = |begin: usize| {
            let end = begin - gap;
            let start = match self.training {
                TrainingRows::Expanding => 0,
                TrainingRows::Rolling => end - self.train_count,
            };
            Window { train: start..end, test: begin..begin.saturating_add(self.test_count).min(row_count) }
        };
        Ok((first..row_count).step_by(self.test_count).map(window).collect())
    }

    /// Walks: `learn` gets the rows and targets of each training, so that whatever it scales or selects by knows the past
    /// only; the model then sees, for each test row, the rows up to it.
    ///
    /// # Errors
    /// As [`Self::windows`], if targets are not as many as rows, whatever `learn` or the model fails with, and if the
    /// caller cancels (asked once per window).
    pub fn run<M: Forecaster>(
        &self,
        (features, targets): (&Matrix, &[f64]),
        learn: impl Fn(&Matrix, &[f64]) -> Result<M, QuantError>,
        is_cancelled: IsCancelled<'_>,
    ) -> Result<Vec<Forecast>, QuantError> {
        check_samples(features, targets.len())?;
        check::series("targets", targets, 0)?;
        let rows: Vec<&[f64]> = (0..features.rows()).map(|row| features.row(row)).collect();
        let mut forecasts = Vec::new();
        for Window { train, test } in self.windows(rows.len())? {
            if is_cancelled() {
                return Err(QuantError::Cancelled);
            }
            let model = learn(&Matrix::from_rows(&rows[train.clone()])?, &targets[train])?;
            for row in test {
                let forecast = check::finite("forecast", model.forecast(&rows[..=row])?)?;
                forecasts.push(Forecast { row, forecast, actual: targets[row] });
            }
        }
        Ok(forecasts)
    }
}
