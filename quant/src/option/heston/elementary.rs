//! Elementary functions without branches, so that a loop over them becomes vector instructions.
//!
//! Each is good to about one unit in the last place on the range that it names. Reductions and polynomials are those of
//! Cody and Waite (1980) and of fdlibm (Sun Microsystems, 1993).

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2, FRAC_PI_4, LOG2_E, PI, SQRT_2};

/// Added to a number below 2^51, it leaves the nearest integer in the low bits of the sum.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
const PI_HALVES_LOW: f64 = 6.123_233_995_736_766e-17;
const MANTISSA: u64 = (1 << 52) - 1;
const ONE: u64 = 1023 << 52;
/// The bits of 2^52, under which a small integer is its own last place.
const TWO_52: u64 = 1075 << 52;

/// A polynomial with coefficients from the constant term upwards.
#[inline(always)]
fn polynomial<const N: usize>(x: f64, coefficients: &[f64; N]) -> f64 {
    let mut sum = coefficients[N - 1];
    for i in (0..N - 1).rev() {
        sum = sum.mul_add(x, coefficients[i]);
    }
    sum
}

#[inline(always)]
pub(super) fn at_least(x: f64, low: f64) -> f64 {
    if x > low { x } else { low }
}

#[inline(always)]
pub(super) fn at_most(x: f64, high: f64) -> f64 {
    if x < high { x } else { high }
}

/// `(e^r - 1, 2^k)` of `x = r + k ln 2`, with `x` moved into `[-708, 709]` first.
#[inline(always)]
fn exponential_parts(x: f64) -> (f64, f64) {
    const INVERSE_FACTORIALS: [f64; 12] = [
        0.5,
        1.0 / 6.0,
        1.0 / 24.0,
        1.0 / 120.0,
        1.0 / 720.0,
        1.0 / 5040.0,
        1.0 / 40_320.0,
        1.0 / 362_880.0,
        1.0 / 3_628_800.0,
        1.0 / 39_916_800.0,
        1.0 / 479_001_600.0,
        1.0 / 6_227_020_800.0,
    ];
    let x = at_most(at_least(x, -708.0), 709.0);
    let shifted = x.mul_add(LOG2_E, ROUNDER);
    let k = shifted - ROUNDER;
    let r = k.mul_add(-LN_2_LOW, k.mul_add(-LN_2_HIGH, x));
    let less_one = (r * r).mul_add(polynomial(r, &INVERSE_FACTORIALS), r);
    (less_one, f64::from_bits((shifted.to_bits() << 52).wrapping_add(ONE)))
}

/// `e^x`; what would underflow is about 1e-308.
#[inline(always)]
pub(super) fn exp(x: f64) -> f64 {
    let (less_one, scale) = exponential_parts(x);
    scale.mul_add(less_one, scale)
}

/// `e^x - 1`.
#[inline(always)]
pub(super) fn exp_m1(x: f64) -> f64 {
    let (less_one, scale) = exponential_parts(x);
    scale.mul_add(less_one, scale - 1.0)
}

/// Sine and cosine, for angles up to 1e15.
#[inline(always)]
pub(super) fn sin_cos(angle: f64) -> (f64, f64) {
    const SINE: [f64; 6] = [
        -1.666_666_666_666_663_2e-1,
        8.333_333_333_322_49e-3,
        -1.984_126_982_985_795e-4,
        2.755_731_370_707_007e-6,
        -2.505_076_025_340_686_3e-8,
        1.589_690_995_211_55e-10,
    ];
    const COSINE: [f64; 6] = [
        4.166_666_666_666_66e-2,
        -1.388_888_888_887_411e-3,
        2.480_158_728_947_673e-5,
        -2.755_731_435_139_066_3e-7,
        2.087_572_321_298_175e-9,
        -1.135_964_755_778_819_5e-11,
    ];
    let angle = at_most(at_least(angle, -1e15), 1e15);
    let shifted = angle.mul_add(FRAC_2_PI, ROUNDER);
    let quadrant = shifted.to_bits();
    let k = shifted - ROUNDER;
    let r = k.mul_add(-PI_HALVES_LOW, k.mul_add(-FRAC_PI_2, angle));
    let z = r * r;
    let sine = (r * z).mul_add(polynomial(z, &SINE), r);
    let half = 0.5 * z;
    let most = 1.0 - half;
    let cosine = most + (z * z).mul_add(polynomial(z, &COSINE), (1.0 - most) - half);
    let odd = quadrant & 1 != 0;
    let (sine, cosine) = if odd { (cosine, sine) } else { (sine, cosine) };
    (
        f64::from_bits(sine.to_bits() ^ ((quadrant & 2) << 62)),
        f64::from_bits(cosine.to_bits() ^ ((quadrant.wrapping_add(1) & 2) << 62)),
    )
}

