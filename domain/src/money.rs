//! Prices, quantities and amounts: exact decimals, never floats.
//!
//! Bounds are chosen so that `price * quantity` is exact in the 28 digits of [`Decimal`]: both carry at most
//! 8 decimal places, and a notional stays below [`NOTIONAL_LIMIT`].

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;

/// Decimal places a price or a quantity may have.
pub const SCALE_MAX: u32 = 8;
/// Digits before the point a price or a quantity may have.
pub const INTEGER_DIGITS_MAX: usize = 10;
/// The smallest number with more digits before the point than that.
const INTEGER_LIMIT: Decimal = Decimal::from_parts(1_410_065_408, 2, 0, false, 0);
/// Longest text that is looked at when a decimal is parsed.
pub const TEXT_LENGTH_MAX: usize = 1 + INTEGER_DIGITS_MAX + 1 + SCALE_MAX as usize;
/// No single order may be worth this much: 11 digits before the point and 16 after it are exact.
pub const NOTIONAL_LIMIT: Decimal = Decimal::from_parts(1_215_752_192, 23, 0, false, 0);
/// Decimal places that derived amounts (a share of a cost, a fee) are rounded to.
pub const AMOUNT_SCALE: u32 = 16;

/// Why a text is not an acceptable decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    #[error("must be a plain decimal number such as \"0.25\", without exponent, sign or separators")]
    NotANumber,
    #[error("may have at most {INTEGER_DIGITS_MAX} digits before the point and {SCALE_MAX} after it")]
    TooManyDigits,
    #[error("must be greater than zero, and is negative")]
    Negative,
    #[error("must be greater than zero, and is zero")]
    Zero,
}

/// A number greater than zero.
fn positive(value: Decimal) -> Result<Decimal, DecimalError> {
    match value.cmp(&Decimal::ZERO) {
        Ordering::Less => Err(DecimalError::Negative),
        Ordering::Equal => Err(DecimalError::Zero),
        Ordering::Greater => Ok(value),
    }
}

/// Parses a non-negative plain decimal: digits, optionally a point and more digits.
pub fn parse_decimal(text: &str) -> Result<Decimal, DecimalError> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (integer, fraction) = unsigned.split_once('.').map_or((unsigned, None), |(i, f)| (i, Some(f)));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !is_digits(integer) || fraction.is_some_and(|part| !is_digits(part)) {
        return Err(DecimalError::NotANumber);
    }
    if integer.len() > INTEGER_DIGITS_MAX || fraction.is_some_and(|part| part.len() > SCALE_MAX as usize) {
        return Err(DecimalError::TooManyDigits);
    }
    text.parse().map_err(|_| DecimalError::NotANumber)
}

macro_rules! decimal_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(#[serde(with = "rust_decimal::serde::str")] Decimal);

        impl<'de> Deserialize<'de> for $name {
            /// Reads what the constructor would accept, and nothing else.
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = rust_decimal::serde::str::deserialize(deserializer)?;
                Self::try_from(value).map_err(serde::de::Error::custom)
            }
        }

        impl $name {
            /// The number itself.
            pub const fn get(self) -> Decimal {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

decimal_type!(
    /// A price in the quote currency, greater than zero.
    Price
);
decimal_type!(
    /// A quantity of the base, zero or more.
    Qty
);
decimal_type!(
    /// A quantity with a direction: long is positive, short negative.
    SignedQty
);
decimal_type!(
    /// An amount of one currency, of either sign.
    Amount
);

fn in_bounds(value: Decimal) -> Result<Decimal, DecimalError> {
    let value = value.normalize();
    if value.scale() > SCALE_MAX || value.abs() >= INTEGER_LIMIT {
        return Err(DecimalError::TooManyDigits);
    }
    Ok(value)
}

impl Price {
    /// Parses a positive plain decimal.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        Self::try_from(parse_decimal(text)?)
    }

    /// What `quantity` costs at this price; exact.
    pub fn notional(self, quantity: Qty) -> Amount {
        Amount(self.0 * quantity.0)
    }
}

impl TryFrom<Decimal> for Price {
    type Error = DecimalError;
    fn try_from(value: Decimal) -> Result<Self, DecimalError> {
        positive(value).and_then(in_bounds).map(Self)
    }
}

impl Qty {
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// Parses a positive plain decimal.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        parse_decimal(text).and_then(positive).and_then(Self::try_from)
    }

    /// Whether nothing is left.
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// The sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self((self.0 + other.0).normalize())
    }

    /// The difference, never below zero.
    #[must_use]
    pub fn saturating_minus(self, other: Self) -> Self {
        Self((self.0 - other.0).max(Decimal::ZERO).normalize())
    }

    /// The smaller of two.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        if self.0 <= other.0 { self } else { other }
    }
}

