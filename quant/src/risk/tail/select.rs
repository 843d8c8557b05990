//! The smallest values of a large sample, without moving the rest.
//!
//! A sample of the sample gives a threshold that a little more than the wanted share lies below; one pass keeps what is
//! at or below it. Where that turns out to be too few, everything is kept, so the result never depends on luck.

use super::super::moments::{sum, total};
use super::whole;
use crate::{QuantError, check};

/// Below this, copying everything is as quick.
const SAMPLED_MIN: usize = 16_384;
const SAMPLE: usize = 4_096;
const BLOCK: usize = 16;

/// All values at or below some threshold, in any order: at least the `needed` smallest.
///
/// # Errors
/// If a value is not finite.
pub(super) fn smallest(values: &[f64], needed: usize) -> Result<Vec<f64>, QuantError> {
    if values.len() >= SAMPLED_MIN && needed < values.len() / 8 {
        let (kept, sum) = at_or_below(values, threshold(values, needed), needed);
        if sum.is_finite() && kept.len() >= needed {
            return Ok(kept);
        }
    }
    // Finite values may have a sum that is not.
    if !sum(values).is_finite() {
        check::series("returns", values, 0)?;
    }
    Ok(values.to_vec())
}

/// Four standard errors above the wanted quantile of the sample.
fn threshold(values: &[f64], needed: usize) -> f64 {
    let stride = values.len() / SAMPLE;
    let mut sample: Vec<f64> = values.iter().step_by(stride).copied().collect();
    let share = needed as f64 / values.len() as f64;
    let size = sample.len() as f64;
    let rank = whole(size * share + 4.0 * (size * share).sqrt() + 4.0).min(sample.len() - 1);
    *sample.select_nth_unstable_by(rank, f64::total_cmp).1
}

/// The values at or below `threshold`, and the sum of all.
fn at_or_below(values: &[f64], threshold: f64, expected: usize) -> (Vec<f64>, f64) {
    let mut kept = Vec::with_capacity(expected.saturating_mul(2));
    let mut sums = [0.0; 4];
    let (blocks, rest) = values.as_chunks::<BLOCK>();
    for block in blocks {
        let mut lows = [f64::INFINITY; 4];
        for quad in block.as_chunks::<4>().0 {
            for lane in 0..4 {
                sums[lane] += quad[lane];
                lows[lane] = lesser(quad[lane], lows[lane]);
            }
        }
        if lesser(lesser(lows[0], lows[1]), lesser(lows[2], lows[3])) <= threshold {
            keep(block, threshold, &mut kept);
        }
    }
    kept.extend(rest.iter().filter(|&&value| value <= threshold));
    (kept, total(sums) + sum(rest))
}

/// Each value is written, and the place moves on only past those to keep: there is no branch to guess wrong.
#[inline(never)]
fn keep(block: &[f64; BLOCK], threshold: f64, kept: &mut Vec<f64>) {
    let mut chosen = [0.0; BLOCK + 1];
    let mut count = 0;
    for &value in block {
        chosen[count] = value;
        count += usize::from(value <= threshold);
    }
    kept.extend_from_slice(&chosen[..count]);
}

fn lesser(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}
