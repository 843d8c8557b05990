//! A positive piecewise cubic through points.

use crate::option::sabr::QUOTES_MAX;
use crate::{QuantError, check};

/// How the slope at each point is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slopes {
    /// So that the second derivative is continuous, and zero at both ends.
    Natural,
    /// So that the cubic has no extremum between points: their harmonic mean, weighted by the opposite intervals, or
    /// zero where the secants differ in sign (Fritsch and Butland 1984).
    Monotone,
}

/// Points in order, and the slopes there. Beyond the ends the curve goes on straight, neither falling nor steeper than
/// total variance may rise.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Curve {
    knots: Vec<Knot>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Knot {
    x: f64,
    y: f64,
    slope: f64,
}

/// Total variance rises by less than this per unit of log-moneyness far out (Lee 2004).
const WING_SLOPE_MAX: f64 = 2.0;

impl Curve {
    /// The curve through points with positive ordinates.
    pub(super) fn new(mut points: Vec<(f64, f64)>, slopes: Slopes) -> Result<Self, QuantError> {
        if points.is_empty() {
            return Err(QuantError::TooFew { what: "slice", needed: 1, got: 0 });
        }
        if points.len() > QUOTES_MAX {
            return Err(QuantError::TooMany { what: "slice", most: QUOTES_MAX, got: points.len() });
        }
        points.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        for pair in points.windows(2) {
            check::positive("distance between strikes", pair[1].0 - pair[0].0)?;
        }
        let slopes = match slopes {
            Slopes::Natural => natural(&points),
            Slopes::Monotone => monotone(&points),
        };
        let knots: Vec<Knot> =
            points.iter().zip(slopes).map(|(&(x, y), slope)| Knot { x, y, slope }).collect();
        for knot in &knots {
            check::positive("total variance", knot.y)?;
            check::finite("slope of total variance", knot.slope)?;
        }
        for pair in knots.windows(2) {
            check::positive("total variance between quotes", lowest(pair[0], pair[1]))?;
        }
        Ok(Self { knots })
    }

    /// The value at `x`.
    pub(super) fn at(&self, x: f64) -> f64 {
        let after = self.knots.partition_point(|knot| knot.x < x);
        if after == 0 {
            let knot = self.knots[0];
            return knot.y + (knot.x - x) * (-knot.slope).clamp(0.0, WING_SLOPE_MAX);
        }
        let before = self.knots[after - 1];
        match self.knots.get(after) {
            Some(&after) => between(before, after, (x - before.x) / (after.x - before.x)),
            None => before.y + (x - before.x) * before.slope.clamp(0.0, WING_SLOPE_MAX),
        }
    }
}

/// The cubic from `a` to `b` at this share of the way.
fn between(a: Knot, b: Knot, share: f64) -> f64 {
    let width = b.x - a.x;
    let rest = 1.0 - share;
    let pull = a.slope * width * rest - b.slope * width * share;
    a.y * rest * rest * (1.0 + 2.0 * share) + b.y * share * share * (1.0 + 2.0 * rest) + share * rest * pull
}

/// The lowest value from `a` to `b`.
fn lowest(a: Knot, b: Knot) -> f64 {
    let width = b.x - a.x;
    let rise = b.y - a.y;
    // The derivative by the share of the way is first + 2 second s + third s².
    let first = a.slope * width;
    let second = 3.0 * rise - (2.0 * a.slope + b.slope) * width;
    let third = 3.0 * ((a.slope + b.slope) * width - 2.0 * rise);
    let mut least = a.y.min(b.y);
    let discriminant = second * second - third * first;
    if discriminant >= 0.0 {
        // The stable form of both roots.
        let q = -(second + discriminant.sqrt().copysign(second));
        for share in [q / third, first / q] {
            if share > 0.0 && share < 1.0 {
                least = least.min(between(a, b, share));
            }
        }
    }
    least
}

fn secants(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    points
        .windows(2)
        .map(|pair| {
            let width = pair[1].0 - pair[0].0;
            (width, (pair[1].1 - pair[0].1) / width)
        })
        .collect()
}

/// Slopes by elimination of the tridiagonal system that makes second derivatives meet.
fn natural(points: &[(f64, f64)]) -> Vec<f64> {
    let secants = secants(points);
    let (Some(&(_, first)), Some(&(_, last))) = (secants.first(), secants.last()) else {
        return vec![0.0; points.len()];
    };
    // Row i reads slope[i] + upper[i] slope[i+1] = right[i].
    let (mut upper, mut right) = (vec![0.5], vec![1.5 * first]);
    for pair in secants.windows(2) {
        let ((before, low), (after, high)) = (pair[0], pair[1]);
        let row = upper.len() - 1;
        let pivot = 2.0 * (before + after) - after * upper[row];
        let target = 3.0 * (after * low + before * high);
        right.push((target - after * right[row]) / pivot);
        upper.push(before / pivot);
    }
    let row = upper.len() - 1;
    let mut slopes = vec![0.0; points.len()];
    slopes[row + 1] = (3.0 * last - right[row]) / (2.0 - upper[row]);
    for i in (0..=row).rev() {
        slopes[i] = right[i] - upper[i] * slopes[i + 1];
    }
    slopes
}

fn monotone(points: &[(f64, f64)]) -> Vec<f64> {
    let secants = secants(points);
    let (Some(&(_, first)), Some(&(_, last))) = (secants.first(), secants.last()) else {
        return vec![0.0; points.len()];
    };
    let inner = secants.windows(2).map(|pair| {
        let ((before, low), (after, high)) = (pair[0], pair[1]);
        if low * high <= 0.0 {
            return 0.0;
        }
        let weight = (before + 2.0 * after) / (3.0 * (before + after));
        1.0 / (weight / low + (1.0 - weight) / high)
    });
    std::iter::once(first).chain(inner).chain(std::iter::once(last)).collect()
}
