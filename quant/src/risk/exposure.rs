//! What a book holds: exposure, leverage and concentration, from signed market values.

use crate::{QuantError, check};
use std::collections::BTreeMap;

/// Exposure of some positions, in the unit of their market values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exposure {
    /// Sum of positive market values.
    pub long: f64,
    /// Sum of negative market values, as a positive number.
    pub short: f64,
    /// Long plus short.
    pub gross: f64,
    /// Long less short.
    pub net: f64,
    /// Largest absolute share of gross; zero for a flat book.
    pub largest_share: f64,
    /// Sum of squared shares of gross (Herfindahl and Hirschman): one for a single position, `1/n` for `n` equal ones,
    /// zero for a flat book.
    pub herfindahl: f64,
}

impl Exposure {
    /// The exposure of positions with these market values, short ones negative.
    ///
    /// # Errors
    /// If a value, or the sum of all, is not finite.
    pub fn of(market_values: &[f64]) -> Result<Self, QuantError> {
        check::series("market values", market_values, 0)?;
        let (mut long, mut short, mut largest) = (0.0, 0.0, 0.0_f64);
        for &value in market_values {
            long += value.max(0.0);
            short += (-value).max(0.0);
            largest = largest.max(value.abs());
        }
        let gross = check::finite("gross exposure", long + short)?;
        let share = |value: f64| if gross > 0.0 { value.abs() / gross } else { 0.0 };
        let herfindahl = market_values.iter().map(|&value| share(value) * share(value)).sum();
        Ok(Self { long, short, gross, net: long - short, largest_share: share(largest), herfindahl })
    }

    /// Gross exposure per unit of equity.
    ///
    /// # Errors
    /// Unless equity is above zero.
    pub fn leverage(&self, equity: f64) -> Result<f64, QuantError> {
        check::finite("leverage", self.gross / check::positive("equity", equity)?)
    }

    /// Net exposure per unit of equity.
    ///
    /// # Errors
    /// Unless equity is above zero.
    pub fn net_leverage(&self, equity: f64) -> Result<f64, QuantError> {
        check::finite("leverage", self.net / check::positive("equity", equity)?)
    }
}

/// The exposure within each group (sector, currency, strategy).
///
/// # Errors
/// If a market value, or the sum of a group, is not finite.
pub fn exposure_by_group<K: Ord + Clone>(
    positions: &[(K, f64)],
) -> Result<BTreeMap<K, Exposure>, QuantError> {
    let mut groups: BTreeMap<K, Vec<f64>> = BTreeMap::new();
    for (group, value) in positions {
        groups.entry(group.clone()).or_default().push(*value);
    }
    groups.into_iter().map(|(group, values)| Ok((group, Exposure::of(&values)?))).collect()
}
