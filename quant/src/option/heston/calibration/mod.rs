//! The parameters under which the model comes closest to quotes.
//!
//! What is minimised is the sum of the squared differences between model and market price, each over the quote's vega (or a
//! floor under it): to first order the differences of implied volatility. If the model does not meet the quotes exactly, the
//! last descent is on the differences of implied volatility themselves. The method is that of Levenberg and Marquardt with
//! the analytic gradient, in the logarithms of v₀, κ, θ, σ and the inverse hyperbolic tangent of ρ, from several starts that
//! are read off the quotes.
//!
//! An answer is given only if the quotes determine it. Otherwise [`QuantError::NotIdentified`] says what is wrong: the
//! best fit is far from the quotes, a parameter rests on the edge of what is searched, some combination of the parameters
//! has no effect, or a standard error is as large as its parameter.

mod descent;
mod guess;
mod identification;
mod quotes;

use super::grid::{ACCURATE, Fineness, Target};
use super::{Contract, Market, Parameters, PerParameter};
use crate::QuantError;
use descent::{Descent, Found, Search};

/// Quotes that are taken at most.
const QUOTES_MAX: usize = 100_000;
/// Five parameters, and one to tell a fit from an interpolation.
const QUOTES_MIN: usize = 6;
/// Root mean square error, in volatility, below which nothing better is looked for.
const EXACT: f64 = 1e-6;
/// Starts that are followed to their end after a first look.
const FINALISTS: usize = 3;

const ROUGH: Fineness = Fineness { fall: 18.0, blocks: 1, stretch: 5.0, phase: 70.0 };
const LOOK: Search = Search { fineness: ROUGH, iterations_max: 60, patience: 5, implied: false };
const PURSUE: Search = Search { patience: 60, ..LOOK };
const FINAL: Search = Search { fineness: ACCURATE, ..PURSUE };
const IMPLIED: Search = Search { implied: true, ..FINAL };

/// What was observed of an option.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Observed {
    /// Its price.
    Price(f64),
    /// Its implied volatility per year.
    Volatility(f64),
}

/// A quote to fit. The market's rates are those until the contract's expiry, so that curves can be followed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quote {
    /// Spot and rates.
    pub market: Market,
    /// What is quoted.
    pub contract: Contract,
    /// At what.
    pub observed: Observed,
}

/// A calibration that is about to run.
///
/// At least 99 of 100 sets of parameters are found again to 1e-3 from the exact prices of five maturities between 0.1 and 2
/// years with ten strikes each, without a start, if v₀ and θ lie between 0.002 and 2, κ between 0.1 and 20, σ between 0.05
/// and 3 and ρ between -0.95 and 0.95; the others are refused.
pub struct Calibration<'a> {
    quotes: &'a [Quote],
    start: Option<Parameters>,
    is_cancelled: Option<&'a dyn Fn() -> bool>,
    report: Option<&'a dyn Fn(f64)>,
}

/// Parameters, and how well they fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The best parameters.
    pub parameters: Parameters,
    /// Their standard errors, from the curvature of the sum of squares and the variance of what is left; that variance is
    /// taken to be at least that of an error of 1e-8 in volatility.
    pub standard_errors: PerParameter,
    /// Root mean square error of the prices.
    pub rmse_price: f64,
    /// Root mean square error of the implied volatilities.
    pub rmse_volatility: f64,
    /// Whether the variance never touches zero.
    pub feller: bool,
    /// Evaluations of the whole surface with its gradient, from all starts.
    pub iterations: usize,
}

impl<'a> Calibration<'a> {
    /// A calibration to these quotes.
    #[must_use]
    pub const fn new(quotes: &'a [Quote]) -> Self {
        Self { quotes, start: None, is_cancelled: None, report: None }
    }

    /// Starts from these parameters too, and first if they are nearer to the quotes than what is read off them.
    #[must_use]
    pub const fn start(mut self, parameters: Parameters) -> Self {
        self.start = Some(parameters);
        self
    }

    /// Asks before each iteration whether to stop.
    #[must_use]
    pub const fn cancelled_by(mut self, is_cancelled: &'a dyn Fn() -> bool) -> Self {
        self.is_cancelled = Some(is_cancelled);
        self
    }

    /// Says how far it is, from zero to one, after each start that was followed.
    #[must_use]
    pub const fn reporting_to(mut self, report: &'a dyn Fn(f64)) -> Self {
        self.report = Some(report);
        self
    }

    /// Finds the parameters.
    ///
    /// # Errors
    /// If there are fewer than six quotes, or one is not finite or allows arbitrage, or the start is out of range; if the
    /// quotes do not determine the parameters; if asked to stop.
    pub fn run(&self) -> Result<Fit, QuantError> {
        let targets = quotes::targets(self.quotes)?;
        if let Some(start) = &self.start {
            start.check()?;
        }
        let mut descent = Descent::new(&targets, self.is_cancelled);
        let best = self.search(&targets, &mut descent)?;
        let inexact = best.rmse(targets.len()) > EXACT;
        let best = descent.follow(&best.parameters, if inexact { IMPLIED } else { FINAL })?;
        identification::fit(&targets, &best, descent.evaluations())
    }

    /// Where to start, the most promising first.
    fn starts(&self, targets: &[Target], descent: &mut Descent<'_>) -> Vec<Parameters> {
        let mut starts = guess::starts(targets);
        if let (Some(start), Some(guess)) = (self.start, starts.first()) {
            let nearer = descent.cost(&start, ROUGH) <= descent.cost(guess, ROUGH);
            starts.insert(if nearer { 0 } else { starts.len() }, start);
        }
        starts
    }

    /// The best parameters from all starts. What a start led to is pursued at once if it looks like a fit; the rest only if
    /// nothing fits exactly.
    fn search(&self, targets: &[Target], descent: &mut Descent<'_>) -> Result<Found, QuantError> {
        let mut looked = Vec::new();
        let starts = self.starts(targets, descent);
        // One more for the end, which is told by returning.
        let (count, mut done) = (starts.len() + FINALISTS + 1, 0);
        for start in starts {
            let found = descent.follow(&start, LOOK)?;
            if found.rmse(targets.len()) < EXACT {
                return Ok(found);
            }
            looked.push(found);
            self.tell(&mut done, count);
        }
        looked.sort_by(|a, b| a.cost.total_cmp(&b.cost));
        looked.truncate(FINALISTS);
        for found in &mut looked {
            if !found.settled {
                *found = descent.follow(&found.parameters, PURSUE)?;
            }
            self.tell(&mut done, count);
        }
        looked.sort_by(|a, b| a.cost.total_cmp(&b.cost));
        identification::unrivalled(&looked)?;
        looked.into_iter().next().ok_or(QuantError::NotIdentified { why: "no start led anywhere" })
    }

    #[expect(clippy::cast_precision_loss, reason = "a handful of steps")]
    fn tell(&self, done: &mut usize, count: usize) {
        *done += 1;
        if let Some(report) = self.report {
            report(*done as f64 / count as f64);
        }
    }
}
