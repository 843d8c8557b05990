//! The term structure of futures: slope, roll yield and curvature.
//!
//! With `y = ln F(T)` over expiries `T` in years:
//!
//! - roll yield: `(y₁ − y₂) / (T₂ − T₁)` of the two nearest, per year; what a long position gains if the curve stays as
//!   it is and the price rolls along it (Erb and Harvey 2006; Koijen, Moskowitz, Pedersen and Vrugt, "Carry", 2018).
//!   Above zero in backwardation;
//! - slope: that of the least-squares line through all points, per year; above zero in contango;
//! - curvature: twice the second divided difference of the first, the middle and the last point, per year squared; none
//!   for two points;
//! - standard error of the roll yield: `√(s₁² + s₂²) / (T₂ − T₁)` for relative errors `s` of the prices.
//!
//! The direction is to buy in backwardation and to sell in contango.

use super::{Direction, Signal, check_thresholds, confidence, z_of};
use crate::{QuantError, check};

/// Most points of one curve.
pub const POINTS_MAX: usize = 1_000;

/// A price on the curve. The spot price may be the first point, at expiry zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TermPoint {
    pub expiry_years: f64,
    pub price: f64,
    /// Standard error of the price as a share of it, such as half the spread over the price.
    pub relative_error: f64,
}

/// When a roll yield is large enough. Per year, as fractions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RollThresholds {
    /// From where the direction is not flat.
    pub entry: f64,
    /// Where the strength is 1.
    pub full: f64,
}

/// The form of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Every price is above the one before.
    Contango,
    /// Every price is below the one before.
    Backwardation,
    /// All prices are the same.
    Flat,
    /// None of these.
    Mixed,
}

/// The signal and the numbers behind it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TermStructureSignal {
    pub signal: Signal,
    pub shape: Shape,
    /// Of a long position in the nearest, per year.
    pub roll_yield: f64,
    pub roll_yield_error: f64,
    /// The one over the other.
    pub z: f64,
    /// Of the logarithm of the price, per year.
    pub slope: f64,
    /// Of the logarithm of the price, per year squared; nothing for two points.
    pub curvature: Option<f64>,
}

/// Judges a curve.
///
/// # Errors
/// If there are fewer than two points or more than [`POINTS_MAX`], expiries are negative or not rising, a price is not
/// above zero, an error is negative, the thresholds are not in order, or a result is too large for a number.
pub fn term_structure(
    points: &[TermPoint],
    thresholds: &RollThresholds,
) -> Result<TermStructureSignal, QuantError> {
    check_thresholds(thresholds.entry, thresholds.full)?;
    check_points(points)?;
    let (near, next) = (&points[0], &points[1]);
    let span = next.expiry_years - near.expiry_years;
    let roll_yield = check::finite("roll yield", (near.price.ln() - next.price.ln()) / span)?;
    let error = near.relative_error.hypot(next.relative_error) / span;
    let roll_yield_error = check::finite("error of the roll yield", error)?;
    let z = z_of(roll_yield, roll_yield_error);
    let signal = Signal {
        direction: Direction::of(roll_yield, thresholds.entry),
        strength: (roll_yield / thresholds.full).clamp(-1.0, 1.0),
        confidence: confidence(z),
    };
    let curvature = curvature(points).map(|curvature| check::finite("curvature", curvature)).transpose()?;
    Ok(TermStructureSignal {
        signal,
        shape: shape(points),
        roll_yield,
        roll_yield_error,
        z,
        slope: check::finite("slope", slope(points))?,
        curvature,
    })
}

fn check_points(points: &[TermPoint]) -> Result<(), QuantError> {
    let (what, got) = ("term structure", points.len());
    if got < 2 {
        return Err(QuantError::TooFew { what, needed: 2, got });
    }
    if got > POINTS_MAX {
        return Err(QuantError::TooMany { what, most: POINTS_MAX, got });
    }
    for point in points {
        check::not_negative("expiry", point.expiry_years)?;
        check::positive("price", point.price)?;
        check::not_negative("relative error", point.relative_error)?;
    }
    for pair in points.windows(2) {
        if pair[1].expiry_years <= pair[0].expiry_years {
            let value = pair[1].expiry_years;
            return Err(QuantError::OutOfRange { what: "expiry", value, expected: "after the one before" });
        }
    }
    Ok(())
}

fn shape(points: &[TermPoint]) -> Shape {
    let all = |is: fn(f64, f64) -> bool| points.windows(2).all(|pair| is(pair[0].price, pair[1].price));
    if all(|a, b| a < b) {
        Shape::Contango
    } else if all(|a, b| a > b) {
        Shape::Backwardation
    } else if all(|a, b| a <= b) && all(|a, b| a >= b) {
        Shape::Flat
    } else {
        Shape::Mixed
    }
}

#[expect(clippy::cast_precision_loss, reason = "at most POINTS_MAX points")]
fn slope(points: &[TermPoint]) -> f64 {
    let count = points.len() as f64;
    let expiry = points.iter().map(|point| point.expiry_years / count).sum::<f64>();
    let level = points.iter().map(|point| point.price.ln()).sum::<f64>() / count;
    let (mut covariance, mut variance) = (0.0, 0.0);
    for point in points {
        let distance = point.expiry_years - expiry;
        covariance += distance * (point.price.ln() - level);
        variance += distance * distance;
    }
    covariance / variance
}

fn curvature(points: &[TermPoint]) -> Option<f64> {
    let (first, last) = (points.first()?, points.last()?);
    let middle = (points.len() > 2).then(|| &points[points.len() / 2])?;
    let rise = |from: &TermPoint, to: &TermPoint| {
        (to.price.ln() - from.price.ln()) / (to.expiry_years - from.expiry_years)
    };
    Some(2.0 * (rise(middle, last) - rise(first, middle)) / (last.expiry_years - first.expiry_years))
}
