//! Convex quadratic programs with bounds and a few more linear limits: minimises `½ xᵀHx − cᵀx`.
//!
//! A primal active-set method (Nocedal and Wright 2006, chapter 16.5) made for portfolios: most assets sit at a bound,
//! so only the free ones are factored, and the factor gains or loses one asset per step. The limits on sums ("rows")
//! that hold with equality are eliminated by an orthogonal basis of their normals, as small as their number. Every step either
//! reaches the best point of the current working set, or stops at a limit and adds it; at a best point the limit whose
//! multiplier has the most wrong sign is let go. Where many limits meet, steps may have no length and go in circles;
//! then limits are chosen at random, which leaves every circle. The answer is exact: the same conditions are checked at
//! the end, on a gradient computed afresh.

mod basis;
mod factor;
mod feasible;
mod optimality;

use crate::matrix::{add_scaled, dot};
use crate::random::SplitMix64;
use crate::{Matrix, QuantError};
use basis::Basis;
use factor::Factor;
pub(super) use optimality::Slope;

/// Most steps per variable and row; a solution takes about one per variable that leaves its bound.
const STEPS_PER_LIMIT_MAX: usize = 40;

/// Steps without length in a row after which limits are chosen at random.
const STALLED_MAX: usize = 20;

/// Part of the gradient's size below which a multiplier counts as zero.
const MULTIPLIER_TOLERANCE: f64 = 1e-12;

/// Part of the direction's size below which a component of it is rounding.
const DIRECTION_TOLERANCE: f64 = 1e-12;

/// Change of a weight or a sum that is rounding, and that no limit stops.
const CHANGE_MIN: f64 = 1e-15;

/// Part of the whole gradient below which what is left of it within the working set is rounding.
const CANCELLED: f64 = 1e-13;

/// Limits on sums: `least ≤ coefficients · x ≤ most`. The first is the budget, an equality.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    pub(super) coefficients: Matrix,
    pub(super) least: Vec<f64>,
    pub(super) most: Vec<f64>,
}

/// What is minimised over, apart from the linear term.
#[derive(Debug, Clone, Copy)]
pub(super) struct Program<'a> {
    pub(super) hessian: &'a Matrix,
    pub(super) lower: &'a [f64],
    pub(super) upper: &'a [f64],
    pub(super) rows: &'a Rows,
}

/// A point and its working set; each question begins where the one before it ended.
#[derive(Debug, Clone)]
pub(super) struct Solver<'a> {
    program: Program<'a>,
    linear: Vec<f64>,
    x: Vec<f64>,
    gradient: Vec<f64>,
    places: Vec<Place>,
    free: Vec<usize>,
    factor: Factor,
    working: Vec<(usize, Side)>,
    multipliers: Vec<f64>,
    steps: usize,
    stalled: usize,
    random: SplitMix64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Free,
    Lower,
    Upper,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Equal,
    Least,
    Most,
}

/// A limit that stops a step or is let go; a free variable by its place in the order of the free ones.
#[derive(Debug, Clone, Copy)]
enum Limit {
    Bound(usize, Place),
    Row(usize, Side),
}

/// The solution of the equations of a working set.
struct Direction {
    free: Vec<f64>,
    multipliers: Vec<f64>,
}

impl Rows {
    /// Number of rows.
    fn len(&self) -> usize {
        self.least.len()
    }

    /// By how much a point is above a row's limits (below them: negative).
    fn violation(&self, row: usize, x: &[f64]) -> f64 {
        let sum = dot(self.coefficients.row(row), x);
        (sum - self.most[row]).max(0.0) + (sum - self.least[row]).min(0.0)
    }
}

/// Fails unless the matrix is positive definite to working precision.
pub(super) fn check_positive_definite(matrix: &Matrix) -> Result<(), QuantError> {
    let assets: Vec<usize> = (0..matrix.rows()).collect();
    Factor::of(matrix, &assets, &Matrix::zeros(0, 0)).map(|_| ())
}

impl<'a> Solver<'a> {
    /// Finds a first point; [`Solver::solve`] is to follow.
    ///
    /// # Errors
    /// If no point is within all limits.
    pub(super) fn new(program: Program<'a>) -> Result<Self, QuantError> {
        let x = feasible::start(&program)?;
        Self::at(program, x)
    }

