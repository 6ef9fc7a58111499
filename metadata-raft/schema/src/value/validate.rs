//! Whether bytes are a value of a type, by Cassandra's rules: which types may be empty, lengths,
//! encodings, and everything nested.

use super::collection::{split_list, split_map, split_tuple, split_vector};
use super::scalar::as_wide_duration;
use super::{NUMBER_BYTES_MAX, ValueError, as_duration, as_i64, as_str};
use crate::CqlType;

/// Nanoseconds in a day: times are below it.
const DAY_NS: i64 = 86_400_000_000_000;

/// Checks that bytes are a value of a type.
///
/// # Errors
/// The first thing that is wrong.
pub fn validate(cql_type: &CqlType, bytes: &[u8]) -> Result<(), ValueError> {
    match cql_type {
        CqlType::Blob => Ok(()),
        CqlType::Varint if bytes.len() <= NUMBER_BYTES_MAX => Ok(()),
        CqlType::Varint => invalid(cql_type, "longer than 16 KiB"),
        CqlType::Ascii if bytes.is_ascii() => Ok(()),
        CqlType::Ascii => invalid(cql_type, "not ASCII"),
        CqlType::Text if as_str(bytes).is_some() => Ok(()),
        CqlType::Text => invalid(cql_type, "not UTF-8"),
        CqlType::Boolean => width(cql_type, bytes, 1, true),
        CqlType::Tinyint => width(cql_type, bytes, 1, false),
        CqlType::Smallint => width(cql_type, bytes, 2, false),
        CqlType::Int | CqlType::Float => width(cql_type, bytes, 4, true),
        CqlType::Date => width(cql_type, bytes, 4, false),
        CqlType::Bigint | CqlType::Counter | CqlType::Double | CqlType::Timestamp => {
            width(cql_type, bytes, 8, true)
        }
        CqlType::Time => {
            width(cql_type, bytes, 8, false)?;
            match as_i64(bytes) {
                Some(0..DAY_NS) => Ok(()),
                _ => invalid(cql_type, "not within a day"),
            }
        }
        CqlType::Uuid => width(cql_type, bytes, 16, true),
        CqlType::Timeuuid => {
            width(cql_type, bytes, 16, true)?;
            match bytes.get(6) {
                Some(byte) if byte & 0xf0 != 0x10 => invalid(cql_type, "not a version 1 UUID"),
                _ => Ok(()),
            }
        }
        CqlType::Inet if matches!(bytes.len(), 0 | 4 | 16) => Ok(()),
        CqlType::Inet => invalid(cql_type, "not 4 or 16 bytes"),
        CqlType::Decimal if matches!(bytes.len(), 1..4) => {
            invalid(cql_type, "shorter than its scale")
        }
        CqlType::Decimal if bytes.len() <= 4 + NUMBER_BYTES_MAX => Ok(()),
        CqlType::Decimal => invalid(cql_type, "longer than 16 KiB"),
        CqlType::Duration => validate_duration(cql_type, bytes),
        _ => validate_nested(cql_type, bytes),
    }
}

fn validate_nested(cql_type: &CqlType, bytes: &[u8]) -> Result<(), ValueError> {
    match cql_type {
        CqlType::List(..) if bytes.is_empty() => Err(ValueError::Truncated { what: "list" }),
        CqlType::Set(..) if bytes.is_empty() => Err(ValueError::Truncated { what: "set" }),
        CqlType::Map(..) if bytes.is_empty() => Err(ValueError::Truncated { what: "map" }),
        CqlType::List(element, _) | CqlType::Set(element, _) => {
            split_list(bytes)?.into_iter().try_for_each(|part| validate(element, part))
        }
        CqlType::Map(key, value, _) => split_map(bytes)?.into_iter().try_for_each(|(k, v)| {
            validate(key, k)?;
            validate(value, v)
        }),
        CqlType::Tuple(types) => validate_fields(types.iter(), types.len(), bytes),
        CqlType::Udt(udt, _) => {
            validate_fields(udt.fields.iter().map(|(_, kind)| kind), udt.fields.len(), bytes)
        }
        // Numbers of a fixed width are all valid: the length tells, and vectors are long.
        CqlType::Vector(element, dimensions) if matches!(**element, CqlType::Float) => {
            width(cql_type, bytes, 4 * usize::from(*dimensions), false)
        }
        CqlType::Vector(element, dimensions) => split_vector(element, *dimensions, bytes)?
            .into_iter()
            .try_for_each(|part| validate(element, part)),
        // Every scalar was handled by the caller.
        _ => Ok(()),
    }
}

fn validate_fields<'a>(
    types: impl Iterator<Item = &'a CqlType>,
    count: usize,
    bytes: &[u8],
) -> Result<(), ValueError> {
    let fields = split_tuple(count, bytes)?;
    types.zip(fields).try_for_each(|(kind, field)| match field {
        Some(part) => validate(kind, part),
        None => Ok(()),
    })
}

fn validate_duration(cql_type: &CqlType, bytes: &[u8]) -> Result<(), ValueError> {
    let Some((months, days, nanoseconds)) = as_duration(bytes) else {
        return match as_wide_duration(bytes) {
            Some((months, days, _)) => {
                let months_fit = i32::try_from(months).is_ok();
                let (part, value) = if months_fit { ("days", days) } else { ("months", months) };
                Err(ValueError::DurationPart { part, value })
            }
            None => invalid(cql_type, "not three vints"),
        };
    };
    let negative = months < 0 || days < 0 || nanoseconds < 0;
    let positive = months > 0 || days > 0 || nanoseconds > 0;
    if negative && positive {
        return Err(ValueError::Signs { months, days, nanoseconds });
    }
    Ok(())
}

fn width(
    cql_type: &CqlType,
    bytes: &[u8],
    expected: usize,
    may_be_empty: bool,
) -> Result<(), ValueError> {
    if bytes.len() == expected || (may_be_empty && bytes.is_empty()) {
        return Ok(());
    }
    Err(ValueError::WrongLength { cql_type: cql_type.to_string(), expected, got: bytes.len() })
}

fn invalid(cql_type: &CqlType, reason: &'static str) -> Result<(), ValueError> {
    Err(ValueError::Invalid { cql_type: cql_type.to_string(), reason })
}
