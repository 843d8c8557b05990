//! A decimal as JSON carries it here: a string. A JSON number would have passed through a float on its way.

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;

/// The text of a decimal, not yet parsed.
#[derive(Debug)]
pub(crate) struct DecimalText(String);

impl DecimalText {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = DecimalText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON string holding a decimal number, such as \"0.25\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<DecimalText, E> {
        Ok(DecimalText(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for DecimalText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}
