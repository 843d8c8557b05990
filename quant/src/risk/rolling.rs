//! Measures over a moving window, each in time O(1) per step and as accurate as from scratch.
//!
//! Nothing is ever subtracted: a window that straddles two stretches of its own length is the merging of the end of the
//! first with the beginning of the second (van Herk, Pattern Recognition Letters 13, 1992). Results begin with the first
//! full window. A ratio that a window does not define, since it does not vary, is `None`.

use super::drawdown::check_returns;
use super::moments::Moments;
use super::performance::{Convention, sharpe};
use super::relative::CoMoments;
use super::tail::Positions;
use crate::{QuantError, check};

/// Growth of a stretch, and its extremes relative to its two ends.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    growth: f64,
    /// Lowest equity against that at the beginning.
    low_after_start: f64,
    /// Final equity against the highest.
    end_below_high: f64,
    /// Lowest equity against a higher one before.
    worst: f64,
}

/// The moments of every window.
///
/// # Errors
/// If the window is empty or longer than the series, or a value is not finite.
pub fn rolling_moments(values: &[f64], window: usize) -> Result<Vec<Moments>, QuantError> {
    check_window(values, window)?;
    let all = merged(values.len(), window, |i| Moments::of_one(values[i]), Moments::merge);
    all.into_iter().map(Moments::checked).collect()
}

/// The annualised deviation of every window.
///
/// # Errors
/// As [`rolling_moments`], and if the window is too short for the divisor.
pub fn rolling_volatility(
    returns: &[f64],
    window: usize,
    convention: &Convention,
) -> Result<Vec<f64>, QuantError> {
    convention.check()?;
    let root = convention.periods_per_year.sqrt();
    let all = rolling_moments(returns, window)?;
    all.iter().map(|moments| Ok(moments.deviation(convention.divisor)? * root)).collect()
}

/// The Sharpe ratio of every window.
///
/// # Errors
/// As [`rolling_moments`], and if the window is too short for the divisor.
pub fn rolling_sharpe(
    returns: &[f64],
    window: usize,
    convention: &Convention,
) -> Result<Vec<Option<f64>>, QuantError> {
    convention.check()?;
    let all = rolling_moments(returns, window)?;
    all.iter().map(|moments| defined(sharpe(moments, convention))).collect()
}

/// The slope on the benchmark in every window.
///
/// # Errors
/// If the window is empty or longer than the series, these differ in length, or a value is not finite.
pub fn rolling_beta(
    returns: &[f64],
    benchmark: &[f64],
    window: usize,
) -> Result<Vec<Option<f64>>, QuantError> {
    check::length("benchmark", benchmark.len(), returns.len())?;
    check::series("benchmark", benchmark, 0)?;
    check_window(returns, window)?;
    let at = |i: usize| CoMoments::of_one([returns[i], benchmark[i]]);
    let all = merged(returns.len(), window, at, CoMoments::merge);
    all.iter().map(|moments| defined(moments.beta())).collect()
}

/// The depth of the deepest drawdown within every window, its equity beginning before its first return.
///
/// # Errors
/// If the window is empty or longer than the series, or a return is not finite or below minus one.
pub fn rolling_max_drawdown(returns: &[f64], window: usize) -> Result<Vec<f64>, QuantError> {
    check_window(returns, window)?;
    check_returns(returns)?;
    let at = |i: usize| {
        let growth = 1.0 + returns[i];
        let low = growth.min(1.0);
        Stretch { growth, low_after_start: low, end_below_high: low, worst: low }
    };
    let merge = |a: &Stretch, b: &Stretch| Stretch {
        growth: a.growth * b.growth,
        low_after_start: a.low_after_start.min(a.growth * b.low_after_start),
        end_below_high: b.end_below_high.min(a.end_below_high * b.growth),
        worst: a.worst.min(b.worst).min(a.end_below_high * b.low_after_start),
    };
    let all = merged(returns.len(), window, at, merge);
    all.iter().map(|stretch| check::finite("drawdown", stretch.worst - 1.0)).collect()
}

/// The value at risk of every window, by linear interpolation. The window is kept sorted: time O(window) per step, of
/// moving memory.
///
/// # Errors
/// If the window is empty or longer than the series, a value is not finite, or the level not between zero and one.
pub fn rolling_value_at_risk(returns: &[f64], window: usize, level: f64) -> Result<Vec<f64>, QuantError> {
    check_window(returns, window)?;
    let positions = Positions::new(window, level)?;
    let mut sorted = returns[..window].to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut risks = Vec::with_capacity(returns.len() - window + 1);
    risks.push(check::finite("value at risk", 0.0 - positions.linear(&sorted))?);
    for (gone, new) in returns.iter().zip(&returns[window..]) {
        let out = sorted.partition_point(|value| value.total_cmp(gone).is_lt());
        sorted.remove(out);
        let place = sorted.partition_point(|value| value.total_cmp(new).is_lt());
        sorted.insert(place, *new);
        risks.push(check::finite("value at risk", 0.0 - positions.linear(&sorted))?);
    }
    Ok(risks)
}

fn check_window(values: &[f64], window: usize) -> Result<(), QuantError> {
    if window == 0 {
        return Err(QuantError::TooFew { what: "window", needed: 1, got: 0 });
    }
    check::series("series", values, window).map(drop)
}

/// A ratio, or nothing where the window does not vary; other errors stay errors.
fn defined(value: Result<f64, QuantError>) -> Result<Option<f64>, QuantError> {
    match value {
        Ok(value) => Ok(Some(value)),
        Err(QuantError::Constant { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The merging of every window of `length` elements, at least one and at most all.
fn merged<T: Copy>(
    length: usize,
    window: usize,
    at: impl Fn(usize) -> T,
    merge: impl Fn(&T, &T) -> T,
) -> Vec<T> {
    let mut windows = Vec::with_capacity(length - window + 1);
    let mut ends = Vec::with_capacity(window);
    for start in (0..=length - window).step_by(window) {
        // `ends[j]` covers the last `j + 1` elements of this stretch.
        ends.clear();
        let mut end = at(start + window - 1);
        ends.push(end);
        for i in (start..start + window - 1).rev() {
            end = merge(&at(i), &end);
            ends.push(end);
        }
        windows.push(end);
        let mut beginning: Option<T> = None;
        for offset in 1..window.min(length - start - window + 1) {
            let next = at(start + window + offset - 1);
            let extended = beginning.map_or(next, |so_far| merge(&so_far, &next));
            beginning = Some(extended);
            windows.push(merge(&ends[window - 1 - offset], &extended));
        }
    }
    windows
}
