//! Values as JSON, by the rules of Cassandra's `toJson`.

use serde_json::{Map, Number, Value};

use super::collection::{split_list, split_map, split_tuple, split_vector};
use super::to_text::plain;
use super::{
    ValueError, as_bool, as_decimal, as_f32, as_f64, as_i8, as_i16, as_i32, as_i64, as_varint,
    calendar, number,
};
use crate::CqlType;

/// The JSON form of a value. The empty value of a type that is not text is `""`, as in Cassandra;
/// NaN and the infinities are `null`, as in Cassandra.
///
/// A varint or decimal that a JSON number cannot hold without loss is a string, which
/// [`super::from_json`] and Cassandra's `fromJson` both read; Cassandra writes all its digits as a
/// number.
#[must_use]
pub fn to_json(cql_type: &CqlType, bytes: &[u8]) -> Value {
    let json = match cql_type {
        CqlType::List(..)
        | CqlType::Set(..)
        | CqlType::Map(..)
        | CqlType::Tuple(_)
        | CqlType::Udt(..)
        | CqlType::Vector(..) => nested(cql_type, bytes).ok(),
        _ => scalar(cql_type, bytes),
    };
    match json {
        Some(json) => json,
        None if bytes.is_empty() => Value::String(String::new()),
        None => Value::String(format!("0x{}", hex::encode(bytes))),
    }
}

fn scalar(cql_type: &CqlType, bytes: &[u8]) -> Option<Value> {
    Some(match cql_type {
        CqlType::Boolean => Value::Bool(as_bool(bytes)?),
        CqlType::Tinyint => as_i8(bytes)?.into(),
        CqlType::Smallint => as_i16(bytes)?.into(),
        CqlType::Int => as_i32(bytes)?.into(),
        CqlType::Bigint | CqlType::Counter => as_i64(bytes)?.into(),
        CqlType::Varint => {
            let value = as_varint(bytes)?;
            match (i64::try_from(&value), u64::try_from(&value)) {
                (Ok(small), _) => small.into(),
                (_, Ok(positive)) => positive.into(),
                _ => Value::String(value.to_string()),
            }
        }
        CqlType::Decimal => decimal(bytes)?,
        // Through text, so that 0.1 stays 0.1 and does not show the digits of its binary64.
        CqlType::Float => number(as_f32(bytes)?.to_string().parse().ok()?),
        CqlType::Double => number(as_f64(bytes)?),
        CqlType::Timestamp => Value::String(calendar::timestamp(as_i64(bytes)?, ' ')),
        _ => Value::String(plain(cql_type, bytes)?),
    })
}

fn number(value: f64) -> Value {
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

/// A number if that keeps every digit.
fn decimal(bytes: &[u8]) -> Option<Value> {
    let (unscaled, scale) = as_decimal(bytes)?;
    let text = number::print_decimal(&unscaled, scale);
    if scale == 0
        && let Ok(whole) = i64::try_from(&unscaled)
    {
        return Some(whole.into());
    }
    // Asked of the printer of JSON itself: of two shortest forms it may choose the other one.
    let exact = text.parse().ok().and_then(Number::from_f64);
    let exact = exact.filter(|number| scale > 0 && number.to_string() == text);
    Some(exact.map_or(Value::String(text), Value::Number))
}

fn nested(cql_type: &CqlType, bytes: &[u8]) -> Result<Value, ValueError> {
    Ok(match cql_type {
        CqlType::List(element, _) | CqlType::Set(element, _) => {
            listed(element, &split_list(bytes)?)
        }
        CqlType::Vector(element, dimensions) => {
            listed(element, &split_vector(element, *dimensions, bytes)?)
        }
        CqlType::Map(key, value, _) => {
            let entries = split_map(bytes)?;
            let entries =
                entries.into_iter().map(|(k, v)| (name(&to_json(key, k)), to_json(value, v)));
            Value::Object(entries.collect())
        }
        CqlType::Tuple(types) => {
            let fields = split_tuple(types.len(), bytes)?;
            Value::Array(types.iter().zip(fields).map(|(kind, part)| field(kind, part)).collect())
        }
        CqlType::Udt(udt, _) => {
            let fields = split_tuple(udt.fields.len(), bytes)?;
            let mut object = Map::new();
            for ((name, kind), part) in udt.fields.iter().zip(fields) {
                object.insert(field_name(name), field(kind, part));
            }
            Value::Object(object)
        }
        scalar => to_json(scalar, bytes),
    })
}

fn listed(element: &CqlType, parts: &[&[u8]]) -> Value {
    Value::Array(parts.iter().map(|part| to_json(element, part)).collect())
}

fn field(kind: &CqlType, part: Option<&[u8]>) -> Value {
    part.map_or(Value::Null, |bytes| to_json(kind, bytes))
}

/// A map key: a string stays as it is, anything else is the text of its JSON.
fn name(json: &Value) -> String {
    match json {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Names with capital letters carry quotes in JSON, so that they read back as they are.
pub(super) fn field_name(name: &str) -> String {
    if name.chars().any(char::is_uppercase) { format!("\"{name}\"") } else { name.to_owned() }
}