/// `ln(x + rest)` of a normal `x` above zero and a `rest` below its last place.
#[inline(always)]
pub(super) fn ln_with_rest(x: f64, rest: f64) -> f64 {
    const ATANH: [f64; 7] = [
        6.666_666_666_666_735e-1,
        3.999_999_999_940_942e-1,
        2.857_142_874_366_239e-1,
        2.222_219_843_214_978_4e-1,
        1.818_357_216_161_805e-1,
        1.531_383_769_920_937_3e-1,
        1.479_819_860_511_658_6e-1,
    ];
    let bits = x.to_bits();
    let exponent = f64::from_bits((bits >> 52) | TWO_52) - f64::from_bits(TWO_52) - 1023.0;
    let mantissa = f64::from_bits((bits & MANTISSA) | ONE);
    let large = mantissa > SQRT_2;
    let mantissa = if large { 0.5 * mantissa } else { mantissa };
    let exponent = if large { exponent + 1.0 } else { exponent };
    let f = mantissa - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let half_square = 0.5 * f * f;
    let tail = s.mul_add(z.mul_add(polynomial(z, &ATANH), half_square), exponent.mul_add(LN_2_LOW, rest / x));
    exponent.mul_add(LN_2_HIGH, f - (half_square - tail))
}

/// `(x, rest)` with `x + rest` equal to `1 + y`.
#[inline(always)]
pub(super) fn one_plus(y: f64) -> (f64, f64) {
    let sum = 1.0 + y;
    let rest = if y.abs() < 1.0 { y - (sum - 1.0) } else { 1.0 - (sum - y) };
    (sum, rest)
}

/// The angle of the point `(x, y)`, in `[-π, π]`.
#[inline(always)]
pub(super) fn atan2(y: f64, x: f64) -> f64 {
    const ARCTANGENT: [f64; 11] = [
        3.333_333_333_333_293e-1,
        -1.999_999_999_987_648_3e-1,
        1.428_571_427_250_346_6e-1,
        -1.111_111_040_546_235_6e-1,
        9.090_887_133_436_507e-2,
        -7.691_876_205_044_83e-2,
        6.661_073_137_387_531e-2,
        -5.833_570_133_790_573_5e-2,
        4.976_877_994_615_932_4e-2,
        -3.653_157_274_421_691_6e-2,
        1.628_582_011_536_578_2e-2,
    ];
    let (across, up) = (x.abs(), y.abs());
    let steep = up > across;
    let (low, high) = if steep { (across, up) } else { (up, across) };
    let beyond = low > (SQRT_2 - 1.0) * high;
    let numerator = if beyond { low - high } else { low };
    let denominator = at_least(if beyond { low + high } else { high }, f64::MIN_POSITIVE);
    let w = numerator / denominator;
    let z = w * w;
    let angle = (w * z).mul_add(-polynomial(z, &ARCTANGENT), w);
    let angle = if beyond { angle + FRAC_PI_4 } else { angle };
    let angle = if steep { FRAC_PI_2 - angle } else { angle };
    let angle = if x < 0.0 { PI - angle } else { angle };
    angle.copysign(y)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix64;

    #[test]
    fn they_agree_with_the_library() {
        let mut random = SplitMix64::new(1);
        for _ in 0..100_000 {
            let x = 20.0 * random.normal();
            let y = random.normal() * (3.0 * random.normal()).exp();
            let near = |got: f64, want: f64, what: &str| {
                let error = (got - want).abs();
                assert!(error <= 4.5e-16 * want.abs() + 1e-300, "{what}({x}, {y}): {got:e} is not {want:e}");
            };
            near(exp(x), x.exp(), "exp");
            near(exp_m1(y.min(700.0)), y.min(700.0).exp_m1(), "exp_m1");
            near(atan2(x, y), x.atan2(y), "atan2");
            let positive = y.abs() + 1e-300;
            near(ln_with_rest(positive, 0.0), positive.ln(), "ln");
            let (sum, rest) = one_plus(positive);
            near(ln_with_rest(sum, rest), positive.ln_1p(), "ln_1p");
            let ((sine, cosine), (want_sine, want_cosine)) = (sin_cos(x), x.sin_cos());
            assert!((sine - want_sine).abs() < 2.3e-16, "sin({x})");
            assert!((cosine - want_cosine).abs() < 2.3e-16, "cos({x})");
        }
    }

    #[test]
    fn the_ends_of_the_ranges_are_finite() {
        for x in [0.0, -0.0, 1e-300, 1e300, -1e300, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(exp(x).is_finite() && exp_m1(x).is_finite());
            assert!(sin_cos(x).0.abs() <= 1.0 + 1e-15);
        }
        assert!(atan2(0.0, 0.0).abs() < 1e-300);
    }
}
