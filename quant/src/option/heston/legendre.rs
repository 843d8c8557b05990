//! Gauss-Legendre rules.

use std::f64::consts::PI;
use std::sync::OnceLock;

const STEPS_MAX: usize = 20;

/// The most blocks of 32 nodes that a rule has.
pub(super) const BLOCKS_MAX: usize = 48;

/// Nodes and weights on `[-1, 1]`.
pub(super) type Rule = Vec<(f64, f64)>;

/// Rules are made when first asked for.
static RULES: [OnceLock<Rule>; BLOCKS_MAX] = [const { OnceLock::new() }; BLOCKS_MAX];

/// The rule with this many blocks of 32 nodes, from one to [`BLOCKS_MAX`].
pub(super) fn rule_of_blocks(blocks: usize) -> &'static Rule {
    let blocks = blocks.clamp(1, BLOCKS_MAX);
    RULES[blocks - 1].get_or_init(|| rule(32 * blocks))
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
