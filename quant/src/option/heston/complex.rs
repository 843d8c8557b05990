//! Complex numbers, with a square root that needs no angle.

use super::elementary::at_least;
use std::ops::{Add, Mul, Neg, Sub};

/// A complex number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Complex {
    pub(super) re: f64,
    pub(super) im: f64,
}

impl Complex {
    #[inline(always)]
    pub(super) const fn new(re: f64, im: f64) -> Self {
        Self { re, im }
    }

    #[inline(always)]
    pub(super) fn scale(self, factor: f64) -> Self {
        Self::new(self.re * factor, self.im * factor)
    }

    #[inline(always)]
    pub(super) fn norm(self) -> f64 {
        self.re.mul_add(self.re, self.im * self.im)
    }

    /// `1 / self`; huge rather than infinite at zero.
    #[inline(always)]
    pub(super) fn inverse(self) -> Self {
        let factor = 1.0 / at_least(self.norm(), f64::MIN_POSITIVE);
        Self::new(self.re * factor, -self.im * factor)
    }

    /// `i` times `self`.
    #[inline(always)]
    pub(super) const fn turned(self) -> Self {
        Self::new(-self.im, self.re)
    }

    /// The root in the right half-plane.
    #[inline(always)]
    pub(super) fn sqrt(self) -> Self {
        let larger = (0.5 * (self.norm().sqrt() + self.re.abs())).sqrt();
        let smaller = self.im.abs() / at_least(2.0 * larger, f64::MIN_POSITIVE);
        let right = self.re >= 0.0;
        Self::new(
            if right { larger } else { smaller },
            (if right { smaller } else { larger }).copysign(self.im),
        )
    }

    #[inline(always)]
    pub(super) fn select(condition: bool, yes: Self, no: Self) -> Self {
        Self::new(if condition { yes.re } else { no.re }, if condition { yes.im } else { no.im })
    }
}

impl Add for Complex {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self::new(self.re + other.re, self.im + other.im)
    }
}

impl Sub for Complex {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self::new(self.re - other.re, self.im - other.im)
    }
}

impl Neg for Complex {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        Self::new(-self.re, -self.im)
    }
}

impl Mul for Complex {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self::new(
            self.re.mul_add(other.re, -(self.im * other.im)),
            self.re.mul_add(other.im, self.im * other.re),
        )
    }
}
