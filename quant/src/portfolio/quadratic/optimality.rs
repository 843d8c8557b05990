//! The Karush-Kuhn-Tucker conditions: which limit to let go, how well they hold, and what happens to them when the
//! linear term grows.

use super::{Limit, MULTIPLIER_TOLERANCE, Place, Side, Solver, add_rows, largest};
use crate::matrix::{add_scaled, dot};

/// Part of what the returns could gain without limits below which a gain is rounding.
const GAIN_TOLERANCE: f64 = 1e-13;

/// How the minimum moves with a multiple of a vector in the linear term, on one working set.
pub(in crate::portfolio) struct Slope {
    /// Change of the vector's product with the point, per unit of the multiple.
    pub(in crate::portfolio) gain: f64,
    /// No larger multiple changes the point any more.
    pub(in crate::portfolio) is_last: bool,
}

impl Solver<'_> {
    /// The limit with the most wrong multiplier; if steps have no length, any one with a wrong multiplier.
    pub(super) fn wrong_limit(&mut self) -> Option<Limit> {
        let reduced = self.reduced_gradient(&self.gradient, &self.multipliers);
        let tolerance = MULTIPLIER_TOLERANCE * self.gradient_size();
        let rows = self.working.iter().zip(&self.multipliers);
        let rows =
            rows.map(|(&(row, side), multiplier)| (row_error(side, *multiplier), Limit::Row(row, side)));
        let bounds = self.places.iter().enumerate().filter(|(i, _)| self.is_movable(*i));
        let bounds = bounds.map(|(i, &place)| (bound_error(place, reduced[i]), Limit::Bound(i, place)));
        let wrong: Vec<(f64, Limit)> = rows.chain(bounds).filter(|(error, _)| *error > tolerance).collect();
        if self.is_stalled() && !wrong.is_empty() {
            return Some(wrong[self.random.below(wrong.len())].1);
        }
        wrong.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, limit)| limit)
    }

    /// The largest violation of any condition: of the limits by the point, and of the stationarity, the signs of
    /// multipliers as parts of the gradient's size.
    pub(in crate::portfolio) fn residual(&self) -> f64 {
        let reduced = self.reduced_gradient(&self.gradient, &self.multipliers);
        let mut dual: f64 = 0.0;
        for i in (0..self.x.len()).filter(|i| self.is_movable(*i)) {
            dual = dual.max(match self.places[i] {
                Place::Free => reduced[i].abs(),
                place => bound_error(place, reduced[i]),
            });
        }
        for (&(_, side), multiplier) in self.working.iter().zip(&self.multipliers) {
            dual = dual.max(row_error(side, *multiplier));
        }
        let rows = self.program.rows;
        let primal = (0..rows.len()).map(|row| rows.violation(row, &self.x).abs());
        primal.fold(dual / self.gradient_size(), f64::max)
    }

    /// How the point moves when the linear term is `multiple * vector` and the multiple grows.
    pub(in crate::portfolio) fn slope(&self, vector: &[f64]) -> Slope {
        let free: Vec<f64> = self.free.iter().map(|&i| vector[i]).collect();
        let mut unlimited = free.clone();
        self.factor.forward(&mut unlimited);
        let direction = self.solve_working_set(free.clone(), &vec![0.0; self.working.len()]);
        let gain = dot(&free, &direction.free);
        if gain > GAIN_TOLERANCE * dot(&unlimited, &unlimited) {
            return Slope { gain, is_last: false };
        }
        let mut change: Vec<f64> = vector.iter().map(|value| -value).collect();
        let moves: Vec<(usize, f64)> = self.free.iter().copied().zip(direction.free).collect();
        add_rows(&mut change, self.program.hessian, &moves);
        let reduced = self.reduced_gradient(&change, &direction.multipliers);
        let tolerance = MULTIPLIER_TOLERANCE * largest(vector);
        let is_last = (0..self.x.len())
            .filter(|i| self.is_movable(*i))
            .all(|i| bound_error(self.places[i], reduced[i]) <= tolerance)
            && self
                .working
                .iter()
                .zip(&direction.multipliers)
                .all(|(&(_, side), multiplier)| row_error(side, *multiplier) <= tolerance);
        Slope { gain: 0.0, is_last }
    }

    fn is_movable(&self, i: usize) -> bool {
        self.program.lower[i] < self.program.upper[i]
    }

    /// `gradient + Aᵀ y`.
    fn reduced_gradient(&self, gradient: &[f64], multipliers: &[f64]) -> Vec<f64> {
        let mut reduced = gradient.to_vec();
        for (&(row, _), multiplier) in self.working.iter().zip(multipliers) {
            add_scaled(&mut reduced, *multiplier, self.program.rows.coefficients.row(row));
        }
        reduced
    }

    fn gradient_size(&self) -> f64 {
        largest(&self.gradient).max(largest(&self.linear)).max(f64::MIN_POSITIVE)
    }
}

/// How much the multiplier of a bound has the wrong sign; of a free variable that is no concern here.
fn bound_error(place: Place, reduced: f64) -> f64 {
    match place {
        Place::Free => 0.0,
        Place::Lower => -reduced,
        Place::Upper => reduced,
    }
}

/// How much the multiplier of a row has the wrong sign.
fn row_error(side: Side, multiplier: f64) -> f64 {
    match side {
        Side::Equal => 0.0,
        Side::Least => multiplier,
        Side::Most => -multiplier,
    }
}
