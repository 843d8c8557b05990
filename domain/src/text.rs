//! Short validated strings, the shape of every textual identifier.

use std::fmt;
use std::sync::Arc;

/// Why a string is not an identifier of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be {length_min} to {length_max} characters of {alphabet}")]
pub struct TextError {
    pub what: &'static str,
    pub length_min: usize,
    pub length_max: usize,
    pub alphabet: &'static str,
}

/// The rule one kind of identifier follows.
#[derive(Debug, Clone, Copy)]
pub struct TextRule {
    pub what: &'static str,
    pub length_max: usize,
    pub alphabet: &'static str,
    pub allows: fn(char) -> bool,
}

impl TextRule {
    /// Checks `text` against the rule and takes it over as a shared string.
    pub fn parse(&self, text: &str) -> Result<Arc<str>, TextError> {
        let fits = !text.is_empty() && text.len() <= self.length_max && text.chars().all(self.allows);
        if fits { Ok(Arc::from(text)) } else { Err(self.error()) }
    }

    fn error(&self) -> TextError {
        TextError { what: self.what, length_min: 1, length_max: self.length_max, alphabet: self.alphabet }
    }
}

/// Declares a string newtype that can only be made by parsing.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $rule:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// The rule a value of this type follows.
            pub const RULE: $crate::text::TextRule = $rule;

            /// Parses, or says what would be right.
            pub fn parse(text: &str) -> Result<Self, $crate::text::TextError> {
                Self::RULE.parse(text).map(Self)
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::text::TextError;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().to_owned()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
pub(crate) use text_id;

/// Writes a value that serialises as a JSON string without its quotes.
pub(crate) fn write_enum_name<T: serde::Serialize>(value: &T, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => f.write_str(&name),
        _ => Err(fmt::Error),
    }
}
