//! Many options priced together, with the gradient by the parameters, as a calibration does it.

use super::grid::{ACCURATE, Grid, Target};
use super::pricing::Forward;
use super::{Contract, Market, Parameters, PerParameter};
use crate::{QuantError, check};

/// Options that are taken at most.
const OPTIONS_MAX: usize = 100_000;

/// A set of options, prepared to be priced again and again under changing parameters.
#[derive(Debug, Clone)]
pub struct Surface {
    /// Sorted by time, as `order` says.
    targets: Vec<Target>,
    options: Vec<(Forward, Contract)>,
    order: Vec<usize>,
    grid: Option<Grid>,
}

/// A price and its derivatives by the parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Valued {
    /// Price.
    pub price: f64,
    /// Derivatives.
    pub by_parameter: PerParameter,
}

impl Surface {
    /// Prepares these options.
    ///
    /// # Errors
    /// If there is none, or an input is out of range.
    pub fn new(options: &[(Market, Contract)]) -> Result<Self, QuantError> {
        if options.is_empty() {
            return Err(QuantError::TooFew { what: "options", needed: 1, got: 0 });
        }
        if options.len() > OPTIONS_MAX {
            return Err(QuantError::TooMany { what: "options", most: OPTIONS_MAX, got: options.len() });
        }
        let options = options
            .iter()
            .map(|(market, contract)| Ok((Forward::new(market, contract)?, *contract)))
            .collect::<Result<Vec<_>, QuantError>>()?;
        let mut order: Vec<usize> = (0..options.len()).collect();
        order.sort_by(|&a, &b| options[a].1.expiry_years.total_cmp(&options[b].1.expiry_years));
        let target = |&at: &usize| {
            let (forward, contract) = &options[at];
            Target {
                time: contract.expiry_years,
                x: forward.x,
                value: 0.0,
                vega: 1.0,
                volatility: 0.0,
                scale: forward.discount * forward.middle,
            }
        };
        let targets = order.iter().map(target).collect();
        Ok(Self { targets, options, order, grid: None })
    }

    /// The value of each option, in the order in which they were given: to about 1e-12 of the underlying, unless the
    /// volatility of the variance is so large and the time so short that [`super::price`] is the only way.
    ///
    /// # Errors
    /// If a parameter is out of range, or an option's variance is nothing.
    pub fn value(&mut self, parameters: &Parameters) -> Result<Vec<Valued>, QuantError> {
        parameters.check()?;
        for target in [self.targets.first(), self.targets.last()].into_iter().flatten() {
            let variance = check::finite("total variance", parameters.expected_variance(target.time))?;
            if variance < 1e-12 {
                return Err(QuantError::OutOfRange {
                    what: "total variance",
                    value: variance,
                    expected: "at least 1e-12 for a surface",
                });
            }
        }
        let suitable = self.grid.take().filter(|grid| grid.suits(parameters));
        let mut grid = suitable.unwrap_or_else(|| Grid::new(&self.targets, parameters, ACCURATE));
        let nothing = PerParameter { v0: 0.0, kappa: 0.0, theta: 0.0, sigma: 0.0, rho: 0.0 };
        let mut values = vec![Valued { price: 0.0, by_parameter: nothing }; self.targets.len()];
        grid.evaluate(parameters, |sorted, value, by| {
            let at = self.order[sorted];
            let (forward, contract) = &self.options[at];
            let scale = self.targets[sorted].scale;
            let [v0, kappa, theta, sigma, rho] = by.map(|entry| entry * scale);
            values[at] = Valued {
                price: forward.discount * forward.bounded(contract, forward.middle * value),
                by_parameter: PerParameter { v0, kappa, theta, sigma, rho },
            };
        });
        self.grid = Some(grid);
        Ok(values)
    }
}
