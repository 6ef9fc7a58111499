//! CBOR to values. Besides each type's own form, text is read as the string it would be in JSON.

use bytes::Bytes;
use cbor4ii::core::Value;
use cellar_schema::{CqlType, UserType, ValueError, value};

use super::{
    build_elements, build_entries,
    read_json::{raw_moment, read_json},
    write_cbor::{EPOCH_DAY, tag},
};

/// Reads a value; null is null.
pub(in crate::http) fn read_cbor(
    cql_type: &CqlType,
    cbor: &Value,
) -> Result<Option<Bytes>, ValueError> {
    let wrong = |expected| wrong(cql_type, expected, cbor);
    let bytes = match (cql_type, cbor) {
        (_, Value::Null) => return Ok(None),
        (CqlType::List(element, _), Value::Array(parts))
        | (CqlType::Set(element, _), Value::Array(parts))
        | (CqlType::Vector(element, _), Value::Array(parts)) => {
            let parts = parts.iter().map(|part| inner(element, part, "collection"));
            build_elements(cql_type, parts.collect::<Result<_, _>>()?)?
        }
        (CqlType::Set(..), Value::Tag(tag::SET, set)) if matches!(**set, Value::Array(_)) => {
            return read_cbor(cql_type, set);
        }
        (CqlType::Map(key, value, _), Value::Map(entries)) => {
            let entry =
                |(k, v): &(Value, Value)| Ok((inner(key, k, "map")?, inner(value, v, "map")?));
            build_entries(key, entries.iter().map(entry).collect::<Result<_, _>>()?)
        }
        (CqlType::Tuple(types), Value::Array(fields)) if fields.len() <= types.len() => {
            let fields = types.iter().zip(fields).map(|(kind, field)| read_cbor(kind, field));
            let mut fields = fields.collect::<Result<Vec<_>, _>>()?;
            fields.resize(types.len(), None);
            value::build_tuple(&fields)
        }
        (CqlType::Udt(udt, _), Value::Map(members)) => user_type(udt, members)?,
        (_, Value::Text(text)) if !super::is_nested(cql_type) => {
            return read_json(cql_type, &text.as_str().into());
        }
        _ => scalar(cql_type, cbor).ok_or_else(|| wrong("its CBOR form"))?,
    };
    value::validate(cql_type, &bytes)?;
    Ok(Some(bytes))
}

fn inner(cql_type: &CqlType, cbor: &Value, what: &'static str) -> Result<Bytes, ValueError> {
    read_cbor(cql_type, cbor)?.ok_or(ValueError::NullElement { what })
}

fn user_type(udt: &UserType, members: &[(Value, Value)]) -> Result<Bytes, ValueError> {
    let mut fields = vec![None; udt.fields.len()];
    for (name, part) in members {
        let mut all = udt.fields.iter().zip(&mut fields);
        let found = all.find(|((field, _), _)| matches!(name, Value::Text(name) if name == field));
        let Some(((_, kind), field)) = found else {
            let field = shown(name);
            return Err(ValueError::UnknownField { field, name: udt.name.clone() });
        };
        *field = read_cbor(kind, part)?;
    }
    Ok(value::build_tuple(&fields))
}

fn scalar(cql_type: &CqlType, cbor: &Value) -> Option<Bytes> {
    Some(match (cql_type, cbor) {
        (CqlType::Boolean, Value::Bool(value)) => value::boolean(*value),
        (CqlType::Tinyint, Value::Integer(n)) => value::tinyint(i8::try_from(*n).ok()?),
        (CqlType::Smallint, Value::Integer(n)) => value::smallint(i16::try_from(*n).ok()?),
        (CqlType::Int, Value::Integer(n)) => value::int(i32::try_from(*n).ok()?),
        (CqlType::Bigint | CqlType::Counter | CqlType::Timestamp, Value::Integer(n)) => {
            value::bigint(i64::try_from(*n).ok()?)
        }
        (CqlType::Date | CqlType::Time, Value::Integer(n)) => {
            raw_moment(cql_type, i64::try_from(*n).ok())?
        }
        (CqlType::Varint, number) => whole(number)?,
        (CqlType::Decimal, number) => decimal(number)?,
        // Through text: exact, and without a cast that may round otherwise.
        (CqlType::Float, Value::Float(value)) => value::float(value.to_string().parse().ok()?),
        (CqlType::Float, Value::Integer(n)) => value::float(n.to_string().parse().ok()?),
        (CqlType::Double, Value::Float(value)) => value::double(*value),
        (CqlType::Double, Value::Integer(n)) => value::double(n.to_string().parse().ok()?),
        (CqlType::Blob, Value::Bytes(bytes)) => Bytes::copy_from_slice(bytes),
        (CqlType::Uuid | CqlType::Timeuuid | CqlType::Inet, Value::Bytes(bytes)) => {
            Bytes::copy_from_slice(bytes)
        }
        (CqlType::Uuid | CqlType::Timeuuid, Value::Tag(tag::UUID, inner))
        | (CqlType::Inet, Value::Tag(tag::IPV4 | tag::IPV6, inner))
            if matches!(**inner, Value::Bytes(_)) =>
        {
            return scalar(cql_type, inner);
        }
        (CqlType::Timestamp, Value::Tag(tag, inner)) => value::timestamp(moment(*tag, inner)?),
        (CqlType::Date, Value::Tag(tag::DAYS, inner)) => {
            let Value::Integer(days) = **inner else { return None };
            value::date(u32::try_from(days.checked_add(EPOCH_DAY.into())?).ok()?)
        }
        (CqlType::Date, Value::Tag(tag::TEXT_DATE, inner)) => {
            let Value::Text(text) = &**inner else { return None };
            value::from_text(cql_type, text).ok()?
        }
        (CqlType::Duration, Value::Array(parts)) => {
            let [Value::Integer(months), Value::Integer(days), Value::Integer(ns)] =
                parts.as_slice()
            else {
                return None;
            };
            value::duration(
                i32::try_from(*months).ok()?,
                i32::try_from(*days).ok()?,
                i64::try_from(*ns).ok()?,
            )
        }
        _ => return None,
    })
}

