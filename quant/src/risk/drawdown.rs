//! Drawdowns: how far equity stands below its highest so far.
//!
//! Equity begins at one, at position zero, and position `i` is after the `i`-th return. It is kept relative to its peak,
//! so that no length of series overflows it and no element needs a division.

use crate::{QuantError, check};

/// The deepest fall of equity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drawdown {
    /// Equity at the trough over equity at the peak, less one: between minus one and zero.
    pub depth: f64,
    /// Position of the peak, zero for the start.
    pub peak: usize,
    /// Position of the trough; that of the peak if equity never fell.
    pub trough: usize,
}

/// How long equity stood below its peak, in periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnderWater {
    /// Longest stretch.
    pub longest: usize,
    /// Stretch that the series ends with.
    pub current: usize,
    /// Sum of all stretches.
    pub total: usize,
}

/// Equity on its way through a series.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct EquityPath {
    position: usize,
    /// Equity over its peak.
    ratio: f64,
    /// The peak, less what `log_growth` holds.
    growth: f64,
    log_growth: f64,
    peak: usize,
    worst: Drawdown,
    worst_ratio: f64,
    squares: f64,
}

/// The drawdown after each return.
///
/// # Errors
/// If a return is not finite or below minus one.
pub fn drawdowns(returns: &[f64]) -> Result<Vec<f64>, QuantError> {
    check_returns(returns)?;
    let mut path = EquityPath::new();
    let depths = returns.iter().map(|&step| {
        path.step(step);
        path.ratio - 1.0
    });
    Ok(depths.collect())
}

/// The deepest drawdown, with the positions of its peak and its trough.
///
/// # Errors
/// If there is no return, or one is not finite or below minus one.
pub fn max_drawdown(returns: &[f64]) -> Result<Drawdown, QuantError> {
    check::series("returns", returns, 1)?;
    check_returns(returns)?;
    let mut path = EquityPath::new();
    path.advance(returns);
    Ok(path.worst())
}

/// How long equity stood below its peak.
///
/// # Errors
/// If a return is not finite or below minus one.
pub fn under_water(returns: &[f64]) -> Result<UnderWater, QuantError> {
    let mut under = UnderWater { longest: 0, current: 0, total: 0 };
    for depth in drawdowns(returns)? {
        if depth < 0.0 {
            under.current += 1;
            under.total += 1;
            under.longest = under.longest.max(under.current);
        } else {
            under.current = 0;
        }
    }
    Ok(under)
}

/// Fails unless all are finite and none loses more than all.
pub(super) fn check_returns(returns: &[f64]) -> Result<(), QuantError> {
    check::series("returns", returns, 0)?;
    returns.iter().find(|&&value| value < -1.0).map_or(Ok(()), |&value| Err(below_total_loss(value)))
}

pub(super) const fn below_total_loss(value: f64) -> QuantError {
    QuantError::OutOfRange { what: "return", value, expected: "at least minus one" }
}

impl EquityPath {
    pub(super) const fn new() -> Self {
        Self {
            position: 0,
            ratio: 1.0,
            growth: 1.0,
            log_growth: 0.0,
            peak: 0,
            worst: Drawdown { depth: 0.0, peak: 0, trough: 0 },
            worst_ratio: 1.0,
            squares: 0.0,
        }
    }

    /// Follows a stretch of returns; four at a time where they make neither a new peak nor a new trough, since products
    /// within the four do not wait for one another.
    pub(super) fn advance(&mut self, returns: &[f64]) {
        let (quads, rest) = returns.as_chunks::<4>();
        for quad in quads {
            let [a, b, c, d] = quad.map(|step| 1.0 + step);
            let ab = a * b;
            let ratios = [a, ab, ab * c, ab * (c * d)].map(|product| self.ratio * product);
            let high = ratios[0].max(ratios[1]).max(ratios[2].max(ratios[3]));
            let low = ratios[0].min(ratios[1]).min(ratios[2].min(ratios[3]));
            if high <= 1.0 && low >= self.worst_ratio {
                let [e, f, g, h] = ratios.map(|ratio| (1.0 - ratio) * (1.0 - ratio));
                self.squares += (e + f) + (g + h);
                self.ratio = ratios[3];
                self.position += 4;
            } else {
                for &step in quad {
                    self.step(step);
                }
            }
        }
        for &step in rest {
            self.step(step);
        }
    }

    fn step(&mut self, step: f64) {
        /// A growth above this goes into the logarithm, long before it overflows.
        const GROWTH_MAX: f64 = 1e100;
        self.position += 1;
        self.ratio *= 1.0 + step;
        if self.ratio > 1.0 {
            self.growth *= self.ratio;
            self.ratio = 1.0;
            self.peak = self.position;
            if self.growth > GROWTH_MAX {
                self.log_growth += self.growth.ln();
                self.growth = 1.0;
            }
        } else if self.ratio < self.worst_ratio {
            self.worst_ratio = self.ratio;
            self.worst = Drawdown { depth: self.ratio - 1.0, peak: self.peak, trough: self.position };
        }
        self.squares += (1.0 - self.ratio) * (1.0 - self.ratio);
    }

    pub(super) const fn worst(&self) -> Drawdown {
        self.worst
    }

    /// Sum of squared drawdowns.
    pub(super) const fn squares(&self) -> f64 {
        self.squares
    }

    /// Logarithm of the final equity; minus infinity if all was lost.
    pub(super) fn log_equity(&self) -> f64 {
        self.log_growth + self.growth.ln() + self.ratio.ln()
    }
}
