//! The characteristic function of the logarithm of the price, and its derivatives.
//!
//! `E[exp(i w ln(S_T / F))] = exp(κ θ A + v₀ B)` (Heston, Review of Financial Studies 6, 1993) in the form whose logarithm
//! stays on its principal branch: the "little trap" of Albrecher, Mayer, Schoutens and Tistaert (Wilmott, 2007), proved by
//! Lord and Kahl (Mathematical Finance 20, 2010). With `a = w² + i w`, `b = κ - i ρ σ w`, `d = √(b² + σ² a)`,
//! `E = exp(-d T)` and `Q = b (1 - E) + d (1 + E)`:
//!
//! `B = -a (1 - E) / Q` and `A = ((b - d) T - 2 ln(Q / 2d)) / σ²`.
//!
//! Everything is arranged so that nothing cancels when σ, κ or T is small. The derivatives with respect to all five
//! parameters need only those of `A` and `B` with respect to `b` and to `σ²` (the idea of sharing is that of Cui, del Baño
//! Rollin and Germano, European Journal of Operational Research 263, 2017).

use super::Parameters;
use super::complex::Complex;
use super::elementary::{at_least, atan2, exp, exp_m1, ln_with_rest, one_plus, sin_cos};

/// `A`, `B`, and what their derivatives are made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exponent {
    pub(super) a: Complex,
    pub(super) b: Complex,
    pub(super) long: Complex,
    pub(super) short: Complex,
    inverse_root: Complex,
    decay: Complex,
    decayed: Complex,
    root_time: Complex,
    difference: Complex,
    scaled_difference: Complex,
    inverse_q: Complex,
}

/// The logarithm of the characteristic function differentiated by each parameter.
#[derive(Debug, Clone, Copy)]
pub(super) struct ByParameter {
    pub(super) v0: Complex,
    pub(super) kappa: Complex,
    pub(super) theta: Complex,
    pub(super) sigma: Complex,
    pub(super) rho: Complex,
}

impl Exponent {
    /// At `w = z - i/2`, after `time` years.
    #[inline(always)]
    pub(super) fn new(parameters: &Parameters, time: f64, z: Complex) -> Self {
        let variance = parameters.sigma * parameters.sigma;
        let spread = parameters.rho * parameters.sigma;
        let a = z * z + Complex::new(0.25, 0.0);
        let b = Complex::new(spread.mul_add(z.im - 0.5, parameters.kappa), -spread * z.re);
        let root = (b * b + a.scale(variance)).sqrt();
        let root_time = root.scale(time);
        let (decay, decayed) = decay(root_time);
        let inverse_root = root.inverse();
        // Of b - d and b + d one cancels; it follows from the other, since their product is -σ² a.
        let upright = b.re >= 0.0;
        let side = Complex::select(upright, b + root, root - b);
        let quotient = a * side.inverse();
        let scaled_difference = Complex::select(upright, -quotient, side.scale(-1.0 / variance));
        let difference = Complex::select(upright, quotient.scale(-variance), -side);
        let excess = (difference * decayed * inverse_root).scale(0.5);
        let whole = ((quotient.scale(variance) + side * decay) * inverse_root).scale(0.5);
        // Q / 2d is 1 + excess; where that cancels, its other form does not.
        let cancels = !upright && excess.norm() > 0.25;
        let ratio = Complex::select(cancels, whole, Complex::new(1.0 + excess.re, excess.im));
        let (square, rest) = one_plus(excess.re.mul_add(2.0, excess.norm()));
        let square = at_least(if cancels { whole.norm() } else { square }, f64::MIN_POSITIVE);
        let rest = if cancels { 0.0 } else { rest };
        let logarithm = Complex::new(0.5 * ln_with_rest(square, rest), atan2(ratio.im, ratio.re));
        let inverse_q = (inverse_root * ratio.inverse()).scale(0.5);
        Self {
            a,
            b,
            long: scaled_difference.scale(time) - logarithm.scale(2.0 / variance),
            short: -(a * decayed * inverse_q),
            inverse_root,
            decay,
            decayed,
            root_time,
            difference,
            scaled_difference,
            inverse_q,
        }
    }

