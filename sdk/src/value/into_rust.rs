//! Values to Rust types, through `serde::Deserialize`.
//!
//! Scalars show themselves in the form that the Rust type asks for: a timestamp is text for types
//! that parse text and milliseconds for numbers, a uuid is text or bytes, a whole number is a
//! number or its digits.

use num_bigint::BigInt;
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::{Value, ValueError, text};

type Result<T> = std::result::Result<T, ValueError>;

/// Reads one value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ValueReader<'a>(pub(crate) &'a Value);

/// Values with names: a row with its columns, or a user-defined type with its fields.
pub(crate) struct NamedValues<'a, I: Iterator<Item = (&'a str, &'a Value)>> {
    rest: I,
    next: Option<(&'a str, &'a Value)>,
}

impl<'a, I: Iterator<Item = (&'a str, &'a Value)>> NamedValues<'a, I> {
    pub(crate) fn new(rest: I) -> Self {
        Self { rest, next: None }
    }
}

/// A number, as what the visitor understands best.
fn number<'de, V: Visitor<'de>>(value: &Value, visitor: V) -> Result<V::Value> {
    match value {
        Value::Int(value) | Value::Timestamp(value) | Value::Date(value) => {
            visitor.visit_i64(*value)
        }
        Value::Float(value) => visitor.visit_f32(*value),
        Value::Double(value) => visitor.visit_f64(*value),
        Value::Varint(value) => varint(value, visitor),
        Value::Decimal { .. } => match text::scalar(value).unwrap_or_default().parse() {
            Ok(close) => visitor.visit_f64(close),
            Err(_) => Err(ValueError::new("the decimal is no double")),
        },
        // Values in JSON arrive as text where a number would lose digits.
        Value::Text(text) => match text.parse() {
            Ok(whole) => visitor.visit_i64(whole),
            Err(_) => visitor.visit_str(text),
        },
        other => any(other, visitor),
    }
}

fn varint<'de, V: Visitor<'de>>(value: &BigInt, visitor: V) -> Result<V::Value> {
    if let Ok(value) = u64::try_from(value) {
        return visitor.visit_u64(value);
    }
    match (i128::try_from(value), u128::try_from(value)) {
        (Ok(value), _) => visitor.visit_i128(value),
        (_, Ok(value)) => visitor.visit_u128(value),
        _ => Err(ValueError::new("the varint does not fit; read it as a String")),
    }
}

/// The form that a value shows to a type that takes whatever comes.
fn any<'de, V: Visitor<'de>>(value: &Value, visitor: V) -> Result<V::Value> {
    match value {
        Value::Null => visitor.visit_unit(),
        Value::Boolean(value) => visitor.visit_bool(*value),
        Value::Int(value) => visitor.visit_i64(*value),
        Value::Float(value) => visitor.visit_f32(*value),
        Value::Double(value) => visitor.visit_f64(*value),
        Value::Text(text) => visitor.visit_str(text),
        Value::Blob(bytes) => visitor.visit_bytes(bytes),
        Value::List(parts) | Value::Set(parts) => visitor.visit_seq(Parts(parts.iter())),
        Value::Map(entries) => visitor.visit_map(Entries { rest: entries.iter(), value: None }),
        Value::Varint(_)
        | Value::Decimal { .. }
        | Value::Uuid(_)
        | Value::Inet(_)
        | Value::Timestamp(_)
        | Value::Date(_) => visitor.visit_string(text::scalar(value).unwrap_or_default()),
    }
}

macro_rules! numbers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            number(self.0, visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for ValueReader<'_> {
    type Error = ValueError;

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        any(self.0, visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match text::scalar(self.0) {
            Some(text) => visitor.visit_string(text),
            None => any(self.0, visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.0 {
            Value::Uuid(value) => visitor.visit_bytes(value.as_bytes()),
            other => any(other, visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    /// An empty collection is null in CQL, and null reads as an empty collection.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.0 {
            Value::Null => visitor.visit_seq(Parts([].iter())),
            Value::Blob(bytes) => {
                let bytes = bytes.iter().copied();
                visitor.visit_seq(serde::de::value::SeqDeserializer::new(bytes))
            }
            other => any(other, visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.0 {
            Value::Null => visitor.visit_map(Entries { rest: [].iter(), value: None }),
            other => any(other, visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        any(self.0, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.0 {
            Value::Text(variant) => visitor.visit_enum(variant.as_str().into_deserializer()),
            Value::Map(entries) => match entries.as_slice() {
                [(Value::Text(variant), value)] => visitor.visit_enum(Variant { variant, value }),
                _ => Err(ValueError::new("an enum needs a map of one entry")),
            },
            other => Err(ValueError::new(format!("{} is no enum", other.kind()))),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool char unit unit_struct tuple tuple_struct identifier
    }
}

struct Parts<'a>(std::slice::Iter<'a, Value>);

impl<'de> SeqAccess<'de> for Parts<'_> {
    type Error = ValueError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        self.0.next().map(|value| seed.deserialize(ValueReader(value))).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Entries<'a> {
    rest: std::slice::Iter<'a, (Value, Value)>,
    value: Option<(&'a Value, &'a Value)>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = ValueError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        let Some((key, value)) = self.rest.next() else {
            return Ok(None);
        };
        self.value = Some((key, value));
        seed.deserialize(ValueReader(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        let (key, value) =
            self.value.take().ok_or_else(|| ValueError::new("a map value without its key"))?;
        let place = || text::scalar(key).unwrap_or_else(|| "key".to_owned());
        seed.deserialize(ValueReader(value)).map_err(|error| error.within(&place()))
    }
}

impl<'a, 'de, I: Iterator<Item = (&'a str, &'a Value)>> MapAccess<'de> for NamedValues<'a, I> {
    type Error = ValueError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        self.next = self.rest.next();
        let Some((name, _)) = self.next else {
            return Ok(None);
        };
        seed.deserialize(StrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        let (name, value) =
            self.next.take().ok_or_else(|| ValueError::new("a map value without its key"))?;
        seed.deserialize(ValueReader(value)).map_err(|error| error.within(name))
    }
}

impl<'a, 'de, I: Iterator<Item = (&'a str, &'a Value)>> SeqAccess<'de> for NamedValues<'a, I> {
    type Error = ValueError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        let Some((name, value)) = self.rest.next() else {
            return Ok(None);
        };
        seed.deserialize(ValueReader(value)).map(Some).map_err(|error| error.within(name))
    }
}

/// An enum variant that holds something.
struct Variant<'a> {
    variant: &'a str,
    value: &'a Value,
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = ValueError;
    type Variant = ValueReader<'a>;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self::Variant)> {
        let name = seed.deserialize(StrDeserializer::<ValueError>::new(self.variant))?;
        Ok((name, ValueReader(self.value)))
    }
}

impl<'de> VariantAccess<'de> for ValueReader<'_> {
    type Error = ValueError;

    fn unit_variant(self) -> Result<()> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value> {
        any(self.0, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        any(self.0, visitor)
    }
}