    fn at(program: Program<'a>, x: Vec<f64>) -> Result<Self, QuantError> {
        let n = x.len();
        let mut solver = Self {
            program,
            linear: vec![0.0; n],
            gradient: vec![0.0; n],
            places: vec![Place::Lower; n],
            free: Vec::new(),
            factor: Factor::default(),
            working: Vec::new(),
            multipliers: Vec::new(),
            steps: 0,
            stalled: 0,
            random: SplitMix64::new(0),
            x,
        };
        for i in 0..n {
            if solver.x[i] >= program.upper[i] {
                (solver.x[i], solver.places[i]) = (program.upper[i], Place::Upper);
            } else if solver.x[i] > program.lower[i] {
                solver.places[i] = Place::Free;
                solver.free.push(i);
            }
        }
        solver.factor = Factor::of(program.hessian, &solver.free, &program.rows.coefficients)?;
        // The budget takes one variable to hold.
        let movable =
            |i: &usize| program.lower[*i] < program.upper[*i] && program.rows.coefficients[(0, *i)] > 0.0;
        if !solver.free.iter().any(&movable)
            && let Some(i) = (0..n).find(movable)
        {
            solver.set_free(i)?;
        }
        if solver.free.iter().any(movable) {
            solver.working.push((0, Side::Equal));
        }
        Ok(solver)
    }

    /// The point.
    pub(super) fn x(&self) -> &[f64] {
        &self.x
    }

    /// Steps taken so far.
    pub(super) const fn steps(&self) -> usize {
        self.steps
    }

    /// Moves to the minimum for this linear term.
    ///
    /// # Errors
    /// If the Hessian is not positive definite, or the limit of steps is reached.
    pub(super) fn solve(&mut self, linear: Vec<f64>) -> Result<(), QuantError> {
        self.solve_until(linear, |_| false)
    }

    /// Moves towards the minimum, and stops at a point that is good enough.
    fn solve_until(
        &mut self,
        linear: Vec<f64>,
        is_enough: impl Fn(&[f64]) -> bool,
    ) -> Result<(), QuantError> {
        self.linear = linear;
        self.refresh_gradient();
        let limits = self.x.len() + self.program.rows.len();
        let steps_max = STEPS_PER_LIMIT_MAX * (limits + 1);
        self.stalled = 0;
        let mut is_fresh = true;
        for _ in 0..steps_max {
            self.steps += 1;
            let direction = self.newton_direction();
            let (length, stop) = self.longest_step(&direction.free);
            self.multipliers = direction.multipliers;
            let has_moved = self.advance(&direction.free, length);
            self.stalled = if has_moved { 0 } else { self.stalled + 1 };
            if let Some(limit) = stop {
                self.add(limit);
                is_fresh = false;
                if is_enough(&self.x) {
                    return Ok(());
                }
                continue;
            }
            match self.wrong_limit() {
                Some(limit) => {
                    self.release(limit)?;
                    is_fresh = false;
                }
                None if is_fresh => return Ok(()),
                None => {
                    self.correct_drift();
                    self.refresh_gradient();
                    is_fresh = true;
                }
            }
        }
        Err(QuantError::NoConvergence { what: "quadratic program", iterations: steps_max })
    }

    fn refresh_gradient(&mut self) {
        for (gradient, linear) in self.gradient.iter_mut().zip(&self.linear) {
            *gradient = -linear;
        }
        let held: Vec<(usize, f64)> =
            self.x.iter().copied().enumerate().filter(|(_, weight)| *weight != 0.0).collect();
        add_rows(&mut self.gradient, self.program.hessian, &held);
    }

    /// The step to the best point of the working set.
    fn newton_direction(&self) -> Direction {
        let target = self.free.iter().map(|&i| -self.gradient[i]).collect();
        self.solve_working_set(target, &vec![0.0; self.working.len()])
    }

    /// Takes back what rounding has moved the sums from their limits. No limit stops this: it may be all rounding, of
    /// which nothing follows about the limits' independence.
    fn correct_drift(&mut self) {
        let rows = self.program.rows;
        let drift: Vec<f64> = self
            .working
            .iter()
            .map(|&(row, side)| {
                let bound = if side == Side::Most { rows.most[row] } else { rows.least[row] };
                bound - dot(rows.coefficients.row(row), &self.x)
            })
            .collect();
        let correction = self.solve_working_set(vec![0.0; self.free.len()], &drift);
        self.advance(&correction.free, 1.0);
    }

    /// Solves `H p + Aᵀ y = target`, `A p = sums` over the free variables and the working rows.
    fn solve_working_set(&self, mut target: Vec<f64>, sums: &[f64]) -> Direction {
        self.factor.forward(&mut target);
        let columns: Vec<Vec<f64>> =
            self.working.iter().map(|&(row, _)| self.factor.column_beside(row)).collect();
        let basis = Basis::of(&columns);
        let size = largest(&target);
        let multipliers = basis.split(&mut target, sums);
        // What nearly cancels is nothing. A limit that stopped such a step would not be independent of the others.
        for value in &mut target {
            if basis.rank >= self.free.len() || value.abs() <= CANCELLED * size {
                *value = 0.0;
            }
        }
        basis.add_least_solution(&mut target, sums);
        self.factor.backward(&mut target);
        Direction { free: target, multipliers }
    }

