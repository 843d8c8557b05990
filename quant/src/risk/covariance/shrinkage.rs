//! The covariance of Ledoit and Wolf: the sample's, drawn towards a structured target by as much as the data say.
//!
//! `(1 - δ) S + δ F` with `S` the sample covariance (divisor `n`) and `δ = min(1, max(0, (π - ρ) / (n γ)))`: `π` the sum
//! of the asymptotic variances of the entries of `S`, `ρ` that of their covariances with those of `F`, `γ = ‖F - S‖²`.
//! * Constant variance: `F` the mean variance times the identity, for which `ρ` is left out (Journal of Multivariate
//!   Analysis 88, 2004), as scikit-learn and PyPortfolioOpt compute it.
//! * Constant correlation: `F` has the variances of `S` and their mean correlation (Honey, I shrunk the sample covariance
//!   matrix, Journal of Portfolio Management 30, 2004).
//!
//! The sums over pairs of assets of fourth-order products are taken as sums over observations of squared norms, so that
//! the only work of order `assets² · observations` is that of the sample covariance.

use super::{centred, deviations, packed, scaled};
use crate::matrix::dot;
use crate::{Matrix, QuantError, check};

/// What the sample is drawn towards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The mean variance on the diagonal, zero elsewhere.
    ConstantVariance,
    /// The sample's variances, and one correlation for all pairs.
    ConstantCorrelation,
}

/// A shrunk covariance, and how far it was drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Shrunk {
    /// The estimate.
    pub covariance: Matrix,
    /// Weight of the target, between zero and one.
    pub shrinkage: f64,
}

/// The Ledoit-Wolf covariance of observations (rows) of assets (columns), per period.
///
/// # Errors
/// If there are no assets or fewer than two observations, a product is not finite, or, for the constant correlation, an
/// asset does not vary or there is only one.
pub fn ledoit_wolf(observations: &Matrix, target: Target) -> Result<Shrunk, QuantError> {
    if observations.rows() < 2 {
        return Err(QuantError::TooFew { what: "observations", needed: 2, got: observations.rows() });
    }
    let centred = centred(observations)?;
    let packed = packed(&centred);
    let n = packed.observations() as f64;
    let sample = scaled(&packed.product(), n)?;
    // Σᵢⱼ (1/n Σₜ xᵢ² xⱼ² - sᵢⱼ²), the first part as 1/n Σₜ (Σᵢ xᵢ²)².
    let norms = (0..centred.rows()).map(|t| dot(centred.row(t), centred.row(t)).powi(2)).sum::<f64>();
    let square = dot(sample.as_slice(), sample.as_slice());
    let pi = check::finite("fourth moment", norms / n - square)?;
    let (structure, rho) = match target {
        Target::ConstantVariance => (constant_variance(&sample), 0.0),
        Target::ConstantCorrelation => constant_correlation(&centred, &sample)?,
    };
    let distances = structure.as_slice().iter().zip(sample.as_slice()).map(|(f, s)| (f - s) * (f - s));
    let distance: f64 = distances.sum();
    // A sample that already is its target needs no weight.
    let shrinkage = if distance > 0.0 { ((pi - rho) / (n * distance)).clamp(0.0, 1.0) } else { 0.0 };
    check::finite("shrinkage", shrinkage)?;
    let pairs = structure.as_slice().iter().zip(sample.as_slice());
    let data = pairs.map(|(f, s)| shrinkage * f + (1.0 - shrinkage) * s).collect();
    Ok(Shrunk { covariance: Matrix::new(sample.rows(), sample.columns(), data)?, shrinkage })
}

fn constant_variance(sample: &Matrix) -> Matrix {
    let diagonal = sample.diagonal();
    let mean = diagonal.iter().sum::<f64>() / diagonal.len() as f64;
    let mut structure = Matrix::zeros(sample.rows(), sample.columns());
    for i in 0..diagonal.len() {
        structure[(i, i)] = mean;
    }
    structure
}

/// The target of one correlation, and `ρ`.
fn constant_correlation(centred: &Matrix, sample: &Matrix) -> Result<(Matrix, f64), QuantError> {
    let assets = sample.rows();
    if assets < 2 {
        return Err(QuantError::TooFew { what: "assets", needed: 2, got: assets });
    }
    let deviations = deviations(sample)?;
    let inverse: Vec<f64> = deviations.iter().map(|deviation| 1.0 / deviation).collect();
    // Σᵢⱼ sᵢⱼ / (σᵢ σⱼ), of which the diagonal gives one each.
    let mean = (sample.quadratic(&inverse) - assets as f64) / (assets * (assets - 1)) as f64;
    let mut structure = Matrix::zeros(assets, assets);
    for i in 0..assets {
        for j in 0..assets {
            structure[(i, j)] = mean * deviations[i] * deviations[j];
        }
        structure[(i, i)] = sample[(i, i)];
    }
    Ok((structure, rho(centred, sample, mean)?))
}

/// `Σᵢ πᵢᵢ + r̄ Σᵢ≠ⱼ (σⱼ/σᵢ) ϑᵢⱼ` with `ϑᵢⱼ = 1/n Σₜ xᵢ³ xⱼ - sᵢᵢ sᵢⱼ`; both halves of the published sum are this one.
fn rho(centred: &Matrix, sample: &Matrix, mean_correlation: f64) -> Result<f64, QuantError> {
    let deviations = deviations(sample)?;
    let n = centred.rows() as f64;
    let (mut all, mut diagonal) = (0.0, 0.0);
    for t in 0..centred.rows() {
        let row = centred.row(t);
        let together = dot(row, &deviations);
        let cubes: f64 = row.iter().zip(&deviations).map(|(x, deviation)| x * x * x / deviation).sum();
        all += cubes * together;
        diagonal += row.iter().map(|x| (x * x) * (x * x)).sum::<f64>();
    }
    let weighted = sample.times(&deviations);
    all = all / n - dot(&weighted, &deviations);
    let variances = sample.diagonal();
    diagonal = diagonal / n - dot(&variances, &variances);
    check::finite("fourth moment", diagonal + mean_correlation * (all - diagonal))
}
