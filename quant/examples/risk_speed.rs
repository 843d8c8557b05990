//! Prints the median time of the measures of risk that are compared with other libraries.

use bulkhead_quant::matrix::Matrix;
use bulkhead_quant::random::SplitMix64;
use bulkhead_quant::risk::covariance::shrinkage::{Target, ledoit_wolf};
use bulkhead_quant::risk::garch::Garch;
use bulkhead_quant::risk::moments::Divisor;
use bulkhead_quant::risk::performance::{Convention, Performance};
use bulkhead_quant::risk::tail::{HistoricalTail, QuantileConvention, ShortfallConvention};
use std::hint::black_box;
use std::time::Instant;

const REPEATS: usize = 41;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let returns = normal_returns(1_000_000, 1);
    let tail = || HistoricalTail::new(black_box(&returns), 0.99);
    time("historical VaR 99 %, 1M returns", || Ok(tail()?.value_at_risk(QuantileConvention::Linear)))?;
    time("historical CVaR 99 % (with VaR), 1M returns", || {
        Ok(tail()?.expected_shortfall(ShortfallConvention::MeanBeyondLinearQuantile))
    })?;
    let convention = Convention {
        periods_per_year: 252.0,
        risk_free_per_period: 0.0,
        divisor: Divisor::ObservationsLessOne,
    };
    time("Sharpe, Sortino, max drawdown, 1M returns", || {
        let measured = Performance::of(black_box(&returns), &convention)?;
        Ok(measured.sharpe()? + measured.sortino()? + measured.max_drawdown().depth)
    })?;
    for assets in [50, 500] {
        let observations = Matrix::new(1000, assets, normal_returns(1000 * assets, 2))?;
        for target in [Target::ConstantVariance, Target::ConstantCorrelation] {
            time(&format!("Ledoit-Wolf {target:?}, {assets} assets, 1000 observations"), || {
                Ok(ledoit_wolf(black_box(&observations), target)?.shrinkage)
            })?;
        }
    }
    let series = garch_returns(1000);
    time("GARCH(1,1) fit with standard errors, 1000 returns", || {
        Ok(Garch::fit(black_box(&series))?.log_likelihood)
    })?;
    Ok(())
}

/// Prints the median over repeats, and the answer, so that it is worked out.
fn time(
    what: &str,
    work: impl Fn() -> Result<f64, bulkhead_quant::QuantError>,
) -> Result<(), bulkhead_quant::QuantError> {
    let mut times_us = Vec::new();
    let mut answer = work()?;
    for _ in 0..REPEATS {
        let start = Instant::now();
        answer = work()?;
        times_us.push(start.elapsed().as_secs_f64() * 1e6);
    }
    times_us.sort_by(f64::total_cmp);
    let at = |rank: usize| times_us.get(rank).copied().unwrap_or(f64::NAN);
    let (median, best) = (at(REPEATS / 2), at(0));
    println!("{what}: {median:.1} us (best {best:.1} us), answer {answer:.6}");
    Ok(())
}

fn normal_returns(count: usize, seed: u64) -> Vec<f64> {
    let mut random = SplitMix64::new(seed);
    (0..count).map(|_| 0.0003 + 0.01 * random.normal()).collect()
}

fn garch_returns(count: usize) -> Vec<f64> {
    let mut random = SplitMix64::new(3);
    let (mut variance, mut returns) = (1.0_f64, Vec::with_capacity(count));
    for _ in 0..count {
        let residual = variance.sqrt() * random.normal();
        returns.push(0.05 + residual);
        variance = 0.05 + 0.1 * residual * residual + 0.85 * variance;
    }
    returns
}
