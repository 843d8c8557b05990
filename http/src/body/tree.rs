//! A JSON tree as something to deserialize from, stricter than the fast parser and with errors that know their place.
//!
//! 1. A struct is read from an object only. Serde would take an array of its fields' values as well.
//! 2. Errors speak of JSON, never of Rust's types.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, Deserializer, Error as _, Expected, IntoDeserializer, Unexpected, Visitor};
use serde_json::Value;
use std::fmt;

/// What is wrong with one field.
#[derive(Debug)]
pub(super) struct Fault {
    /// Where, as in `quotes[3].strike`; empty for the whole.
    pub(super) field: String,
    pub(super) kind: FaultKind,
}

#[derive(Debug)]
pub(super) enum FaultKind {
    Type { found: String, expected: String },
    Missing,
    Unknown { known: &'static [&'static str] },
    Duplicate,
    Other(String),
}

impl Fault {
    fn here(kind: FaultKind) -> Self {
        Self { field: String::new(), kind }
    }

    fn wrong_type(found: &Value, expected: &str) -> Self {
        Self::here(FaultKind::Type { found: found_value(found), expected: expected.to_owned() })
    }

    /// The same fault, seen from one level further up.
    fn below(mut self, parent: &Step) -> Self {
        let dot = if self.field.is_empty() || self.field.starts_with('[') { "" } else { "." };
        self.field = match parent {
            Step::Member(name) => format!("{name}{dot}{}", self.field),
            Step::Element(index) => format!("[{index}]{dot}{}", self.field),
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
        Self::here(FaultKind::Type { found: found(unexpected), expected: in_json(expected.to_string()) })
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

fn found_value(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => format!("the boolean {value}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(_) => "a string".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// What a visitor expects, in the words of JSON where serde says it in those of Rust.
fn in_json(expected: String) -> String {
    let json = match expected.as_str() {
        "f32" | "f64" => "a number",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number of zero or more, within bounds",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number, within bounds",
        "a sequence" => "a JSON array",
        "a map" => "a JSON object",
        _ => return expected,
    };
    json.to_owned()
}

/// A JSON value whose deserialization errors are [`Fault`]s that know where they happened.
pub(super) struct Node(pub(super) Value);

/// A value inside another, and the way to it for errors.
struct Inner(Step, Value);

enum Step {
    Member(String),
    Element(usize),
}

impl<'de> IntoDeserializer<'de, Fault> for Node {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> IntoDeserializer<'de, Fault> for Inner {
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
            Value::Array(items) => {
                let items = items.into_iter().enumerate();
                let items = items.map(|(index, value)| Inner(Step::Element(index), value));
                visitor.visit_seq(SeqDeserializer::new(items))
            }
            Value::Object(members) => {
                let members = members.into_iter();
                let members = members.map(|(name, value)| (name.clone(), Inner(Step::Member(name), value)));
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

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if self.0.is_object() {
            self.deserialize_any(visitor)
        } else {
            Err(Fault::wrong_type(&self.0, "a JSON object"))
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.0 {
            Value::String(text) => visitor.visit_enum(text.into_deserializer()),
            other => Err(Fault::wrong_type(&other, "a string")),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

impl<'de> Deserializer<'de> for Inner {
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

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        Node(self.1).deserialize_struct(name, fields, visitor).map_err(|fault| fault.below(&self.0))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        Node(self.1).deserialize_enum(name, variants, visitor).map_err(|fault| fault.below(&self.0))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}
