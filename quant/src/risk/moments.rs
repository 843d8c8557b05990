//! Mean, variance, skewness and kurtosis in one pass, and the merging of what two stretches of a series gave.
//!
//! A block is centred on its own mean, and blocks are merged by Pébay's formulas (Sandia report SAND2008-6212, 2008),
//! so there is no cancellation of large sums; a series that does not vary has a second moment of exactly zero.

use crate::QuantError;

/// What a sum of squared deviations is divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Divisor {
    /// The number of observations (`ddof = 0`).
    Observations,
    /// One less (`ddof = 1`).
    ObservationsLessOne,
}

/// Number of observations, mean, and sums of the second to fourth powers of deviations from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    observations: usize,
    mean: f64,
    second: f64,
    third: f64,
    fourth: f64,
}

/// Values that are centred together; they stay in the first-level cache between the two readings.
pub(super) const BLOCK: usize = 1024;

impl Divisor {
    /// The divisor for so many observations.
    ///
    /// # Errors
    /// Unless it is above zero.
    pub fn of(self, observations: usize) -> Result<f64, QuantError> {
        let taken = match self {
            Self::Observations => 0,
            Self::ObservationsLessOne => 1,
        };
        if observations <= taken {
            return Err(QuantError::TooFew { what: "series", needed: taken + 1, got: observations });
        }
        Ok((observations - taken) as f64)
    }
}

impl Moments {
    /// The moments of a series.
    ///
    /// # Errors
    /// If it is empty, or has a value that is not finite or so large that a power of it is not.
    pub fn of(values: &[f64]) -> Result<Self, QuantError> {
        let mut moments = Self::none();
        for block in values.chunks(BLOCK) {
            moments = moments.merge(&Self::of_block(block));
        }
        moments.checked()
    }

    /// `self`, if it is of something and finite.
    pub(super) fn checked(self) -> Result<Self, QuantError> {
        if self.observations == 0 {
            return Err(QuantError::TooFew { what: "series", needed: 1, got: 0 });
        }
        // A value that is not finite leaves a mean that is not.
        if self.mean.is_finite() && self.second.is_finite() {
            Ok(self)
        } else {
            Err(QuantError::NotFinite { what: "series" })
        }
    }

    pub(super) const fn none() -> Self {
        Self { observations: 0, mean: 0.0, second: 0.0, third: 0.0, fourth: 0.0 }
    }

    pub(super) const fn of_one(value: f64) -> Self {
        Self { observations: 1, mean: value, second: 0.0, third: 0.0, fourth: 0.0 }
    }

    /// The mean is taken of differences to the first value, so that a block that does not vary gives exact zeros.
    pub(super) fn of_block(block: &[f64]) -> Self {
        let Some(&first) = block.first() else { return Self::none() };
        let (quads, rest) = block.as_chunks::<4>();
        let mut sums = [0.0; 4];
        for quad in quads {
            for lane in 0..4 {
                sums[lane] += quad[lane] - first;
            }
        }
        let shift = (total(sums) + rest.iter().map(|value| value - first).sum::<f64>()) / block.len() as f64;
        // Exactly the first value if there is no other, so that its deviations are zero.
        let mean = first + shift;
        let (mut second, mut third, mut fourth) = ([0.0; 4], [0.0; 4], [0.0; 4]);
        let mut tail = [0.0; 4];
        for (slot, value) in tail.iter_mut().zip(rest) {
            *slot = value - mean;
        }
        for lane in 0..4 {
            add_powers(tail[lane], (&mut second[lane], &mut third[lane], &mut fourth[lane]));
        }
        for quad in quads {
            for lane in 0..4 {
                let deviation = quad[lane] - mean;
                add_powers(deviation, (&mut second[lane], &mut third[lane], &mut fourth[lane]));
            }
        }
        Self {
            observations: block.len(),
            mean,
            second: total(second),
            third: total(third),
            fourth: total(fourth),
        }
    }

