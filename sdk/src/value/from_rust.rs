//! Rust types to values, through `serde::Serialize`.
//!
//! Types that know a text form use it (uuids, dates, addresses), and the server reads that text by
//! the type of the column. Byte strings need a type that serializes as bytes: [`bytes::Bytes`],
//! `serde_bytes`, or [`Value::Blob`]; a plain `Vec<u8>` is a list of numbers to serde.

use num_bigint::BigInt;
use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::{Value, ValueError};

type Result<T> = std::result::Result<T, ValueError>;

/// The value of anything that serializes.
pub(crate) fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value> {
    value.serialize(ToValue)
}

struct ToValue;

/// Elements so far, and the enum variant that they belong to.
struct Parts {
    variant: Option<&'static str>,
    parts: Vec<Value>,
}

/// Entries so far, the key that waits for its value, and the enum variant.
struct Entries {
    variant: Option<&'static str>,
    key: Option<Value>,
    entries: Vec<(Value, Value)>,
}

fn named(variant: Option<&'static str>, value: Value) -> Value {
    match variant {
        Some(name) => Value::Map(vec![(Value::Text(name.to_owned()), value)]),
        None => value,
    }
}

fn parts(variant: Option<&'static str>) -> Parts {
    Parts { variant, parts: Vec::new() }
}

fn entries(variant: Option<&'static str>) -> Entries {
    Entries { variant, key: None, entries: Vec::new() }
}

impl Serializer for ToValue {
    type Ok = Value;
    type Error = ValueError;
    type SerializeSeq = Parts;
    type SerializeTuple = Parts;
    type SerializeTupleStruct = Parts;
    type SerializeTupleVariant = Parts;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    fn serialize_bool(self, value: bool) -> Result<Value> {
        Ok(Value::Boolean(value))
    }

    fn serialize_i8(self, value: i8) -> Result<Value> {
        Ok(Value::Int(value.into()))
    }

    fn serialize_i16(self, value: i16) -> Result<Value> {
        Ok(Value::Int(value.into()))
    }

    fn serialize_i32(self, value: i32) -> Result<Value> {
        Ok(Value::Int(value.into()))
    }

    fn serialize_i64(self, value: i64) -> Result<Value> {
        Ok(Value::Int(value))
    }

    fn serialize_i128(self, value: i128) -> Result<Value> {
        Ok(i64::try_from(value).map_or_else(|_| Value::Varint(BigInt::from(value)), Value::Int))
    }

    fn serialize_u8(self, value: u8) -> Result<Value> {
        Ok(Value::Int(value.into()))
    }

    fn serialize_u16(self, value: u16) -> Result<Value> {
        Ok(Value::Int(value.into()))
    }

    fn serialize_u32(self, value: u32) -> Result<Value> {
        Ok(Value::Int(value.into()))
    }

    fn serialize_u64(self, value: u64) -> Result<Value> {
        self.serialize_u128(value.into())
    }

    fn serialize_u128(self, value: u128) -> Result<Value> {
        Ok(i64::try_from(value).map_or_else(|_| Value::Varint(BigInt::from(value)), Value::Int))
    }

    fn serialize_f32(self, value: f32) -> Result<Value> {
        Ok(Value::Float(value))
    }

    fn serialize_f64(self, value: f64) -> Result<Value> {
        Ok(Value::Double(value))
    }

    fn serialize_char(self, value: char) -> Result<Value> {
        Ok(Value::Text(value.to_string()))
    }

    fn serialize_str(self, value: &str) -> Result<Value> {
        Ok(Value::Text(value.to_owned()))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Value> {
        Ok(Value::Blob(value.to_vec()))
    }

    fn serialize_none(self) -> Result<Value> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<Value> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<Value> {
        Ok(Value::Text(variant.to_owned()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<Value> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value> {
        Ok(named(Some(variant), to_value(value)?))
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<Parts> {
        Ok(parts(None))
    }

    fn serialize_tuple(self, _length: usize) -> Result<Parts> {
        Ok(parts(None))
    }

    fn serialize_tuple_struct(self, _name: &'static str, _length: usize) -> Result<Parts> {
        Ok(parts(None))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Parts> {
        Ok(parts(Some(variant)))
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Entries> {
        Ok(entries(None))
    }

    fn serialize_struct(self, _name: &'static str, _length: usize) -> Result<Entries> {
        Ok(entries(None))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Entries> {
        Ok(entries(Some(variant)))
    }
}

impl Parts {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.parts.push(to_value(value)?);
        Ok(())
    }

    fn finish(self) -> Value {
        named(self.variant, Value::List(self.parts))
    }
}

impl Entries {
    fn push<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<()> {
        let value = to_value(value).map_err(|error| error.within(name))?;
        self.entries.push((Value::Text(name.to_owned()), value));
        Ok(())
    }

    fn finish(self) -> Value {
        named(self.variant, Value::Map(self.entries))
    }
}

/// The four sequences differ in the names of their methods only.
macro_rules! sequence {
    ($kind:ident, $method:ident) => {
        impl $kind for Parts {
            type Ok = Value;
            type Error = ValueError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
                self.push(value)
            }

            fn end(self) -> Result<Value> {
                Ok(self.finish())
            }
        }
    };
}

sequence!(SerializeSeq, serialize_element);
sequence!(SerializeTuple, serialize_element);
sequence!(SerializeTupleStruct, serialize_field);
sequence!(SerializeTupleVariant, serialize_field);

macro_rules! structure {
    ($kind:ident) => {
        impl $kind for Entries {
            type Ok = Value;
            type Error = ValueError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<()> {
                self.push(name, value)
            }

            fn end(self) -> Result<Value> {
                Ok(self.finish())
            }
        }
    };
}

structure!(SerializeStruct);
structure!(SerializeStructVariant);

impl SerializeMap for Entries {
    type Ok = Value;
    type Error = ValueError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        self.key = Some(to_value(key)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let key = self.key.take().ok_or_else(|| ValueError::new("a map value without its key"))?;
        self.entries.push((key, to_value(value)?));
        Ok(())
    }

    fn end(self) -> Result<Value> {
        Ok(self.finish())
    }
}
