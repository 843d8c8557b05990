//! Where to start: from the level, slope and curvature of the quoted variance at each maturity.
//!
//! At the money the squared implied volatility is about the expected variance, a mean of v₀ and θ; its slope in
//! log-moneyness is about `ρσ (1 - g) / (κT)` with `g = (1 - e^{-κT}) / (κT)` (Gatheral, The Volatility Surface, 2006,
//! chapter 3); and its curvature for short maturities is `σ² (1 - 7ρ²/4) / (12 v₀)` (Forde, Jacquier and Lee, SIAM Journal on
//! Financial Mathematics 3, 2012). For each of several κ that gives the other four parameters.

use super::super::Parameters;
use super::super::grid::Target;
use crate::Matrix;
use crate::matrix::Cholesky;

const SPEEDS: [f64; 4] = [0.5, 1.5, 4.0, 10.0];

/// The quoted variance near the money at one maturity, as a parabola in `ln(K / F)`.
struct Smile {
    time: f64,
    level: f64,
    /// The first and second coefficient, if there are strikes enough.
    shape: Option<(f64, f64)>,
}

/// Starts, the most promising first.
pub(super) fn starts(targets: &[Target]) -> Vec<Parameters> {
    #[expect(clippy::float_cmp, reason = "quotes of one maturity carry the same number")]
    let smiles: Vec<Smile> = targets.chunk_by(|a, b| a.time == b.time).map(smile).collect();
    let mut starts: Vec<Parameters> = SPEEDS.iter().map(|&kappa| guess(&smiles, kappa)).collect();
    let level = smiles.iter().map(|smile| smile.level).sum::<f64>() / smiles.len() as f64;
    for (kappa, sigma, rho) in [(2.0, 1.0, -0.7), (1.0, 0.5, 0.0), (3.0, 1.0, 0.6)] {
        starts.push(Parameters { v0: level, kappa, theta: level, sigma: sigma * level.sqrt() * 2.0, rho });
    }
    starts
}

fn smile(targets: &[Target]) -> Smile {
    let time = targets[0].time;
    // Nearest the money counts most.
    let nearest = targets.iter().min_by(|a, b| a.x.abs().total_cmp(&b.x.abs()));
    let volatility = nearest.map_or(0.2, |target| target.volatility);
    let width = 1.5 * volatility * time.sqrt();
    let mut normal = Matrix::zeros(3, 3);
    let mut right = [0.0; 3];
    for target in targets {
        let k = -target.x / width;
        let weight = (-0.5 * k * k).exp() + 1e-6;
        let powers = [1.0, k, k * k];
        for i in 0..3 {
            right[i] += weight * powers[i] * target.volatility * target.volatility;
            for j in 0..3 {
                normal[(i, j)] += weight * powers[i] * powers[j];
            }
        }
    }
    let level = volatility * volatility;
    match Cholesky::new(&normal, "parabola") {
        Ok(factor) if targets.len() >= 3 => {
            let fitted = factor.solve(&right);
            let sane = fitted[0] > 0.25 * level && fitted[0] < 4.0 * level;
            let shape = (fitted[1] / width, fitted[2] / (width * width));
            Smile { time, level: if sane { fitted[0] } else { level }, shape: sane.then_some(shape) }
        }
        _ => Smile { time, level, shape: None },
    }
}

fn guess(smiles: &[Smile], kappa: f64) -> Parameters {
    let reverted = |smile: &Smile| {
        let x = kappa * smile.time;
        -(-x).exp_m1() / x
    };
    let (v0, theta) = levels(smiles, reverted);
    let (mut slopes, mut squares, mut bends, mut fourths) = (0.0, 0.0, 0.0, 0.0);
    for smile in smiles {
        let Some((slope, bend)) = smile.shape else { continue };
        // One for short maturities, and falling as the variance reverts.
        let share = 2.0 * (1.0 - reverted(smile)) / (kappa * smile.time);
        slopes += 2.0 * slope * share;
        squares += share * share;
        bends += (12.0 * smile.level * bend + 7.0 * slope * slope) * share * share;
        fourths += share.powi(4);
    }
    let product = if squares > 0.0 { slopes / squares } else { 0.0 };
    let square = if fourths > 0.0 { bends / fourths } else { 0.0 };
    let sigma = square.max(0.0).sqrt().max(product.abs() / 0.9).clamp(0.05, 5.0);
    Parameters { v0, kappa, theta, sigma, rho: (product / sigma).clamp(-0.95, 0.95) }
}

/// The least-squares v₀ and θ behind the levels, for given weights of v₀ against θ.
fn levels(smiles: &[Smile], weight: impl Fn(&Smile) -> f64) -> (f64, f64) {
    let (mut aa, mut ab, mut bb, mut ay, mut by) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for smile in smiles {
        let a = weight(smile);
        let b = 1.0 - a;
        aa += a * a;
        ab += a * b;
        bb += b * b;
        ay += a * smile.level;
        by += b * smile.level;
    }
    let least = smiles.iter().map(|smile| smile.level).fold(f64::INFINITY, f64::min);
    let most = smiles.iter().map(|smile| smile.level).fold(0.0, f64::max);
    let determinant = aa * bb - ab * ab;
    if determinant <= 1e-9 * aa * bb {
        let level = 0.5 * (least + most);
        return (level, level);
    }
    let v0 = (ay * bb - by * ab) / determinant;
    let theta = (by * aa - ay * ab) / determinant;
    (v0.clamp(0.2 * least, 3.0 * most), theta.clamp(0.2 * least, 3.0 * most))
}
