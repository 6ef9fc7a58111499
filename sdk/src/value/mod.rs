//! Values as they travel: [`Value`], its CBOR form, and how it meets Rust types through serde.
//!
//! Guarantees: whatever [`decode`] reads, [`encode`] writes back to an equal value; damaged bytes
//! give an error, never a panic or an allocation by a claimed length.

mod calendar;
mod decode;
mod encode;
mod error;
mod from_rust;
mod into_rust;
mod text;

use std::net::IpAddr;

use num_bigint::BigInt;
use serde::{Serialize, Serializer};
use uuid::Uuid;

pub use error::ValueError;

pub(crate) use decode::decode;
pub(crate) use encode::encode;
pub(crate) use from_rust::to_value;
pub(crate) use into_rust::{NamedValues, ValueReader};
pub(crate) use text::scalar as scalar_text;

/// A CQL value, as the wire tells it. Some CQL types share a form: every whole number up to 64
/// bits is an [`Value::Int`] (a `time` too: nanoseconds since midnight), a tuple or a vector is a
/// [`Value::List`] (a `duration` too: months, days, nanoseconds), a user-defined type is a
/// [`Value::Map`] with its field names.
///
/// Most code never meets it: rows deserialize into Rust types, see [`crate::Row::typed`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// No value.
    Null,
    /// boolean.
    Boolean(bool),
    /// tinyint, smallint, int, bigint, counter, time, and varint where it fits.
    Int(i64),
    /// varint beyond 64 bits.
    Varint(BigInt),
    /// decimal: `unscaled` times ten to the power of minus `scale`.
    Decimal {
        /// All digits as a whole number.
        unscaled: BigInt,
        /// How many of them stand after the point; negative for zeros that are left out.
        scale: i64,
    },
    /// float.
    Float(f32),
    /// double.
    Double(f64),
    /// text and ascii.
    Text(String),
    /// blob.
    Blob(Vec<u8>),
    /// uuid and timeuuid.
    Uuid(Uuid),
    /// inet.
    Inet(IpAddr),
    /// timestamp: milliseconds since 1970.
    Timestamp(i64),
    /// date: days since 1970-01-01.
    Date(i64),
    /// list, tuple, vector.
    List(Vec<Value>),
    /// set.
    Set(Vec<Value>),
    /// map, and user-defined types by field name.
    Map(Vec<(Value, Value)>),
}

impl Value {
    /// What this is, in the words of an error message.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "a boolean",
            Self::Int(_) => "an integer",
            Self::Varint(_) => "a varint",
            Self::Decimal { .. } => "a decimal",
            Self::Float(_) => "a float",
            Self::Double(_) => "a double",
            Self::Text(_) => "text",
            Self::Blob(_) => "a blob",
            Self::Uuid(_) => "a uuid",
            Self::Inet(_) => "an inet",
            Self::Timestamp(_) => "a timestamp",
            Self::Date(_) => "a date",
            Self::List(_) => "a list",
            Self::Set(_) => "a set",
            Self::Map(_) => "a map",
        }
    }

    /// Whether this is null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The member of a map that has text keys.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        let Self::Map(entries) = self else {
            return None;
        };
        entries
            .iter()
            .find(|(key, _)| matches!(key, Self::Text(text) if text == name))
            .map(|e| &e.1)
    }

    /// Text, if it is text.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Scalars without a Rust counterpart go as the text that CQL reads.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Boolean(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Float(value) => serializer.serialize_f32(*value),
            Self::Double(value) => serializer.serialize_f64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::Blob(value) => serializer.serialize_bytes(value),
            Self::List(parts) | Self::Set(parts) => serializer.collect_seq(parts),
            Self::Map(entries) => serializer.collect_map(entries.iter().map(|(k, v)| (k, v))),
            Self::Varint(_)
            | Self::Decimal { .. }
            | Self::Uuid(_)
            | Self::Inet(_)
            | Self::Timestamp(_)
            | Self::Date(_) => serializer.collect_str(&text::scalar(self).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests;
