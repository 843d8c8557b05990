//! The standard normal distribution.

use crate::QuantError;
use crate::check;
use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Density at `x`.
#[must_use]
pub fn pdf(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * PI).sqrt()
}

/// Probability of a value at or below `x`; accurate in both tails, since it goes through the complementary error
/// function.
#[must_use]
pub fn cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

/// The `x` whose [`cdf`] is `p`: Wichura's algorithm AS 241 (Applied Statistics 37, 1988), which is good to about
/// 1e-16, with one step of Halley's method on [`cdf`] on top.
///
/// # Errors
/// Unless `p` lies strictly between zero and one.
pub fn quantile(p: f64) -> Result<f64, QuantError> {
    check::fraction("probability", p)?;
    let x = wichura(p);
    // Far out the density is too small to divide by, and the first answer stands.
    let density = pdf(x);
    if density < 1e-290 {
        return Ok(x);
    }
    let error = if p > 0.5 { (1.0 - p) - cdf(-x) } else { cdf(x) - p };
    let step = error / density;
    Ok(x - step / (1.0 + 0.5 * x * step))
}

fn wichura(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * ratio(r, &CENTRE);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    let r = (-tail.ln()).sqrt();
    let x = if r <= 5.0 { ratio(r - 1.6, &MIDDLE) } else { ratio(r - 5.0, &FAR) };
    if q < 0.0 { -x } else { x }
}

/// A quotient of two polynomials of degree seven; coefficients from the constant term upwards.
fn ratio(r: f64, coefficients: &[[f64; 8]; 2]) -> f64 {
    let [numerator, denominator] = coefficients;
    let at = |polynomial: &[f64; 8]| polynomial.iter().rev().fold(0.0, |sum, &term| sum * r + term);
    at(numerator) / at(denominator)
}

const CENTRE: [[f64; 8]; 2] = [
    [
        3.387_132_872_796_366_5,
        1.331_416_678_917_843_8e2,
        1.971_590_950_306_551_3e3,
        1.373_169_376_550_946e4,
        4.592_195_393_154_987e4,
        6.726_577_092_700_87e4,
        3.343_057_558_358_813e4,
        2.509_080_928_730_122_7e3,
    ],
    [
        1.0,
        4.231_333_070_160_091e1,
        6.871_870_074_920_579e2,
        5.394_196_021_424_751e3,
        2.121_379_430_158_66e4,
        3.930_789_580_009_271e4,
        2.872_908_573_572_194_3e4,
        5.226_495_278_852_545e3,
    ],
];
const MIDDLE: [[f64; 8]; 2] = [
    [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        2.417_807_251_774_506e-1,
        2.272_384_498_926_918_4e-2,
        7.745_450_142_783_414e-4,
    ],
    [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        6.897_673_349_851e-1,
        1.481_039_764_274_800_8e-1,
        1.519_866_656_361_645_7e-2,
        5.475_938_084_995_345e-4,
        1.050_750_071_644_416_9e-9,
    ],
];
const FAR: [[f64; 8]; 2] = [
    [
        6.657_904_643_501_103,
        5.463_784_911_164_114,
        1.784_826_539_917_291_3,
        2.965_605_718_285_048_7e-1,
        2.653_218_952_657_612_4e-2,
        1.242_660_947_388_078_4e-3,
        2.711_555_568_743_487_6e-5,
        2.010_334_399_292_288_1e-7,
    ],
    [
        1.0,
        5.998_322_065_558_88e-1,
        1.369_298_809_227_358e-1,
        1.487_536_129_085_061_5e-2,
        7.868_691_311_456_133e-4,
        1.846_318_317_510_054_8e-5,
        1.421_511_758_316_446e-7,
        2.044_263_103_389_939_7e-15,
    ],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantile_undoes_the_distribution() {
        for p in [1e-300, 1e-100, 1e-20, 1e-10, 1e-5, 0.01, 0.3, 0.5, 0.7, 0.95, 0.99, 1.0 - 1e-10] {
            let x = quantile(p).unwrap();
            let back = cdf(x);
            // One unit in the last place of x is worth x² of them in p.
            let bound = p * (8e-15 + 4.0 * f64::EPSILON * x * x);
            assert!((back - p).abs() <= bound, "{p}: {x} -> {back}");
        }
        assert!((quantile(0.975).unwrap() - 1.959_963_984_540_054).abs() < 1e-15);
        assert!((quantile(0.99).unwrap() - 2.326_347_874_040_840_8).abs() < 1e-15);
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        for p in [0.0, 1.0, -0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(quantile(p).is_err(), "{p}");
        }
    }
}