    /// The logarithm of the characteristic function.
    #[inline(always)]
    pub(super) fn value(&self, parameters: &Parameters) -> Complex {
        self.long.scale(parameters.kappa * parameters.theta) + self.short.scale(parameters.v0)
    }

    /// Its derivatives by the parameters, of which `z` and `time` must be those of [`Self::new`].
    #[inline(always)]
    pub(super) fn by_parameter(&self, parameters: &Parameters, time: f64, z: Complex) -> ByParameter {
        let variance = parameters.sigma * parameters.sigma;
        let pull = parameters.kappa * parameters.theta;
        let root_by_b = self.b * self.inverse_root;
        let root_by_variance = (self.a * self.inverse_root).scale(0.5);
        let late = self.root_time * self.decay;
        let remainder = self.decayed - late;
        let bracket = Complex::new(2.0, 0.0) - self.decayed + (self.decay * self.difference).scale(time);
        let shrink = (self.a * self.decay).scale(time);

        let q_by_b = self.decayed + root_by_b * bracket;
        let short_by_b = -((shrink * root_by_b + self.short * q_by_b) * self.inverse_q);
        let short_by_variance = -((shrink + self.short * bracket) * root_by_variance * self.inverse_q);
        let long_by_b = self.scaled_difference
            * self.inverse_root
            * ((self.decayed + root_by_b * remainder).scale(2.0) * self.inverse_q - Complex::new(time, 0.0));
        let grown = (self.decayed + self.difference * remainder * self.inverse_root).scale(2.0);
        let long_by_variance = (root_by_variance * (grown * self.inverse_q - Complex::new(time, 0.0))
            - self.long)
            .scale(1.0 / variance);

        let by_b = long_by_b.scale(pull) + short_by_b.scale(parameters.v0);
        let by_variance = long_by_variance.scale(pull) + short_by_variance.scale(parameters.v0);
        // -i w by_b
        let turned = (Complex::new(z.re, z.im - 0.5) * -by_b).turned();
        ByParameter {
            v0: self.short,
            kappa: self.long.scale(parameters.theta) + by_b,
            theta: self.long.scale(parameters.kappa),
            sigma: turned.scale(parameters.rho) + by_variance.scale(2.0 * parameters.sigma),
            rho: turned.scale(parameters.sigma),
        }
    }

    /// The derivative by time, from the Riccati equation that `B` solves.
    #[inline(always)]
    pub(super) fn by_time(&self, parameters: &Parameters) -> Complex {
        let half_variance = 0.5 * parameters.sigma * parameters.sigma;
        let slope = (self.short * self.short).scale(half_variance) - self.b * self.short - self.a.scale(0.5);
        self.short.scale(parameters.kappa * parameters.theta) + slope.scale(parameters.v0)
    }
}

/// `exp(-x)` and `1 - exp(-x)`, neither of which loses digits to the other.
#[inline(always)]
fn decay(x: Complex) -> (Complex, Complex) {
    let less_one = exp_m1(-x.re);
    let size = exp(-x.re);
    let (half_sine, half_cosine) = sin_cos(0.5 * x.im);
    let sine = 2.0 * half_sine * half_cosine;
    let less = 2.0 * half_sine * half_sine;
    let cosine = 1.0 - less;
    let decayed = Complex::new(less - less_one * cosine, size * sine);
    (Complex::new(size * cosine, -size * sine), decayed)
}

/// `exp(x)`.
#[inline(always)]
pub(super) fn exponential(x: Complex) -> Complex {
    let size = exp(x.re);
    let (sine, cosine) = sin_cos(x.im);
    Complex::new(size * cosine, size * sine)
}
