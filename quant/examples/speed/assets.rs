//! Portfolios and covariances of fifty and five hundred assets.
//!
//! A thousand daily returns come from a model of one market, ten sectors and each asset's own noise, as those of
//! equities do.

use crate::Outcome;
use crate::files::Inputs;
use crate::stopwatch::Stopwatch;
use bulkhead_quant::Matrix;
use bulkhead_quant::portfolio::hierarchical::hierarchical_risk_parity;
use bulkhead_quant::portfolio::limits::Limits;
use bulkhead_quant::portfolio::linkage::Linkage;
use bulkhead_quant::portfolio::mean_variance::{MeanVariance, Objective, efficient_frontier, optimise};
use bulkhead_quant::portfolio::risk_parity::risk_parity;
use bulkhead_quant::random::SplitMix64;
use bulkhead_quant::risk::covariance::sample_covariance;
use bulkhead_quant::risk::covariance::shrinkage::{Target, ledoit_wolf};
use bulkhead_quant::risk::moments::Divisor;
use std::hint::black_box;

const OBSERVATIONS: usize = 1_000;
const SECTORS: usize = 10;
const DAYS_PER_YEAR: f64 = 252.0;
const SIZES: [usize; 2] = [50, 500];

pub(crate) fn write(inputs: &Inputs) -> Outcome<()> {
    for assets in SIZES {
        inputs.write_numbers(&format!("assets_{assets}"), &market(assets))?;
    }
    Ok(())
}

/// Returns of assets, day by day.
fn market(assets: usize) -> Vec<f64> {
    let mut random = SplitMix64::new(7);
    let betas: Vec<[f64; 2]> =
        (0..assets).map(|_| [0.5 + random.uniform(), 0.5 + 0.5 * random.uniform()]).collect();
    let own: Vec<f64> = (0..assets).map(|_| 0.008 + 0.017 * random.uniform()).collect();
    let mut returns = Vec::with_capacity(assets * OBSERVATIONS);
    for _ in 0..OBSERVATIONS {
        let common = 0.0004 + 0.01 * random.normal();
        let sectors: Vec<f64> = (0..SECTORS).map(|_| 0.006 * random.normal()).collect();
        for i in 0..assets {
            let [market, sector] = betas[i];
            returns.push(market * common + sector * sectors[i % SECTORS] + own[i] * random.normal());
        }
    }
    returns
}

pub(crate) fn measure(inputs: &Inputs, watch: &mut Stopwatch) -> Outcome<()> {
    for assets in SIZES {
        if watch.wants_area("portfolio") {
            portfolios(&inputs.read_matrix(&format!("assets_{assets}"), assets)?, watch)?;
        }
        if watch.wants_area("covariance") {
            shrinkage(&inputs.read_matrix(&format!("assets_{assets}"), assets)?, watch)?;
        }
    }
    Ok(())
}

/// The yearly covariance and mean.
fn moments(returns: &Matrix) -> Outcome<(Matrix, Vec<f64>)> {
    let daily = sample_covariance(returns, Divisor::ObservationsLessOne)?;
    let yearly = daily.as_slice().iter().map(|entry| entry * DAYS_PER_YEAR).collect();
    let mean = |row: &[f64]| row.iter().sum::<f64>() / row.len() as f64 * DAYS_PER_YEAR;
    let by_asset = returns.transpose();
    let means = (0..by_asset.rows()).map(|asset| mean(by_asset.row(asset))).collect();
    Ok((Matrix::new(by_asset.rows(), by_asset.rows(), yearly)?, means))
}

fn portfolios(returns: &Matrix, watch: &mut Stopwatch) -> Outcome<()> {
    let assets = returns.columns();
    let (covariance, expected_returns) = moments(returns)?;
    let limits = Limits::long_only(assets);
    let problem =
        MeanVariance { covariance: &covariance, expected_returns: &expected_returns, limits: &limits };
    for (name, objective) in [
        ("minimum_variance", Objective::MinimumVariance),
        ("maximum_sharpe", Objective::MaximumSharpe { risk_free_rate: 0.02 }),
    ] {
        let best = || optimise(black_box(&problem), objective);
        if let Some((timed, best)) = watch.time(&format!("portfolio/{name}/{assets}"), best)? {
            timed.answer(&best.weights);
        }
    }
    let frontier = || efficient_frontier(black_box(&problem), 20);
    if let Some((timed, points)) = watch.time(&format!("portfolio/frontier/{assets}"), frontier)? {
        timed.answer(&points.iter().map(|point| point.volatility).collect::<Vec<_>>());
    }
    let parity = || risk_parity(black_box(&covariance));
    if let Some((timed, parity)) = watch.time(&format!("portfolio/risk_parity/{assets}"), parity)? {
        timed.answer(&parity.weights);
    }
    for (name, method) in [("single", Linkage::Single), ("ward", Linkage::Ward)] {
        let parity = || hierarchical_risk_parity(black_box(&covariance), method);
        if let Some((timed, parity)) = watch.time(&format!("portfolio/hrp_{name}/{assets}"), parity)? {
            timed.answer(&parity.weights);
        }
    }
    Ok(())
}

fn shrinkage(returns: &Matrix, watch: &mut Stopwatch) -> Outcome<()> {
    let assets = returns.columns();
    for (name, target) in
        [("variance", Target::ConstantVariance), ("correlation", Target::ConstantCorrelation)]
    {
        let shrunk = || ledoit_wolf(black_box(returns), target);
        if let Some((timed, shrunk)) = watch.time(&format!("covariance/{name}/{assets}"), shrunk)? {
            let mut answer = vec![shrunk.shrinkage];
            answer.extend_from_slice(shrunk.covariance.row(0));
            timed.answer(&answer);
        }
    }
    Ok(())
}
