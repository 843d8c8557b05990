//! Between the domain's words and the text columns they are stored in.

use crate::DbError;
use bulkhead_domain::text::TextError;
use rust_decimal::Decimal;
use serde::Serialize;
use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};

/// The stored name of a field-less enum value.
pub(crate) fn name_of<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => unreachable!("only enums without fields are stored by name"),
    }
}

/// The enum value a stored name stands for.
pub(crate) fn value_of<T: DeserializeOwned>(what: &'static str, name: &str) -> Result<T, DbError> {
    let deserializer: StrDeserializer<'_, ValueError> = name.into_deserializer();
    T::deserialize(deserializer).map_err(|error| DbError::corrupt(what, error.to_string()))
}

/// Reads a validated text; what is stored was valid once, so anything else is corruption.
pub(crate) fn parsed<T>(what: &'static str, result: Result<T, TextError>) -> Result<T, DbError> {
    result.map_err(|error| DbError::corrupt(what, error))
}

/// Reads a bounded decimal.
pub(crate) fn bounded<T>(what: &'static str, value: Decimal) -> Result<T, DbError>
where
    T: TryFrom<Decimal>,
    T::Error: std::error::Error + Send + Sync + 'static,
{
    T::try_from(value).map_err(|error| DbError::corrupt(what, error))
}

/// Declares an enum that is stored by name.
macro_rules! stored_enum {
    ($(#[$doc:meta])* $name:ident { $($variant:ident => $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $(#[serde(rename = $text)] $variant),+ }

        impl $name {
            /// The stored and public name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Reads the name.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}
pub(crate) use stored_enum;
