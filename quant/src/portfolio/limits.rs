//! What the weights of a portfolio may be: bounds per asset and per group of assets.

use super::{ASSETS_MAX, quadratic::Rows};
use crate::{Matrix, QuantError, check};

/// Most groups of assets.
pub const GROUPS_MAX: usize = 100;

/// Largest size of a bound: a thousand times the equity.
pub const WEIGHT_MAX: f64 = 1_000.0;

/// How far limits may miss each other by the rounding of their sums.
const ROUNDING: f64 = 1e-12;

/// Bounds of every weight and of the sums of weights in groups. The sum of all weights is one besides.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Least weight of each asset; below zero where it may be sold short.
    pub lower: Vec<f64>,
    /// Largest weight of each asset.
    pub upper: Vec<f64>,
    /// Groups, which may overlap.
    pub groups: Vec<Group>,
}

/// Assets whose weights together are bounded.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The assets, by index.
    pub members: Vec<usize>,
    /// Least sum of their weights.
    pub least: f64,
    /// Largest sum of their weights.
    pub most: f64,
}

impl Limits {
    /// No asset is sold short.
    #[must_use]
    pub fn long_only(assets: usize) -> Self {
        Self::between(assets, 0.0, 1.0)
    }

    /// The same bounds for every asset.
    #[must_use]
    pub fn between(assets: usize, lower: f64, upper: f64) -> Self {
        Self { lower: vec![lower; assets], upper: vec![upper; assets], groups: Vec::new() }
    }

    /// The same limits and one more group.
    #[must_use]
    pub fn with_group(mut self, group: Group) -> Self {
        self.groups.push(group);
        self
    }

    /// Fails unless the limits are for this many assets and not contradictory one by one.
    pub(super) fn check(&self, assets: usize) -> Result<(), QuantError> {
        check_bounds("lower limits", &self.lower, assets)?;
        check_bounds("upper limits", &self.upper, assets)?;
        if self.lower.iter().zip(&self.upper).any(|(lower, upper)| lower > upper) {
            return Err(QuantError::Infeasible { what: "a lower limit above its upper limit" });
        }
        let (least, most): (f64, f64) = (self.lower.iter().sum(), self.upper.iter().sum());
        let slack = ROUNDING * (1.0 + least.abs().max(most.abs()));
        if least > 1.0 + slack {
            return Err(QuantError::Infeasible { what: "lower limits that add up to more than one" });
        }
        if most < 1.0 - slack {
            return Err(QuantError::Infeasible { what: "upper limits that add up to less than one" });
        }
        if self.groups.len() > GROUPS_MAX {
            return Err(QuantError::TooMany { what: "groups", most: GROUPS_MAX, got: self.groups.len() });
        }
        self.groups.iter().try_for_each(|group| group.check(assets))
    }

    /// The budget, and the groups.
    pub(super) fn rows(&self) -> Rows {
        let assets = self.lower.len();
        let mut coefficients = Matrix::zeros(1 + self.groups.len(), assets);
        coefficients.row_mut(0).fill(1.0);
        for (row, group) in self.groups.iter().enumerate() {
            for &member in &group.members {
                coefficients[(row + 1, member)] = 1.0;
            }
        }
        let least = std::iter::once(1.0).chain(self.groups.iter().map(|group| group.least)).collect();
        let most = std::iter::once(1.0).chain(self.groups.iter().map(|group| group.most)).collect();
        Rows { coefficients, least, most }
    }
}

impl Group {
    fn check(&self, assets: usize) -> Result<(), QuantError> {
        check_bounds("limits of a group", &[self.least, self.most], 2)?;
        if self.least > self.most {
            return Err(QuantError::Infeasible { what: "a group's least sum above its largest" });
        }
        if self.members.is_empty() {
            return Err(QuantError::TooFew { what: "group", needed: 1, got: 0 });
        }
        if self.members.len() > assets {
            return Err(QuantError::TooMany { what: "group", most: assets, got: self.members.len() });
        }
        let mut named = [false; ASSETS_MAX];
        for &member in &self.members {
            if member >= assets || named[member] {
                let value = f64::from(u32::try_from(member).unwrap_or(u32::MAX));
                return Err(QuantError::OutOfRange {
                    what: "member of group",
                    value,
                    expected: "the index of an asset, once",
                });
            }
            named[member] = true;
        }
        Ok(())
    }
}

fn check_bounds(what: &'static str, bounds: &[f64], expected: usize) -> Result<(), QuantError> {
    check::length(what, bounds.len(), expected)?;
    check::series(what, bounds, 0)?;
    match bounds.iter().find(|bound| bound.abs() > WEIGHT_MAX) {
        Some(&value) => Err(QuantError::OutOfRange { what, value, expected: "from -1000 to 1000" }),
        None => Ok(()),
    }
}