impl TryFrom<Decimal> for Qty {
    type Error = DecimalError;
    fn try_from(value: Decimal) -> Result<Self, DecimalError> {
        if value < Decimal::ZERO {
            return Err(DecimalError::Negative);
        }
        in_bounds(value).map(Self)
    }
}

impl SignedQty {
    pub const ZERO: Self = Self(Decimal::ZERO);
}

impl From<Decimal> for SignedQty {
    fn from(value: Decimal) -> Self {
        Self(value.normalize())
    }
}

impl Amount {
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// Rounds a derived amount to [`AMOUNT_SCALE`] places, half to even.
    #[must_use]
    pub fn rounded(value: Decimal) -> Self {
        Self(value.round_dp(AMOUNT_SCALE).normalize())
    }

    /// The sum; exact.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self((self.0 + other.0).normalize())
    }

    /// The difference; exact.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self((self.0 - other.0).normalize())
    }
}

impl From<Decimal> for Amount {
    fn from(value: Decimal) -> Self {
        Self(value.normalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hostile_texts_are_refused_with_the_right_reason() {
        for text in ["NaN", "inf", "1e5", "", ".", "1.", ".5", "+1", "1,000", "0x10", " 1", "١"] {
            assert_eq!(Qty::parse(text), Err(DecimalError::NotANumber), "{text:?}");
        }
        for text in ["-1", "-0.00000001"] {
            assert_eq!(Qty::parse(text), Err(DecimalError::Negative), "{text:?}");
            assert_eq!(Price::parse(text), Err(DecimalError::Negative), "{text:?}");
        }
        for text in ["0", "0.00", "-0"] {
            assert_eq!(Qty::parse(text), Err(DecimalError::Zero), "{text:?}");
            assert_eq!(Price::parse(text), Err(DecimalError::Zero), "{text:?}");
        }
        for text in ["1".repeat(40), "0.123456789".to_owned(), "12345678901".to_owned()] {
            assert_eq!(Qty::parse(&text), Err(DecimalError::TooManyDigits), "{text:?}");
        }
    }

    #[test]
    fn stored_values_are_bounded_like_parsed_ones() {
        assert!(serde_json::from_str::<Price>("\"1.5\"").is_ok());
        for text in ["\"-1\"", "\"0\"", "\"1.123456789\"", "\"10000000000\""] {
            assert!(serde_json::from_str::<Price>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn notional_limit_is_a_hundred_billion() {
        assert_eq!(NOTIONAL_LIMIT, Decimal::from(100_000_000_000u64));
        assert_eq!(INTEGER_LIMIT, Decimal::from(10_000_000_000u64));
    }

    proptest! {
        #[test]
        fn parsing_keeps_the_value(integer in 0u64..9_999_999_999, fraction in 0u32..99_999_999) {
            let text = format!("{integer}.{fraction:08}");
            prop_assume!(integer > 0 || fraction > 0);
            let parsed = Qty::parse(&text).unwrap().get();
            let expected = Decimal::from(integer) + Decimal::new(i64::from(fraction), 8);
            prop_assert_eq!(parsed, expected);
        }
    }
}