    /// The moments of both stretches together.
    #[must_use]
    pub fn merge(&self, other: &Self) -> Self {
        if self.observations == 0 {
            return *other;
        }
        if other.observations == 0 {
            return *self;
        }
        let (a, b) = (self.observations as f64, other.observations as f64);
        let n = a + b;
        let (part_a, part_b) = (a / n, b / n);
        let delta = other.mean - self.mean;
        let spread = delta * delta * a * part_b;
        Self {
            observations: self.observations + other.observations,
            mean: self.mean + delta * part_b,
            second: self.second + other.second + spread,
            third: self.third
                + other.third
                + spread * delta * (part_a - part_b)
                + 3.0 * delta * (part_a * other.second - part_b * self.second),
            fourth: self.fourth
                + other.fourth
                + spread * delta * delta * (part_a * part_a - part_a * part_b + part_b * part_b)
                + 6.0 * delta * delta * (part_a * part_a * other.second + part_b * part_b * self.second)
                + 4.0 * delta * (part_a * other.third - part_b * self.third),
        }
    }

    /// Number of observations.
    #[must_use]
    pub const fn observations(&self) -> usize {
        self.observations
    }

    /// Mean.
    #[must_use]
    pub const fn mean(&self) -> f64 {
        self.mean
    }

    /// Variance.
    ///
    /// # Errors
    /// If there are too few observations for the divisor.
    pub fn variance(&self, divisor: Divisor) -> Result<f64, QuantError> {
        Ok(self.second.max(0.0) / divisor.of(self.observations)?)
    }

    /// Standard deviation.
    ///
    /// # Errors
    /// If there are too few observations for the divisor.
    pub fn deviation(&self, divisor: Divisor) -> Result<f64, QuantError> {
        Ok(self.variance(divisor)?.sqrt())
    }

    /// Standard deviation, to divide by.
    ///
    /// # Errors
    /// If there are too few observations, or they do not vary.
    pub fn deviation_above_zero(&self, divisor: Divisor) -> Result<f64, QuantError> {
        let deviation = self.deviation(divisor)?;
        if deviation > 0.0 { Ok(deviation) } else { Err(QuantError::Constant { what: "series" }) }
    }

    /// Skewness of the sample, `m3 / m2^(3/2)` (biased).
    ///
    /// # Errors
    /// If the series does not vary.
    pub fn skewness(&self) -> Result<f64, QuantError> {
        let deviation = self.deviation_above_zero(Divisor::Observations)?;
        standardised(self.third / self.observations as f64, deviation, 3)
    }

    /// Kurtosis of the sample above that of a normal, `m4 / m2^2 - 3` (biased).
    ///
    /// # Errors
    /// If the series does not vary.
    pub fn excess_kurtosis(&self) -> Result<f64, QuantError> {
        let deviation = self.deviation_above_zero(Divisor::Observations)?;
        Ok(standardised(self.fourth / self.observations as f64, deviation, 4)? - 3.0)
    }
}

/// `moment / deviation^power`, divided step by step so that a small deviation does not underflow first.
fn standardised(moment: f64, deviation: f64, power: u8) -> Result<f64, QuantError> {
    let value = (0..power).fold(moment, |value, _| value / deviation);
    crate::check::finite("standardised moment", value)
}

fn add_powers(deviation: f64, (second, third, fourth): (&mut f64, &mut f64, &mut f64)) {
    let square = deviation * deviation;
    *second += square;
    *third += square * deviation;
    *fourth += square * square;
}

pub(super) fn total(lanes: [f64; 4]) -> f64 {
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
}

/// The sum of many values, in four running sums.
pub(super) fn sum(values: &[f64]) -> f64 {
    let (quads, rest) = values.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for quad in quads {
        for lane in 0..4 {
            sums[lane] += quad[lane];
        }
    }
    total(sums) + rest.iter().sum::<f64>()
}
