//! Whether the quotes determine what was found.

use super::super::grid::Target;
use super::super::{Parameters, PerParameter};
use super::Fit;
use super::descent::{Found, HIGHEST, LOWEST, coordinates, speeds};
use crate::matrix::Cholesky;
use crate::{Matrix, QuantError};

/// A root mean square error in volatility above which the model is not the quotes' model.
const RMSE_MAX: f64 = 0.1;
/// The least standard deviation that the residuals are taken to have, in volatility.
const NOISE_MIN: f64 = 1e-8;
/// The largest standard error of a coordinate: that of a parameter known to a factor of e.
const ERROR_MAX: f64 = 1.0;
/// Share of a coordinate's variation that the other coordinates may not explain.
const INDEPENDENCE_MIN: f64 = 1e-12;
/// A sum of squares larger by this share is as good.
const RIVAL: f64 = 0.01;
/// How far apart two sets of parameters are different, in any coordinate.
const APART: f64 = 0.2;

/// The answer, if it is one.
///
/// # Errors
/// If the quotes do not determine the parameters.
pub(super) fn fit(targets: &[Target], found: &Found, iterations: usize) -> Result<Fit, QuantError> {
    let unidentified = |why| Err(QuantError::NotIdentified { why });
    let rmse_volatility = found.rmse(targets.len());
    if rmse_volatility.is_nan() || rmse_volatility > RMSE_MAX {
        return unidentified("the best fit is far from the quotes");
    }
    if !found.settled {
        return unidentified("the search did not settle");
    }
    if !found.fine_enough {
        return unidentified("the variance varies too much for the prices to be exact");
    }
    let at = coordinates(&found.parameters);
    let edges = |edge: [f64; 5]| {
        let [v0, kappa, theta, sigma, rho] = edge;
        coordinates(&Parameters { v0, kappa, theta, sigma, rho })
    };
    let (low, high) = (edges(LOWEST), edges(HIGHEST));
    if (0..5).any(|i| at[i] < low[i] + 1e-3 || at[i] > high[i] - 1e-3) {
        return unidentified("a parameter rests on the edge of what is searched");
    }
    let freedom = (targets.len() - 5) as f64;
    let noise = (found.cost / freedom).sqrt().max(NOISE_MIN);
    let Some(errors) = coordinate_errors(found, noise) else {
        return unidentified("a combination of the parameters has no effect on the quotes");
    };
    if errors.iter().any(|error| error.is_nan() || *error > ERROR_MAX) {
        return unidentified("a standard error is as large as its parameter");
    }
    let speeds = speeds(&found.parameters);
    let [v0, kappa, theta, sigma, rho] = std::array::from_fn(|i| errors[i] * speeds[i]);
    Ok(Fit {
        parameters: found.parameters,
        standard_errors: PerParameter { v0, kappa, theta, sigma, rho },
        rmse_price: (found.price_cost / targets.len() as f64).sqrt(),
        rmse_volatility,
        feller: found.parameters.feller(),
        iterations,
    })
}

/// The standard errors of the coordinates; none if their equations are singular.
fn coordinate_errors(found: &Found, noise: f64) -> Option<[f64; 5]> {
    let scale: [f64; 5] = std::array::from_fn(|i| found.curvature[i][i].sqrt());
    if !scale.iter().all(|&entry| entry > 0.0 && entry.is_finite()) {
        return None;
    }
    let mut matrix = Matrix::zeros(5, 5);
    for i in 0..5 {
        for j in 0..=i {
            matrix[(i, j)] = found.curvature[i][j] / (scale[i] * scale[j]);
        }
    }
    let factor = Cholesky::new(&matrix, "normal equations").ok()?;
    if factor.lower().diagonal().iter().any(|pivot| pivot * pivot < INDEPENDENCE_MIN) {
        return None;
    }
    let mut errors = [0.0; 5];
    for (i, error) in errors.iter_mut().enumerate() {
        let mut unit = [0.0; 5];
        unit[i] = 1.0;
        *error = noise * factor.solve(&unit)[i].sqrt() / scale[i];
    }
    Some(errors)
}

/// Fails if the second-best end of a search fits as well as the best, with other parameters.
///
/// # Errors
/// If so.
pub(super) fn unrivalled(sorted: &[Found]) -> Result<(), QuantError> {
    let Some((best, rest)) = sorted.split_first() else { return Ok(()) };
    let at = coordinates(&best.parameters);
    let rival = |found: &Found| {
        let other = coordinates(&found.parameters);
        found.settled
            && found.cost < best.cost * (1.0 + RIVAL)
            && (0..5).any(|i| (at[i] - other[i]).abs() > APART)
    };
    if rest.iter().any(rival) {
        return Err(QuantError::NotIdentified { why: "two sets of parameters fit equally well" });
    }
    Ok(())
}
