//! Portfolios: the reference weights, and what must hold of any weights.

mod fuzz;
mod golden;
mod mean_variance;
mod rebalance;
mod risk_based;

use bulkhead_quant::Matrix;
use bulkhead_quant::random::SplitMix64;

/// The sample covariance of observations in rows.
fn sample_covariance(observations: &[Vec<f64>]) -> Matrix {
    let (count, n) = (observations.len() as f64, observations[0].len());
    let means: Vec<f64> =
        (0..n).map(|j| observations.iter().map(|row| row[j]).sum::<f64>() / count).collect();
    let mut covariance = Matrix::zeros(n, n);
    for row in observations {
        for i in 0..n {
            for j in 0..n {
                covariance[(i, j)] += (row[i] - means[i]) * (row[j] - means[j]) / (count - 1.0);
            }
        }
    }
    covariance
}

/// Daily returns of a market with three common factors, and their sample covariance and means.
fn market(n: usize, seed: u64) -> (Matrix, Vec<f64>) {
    let mut random = SplitMix64::new(seed);
    let betas: Vec<[f64; 3]> = (0..n)
        .map(|_| [0.6 + 0.8 * random.uniform(), 0.5 * random.normal(), 0.5 * random.normal()])
        .collect();
    let own: Vec<f64> = (0..n).map(|_| 0.008 + 0.015 * random.uniform()).collect();
    let observations: Vec<Vec<f64>> = (0..6 * n + 40)
        .map(|_| {
            let factors = [0.0004 + 0.01 * random.normal(), 0.005 * random.normal(), 0.005 * random.normal()];
            (0..n)
                .map(|i| {
                    let common: f64 = betas[i].iter().zip(factors).map(|(beta, factor)| beta * factor).sum();
                    common + own[i] * random.normal()
                })
                .collect()
        })
        .collect();
    let count = observations.len() as f64;
    let means = (0..n).map(|j| observations.iter().map(|row| row[j]).sum::<f64>() / count).collect();
    (sample_covariance(&observations), means)
}

/// The largest difference of two lists.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).fold(0.0, |most, (a, b)| most.max((a - b).abs()))
}
