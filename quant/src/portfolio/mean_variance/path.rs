//! The walk along the frontier to a goal.

use super::{MeanVariance, Portfolio, Scaled, TRADE_OFF_MAX};
use crate::QuantError;
use crate::matrix::dot;
use crate::portfolio::quadratic::{Program, Slope, Solver};

/// Most trade-offs tried for one portfolio.
const SEARCH_MAX: usize = 300;

/// Largest miss of an optimality condition in an answer.
const RESIDUAL_MAX: f64 = 1e-8;

/// Part of a quantity by which a goal may be missed.
const TOLERANCE: f64 = 1e-14;

/// Part of a quantity by which a target may lie beyond the ends of the frontier, by rounding.
const END_TOLERANCE: f64 = 1e-12;

/// Where on the frontier the search ends, in scaled units.
#[derive(Debug, Clone, Copy)]
pub(super) enum Goal {
    TradeOff(f64),
    Sharpe(f64),
    Return(f64),
    Variance(f64),
    LargestReturn,
}

/// A walk along the frontier.
pub(super) struct Path<'a> {
    scaled: &'a Scaled,
    problem: &'a MeanVariance<'a>,
    solver: Solver<'a>,
    trade_off: f64,
}

/// Where the walk is.
struct Position {
    trade_off: f64,
    expected_return: f64,
    variance: f64,
    slope: Slope,
}

impl<'a> Path<'a> {
    /// Begins at the least variance.
    pub(super) fn new(scaled: &'a Scaled, problem: &'a MeanVariance<'a>) -> Result<Self, QuantError> {
        let program = Program {
            hessian: &scaled.covariance,
            lower: &problem.limits.lower,
            upper: &problem.limits.upper,
            rows: &scaled.rows,
        };
        let mut path = Self { scaled, problem, solver: Solver::new(program)?, trade_off: 0.0 };
        path.go_to(0.0)?;
        Ok(path)
    }

    pub(super) fn go_to(&mut self, trade_off: f64) -> Result<(), QuantError> {
        self.trade_off = trade_off;
        self.solver.solve(self.scaled.returns.iter().map(|value| trade_off * value).collect())
    }

    pub(super) fn expected_return(&self) -> f64 {
        dot(&self.scaled.returns, self.solver.x())
    }

    fn position(&self) -> Position {
        Position {
            trade_off: self.trade_off,
            expected_return: self.expected_return(),
            variance: self.scaled.covariance.quadratic(self.solver.x()),
            slope: self.solver.slope(&self.scaled.returns),
        }
    }

    /// Moves to the goal.
    pub(super) fn search(&mut self, goal: Goal) -> Result<(), QuantError> {
        let (mut low, mut high) = (0.0, f64::INFINITY);
        for turn in 1..=SEARCH_MAX {
            let position = self.position();
            let excess = goal.excess(&position);
            if excess.abs() <= TOLERANCE || (excess > 0.0 && self.trade_off <= 0.0) {
                return goal.check_start(&position);
            }
            if excess > 0.0 {
                high = self.trade_off;
            } else {
                low = self.trade_off;
                if position.slope.is_last || low >= TRADE_OFF_MAX {
                    return goal.check_end(&position);
                }
            }
            let next = next_trade_off(goal.trade_off(&position), (low, high), turn);
            let is_narrow = high.is_finite() && high - low <= TOLERANCE * high;
            if is_narrow || (next - self.trade_off).abs() <= TOLERANCE * next {
                return Ok(());
            }
            self.go_to(next)?;
        }
        Err(QuantError::NoConvergence { what: "search along the efficient frontier", iterations: SEARCH_MAX })
    }

    pub(super) fn portfolio(&self) -> Result<Portfolio, QuantError> {
        let residual = self.solver.residual();
        if residual.is_nan() || residual > RESIDUAL_MAX {
            return Err(QuantError::NoConvergence {
                what: "quadratic program",
                iterations: self.solver.steps(),
            });
        }
        let weights = self.solver.x().to_vec();
        Ok(Portfolio {
            expected_return: dot(self.problem.expected_returns, &weights),
            volatility: self.problem.covariance.quadratic(&weights).max(0.0).sqrt(),
            weights,
            residual,
            steps: self.solver.steps(),
        })
    }
}

/// The guess if it is within the bracket; every fourth time, or without a guess, the middle of the bracket, or what is
/// well above its lower end.
fn next_trade_off(guess: Option<f64>, (low, high): (f64, f64), turn: usize) -> f64 {
    let ceiling = (low * 64.0).clamp(1.0, TRADE_OFF_MAX);
    match guess {
        Some(guess) if guess > low && guess < high && (high.is_infinite() || !turn.is_multiple_of(4)) => {
            if high.is_infinite() {
                guess.min(ceiling)
            } else {
                guess
            }
        }
        _ if high.is_infinite() => (low * 4.0).clamp(1e-3, TRADE_OFF_MAX),
        _ => low + 0.5 * (high - low),
    }
}

impl Goal {
    /// How far a position is beyond the goal, relative to the quantities compared.
    fn excess(self, position: &Position) -> f64 {
        let &Position { trade_off, expected_return, variance, .. } = position;
        let relative = |got: f64, wanted: f64| (got - wanted) / got.abs().max(wanted.abs()).max(1e-300);
        match self {
            Self::TradeOff(wanted) => relative(trade_off, wanted),
            Self::Sharpe(rate) => relative(trade_off * (expected_return - rate), variance),
            Self::Return(wanted) => relative(expected_return, wanted),
            Self::Variance(wanted) => relative(variance, wanted),
            Self::LargestReturn => -1.0,
        }
    }

    /// The trade-off of the goal if the active limits are those of the position.
    fn trade_off(self, position: &Position) -> Option<f64> {
        let &Position { trade_off, expected_return, variance, ref slope } = position;
        let gain = slope.gain;
        let guess = match self {
            Self::TradeOff(wanted) => wanted,
            Self::Sharpe(rate) => {
                (variance - trade_off * trade_off * gain) / (expected_return - trade_off * gain - rate)
            }
            Self::Return(wanted) => trade_off + (wanted - expected_return) / gain,
            Self::Variance(wanted) => (trade_off * trade_off + (wanted - variance) / gain).sqrt(),
            Self::LargestReturn => f64::NAN,
        };
        guess.is_finite().then_some(guess)
    }

    /// Whether the least variance, which is beyond the goal, meets it.
    fn check_start(self, position: &Position) -> Result<(), QuantError> {
        match self {
            Self::Variance(_) if self.excess(position) > END_TOLERANCE => {
                Err(QuantError::Infeasible { what: "a volatility below the least within the limits" })
            }
            _ => Ok(()),
        }
    }

    /// Whether the largest return, which falls short of the goal, meets it.
    fn check_end(self, position: &Position) -> Result<(), QuantError> {
        match self {
            Self::Return(_) if self.excess(position) < -END_TOLERANCE => {
                Err(QuantError::Infeasible { what: "a return above the largest within the limits" })
            }
            Self::Sharpe(rate) if position.expected_return <= rate => {
                Err(QuantError::Infeasible { what: "an expected return above the risk-free rate" })
            }
            _ => Ok(()),
        }
    }
}
