//! Gauss-Legendre rules.

use std::f64::consts::PI;
use std::sync::LazyLock;

const STEPS_MAX: usize = 20;

/// Nodes and weights on `[-1, 1]`.
pub(super) type Rule = Vec<(f64, f64)>;

/// The rules of 32, 64, 96 and 128 nodes.
static RULES: LazyLock<[Rule; 4]> = LazyLock::new(|| [rule(32), rule(64), rule(96), rule(128)]);

/// The rule with this many blocks of 32 nodes, from one to four.
pub(super) fn rule_of_blocks(blocks: usize) -> &'static Rule {
    &RULES[blocks.clamp(1, RULES.len()) - 1]
}

/// The roots of the Legendre polynomial of degree `n` by Newton's method, and their weights.
fn rule(n: usize) -> Rule {
    let at = |x: f64| {
        let (mut before, mut value) = (1.0, x);
        for k in 2..=n {
            let k = k as f64;
            (before, value) = (value, ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k);
        }
        (value, n as f64 * (x * value - before) / (x * x - 1.0))
    };
    let node = |i: usize| {
        let mut x = -(PI * (i as f64 + 0.75) / (n as f64 + 0.5)).cos();
        for _ in 0..STEPS_MAX {
            let (value, slope) = at(x);
            let step = value / slope;
            x -= step;
            if step.abs() < 1e-16 {
                break;
            }
        }
        let slope = at(x).1;
        (x, 2.0 / ((1.0 - x * x) * slope * slope))
    };
    (0..n).map(node).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_integrated_exactly() {
        for blocks in 1..=4 {
            let rule = rule_of_blocks(blocks);
            assert_eq!(rule.len(), 32 * blocks);
            for power in [0, 2, 10, 40, 62] {
                let sum: f64 = rule.iter().map(|(x, weight)| weight * x.powi(power)).sum();
                assert!((sum - 2.0 / f64::from(power + 1)).abs() < 1e-14, "{blocks} {power}: {sum}");
            }
        }
    }
}
