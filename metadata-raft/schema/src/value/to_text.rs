//! Values as CQL literals, for DESCRIBE, error messages and the shell.

use std::net::IpAddr;

use super::collection::{split_list, split_map, split_tuple, split_vector};
use super::{
    ValueError, as_bool, as_decimal, as_duration, as_f32, as_f64, as_i8, as_i16, as_i32, as_i64,
    as_inet, as_str, as_u32, as_uuid, as_varint, calendar, duration_text, number,
};
use crate::CqlType;
use crate::types::Identifier;

/// The CQL literal of a value. The empty value of a type that has no literal for it is `null`;
/// bytes that are no value of the type come out as a blob.
#[must_use]
pub fn to_text(cql_type: &CqlType, bytes: &[u8]) -> String {
    let text = match cql_type {
        CqlType::Ascii | CqlType::Text | CqlType::Blob => plain(cql_type, bytes)
            .map(|text| if *cql_type == CqlType::Blob { text } else { quoted(&text) }),
        CqlType::Date | CqlType::Time | CqlType::Timestamp | CqlType::Inet => {
            plain(cql_type, bytes).map(|text| quoted(&text))
        }
        CqlType::List(..)
        | CqlType::Set(..)
        | CqlType::Map(..)
        | CqlType::Tuple(_)
        | CqlType::Udt(..)
        | CqlType::Vector(..) => nested(cql_type, bytes).ok(),
        _ => plain(cql_type, bytes),
    };
    match text {
        Some(text) => text,
        None if bytes.is_empty() => "null".to_owned(),
        None => format!("0x{}", hex::encode(bytes)),
    }
}

/// A scalar without quotes; nothing for the empty value and for other types.
pub(super) fn plain(cql_type: &CqlType, bytes: &[u8]) -> Option<String> {
    Some(match cql_type {
        CqlType::Ascii | CqlType::Text => as_str(bytes)?.to_owned(),
        CqlType::Blob => format!("0x{}", hex::encode(bytes)),
        CqlType::Boolean => as_bool(bytes)?.to_string(),
        CqlType::Tinyint => as_i8(bytes)?.to_string(),
        CqlType::Smallint => as_i16(bytes)?.to_string(),
        CqlType::Int => as_i32(bytes)?.to_string(),
        CqlType::Bigint | CqlType::Counter => as_i64(bytes)?.to_string(),
        CqlType::Varint => as_varint(bytes)?.to_string(),
        CqlType::Decimal => {
            let (unscaled, scale) = as_decimal(bytes)?;
            number::print_decimal(&unscaled, scale)
        }
        CqlType::Float => float(f64::from(as_f32(bytes)?), &format!("{:?}", as_f32(bytes)?)),
        CqlType::Double => float(as_f64(bytes)?, &format!("{:?}", as_f64(bytes)?)),
        CqlType::Date => calendar::date(as_u32(bytes)?),
        CqlType::Time => calendar::time(as_i64(bytes)?),
        CqlType::Timestamp => calendar::timestamp(as_i64(bytes)?, 'T'),
        CqlType::Duration => duration_text::print(as_duration(bytes)?),
        CqlType::Inet => address(as_inet(bytes)?),
        CqlType::Uuid | CqlType::Timeuuid => as_uuid(bytes)?.to_string(),
        _ => return None,
    })
}

/// IPv6 as Java writes it: all eight groups, so that text compares equal with Cassandra's.
fn address(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => address.segments().map(|segment| format!("{segment:x}")).join(":"),
    }
}

fn float(value: f64, digits: &str) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    digits.to_owned()
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn nested(cql_type: &CqlType, bytes: &[u8]) -> Result<String, ValueError> {
    Ok(match cql_type {
        CqlType::List(element, _) => format!("[{}]", listed(element, &split_list(bytes)?)),
        CqlType::Set(element, _) => format!("{{{}}}", listed(element, &split_list(bytes)?)),
        CqlType::Vector(element, dimensions) => {
            format!("[{}]", listed(element, &split_vector(element, *dimensions, bytes)?))
        }
        CqlType::Map(key, value, _) => {
            let entries = split_map(bytes)?;
            let entry =
                |(k, v): &(&[u8], &[u8])| format!("{}: {}", to_text(key, k), to_text(value, v));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        CqlType::Tuple(types) => {
            let fields = split_tuple(types.len(), bytes)?;
            let fields = types.iter().zip(fields).map(|(kind, part)| field(kind, part));
            format!("({})", fields.collect::<Vec<_>>().join(", "))
        }
        CqlType::Udt(udt, _) => {
            let fields = split_tuple(udt.fields.len(), bytes)?;
            let fields =
                udt.fields.iter().zip(fields).map(|((name, kind), part)| {
                    format!("{}: {}", Identifier(name), field(kind, part))
                });
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        scalar => to_text(scalar, bytes),
    })
}

fn listed(element: &CqlType, parts: &[&[u8]]) -> String {
    parts.iter().map(|part| to_text(element, part)).collect::<Vec<_>>().join(", ")
}

fn field(kind: &CqlType, part: Option<&[u8]>) -> String {
    part.map_or_else(|| "null".to_owned(), |bytes| to_text(kind, bytes))
}
