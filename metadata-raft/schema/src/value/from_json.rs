//! JSON to values, by the rules of Cassandra's `fromJson` and INSERT … JSON.

use bytes::Bytes;
use num_bigint::BigInt;
use serde_json::Value;

use super::{
    ValueError, build_list, build_map, build_tuple, build_vector, compare, from_text, number,
    scalar,
};
use crate::{CqlType, UserType};

/// Reads the JSON form of a value; `null` is null. Any scalar may also come as the string that
/// [`from_text`] reads. Sets and maps come in any order and lose duplicates (of two entries with
/// the same key the last counts).
///
/// # Errors
/// When the JSON is no value of the type.
pub fn from_json(cql_type: &CqlType, json: &Value) -> Result<Option<Bytes>, ValueError> {
    if json.is_null() {
        return Ok(None);
    }
    let wrong = |expected| wrong_json(cql_type, expected, json);
    let bytes = match cql_type {
        CqlType::List(element, _) => build_list(&elements(cql_type, element, json)?),
        CqlType::Set(element, _) => {
            let mut parts = elements(cql_type, element, json)?;
            parts.sort_by(|left, right| compare(element, left, right));
            parts.dedup_by(|left, right| compare(element, left, right).is_eq());
            build_list(&parts)
        }
        CqlType::Vector(element, dimensions) => {
            let parts = elements(cql_type, element, json)?;
            let expected = usize::from(*dimensions);
            if parts.len() != expected {
                return Err(ValueError::Dimensions { expected, got: parts.len() });
            }
            build_vector(element, &parts)
        }
        CqlType::Map(key, value, _) => map(cql_type, key, value, json)?,
        CqlType::Tuple(types) => {
            let fields = json.as_array().ok_or_else(|| wrong("a list"))?;
            if fields.len() > types.len() {
                return Err(wrong("a list of no more elements than the tuple has"));
            }
            let fields = types.iter().zip(fields).map(|(kind, field)| from_json(kind, field));
            let mut fields = fields.collect::<Result<Vec<_>, _>>()?;
            fields.resize(types.len(), None);
            build_tuple(&fields)
        }
        CqlType::Udt(udt, _) => user_type(udt, json, wrong("a map"))?,
        _ => read_scalar(cql_type, json)?,
    };
    Ok(Some(bytes))
}

fn read_scalar(cql_type: &CqlType, json: &Value) -> Result<Bytes, ValueError> {
    let wrong = |expected| wrong_json(cql_type, expected, json);
    if let Value::String(text) = json {
        // Numbers without bound have no empty text, others have.
        if text.is_empty() && matches!(cql_type, CqlType::Varint | CqlType::Decimal) {
            return Err(wrong("a string of digits"));
        }
        return from_text(cql_type, text);
    }
    let whole = || json.as_i64().ok_or_else(|| wrong("an integer"));
    Ok(match cql_type {
        CqlType::Boolean => scalar::boolean(json.as_bool().ok_or_else(|| wrong("a boolean"))?),
        CqlType::Tinyint => scalar::tinyint(whole()?.try_into().map_err(|_| wrong("a byte"))?),
        CqlType::Smallint => scalar::smallint(whole()?.try_into().map_err(|_| wrong("a short"))?),
        CqlType::Int => scalar::int(whole()?.try_into().map_err(|_| wrong("an int"))?),
        CqlType::Bigint | CqlType::Counter => scalar::bigint(whole()?),
        CqlType::Timestamp => scalar::timestamp(whole()?),
        CqlType::Varint => {
            let value = json.as_i64().map(BigInt::from).or(json.as_u64().map(BigInt::from));
            // Larger numbers have lost digits by the time they are here.
            scalar::varint(&value.ok_or_else(|| wrong("an integer, or a string of digits"))?)
        }
        CqlType::Decimal => {
            let Value::Number(value) = json else {
                return Err(wrong("a number"));
            };
            let read = number::parse_decimal(&value.to_string());
            let (unscaled, scale) = read.ok_or_else(|| wrong("a number"))?;
            scalar::decimal(&unscaled, scale)
        }
        CqlType::Double => scalar::double(json.as_f64().ok_or_else(|| wrong("a number"))?),
        CqlType::Float => {
            let Value::Number(value) = json else {
                return Err(wrong("a number"));
            };
            scalar::float(value.to_string().parse().map_err(|_| wrong("a number"))?)
        }
        _ => return Err(wrong("a string")),
    })
}

fn elements(cql_type: &CqlType, element: &CqlType, json: &Value) -> Result<Vec<Bytes>, ValueError> {
    let parts = json.as_array().ok_or_else(|| wrong_json(cql_type, "a list", json))?;
    let read = |part| from_json(element, part)?.ok_or(ValueError::NullElement { what: "list" });
    parts.iter().map(read).collect()
}

fn map(
    cql_type: &CqlType,
    key: &CqlType,
    value: &CqlType,
    json: &Value,
) -> Result<Bytes, ValueError> {
    let object = json.as_object().ok_or_else(|| wrong_json(cql_type, "a map", json))?;
    let mut entries = Vec::with_capacity(object.len());
    for (name, part) in object {
        let part = from_json(value, part)?.ok_or(ValueError::NullElement { what: "map" })?;
        entries.push((map_key(cql_type, key, name)?, part));
    }
    // Stable, and reversed first: of equal keys the last one written is the one kept.
    entries.reverse();
    entries.sort_by(|left, right| compare(key, &left.0, &right.0));
    entries.dedup_by(|left, right| compare(key, &left.0, &right.0).is_eq());
    Ok(build_map(&entries))
}

/// The name of a JSON member as a map key: text of a scalar, JSON of anything else.
fn map_key(cql_type: &CqlType, key: &CqlType, name: &str) -> Result<Bytes, ValueError> {
    let text = Value::String(name.to_owned());
    let nested = key.is_collection()
        || matches!(key, CqlType::Tuple(_) | CqlType::Udt(..) | CqlType::Vector(..));
    let json = if nested {
        serde_json::from_str(name).map_err(|_| wrong_json(cql_type, "JSON as map key", &text))?
    } else {
        text
    };
    from_json(key, &json)?.ok_or(ValueError::NullElement { what: "map" })
}

fn user_type(udt: &UserType, json: &Value, wrong: ValueError) -> Result<Bytes, ValueError> {
    let object = json.as_object().ok_or(wrong)?;
    let mut fields = vec![None; udt.fields.len()];
    for (written, part) in object {
        let quoted = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let name = quoted.map_or_else(|| written.to_lowercase(), str::to_owned);
        let found = udt.fields.iter().zip(&mut fields).find(|((field, _), _)| *field == name);
        let Some(((_, kind), field)) = found else {
            return Err(ValueError::UnknownField { field: name, name: udt.name.clone() });
        };
        *field = from_json(kind, part)?;
    }
    Ok(build_tuple(&fields))
}

fn wrong_json(cql_type: &CqlType, expected: &'static str, json: &Value) -> ValueError {
    let found = json.to_string().chars().take(100).collect();
    ValueError::Json { cql_type: cql_type.to_string(), expected, found }
}
