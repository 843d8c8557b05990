//! Medians of the time that a portfolio takes, by method and number of assets.
//!
//! Covariances are sample covariances of 1,000 daily returns from a model of one market, ten sectors and each asset's
//! own noise, as equity returns are.
#![expect(clippy::indexing_slicing, reason = "a measurement of matrices that it made itself")]

use bulkhead_quant::portfolio::hierarchical::hierarchical_risk_parity;
use bulkhead_quant::portfolio::limits::Limits;
use bulkhead_quant::portfolio::linkage::Linkage;
use bulkhead_quant::portfolio::mean_variance::{MeanVariance, Objective, efficient_frontier, optimise};
use bulkhead_quant::portfolio::risk_parity::risk_parity;
use bulkhead_quant::random::SplitMix64;
use bulkhead_quant::{Matrix, QuantError};
use std::hint::black_box;
use std::time::Instant;

const OBSERVATIONS: usize = 1_000;
const SECTORS: usize = 10;

fn main() -> Result<(), QuantError> {
    for assets in [50, 500] {
        let (covariance, expected_returns) = market(assets)?;
        let limits = Limits::long_only(assets);
        let problem =
            MeanVariance { covariance: &covariance, expected_returns: &expected_returns, limits: &limits };
        let sharpe = Objective::MaximumSharpe { risk_free_rate: 0.02 };
        let repeats = if assets > 100 { 31 } else { 301 };
        measure("minimum variance", (assets, repeats), || optimise(&problem, Objective::MinimumVariance));
        measure("maximum Sharpe", (assets, repeats), || optimise(&problem, sharpe));
        measure("frontier of 20", (assets, repeats), || efficient_frontier(&problem, 20));
        measure("risk parity", (assets, repeats), || risk_parity(&covariance));
        measure("HRP single", (assets, repeats), || hierarchical_risk_parity(&covariance, Linkage::Single));
        measure("HRP ward", (assets, repeats), || hierarchical_risk_parity(&covariance, Linkage::Ward));
    }
    Ok(())
}

fn measure<T>(what: &str, (assets, repeats): (usize, usize), run: impl Fn() -> Result<T, QuantError>) {
    let mut times: Vec<f64> = (0..repeats)
        .map(|_| {
            let begin = Instant::now();
            let answer = black_box(run());
            let time_ms = begin.elapsed().as_secs_f64() * 1e3;
            assert!(answer.is_ok(), "the question has an answer");
            time_ms
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("{what:18} {assets:4} assets: median {:9.4} ms, best {:9.4} ms", times[repeats / 2], times[0]);
}

/// The yearly sample covariance and mean of simulated daily returns.
fn market(assets: usize) -> Result<(Matrix, Vec<f64>), QuantError> {
    let mut random = SplitMix64::new(7);
    let betas: Vec<[f64; 2]> =
        (0..assets).map(|_| [0.5 + random.uniform(), 0.5 + 0.5 * random.uniform()]).collect();
    let own: Vec<f64> = (0..assets).map(|_| 0.008 + 0.017 * random.uniform()).collect();
    let mut deviations = Matrix::zeros(assets, OBSERVATIONS);
    for day in 0..OBSERVATIONS {
        let common = 0.0004 + 0.01 * random.normal();
        let sectors: Vec<f64> = (0..SECTORS).map(|_| 0.006 * random.normal()).collect();
        for i in 0..assets {
            let [market, sector] = betas[i];
            deviations[(i, day)] = market * common + sector * sectors[i % SECTORS] + own[i] * random.normal();
        }
    }
    let count = 1_000.0;
    let mut means = Vec::with_capacity(assets);
    for i in 0..assets {
        let row = deviations.row_mut(i);
        let mean = row.iter().sum::<f64>() / count;
        for value in row {
            *value -= mean;
        }
        means.push(mean * 252.0);
    }
    let product = deviations.multiply(&deviations.transpose());
    let yearly = product.as_slice().iter().map(|entry| entry * 252.0 / (count - 1.0)).collect();
    Ok((Matrix::new(assets, assets, yearly)?, means))
}
