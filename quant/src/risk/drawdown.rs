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
    /// `worst_ratio` or just above zero: after a total loss, nothing is calm any more.
    floor: f64,
    squares: f64,
    /// Lowest return below minus one, if there was one.
    lowest: f64,
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
    if returns.is_empty() {
        return Err(QuantError::TooFew { what: "returns", needed: 1, got: 0 });
    }
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
    // One quick reading; which fault it was matters only if there is one.
    if returns.iter().fold(true, |right, &value| right & (-1.0..f64::INFINITY).contains(&value)) {
        return Ok(());
    }
    check::series("returns", returns, 0)?;
    Err(below_total_loss(returns.iter().copied().fold(0.0, lesser)))
}

const fn below_total_loss(value: f64) -> QuantError {
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
            floor: 1.0,
            lowest: -1.0,
            squares: 0.0,
        }
    }

    /// Follows a stretch of returns; eight at a time, as two halves whose products do not wait for one another, where they
    /// make neither a new peak nor a new trough.
    pub(super) fn advance(&mut self, returns: &[f64]) {
        let (chunks, rest) = returns.as_chunks::<8>();
        let mut squares = [0.0; 2];
        for chunk in chunks {
            let factors = |i: usize| [1.0 + chunk[i], 1.0 + chunk[i + 4]];
            let a = factors(0);
            let b = zip(a, factors(1), |x, y| x * y);
            let c = zip(b, factors(2), |x, y| x * y);
            let d = zip(c, factors(3), |x, y| x * y);
            let high = zip(zip(a, b, greater), zip(c, d, greater), greater);
            let low = zip(zip(a, b, lesser), zip(c, d, lesser), lesser);
            let start = [self.ratio, self.ratio * d[0]];
            let last = d[1];
            // Rounding keeps order, so the extremes need scaling only once.
            let calm =
                |lane: usize| (start[lane] * high[lane] <= 1.0) & (start[lane] * low[lane] >= self.floor);
            if calm(0) & calm(1) {
                let [a, b, c, d] =
                    [a, b, c, d].map(|products| zip(start, products, |x, y| (1.0 - x * y) * (1.0 - x * y)));
                let sum = |x: f64, y: f64| x + y;
                squares = zip(squares, zip(zip(a, b, sum), zip(c, d, sum), sum), sum);
                self.ratio = start[1] * last;
                self.position += 8;
            } else {
                self.step_through(chunk);
            }
        }
        self.step_through(rest);
        self.squares += squares[0] + squares[1];
    }

    #[inline(never)]
    fn step_through(&mut self, returns: &[f64]) {
        for &step in returns {
            self.step(step);
        }
    }

    fn step(&mut self, step: f64) {
        /// A growth above this goes into the logarithm, long before it overflows.
        const GROWTH_MAX: f64 = 1e100;
        self.position += 1;
        self.lowest = lesser(step, self.lowest);
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
            self.floor = self.ratio.max(f64::MIN_POSITIVE);
            self.worst = Drawdown { depth: self.ratio - 1.0, peak: self.peak, trough: self.position };
        }
        self.squares += (1.0 - self.ratio) * (1.0 - self.ratio);
    }

    /// Fails if a return lost more than all.
    pub(super) fn check(&self) -> Result<(), QuantError> {
        if self.lowest < -1.0 { Err(below_total_loss(self.lowest)) } else { Ok(()) }
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

fn zip(a: [f64; 2], b: [f64; 2], with: impl Fn(f64, f64) -> f64) -> [f64; 2] {
    [with(a[0], b[0]), with(a[1], b[1])]
}

fn greater(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

fn lesser(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}