    const fn is_stalled(&self) -> bool {
        self.stalled > STALLED_MAX
    }

    /// How much of the direction can be taken, and what stops it.
    fn longest_step(&mut self, direction: &[f64]) -> (f64, Option<Limit>) {
        let (mut length, mut stop) = (1.0, None);
        let negligible = (DIRECTION_TOLERANCE * largest(direction)).max(CHANGE_MIN);
        for (place, (&i, &change)) in self.free.iter().zip(direction).enumerate() {
            if change.abs() <= negligible {
                continue;
            }
            let (bound, side) = if change > 0.0 {
                (self.program.upper[i], Place::Upper)
            } else {
                (self.program.lower[i], Place::Lower)
            };
            let ratio = ((bound - self.x[i]) / change).max(0.0);
            if ratio < length || (ratio <= length && self.is_stalled() && self.random.below(2) > 0) {
                (length, stop) = (ratio, Some(Limit::Bound(place, side)));
            }
        }
        self.longest_step_of_rows(direction, (length, stop))
    }

    fn longest_step_of_rows(
        &mut self,
        direction: &[f64],
        (mut length, mut stop): (f64, Option<Limit>),
    ) -> (f64, Option<Limit>) {
        let rows = self.program.rows;
        // The budget is always in the working set, or nothing can move.
        for row in (1..rows.len()).filter(|row| self.working.iter().all(|(held, _)| held != row)) {
            let coefficients = rows.coefficients.row(row);
            let terms = self.free.iter().zip(direction).map(|(&i, change)| coefficients[i] * change);
            let (change, size) = terms.fold((0.0, 0.0), |(sum, size), term| (sum + term, size + term.abs()));
            if change.abs() <= (DIRECTION_TOLERANCE * 10.0 * size).max(CHANGE_MIN) {
                continue;
            }
            let (bound, side) =
                if change > 0.0 { (rows.most[row], Side::Most) } else { (rows.least[row], Side::Least) };
            let ratio = ((bound - dot(coefficients, &self.x)) / change).max(0.0);
            if ratio < length || (ratio <= length && self.is_stalled() && self.random.below(2) > 0) {
                (length, stop) = (ratio, Some(Limit::Row(row, side)));
            }
        }
        (length, stop)
    }

    /// Takes this part of the direction; whether that changed the point.
    fn advance(&mut self, direction: &[f64], length: f64) -> bool {
        let changes: Vec<(usize, f64)> =
            self.free.iter().zip(direction).map(|(&i, change)| (i, length * change)).collect();
        for &(i, change) in &changes {
            self.x[i] = (self.x[i] + change).clamp(self.program.lower[i], self.program.upper[i]);
        }
        if length > 0.0 {
            add_rows(&mut self.gradient, self.program.hessian, &changes);
        }
        length * largest(direction) > f64::EPSILON
    }

    fn add(&mut self, limit: Limit) {
        match limit {
            Limit::Bound(place, side) => {
                let i = self.free.remove(place);
                self.factor.remove(place);
                self.places[i] = side;
                self.x[i] = if side == Place::Upper { self.program.upper[i] } else { self.program.lower[i] };
            }
            Limit::Row(row, side) => self.working.push((row, side)),
        }
    }

    fn release(&mut self, limit: Limit) -> Result<(), QuantError> {
        match limit {
            Limit::Bound(i, _) => self.set_free(i),
            Limit::Row(row, _) => {
                self.working.retain(|(held, _)| *held != row);
                Ok(())
            }
        }
    }

    fn set_free(&mut self, i: usize) -> Result<(), QuantError> {
        let row = self.program.hessian.row(i);
        let coefficients = &self.program.rows.coefficients;
        let beside = (0..coefficients.rows()).map(|row| coefficients[(row, i)]).collect();
        self.factor.push(self.free.iter().map(|&j| row[j]).collect(), row[i], beside)?;
        self.free.push(i);
        self.places[i] = Place::Free;
        Ok(())
    }
}

/// Adds these multiples of rows of the matrix, four rows at a time so that the sum is read and written less often.
fn add_rows(sum: &mut [f64], matrix: &Matrix, parts: &[(usize, f64)]) {
    let (quads, rest) = parts.as_chunks::<4>();
    for &[(a, fa), (b, fb), (c, fc), (d, fd)] in quads {
        let (first, second) =
            (matrix.row(a).iter().zip(matrix.row(b)), matrix.row(c).iter().zip(matrix.row(d)));
        for (sum, ((a, b), (c, d))) in sum.iter_mut().zip(first.zip(second)) {
            *sum += (fa * a + fb * b) + (fc * c + fd * d);
        }
    }
    for &(i, factor) in rest {
        add_scaled(sum, factor, matrix.row(i));
    }
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, value| value.abs().max(largest))
}
