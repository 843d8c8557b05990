//! What windows are asked for: sums, moments, slopes, joint moments and extremes.
//!
//! Moments are kept about the mean of their run and merged by the formulas of Chan, Golub and LeVeque ("Updating
//! formulae and a pairwise algorithm for computing sample variances", 1979), so that a small variance about a large
//! mean does not cancel, and a constant run has a variance of exactly zero.

use super::window::Aggregate;
use serde::{Deserialize, Serialize};

/// A sum.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Sum(pub(super) f64);

impl Aggregate for Sum {
    fn merge(self, newer: Self) -> Self {
        Self(self.0 + newer.0)
    }
}

/// Several sums.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Sums<const N: usize>(#[serde(with = "arrays")] pub(super) [f64; N]);

impl<const N: usize> Aggregate for Sums<N> {
    fn merge(self, newer: Self) -> Self {
        Self(std::array::from_fn(|index| self.0[index] + newer.0[index]))
    }
}

/// Arrays of any length, stored as lists.
mod arrays {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer, const N: usize>(
        values: &[f64; N],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        values.as_slice().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        deserializer: D,
    ) -> Result<[f64; N], D::Error> {
        let values = Vec::<f64>::deserialize(deserializer)?;
        values
            .try_into()
            .map_err(|values: Vec<f64>| Error::invalid_length(values.len(), &"as many as stored"))
    }
}

/// Count, mean and sum of squared deviations from the mean.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Moments {
    count: f64,
    pub(super) mean: f64,
    squares: f64,
}

impl Moments {
    pub(super) fn of(value: f64) -> Self {
        Self { count: 1.0, mean: value, squares: 0.0 }
    }

    /// The variance of the run itself.
    pub(super) fn variance(self) -> f64 {
        self.squares / self.count
    }

    /// The variance of what the run was drawn from; zero for a single value.
    pub(super) fn sample_variance(self) -> f64 {
        self.squares / (self.count - 1.0).max(1.0)
    }
}

impl Aggregate for Moments {
    fn merge(self, newer: Self) -> Self {
        let count = self.count + newer.count;
        let difference = newer.mean - self.mean;
        let share = difference * (newer.count / count);
        Self {
            count,
            mean: self.mean + share,
            squares: self.squares + newer.squares + difference * share * self.count,
        }
    }
}

/// Count, mean, and sum of the products of the deviations of value and time from their means.
///
/// The mean times of adjoining runs differ by half the sum of their counts, so that time itself need not be kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Trend {
    count: f64,
    mean: f64,
    products: f64,
}

impl Trend {
    pub(super) fn of(value: f64) -> Self {
        Self { count: 1.0, mean: value, products: 0.0 }
    }

    /// The slope of the least squares line per step of time; zero for a single value.
    pub(super) fn slope(self) -> f64 {
        if self.count > 1.0 {
            self.products * 12.0 / (self.count * (self.count * self.count - 1.0))
        } else {
            0.0
        }
    }

    /// The least squares line, `ahead` steps after the latest value.
    pub(super) fn line(self, ahead: f64) -> f64 {
        self.mean + self.slope() * ((self.count - 1.0) / 2.0 + ahead)
    }

    /// The mean with weights that fall linearly from the latest value to the oldest.
    pub(super) fn weighted_mean(self) -> f64 {
        self.mean + self.products * 2.0 / (self.count * (self.count + 1.0))
    }
}

impl Aggregate for Trend {
    fn merge(self, newer: Self) -> Self {
        let count = self.count + newer.count;
        let difference = newer.mean - self.mean;
        Self {
            count,
            mean: self.mean + difference * (newer.count / count),
            products: self.products + newer.products + difference * self.count * newer.count / 2.0,
        }
    }
}

/// Count, means, and sums of products of the deviations of two values from their means.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Comoments {
    count: f64,
    mean_x: f64,
    mean_y: f64,
    pub(super) xx: f64,
    pub(super) xy: f64,
    pub(super) yy: f64,
}

impl Comoments {
    pub(super) fn of(x: f64, y: f64) -> Self {
        Self { count: 1.0, mean_x: x, mean_y: y, xx: 0.0, xy: 0.0, yy: 0.0 }
    }
}

impl Aggregate for Comoments {
    fn merge(self, newer: Self) -> Self {
        let count = self.count + newer.count;
        let share = newer.count / count;
        let (x, y) = (newer.mean_x - self.mean_x, newer.mean_y - self.mean_y);
        let weight = self.count * share;
        Self {
            count,
            mean_x: self.mean_x + x * share,
            mean_y: self.mean_y + y * share,
            xx: self.xx + newer.xx + x * x * weight,
            xy: self.xy + newer.xy + x * y * weight,
            yy: self.yy + newer.yy + y * y * weight,
        }
    }
}

/// The highest and the lowest value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Extent {
    pub(super) high: f64,
    pub(super) low: f64,
}

impl Extent {
    /// The mean of both.
    pub(super) fn middle(self) -> f64 {
        (self.high + self.low) / 2.0
    }

    /// Where `value` lies between both, from 0 at the low to 1 at the high; zero if they are one.
    pub(super) fn location(self, value: f64) -> f64 {
        let range = self.high - self.low;
        if range > 0.0 { (value - self.low) / range } else { 0.0 }
    }
}

impl Aggregate for Extent {
    fn merge(self, newer: Self) -> Self {
        Self {
            high: if newer.high >= self.high { newer.high } else { self.high },
            low: if newer.low <= self.low { newer.low } else { self.low },
        }
    }
}

/// How many samples ago the highest and the lowest value were; of equal ones, the latest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Ages {
    extent: Extent,
    count: f64,
    pub(super) high_age: f64,
    pub(super) low_age: f64,
}

impl Ages {
    pub(super) fn of(extent: Extent) -> Self {
        Self { extent, count: 1.0, high_age: 0.0, low_age: 0.0 }
    }
}

impl Aggregate for Ages {
    fn merge(self, newer: Self) -> Self {
        let keeps_high = self.extent.high > newer.extent.high;
        let keeps_low = self.extent.low < newer.extent.low;
        Self {
            extent: self.extent.merge(newer.extent),
            count: self.count + newer.count,
            high_age: if keeps_high { self.high_age + newer.count } else { newer.high_age },
            low_age: if keeps_low { self.low_age + newer.count } else { newer.low_age },
        }
    }
}
