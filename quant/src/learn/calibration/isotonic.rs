//! Isotonic regression: the rising step function nearest to the outcomes, by pooling adjacent violators (Ayer and others
//! 1955), with straight lines between the steps.

use crate::learn::check_size;
use crate::{QuantError, check};
use serde::{Deserialize, Serialize};

/// A rising function through points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Points")]
pub struct IsotonicScaling {
    scores: Vec<f64>,
    probabilities: Vec<f64>,
}

/// Points as they are stored.
#[derive(Deserialize)]
struct Points {
    scores: Vec<f64>,
    probabilities: Vec<f64>,
}

/// Neighbouring scores of one probability.
struct Pool {
    first: f64,
    last: f64,
    hits: f64,
    count: f64,
}

impl Pool {
    fn mean(&self) -> f64 {
        self.hits / self.count
    }
}

impl IsotonicScaling {
    /// Fits to scores (higher for more likely) and what came. Equal scores count as one of their mean outcome.
    ///
    /// # Errors
    /// If there are no scores, they are not finite, or not as many as outcomes.
    pub fn fit(scores: &[f64], outcomes: &[bool]) -> Result<Self, QuantError> {
        check::length("outcomes", outcomes.len(), scores.len())?;
        check::series("scores", scores, 1)?;
        check_size("scores", scores)?;
        let mut order: Vec<(f64, bool)> = scores.iter().copied().zip(outcomes.iter().copied()).collect();
        order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut pools: Vec<Pool> = Vec::new();
        for tie in order.chunk_by(|a, b| a.0 >= b.0) {
            let hits = tie.iter().filter(|(_, outcome)| *outcome).count() as f64;
            let mut pool = Pool { first: tie[0].0, last: tie[0].0, hits, count: tie.len() as f64 };
            while let Some(before) = pools.pop_if(|before| before.mean() >= pool.mean()) {
                pool.first = before.first;
                pool.hits += before.hits;
                pool.count += before.count;
            }
            pools.push(pool);
        }
        let mut points = Self { scores: Vec::new(), probabilities: Vec::new() };
        for pool in pools {
            points.push(pool.first, pool.mean());
            if pool.last > pool.first {
                points.push(pool.last, pool.mean());
            }
        }
        Ok(points)
    }

    fn push(&mut self, score: f64, probability: f64) {
        self.scores.push(score);
        self.probabilities.push(probability);
    }

    /// The probability that belongs to a score; beyond the outermost scores it stays what it is there.
    ///
    /// # Errors
    /// If the score is not finite.
    pub fn probability(&self, score: f64) -> Result<f64, QuantError> {
        check_size("score", &[score])?;
        let above = self.scores.partition_point(|point| *point <= score);
        let last = self.scores.len() - 1;
        if above == 0 || above > last {
            return Ok(self.probabilities[above.min(last)]);
        }
        let (x, y) = (&self.scores[above - 1..=above], &self.probabilities[above - 1..=above]);
        let share = (score - x[0]) / (x[1] - x[0]);
        // Rounding must not bring the line above its end.
        Ok((y[0] + share * (y[1] - y[0])).min(y[1]))
    }
}

impl TryFrom<Points> for IsotonicScaling {
    type Error = QuantError;

    fn try_from(Points { scores, probabilities }: Points) -> Result<Self, QuantError> {
        check::series("scores", &scores, 1)?;
        check_size("scores", &scores)?;
        check::length("probabilities", probabilities.len(), scores.len())?;
        let is_rising = scores.windows(2).all(|pair| pair[0] < pair[1])
            && probabilities.windows(2).all(|pair| pair[0] <= pair[1])
            && probabilities.iter().all(|p| (0.0..=1.0).contains(p));
        if !is_rising {
            return Err(QuantError::UnknownModel { what: "calibration", why: "its points do not rise" });
        }
        Ok(Self { scores, probabilities })
    }
}
