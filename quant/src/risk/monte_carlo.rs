//! Simulated risk: returns of several assets drawn from a normal or a Student t distribution, seeded.
//!
//! `r = μ + s L z` with `L Lᵀ` the covariance (Cholesky) and `z` standard normal; `s` is one for the normal, and
//! `√((ν - 2) / χ²(ν))` for a multivariate t of `ν` degrees of freedom that has that same covariance. Chi-square draws
//! are by Marsaglia and Tsang (ACM Transactions on Mathematical Software 26, 2000).

use super::component::Book;
use super::tail::HistoricalTail;
use crate::matrix::{Cholesky, dot};
use crate::random::SplitMix64;
use crate::{Matrix, QuantError, check};

/// Distribution of the returns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Law {
    /// Multivariate normal.
    Normal,
    /// Multivariate Student t, scaled to the given covariance.
    StudentT {
        /// Above two, so that there is a covariance.
        degrees_of_freedom: f64,
    },
}

/// What is drawn, and how often.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Simulation {
    /// Distribution of the returns.
    pub law: Law,
    /// Number of scenarios, at most [`PATHS_MAX`].
    pub paths: usize,
    /// The same seed gives the same scenarios.
    pub seed: u64,
}

/// Most scenarios of one simulation.
pub const PATHS_MAX: usize = 10_000_000;
/// Most numbers drawn in one simulation: scenarios times assets.
pub const DRAWS_MAX: usize = 1_000_000_000;
/// A draw is accepted with probability above 0.95, so that this many never fail together.
const ATTEMPTS_MAX: usize = 64;

/// The tail of a book's profit, linear in returns, over simulated scenarios.
///
/// # Errors
/// If the book does not fit together or the covariance is not positive definite, the simulation has no path or too many,
/// or the degrees of freedom are two or less.
pub fn simulated_tail(
    book: &Book<'_>,
    simulation: &Simulation,
    level: f64,
) -> Result<HistoricalTail, QuantError> {
    book.check()?;
    check::fraction("level", level)?;
    let factor = Cholesky::new(book.covariance, "covariance")?;
    let loadings = factor.lower().transpose().times(book.positions);
    let mean = dot(book.means, book.positions);
    let profits =
        simulation.draw(book.positions.len(), |normals, scale| mean + scale * dot(&loadings, normals))?;
    HistoricalTail::new(&profits, level)
}

/// The profit in every scenario of a book that is revalued by `profit`, given the return of each asset: for options, and
/// whatever else is not linear.
///
/// # Errors
/// As [`simulated_tail`], and if a profit is not finite.
pub fn simulated_profits(
    (means, covariance): (&[f64], &Matrix),
    simulation: &Simulation,
    mut profit: impl FnMut(&[f64]) -> f64,
) -> Result<Vec<f64>, QuantError> {
    Book { positions: means, means, covariance }.check()?;
    let factor = Cholesky::new(covariance, "covariance")?;
    let mut returns = means.to_vec();
    simulation
        .draw(means.len(), |normals, scale| {
            for (i, value) in returns.iter_mut().enumerate() {
                *value = means[i] + scale * dot(&factor.lower().row(i)[..=i], &normals[..=i]);
            }
            profit(&returns)
        })
        .and_then(|profits| check::series("profits", &profits, 1).map(<[f64]>::to_vec))
}

impl Simulation {
    /// What `value` makes of the normal numbers and the scale of every scenario.
    fn draw(&self, assets: usize, mut value: impl FnMut(&[f64], f64) -> f64) -> Result<Vec<f64>, QuantError> {
        if self.paths == 0 {
            return Err(QuantError::TooFew { what: "paths", needed: 1, got: 0 });
        }
        let most = PATHS_MAX.min(DRAWS_MAX / assets.max(1));
        if self.paths > most {
            return Err(QuantError::TooMany { what: "paths", most, got: self.paths });
        }
        if let Law::StudentT { degrees_of_freedom } = self.law {
            check::finite("degrees of freedom", degrees_of_freedom)?;
            if degrees_of_freedom <= 2.0 {
                let expected = "above two";
                return Err(QuantError::OutOfRange {
                    what: "degrees of freedom",
                    value: degrees_of_freedom,
                    expected,
                });
            }
        }
        let mut random = SplitMix64::new(self.seed);
        let mut normals = vec![0.0; assets];
        let scenario = |_| {
            normals.fill_with(|| random.normal());
            let scale = match self.law {
                Law::Normal => 1.0,
                Law::StudentT { degrees_of_freedom } => {
                    ((degrees_of_freedom - 2.0) / chi_square(&mut random, degrees_of_freedom)).sqrt()
                }
            };
            value(&normals, scale)
        };
        Ok((0..self.paths).map(scenario).collect())
    }
}

/// A chi-square draw, for more than two degrees of freedom.
fn chi_square(random: &mut SplitMix64, degrees_of_freedom: f64) -> f64 {
    let d = degrees_of_freedom / 2.0 - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    for _ in 0..ATTEMPTS_MAX {
        let x = random.normal();
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 && (1.0 - random.uniform()).ln() < 0.5 * x * x + d * (1.0 - v + v.ln()) {
            return 2.0 * d * v;
        }
    }
    2.0 * d
}
