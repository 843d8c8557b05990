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

use super::{Centred, deviations};
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
    let centred = Centred::new(observations)?;
    let n = observations.rows() as f64;
    let sample = centred.covariance(n)?;
    // Σᵢⱼ (1/n Σₜ xᵢ² xⱼ² - sᵢⱼ²), the first part as 1/n Σₜ (Σᵢ xᵢ²)².
    let mut norms = 0.0;
    centred.each_row(|row| norms += dot(row, row).powi(2));
    let pi = check::finite("fourth moment", norms / n - dot(sample.as_slice(), sample.as_slice()))?;
    match target {
        Target::ConstantVariance => {
            let mean = sample.diagonal().iter().sum::<f64>() / sample.rows() as f64;
            blend(sample, pi / n, |i, j| if i == j { mean } else { 0.0 })
        }
        Target::ConstantCorrelation => {
            let (mean, deviations) = mean_correlation(&sample)?;
            let rho = rho(&centred, &sample, (mean, &deviations))?;
            let variances = sample.diagonal();
            let entry = |i: usize, j: usize| {
                if i == j { variances[i] } else { mean * deviations[i] * deviations[j] }
            };
            blend(sample, (pi - rho) / n, entry)
        }
    }
}

/// Draws the sample towards a symmetric target; `uncertainty` over their distance is the weight.
fn blend(
    mut sample: Matrix,
    uncertainty: f64,
    target: impl Fn(usize, usize) -> f64,
) -> Result<Shrunk, QuantError> {
    let assets = sample.rows();
    let mut distance = 0.0;
    for i in 0..assets {
        for (j, value) in sample.row(i).iter().enumerate() {
            distance += (target(i, j) - value).powi(2);
        }
    }
    check::finite("distance to the target", distance)?;
    // A sample that already is its target needs no weight.
    let shrinkage = if distance > 0.0 { (uncertainty / distance).clamp(0.0, 1.0) } else { 0.0 };
    for i in 0..assets {
        for (j, value) in sample.row_mut(i).iter_mut().enumerate() {
            *value = shrinkage * target(i, j) + (1.0 - shrinkage) * *value;
        }
    }
    check::series("covariance", sample.as_slice(), 0)?;
    Ok(Shrunk { covariance: sample, shrinkage })
}

/// The mean correlation of all pairs, and the deviation of each asset.
fn mean_correlation(sample: &Matrix) -> Result<(f64, Vec<f64>), QuantError> {
    let assets = sample.rows();
    if assets < 2 {
        return Err(QuantError::TooFew { what: "assets", needed: 2, got: assets });
    }
    let deviations = deviations(sample)?;
    let inverse: Vec<f64> = deviations.iter().map(|deviation| 1.0 / deviation).collect();
    // Σᵢⱼ sᵢⱼ / (σᵢ σⱼ), of which the diagonal gives one each.
    let mean = (sample.quadratic(&inverse) - assets as f64) / (assets * (assets - 1)) as f64;
    Ok((check::finite("mean correlation", mean)?, deviations))
}

/// `Σᵢ πᵢᵢ + r̄ Σᵢ≠ⱼ (σⱼ/σᵢ) ϑᵢⱼ` with `ϑᵢⱼ = 1/n Σₜ xᵢ³ xⱼ - sᵢᵢ sᵢⱼ`; both halves of the published sum are this one.
fn rho(centred: &Centred<'_>, sample: &Matrix, (mean, deviations): (f64, &[f64])) -> Result<f64, QuantError> {
    let n = centred.observations.rows() as f64;
    let (mut all, mut diagonal) = (0.0, 0.0);
    centred.each_row(|row| {
        let cubes: f64 = row.iter().zip(deviations).map(|(x, deviation)| x * x * x / deviation).sum();
        all += cubes * dot(row, deviations);
        diagonal += row.iter().map(|x| (x * x) * (x * x)).sum::<f64>();
    });
    let variances = sample.diagonal();
    all = all / n - sample.quadratic(deviations);
    diagonal = diagonal / n - dot(&variances, &variances);
    check::finite("fourth moment", diagonal + mean * (all - diagonal))
}
