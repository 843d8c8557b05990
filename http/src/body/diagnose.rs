//! Why a JSON text is not what a route wants. Runs only after the fast parser has failed: the text is parsed again
//! into a tree, and the tree into the wanted type, by a deserializer whose errors say field, found and expected.

use crate::error::{ApiError, Code};
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    self, DeserializeOwned, Deserializer, Error as _, Expected, IntoDeserializer, Unexpected, Visitor,
};
use serde_json::{Value, json};
use std::fmt;

/// What is wrong with one field.
#[derive(Debug)]
struct Fault {
    field: String,
    kind: FaultKind,
}

#[derive(Debug)]
enum FaultKind {
    Type { found: String, expected: String },
    Missing,
    Unknown { known: &'static [&'static str] },
    Duplicate,
    Other(String),
}

/// Says what is wrong with `bytes`, which `error` says are no `T`.
pub(super) fn explain<T: DeserializeOwned>(bytes: &[u8], error: &serde_json::Error) -> ApiError {
    let Ok(tree) = serde_json::from_slice::<Value>(bytes) else { return not_json(error) };
    match T::deserialize(Node(tree)) {
        Err(fault) => fault.into(),
        // The tree keeps one of two equal keys, so that the second parse can succeed.
        Ok(_) => ApiError::new(Code::FieldDuplicate, error.to_string()),
    }
}

fn not_json(error: &serde_json::Error) -> ApiError {
    let (line, column) = (error.line(), error.column());
    let message = if error.is_eof() { "the JSON text ends too early" } else { "the body is not valid JSON" };
    ApiError::new(Code::BodyNotJson, format!("{message}: {error}"))
        .with_details(json!({ "line": line, "column": column }))
}

impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        let field = fault.field;
        match fault.kind {
            FaultKind::Type { found, expected } => {
                let name = if field.is_empty() { "the body" } else { &field };
                ApiError::new(Code::FieldType, format!("{name} must be {expected}, found {found}"))
                    .with_details(json!({ "field": field, "found": found, "expected": expected }))
            }
            FaultKind::Missing => {
                ApiError::new(Code::FieldMissing, format!("the field {field} is required")).with_field(&field)
            }
            FaultKind::Unknown { known } => {
                let message = format!("there is no field {field} here; known are: {}", known.join(", "));
                ApiError::new(Code::FieldUnknown, message)
                    .with_details(json!({ "field": field, "known": known }))
            }
            FaultKind::Duplicate => {
                ApiError::new(Code::FieldDuplicate, format!("the field {field} occurs twice"))
                    .with_field(&field)
            }
            FaultKind::Other(message) => ApiError::new(Code::FieldType, message).with_field(&field),
        }
    }
}

impl Fault {
    fn here(kind: FaultKind) -> Self {
        Self { field: String::new(), kind }
    }

    /// The same fault, seen from one level further up.
    fn below(mut self, parent: &str) -> Self {
        self.field = match self.field.as_str() {
            "" => parent.to_owned(),
            child => format!("{parent}.{child}"),
        };
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::here(FaultKind::Other(message.to_string()))
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::here(FaultKind::Type { found: found(unexpected), expected: expected.to_string() })
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn missing_field(field: &'static str) -> Self {
        Self { field: field.to_owned(), kind: FaultKind::Missing }
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        // The name is the caller's: shown, but not at any length.
        Self { field: field.chars().take(64).collect(), kind: FaultKind::Unknown { known } }
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self { field: field.to_owned(), kind: FaultKind::Duplicate }
    }
}

/// What was found, in the words of JSON and without long values.
fn found(unexpected: Unexpected<'_>) -> String {
    match unexpected {
        Unexpected::Bool(value) => format!("the boolean {value}"),
        Unexpected::Unsigned(value) => format!("the number {value}"),
        Unexpected::Signed(value) => format!("the number {value}"),
        Unexpected::Float(value) => format!("the number {value}"),
        Unexpected::Str(_) => "a string".to_owned(),
        Unexpected::Unit | Unexpected::Option => "null".to_owned(),
        Unexpected::Seq => "an array".to_owned(),
        Unexpected::Map => "an object".to_owned(),
        other => other.to_string(),
    }
}

/// A JSON value whose deserialization errors are [`Fault`]s that know where they happened.
struct Node(Value);

/// A member of an object: its value, and its name for errors.
struct Member(String, Value);

impl<'de> IntoDeserializer<'de, Fault> for Node {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> IntoDeserializer<'de, Fault> for Member {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Node {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(value), _, _) => visitor.visit_u64(value),
                (None, Some(value), _) => visitor.visit_i64(value),
                (None, None, Some(value)) => visitor.visit_f64(value),
                (None, None, None) => Err(Fault::custom("a number is out of range")),
            },
            Value::String(text) => visitor.visit_string(text),
            Value::Array(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter().map(Node))),
            Value::Object(members) => {
                let members = members.into_iter().map(|(name, value)| (name.clone(), Member(name, value)));
                visitor.visit_map(MapDeserializer::new(members))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> Deserializer<'de> for Member {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        Node(self.1).deserialize_any(visitor).map_err(|fault| fault.below(&self.0))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        Node(self.1).deserialize_option(visitor).map_err(|fault| fault.below(&self.0))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        Node(self.1).deserialize_newtype_struct(name, visitor).map_err(|fault| fault.below(&self.0))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}
