//! JSON and path segments to values.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use cellar_schema::{CqlType, UserType, ValueError, value};
use serde_json::Value;

use super::{build_elements, build_entries, is_nested};

/// Base64 with or without padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads a value; `null` is null.
pub(in crate::http) fn read_json(
    cql_type: &CqlType,
    json: &Value,
) -> Result<Option<Bytes>, ValueError> {
    if json.is_null() {
        return Ok(None);
    }
    let wrong = |expected| wrong(cql_type, expected, json);
    let bytes = match (cql_type, json) {
        (CqlType::List(element, _) | CqlType::Set(element, _), _)
        | (CqlType::Vector(element, _), _) => {
            let parts = json.as_array().ok_or_else(|| wrong("an array"))?;
            let parts = parts.iter().map(|part| inner(element, part, "collection"));
            build_elements(cql_type, parts.collect::<Result<_, _>>()?)?
        }
        (CqlType::Map(key, value, _), _) => map(cql_type, key, value, json)?,
        (CqlType::Tuple(types), _) => {
            let fields = json.as_array().filter(|fields| fields.len() <= types.len());
            let fields = fields.ok_or_else(|| wrong("an array, no longer than the tuple"))?;
            let fields = types.iter().zip(fields).map(|(kind, field)| read_json(kind, field));
            let mut fields = fields.collect::<Result<Vec<_>, _>>()?;
            fields.resize(types.len(), None);
            value::build_tuple(&fields)
        }
        (CqlType::Udt(udt, _), _) => user_type(udt, json, wrong("an object"))?,
        (CqlType::Blob, Value::String(text)) => {
            LENIENT.decode(text).map_err(|_| wrong("base64 text"))?.into()
        }
        (CqlType::Blob, Value::Object(members)) => {
            let digits = members.get("$hex").and_then(Value::as_str);
            let digits = digits.filter(|_| members.len() == 1);
            let digits = digits.ok_or_else(|| wrong("base64 text or {\"$hex\": …}"))?;
            hex::decode(digits).map_err(|_| wrong("hexadecimal digits"))?.into()
        }
        (CqlType::Date | CqlType::Time, Value::Number(raw)) => {
            raw_moment(cql_type, raw.as_i64()).ok_or_else(|| wrong("a whole number in range"))?
        }
        _ => return value::from_json(cql_type, json),
    };
    Ok(Some(bytes))
}

/// A date or time as the number it is stored as.
pub(super) fn raw_moment(cql_type: &CqlType, raw: Option<i64>) -> Option<Bytes> {
    let bytes = match cql_type {
        CqlType::Date => value::date(u32::try_from(raw?).ok()?),
        _ => value::time(raw?),
    };
    value::validate(cql_type, &bytes).ok().map(|()| bytes)
}

/// Reads a path segment or a parameter of a query string: text of the type, blobs `0x…`,
/// collections, tuples and user-defined types as JSON.
pub(in crate::http) fn read_segment(cql_type: &CqlType, text: &str) -> Result<Bytes, ValueError> {
    if !is_nested(cql_type) {
        return value::from_text(cql_type, text);
    }
    let quoted = Value::String(text.to_owned());
    let json = serde_json::from_str(text).map_err(|_| wrong(cql_type, "JSON", &quoted))?;
    read_json(cql_type, &json)?.ok_or_else(|| wrong(cql_type, "a value", &json))
}

fn inner(cql_type: &CqlType, json: &Value, what: &'static str) -> Result<Bytes, ValueError> {
    read_json(cql_type, json)?.ok_or(ValueError::NullElement { what })
}

fn map(
    cql_type: &CqlType,
    key: &CqlType,
    value: &CqlType,
    json: &Value,
) -> Result<Bytes, ValueError> {
    let wrong = || wrong(cql_type, "an object or an array of pairs", json);
    let mut entries = Vec::new();
    match json {
        Value::Object(members) => {
            for (name, part) in members {
                entries.push((map_key(key, name)?, inner(value, part, "map")?));
            }
        }
        Value::Array(pairs) => {
            for pair in pairs {
                let [k, v] = pair.as_array().map(Vec::as_slice).unwrap_or_default() else {
                    return Err(wrong());
                };
                entries.push((inner(key, k, "map")?, inner(value, v, "map")?));
            }
        }
        _ => return Err(wrong()),
    }
    Ok(build_entries(key, entries))
}

/// The name of a member as a key: its text, or JSON where the key is no scalar.
fn map_key(key: &CqlType, name: &str) -> Result<Bytes, ValueError> {
    let text = Value::String(name.to_owned());
    if is_nested(key) { read_segment(key, name) } else { inner(key, &text, "map") }
}

fn user_type(udt: &UserType, json: &Value, wrong: ValueError) -> Result<Bytes, ValueError> {
    let members = json.as_object().ok_or(wrong)?;
    let mut fields = vec![None; udt.fields.len()];
    for (name, part) in members {
        let found = udt.fields.iter().zip(&mut fields).find(|((field, _), _)| field == name);
        let Some(((_, kind), field)) = found else {
            let (field, name) = (name.clone(), udt.name.clone());
            return Err(ValueError::UnknownField { field, name });
        };
        *field = read_json(kind, part)?;
    }
    Ok(value::build_tuple(&fields))
}

pub(super) fn wrong(cql_type: &CqlType, expected: &'static str, json: &Value) -> ValueError {
    let found = json.to_string().chars().take(100).collect();
    ValueError::Json { cql_type: cql_type.to_string(), expected, found }
}
