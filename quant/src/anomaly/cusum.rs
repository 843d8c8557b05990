//! Cumulative sums: slow changes that no single value shows.

use serde::{Deserialize, Serialize};

/// A value counts by no more than this, so that no single one raises an alarm.
const VALUE_MAX: f64 = 3.0;

/// Page's two-sided cumulative sum (Biometrika 41, 1954) of standardised values: what exceeds an allowance adds up, and
/// the sum never falls below zero.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Cusum {
    up: f64,
    down: f64,
}

impl Cusum {
    /// Takes a value and gives the larger sum. A sum that reaches the threshold begins anew.
    pub(super) fn add(&mut self, value: f64, allowance: f64, threshold: f64) -> f64 {
        let value = value.clamp(-VALUE_MAX, VALUE_MAX);
        self.up = (self.up + value - allowance).max(0.0);
        self.down = (self.down - value - allowance).max(0.0);
        let largest = self.up.max(self.down);
        if largest >= threshold {
            *self = Self::default();
        }
        largest
    }

    /// The sum of values above the usual only.
    pub(super) fn add_upward(&mut self, value: f64, allowance: f64, threshold: f64) -> f64 {
        self.add(value.max(0.0), allowance, threshold)
    }

    /// Whether a stored sum can have come from here.
    pub(super) fn is_sound(&self) -> bool {
        [self.up, self.down].iter().all(|sum| sum.is_finite() && *sum >= 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_steps_in_one_direction_add_up_on_either_side() {
        for direction in [1.0, -1.0] {
            let mut sum = Cusum::default();
            let alarms = (0..100).filter(|_| sum.add(direction, 0.5, 10.0) >= 10.0).count();
            assert_eq!(alarms, 5, "every twentieth step");
        }
    }

    #[test]
    fn one_value_alone_and_turns_raise_nothing() {
        let mut sum = Cusum::default();
        assert!(sum.add(1e9, 0.5, 10.0) < 10.0);
        let turns = (0..1_000).map(|i| if i % 2 == 0 { 3.0 } else { -3.0 });
        assert!(turns.map(|value| sum.add(value, 0.5, 10.0)).all(|sum| sum < 10.0));
    }
}
