//! String constants of scalar types, in every form CQL accepts.

use std::net::IpAddr;

use bytes::Bytes;
use uuid::Uuid;

use super::{ValueError, calendar, collection, duration_text, number, scalar, validate};
use crate::CqlType;

/// Reads the text form of a value. Empty text is the empty value for the types that have one.
/// Tuples are their fields with colons between; collections and user-defined types have no such
/// form.
///
/// Two things of Cassandra are left out on purpose: `'now'` as a timestamp, because nothing here
/// knows the time, and host names as inet, because nothing here asks the network.
///
/// # Errors
/// When the text is no value of the type.
pub fn from_text(cql_type: &CqlType, text: &str) -> Result<Bytes, ValueError> {
    let scalar = !matches!(
        cql_type,
        CqlType::List(..)
            | CqlType::Set(..)
            | CqlType::Map(..)
            | CqlType::Tuple(_)
            | CqlType::Udt(..)
            | CqlType::Vector(..)
    );
    if scalar && text.is_empty() && validate(cql_type, &[]).is_ok() {
        return Ok(Bytes::new());
    }
    if let CqlType::Tuple(types) = cql_type {
        return tuple(cql_type, types, text);
    }
    read(cql_type, text).ok_or_else(|| ValueError::Text {
        cql_type: cql_type.to_string(),
        text: text.chars().take(100).collect(),
    })
}

fn read(cql_type: &CqlType, text: &str) -> Option<Bytes> {
    Some(match cql_type {
        CqlType::Ascii if !text.is_ascii() => return None,
        CqlType::Ascii | CqlType::Text => scalar::text(text),
        CqlType::Blob => {
            let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
            Bytes::from(hex::decode(digits).ok()?)
        }
        CqlType::Boolean if text.eq_ignore_ascii_case("true") => scalar::boolean(true),
        CqlType::Boolean if text.eq_ignore_ascii_case("false") => scalar::boolean(false),
        CqlType::Tinyint => scalar::tinyint(text.parse().ok()?),
        CqlType::Smallint => scalar::smallint(text.parse().ok()?),
        CqlType::Int => scalar::int(text.parse().ok()?),
        CqlType::Bigint | CqlType::Counter => scalar::bigint(text.parse().ok()?),
        CqlType::Varint => scalar::varint(&number::parse_varint(text)?),
        CqlType::Decimal => {
            let (unscaled, scale) = number::parse_decimal(text)?;
            scalar::decimal(&unscaled, scale)
        }
        CqlType::Float => scalar::float(text.parse().ok()?),
        CqlType::Double => scalar::double(text.parse().ok()?),
        CqlType::Date => scalar::date(calendar::parse_date(text)?),
        CqlType::Time => scalar::time(calendar::parse_time(text)?),
        CqlType::Timestamp => scalar::timestamp(calendar::parse_timestamp(text)?),
        CqlType::Duration => {
            let (months, days, nanoseconds) = duration_text::parse(text)?;
            scalar::duration(months, days, nanoseconds)
        }
        CqlType::Inet => scalar::inet(text.parse::<IpAddr>().ok()?.to_canonical()),
        CqlType::Uuid => scalar::uuid(uuid(text)?),
        CqlType::Timeuuid => scalar::uuid(uuid(text).filter(|value| value.get_version_num() == 1)?),
        _ => return None,
    })
}

/// `1:two:@`: fields with colons between, `@` for null; both are written with a backslash inside
/// of a field.
fn tuple(cql_type: &CqlType, types: &[CqlType], text: &str) -> Result<Bytes, ValueError> {
    let mut written = vec![String::new()];
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let escaped = characters.peek().copied().filter(|next| matches!(next, ':' | '@'));
        match (character, escaped, written.last_mut()) {
            ('\\', Some(next), Some(field)) => {
                field.extend(['\\', next]);
                characters.next();
            }
            (':', _, _) => written.push(String::new()),
            (_, _, Some(field)) => field.push(character),
            (_, _, None) => {}
        }
    }
    if written.len() > types.len() {
        return Err(ValueError::Fields {
            cql_type: cql_type.to_string(),
            expected: types.len(),
            got: written.len(),
        });
    }
    let field = |(of, field): (&CqlType, &String)| match field.as_str() {
        "@" => Ok(None),
        field => from_text(of, &field.replace("\\:", ":").replace("\\@", "@")).map(Some),
    };
    let fields = types.iter().zip(&written).map(field).collect::<Result<Vec<_>, _>>()?;
    Ok(collection::build_tuple(&fields))
}

/// Only the form with hyphens is a CQL uuid.
fn uuid(text: &str) -> Option<Uuid> {
    (text.len() == 36).then(|| Uuid::try_parse(text).ok()).flatten()
}
