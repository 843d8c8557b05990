//! Black's formula in terms of the forward (Journal of Financial Economics 3, 1976): undiscounted, out of the money, and
//! with full relative accuracy in the tails.

use crate::normal;

const HALVINGS_MAX: usize = 100;

/// The value, over `√(F K)`, of the option that is out of the money at log-moneyness `x = ln(F / K)` and total deviation
/// `σ √T`.
pub(super) fn out_of_the_money(x: f64, deviation: f64) -> f64 {
    let x = -x.abs();
    if deviation <= 0.0 {
        return 0.0;
    }
    let upper = x / deviation + 0.5 * deviation;
    let value = (0.5 * x).exp() * normal::cdf(upper) - (-0.5 * x).exp() * normal::cdf(upper - deviation);
    value.max(0.0)
}

/// The derivative of [`out_of_the_money`] by the deviation.
pub(super) fn by_deviation(x: f64, deviation: f64) -> f64 {
    let upper = -x.abs() / deviation + 0.5 * deviation;
    (-0.5 * x.abs()).exp() * normal::pdf(upper)
}

/// The deviation at which [`out_of_the_money`] is `value`; nothing if no deviation is.
pub(super) fn implied_deviation(x: f64, value: f64) -> Option<f64> {
    let most = (-0.5 * x.abs()).exp();
    if !(value > 0.0 && value < most) {
        return None;
    }
    let (mut low, mut high) = (0.0_f64, 100.0_f64);
    // Where the value turns from convex to concave: from there Newton's method cannot overshoot.
    let mut deviation = (2.0 * x.abs()).sqrt().max(0.05);
    let target = value.ln();
    for _ in 0..HALVINGS_MAX {
        let got = out_of_the_money(x, deviation);
        if got > value {
            high = deviation;
        } else {
            low = deviation;
        }
        // In logarithms far from the target, where the value itself is flat.
        let near = got < 2.0 * value && value < 2.0 * got;
        let step = if !near && got > 0.0 {
            (got.ln() - target) * got / by_deviation(x, deviation)
        } else {
            (got - value) / by_deviation(x, deviation)
        };
        let mut next = deviation - step;
        if !(next > low && next < high) {
            next = 0.5 * (low + high);
        }
        if (next - deviation).abs() <= 1e-14 * deviation {
            return Some(next);
        }
        deviation = next;
    }
    Some(deviation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_implied_deviation_is_the_one_priced_with() {
        for x in [-3.0, -1.0, -0.1, 0.0, 1e-3, 0.5, 2.0] {
            for deviation in [0.01, 0.05, 0.2, 0.7, 2.0] {
                let value = out_of_the_money(x, deviation);
                if value > 1e-290 {
                    let got = implied_deviation(x, value).unwrap();
                    assert!((got - deviation).abs() < 1e-9 * deviation, "{x} {deviation}: {got}");
                }
            }
        }
        assert!(implied_deviation(0.1, 0.0).is_none() && implied_deviation(0.0, 1.0).is_none());
        assert!(implied_deviation(0.1, f64::NAN).is_none());
    }
}