/// Two's complement of a whole number, as short as it can be.
fn whole(cbor: &Value) -> Option<Bytes> {
    let (bytes, sign) = match cbor {
        Value::Integer(n) => {
            return Some(shortest(n.to_be_bytes().to_vec()));
        }
        Value::Tag(tag @ (tag::POSITIVE | tag::NEGATIVE), magnitude) => match &**magnitude {
            Value::Bytes(bytes) => (bytes, if *tag == tag::NEGATIVE { 0xff } else { 0 }),
            _ => return None,
        },
        _ => return None,
    };
    let signed = std::iter::once(sign).chain(bytes.iter().map(|byte| byte ^ sign));
    Some(shortest(signed.collect())).filter(|bytes| bytes.len() <= value::NUMBER_BYTES_MAX)
}

/// Takes off leading bytes that only repeat the sign.
fn shortest(bytes: Vec<u8>) -> Bytes {
    let repeats = |pair: &&[u8]| {
        matches!(pair, [0, next] if next & 0x80 == 0)
            || matches!(pair, [0xff, next] if next & 0x80 != 0)
    };
    let extra = bytes.windows(2).take_while(repeats).count();
    Bytes::from(bytes).slice(extra..)
}

fn decimal(cbor: &Value) -> Option<Bytes> {
    let (scale, unscaled) = match cbor {
        Value::Tag(tag::DECIMAL, parts) => {
            let Value::Array(parts) = &**parts else { return None };
            let [Value::Integer(exponent), mantissa] = parts.as_slice() else { return None };
            (i32::try_from(exponent.checked_neg()?).ok()?, whole(mantissa)?)
        }
        Value::Float(number) if number.is_finite() => {
            return value::from_text(&CqlType::Decimal, &number.to_string()).ok();
        }
        other => (0, whole(other)?),
    };
    Some([&scale.to_be_bytes()[..], &unscaled[..]].concat().into())
}

/// Milliseconds since the epoch.
fn moment(tag: u64, inner: &Value) -> Option<i64> {
    match (tag, inner) {
        (tag::TEXT_MOMENT, Value::Text(text)) => {
            value::as_i64(&value::from_text(&CqlType::Timestamp, text).ok()?)
        }
        (tag::EPOCH, Value::Integer(seconds)) => i64::try_from(seconds.checked_mul(1000)?).ok(),
        (tag::EPOCH, Value::Float(seconds)) => {
            let ms = (seconds * 1000.0).round();
            // Exact in text, and refused if it is no whole number of this size.
            ms.is_finite().then(|| format!("{ms:.0}").parse().ok()).flatten()
        }
        (tag::EXTENDED_MOMENT, Value::Map(parts)) => {
            let mut ms: i128 = 0;
            for part in parts {
                let (Value::Integer(key), Value::Integer(amount)) = part else { return None };
                ms = ms.checked_add(match key {
                    1 => amount.checked_mul(1000)?,
                    -3 => *amount,
                    -6 => amount.div_euclid(1000),
                    -9 => amount.div_euclid(1_000_000),
                    _ => return None,
                })?;
            }
            i64::try_from(ms).ok()
        }
        _ => None,
    }
}

fn wrong(cql_type: &CqlType, expected: &'static str, cbor: &Value) -> ValueError {
    ValueError::Json { cql_type: cql_type.to_string(), expected, found: shown(cbor) }
}

/// A value for an error message, shortened.
fn shown(cbor: &Value) -> String {
    match cbor {
        Value::Text(text) => text.chars().take(100).collect(),
        other => format!("{other:?}").chars().take(100).collect(),
    }
}
