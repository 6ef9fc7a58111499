//! Values as other tools read them: numbers as numbers, text as text, collections as lists, maps
//! and structs. CQL wire bytes become a [`Plain`] and Arrow columns hold those.
//!
//! Not every wire value survives the way there and back (an empty int, a decimal with needless
//! leading zeros). [`exact`] tells, and such values are kept verbatim beside (see `shape`).

mod arrow;
mod convert;

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, Field, Fields, TimeUnit};
use bytes::Bytes;
use cellar_schema::CqlType;

pub(super) use arrow::{append, read};
pub(super) use convert::{plain, wire};

/// A value in the form its Arrow column has. A missing field of a struct is `None`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Plain {
    Boolean(bool),
    Int8(i8),
    Int16(i16),
    Int32(i32),
    Int64(i64),
    Float32(f32),
    Float64(f64),
    Text(String),
    Binary(Bytes),
    List(Vec<Plain>),
    Map(Vec<(Plain, Plain)>),
    Struct(Vec<Option<Plain>>),
}

/// The plain form of a value, if it has one, and whether that is all there is to know.
pub(super) fn exact(cql_type: &CqlType, value: &Bytes) -> (Option<Plain>, bool) {
    let plain = plain(cql_type, value);
    let back = plain.as_ref().and_then(|plain| wire(cql_type, plain));
    let exact = back.is_some_and(|back| back == value);
    (plain, exact)
}

/// The wire bytes of the value at `index`; `None` for null.
pub(super) fn read_wire(cql_type: &CqlType, array: &ArrayRef, index: usize) -> Option<Bytes> {
    // Most values, without a detour.
    if let (CqlType::Text | CqlType::Ascii, Some(texts)) = (cql_type, array.as_string_opt::<i32>())
    {
        let known = index < texts.len() && texts.is_valid(index);
        return known.then(|| Bytes::copy_from_slice(texts.value(index).as_bytes()));
    }
    wire(cql_type, &read(array, index)?)
}

/// The Arrow type of a column of this CQL type.
pub(super) fn data_type(cql_type: &CqlType) -> DataType {
    match cql_type {
        CqlType::Boolean => DataType::Boolean,
        CqlType::Tinyint => DataType::Int8,
        CqlType::Smallint => DataType::Int16,
        CqlType::Int => DataType::Int32,
        CqlType::Bigint | CqlType::Counter => DataType::Int64,
        CqlType::Float => DataType::Float32,
        CqlType::Double => DataType::Float64,
        CqlType::Blob => DataType::Binary,
        CqlType::Date => DataType::Date32,
        CqlType::Time => DataType::Time64(TimeUnit::Nanosecond),
        CqlType::Timestamp => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        CqlType::Ascii
        | CqlType::Text
        | CqlType::Uuid
        | CqlType::Timeuuid
        | CqlType::Inet
        | CqlType::Decimal
        | CqlType::Varint
        | CqlType::Duration => DataType::Utf8,
        CqlType::List(element, _) | CqlType::Set(element, _) | CqlType::Vector(element, _) => {
            DataType::List(Arc::new(Field::new("element", data_type(element), true)))
        }
        CqlType::Map(key, value, _) => {
            let key = Field::new("key", data_type(key), false);
            let value = Field::new("value", data_type(value), true);
            let entries = DataType::Struct(Fields::from(vec![key, value]));
            DataType::Map(Arc::new(Field::new("key_value", entries, false)), false)
        }
        CqlType::Tuple(types) => {
            let field = |(index, part)| Field::new(format!("field_{index}"), data_type(part), true);
            DataType::Struct(types.iter().enumerate().map(field).collect())
        }
        CqlType::Udt(user_type, _) => {
            let field = |(name, part): &(String, CqlType)| Field::new(name, data_type(part), true);
            DataType::Struct(user_type.fields.iter().map(field).collect())
        }
    }
}
