//! Between CQL wire bytes and [`Plain`].

use std::net::IpAddr;

use bytes::Bytes;
use cellar_schema::CqlType;
use cellar_schema::value::{
    self, as_bool, as_f32, as_f64, as_i8, as_i16, as_i32, as_i64, as_inet, as_str, as_u32, as_uuid,
    build_list, build_map, build_tuple, build_vector, list_elements, map_entries, tuple_fields,
    vector_elements,
};
use uuid::Uuid;

use super::Plain;

/// Dates count from 2^31 on the wire and from 0 in Arrow.
const EPOCH_DAYS: u32 = 1 << 31;

/// What other tools shall see of a value; nothing if it has no such form.
pub(in crate::segment) fn plain(cql_type: &CqlType, wire: &Bytes) -> Option<Plain> {
    match cql_type {
        CqlType::Boolean => as_bool(wire).map(Plain::Boolean),
        CqlType::Tinyint => as_i8(wire).map(Plain::Int8),
        CqlType::Smallint => as_i16(wire).map(Plain::Int16),
        CqlType::Int => as_i32(wire).map(Plain::Int32),
        CqlType::Bigint | CqlType::Counter | CqlType::Time | CqlType::Timestamp => {
            as_i64(wire).map(Plain::Int64)
        }
        CqlType::Date => {
            as_u32(wire).map(|days| Plain::Int32(days.wrapping_sub(EPOCH_DAYS).cast_signed()))
        }
        CqlType::Float => as_f32(wire).map(Plain::Float32),
        CqlType::Double => as_f64(wire).map(Plain::Float64),
        CqlType::Blob => Some(Plain::Binary(wire.clone())),
        CqlType::Ascii | CqlType::Text => text(as_str(wire)?),
        CqlType::Uuid | CqlType::Timeuuid => text(as_uuid(wire)?.hyphenated()),
        CqlType::Inet => text(as_inet(wire)?),
        CqlType::Decimal | CqlType::Varint | CqlType::Duration => {
            let known = !wire.is_empty() && value::validate(cql_type, wire).is_ok();
            known.then(|| Plain::Text(value::to_text(cql_type, wire)))
        }
        _ => nested(cql_type, wire),
    }
}

fn text(value: impl ToString) -> Option<Plain> {
    Some(Plain::Text(value.to_string()))
}

fn nested(cql_type: &CqlType, wire: &Bytes) -> Option<Plain> {
    let all = |element: &CqlType, parts: Vec<Bytes>| {
        parts.iter().map(|part| plain(element, part)).collect::<Option<Vec<_>>>().map(Plain::List)
    };
    match cql_type {
        CqlType::List(element, _) | CqlType::Set(element, _) => {
            all(element, list_elements(wire).ok()?)
        }
        CqlType::Vector(element, dimensions) => {
            all(element, vector_elements(element, *dimensions, wire).ok()?)
        }
        CqlType::Map(key, value, _) => {
            let entries = map_entries(wire).ok()?;
            let entries = entries.iter().map(|(k, v)| Some((plain(key, k)?, plain(value, v)?)));
            entries.collect::<Option<_>>().map(Plain::Map)
        }
        CqlType::Tuple(types) => fields(types.iter(), types.len(), wire),
        CqlType::Udt(user_type, _) => {
            let types = user_type.fields.iter().map(|(_, field)| field);
            fields(types, user_type.fields.len(), wire)
        }
        _ => None,
    }
}

fn fields<'a>(
    types: impl Iterator<Item = &'a CqlType>,
    count: usize,
    wire: &Bytes,
) -> Option<Plain> {
    let parts = tuple_fields(count, wire).ok()?;
    let mut parts = parts.into_iter();
    let field = |part: &CqlType| match parts.next().flatten() {
        Some(value) => plain(part, &value).map(Some),
        None => Some(None),
    };
    types.map(field).collect::<Option<_>>().map(Plain::Struct)
}

/// The wire bytes a plain value stands for; nothing if it is not one of this type.
pub(in crate::segment) fn wire(cql_type: &CqlType, plain: &Plain) -> Option<Bytes> {
    Some(match (cql_type, plain) {
        (CqlType::Boolean, Plain::Boolean(v)) => value::boolean(*v),
        (CqlType::Tinyint, Plain::Int8(v)) => value::tinyint(*v),
        (CqlType::Smallint, Plain::Int16(v)) => value::smallint(*v),
        (CqlType::Int, Plain::Int32(v)) => value::int(*v),
        (
            CqlType::Bigint | CqlType::Counter | CqlType::Time | CqlType::Timestamp,
            Plain::Int64(v),
        ) => value::bigint(*v),
        (CqlType::Date, Plain::Int32(v)) => value::date(v.cast_unsigned().wrapping_add(EPOCH_DAYS)),
        (CqlType::Float, Plain::Float32(v)) => value::float(*v),
        (CqlType::Double, Plain::Float64(v)) => value::double(*v),
        (CqlType::Blob, Plain::Binary(v)) => v.clone(),
        (CqlType::Ascii | CqlType::Text, Plain::Text(v)) => Bytes::copy_from_slice(v.as_bytes()),
        (CqlType::Uuid | CqlType::Timeuuid, Plain::Text(v)) => {
            value::uuid(Uuid::try_parse(v).ok()?)
        }
        (CqlType::Inet, Plain::Text(v)) => value::inet(v.parse::<IpAddr>().ok()?),
        (CqlType::Decimal | CqlType::Varint | CqlType::Duration, Plain::Text(v)) => {
            value::from_text(cql_type, v).ok()?
        }
        (CqlType::List(element, _) | CqlType::Set(element, _), Plain::List(parts)) => {
            build_list(&wires(element, parts)?)
        }
        (CqlType::Vector(element, _), Plain::List(parts)) => {
            build_vector(element, &wires(element, parts)?)
        }
        (CqlType::Map(key, value, _), Plain::Map(entries)) => {
            let entries = entries.iter().map(|(k, v)| Some((wire(key, k)?, wire(value, v)?)));
            build_map(&entries.collect::<Option<Vec<_>>>()?)
        }
        (CqlType::Tuple(types), Plain::Struct(parts)) => tuple(types.iter(), parts)?,
        (CqlType::Udt(user_type, _), Plain::Struct(parts)) => {
            tuple(user_type.fields.iter().map(|(_, field)| field), parts)?
        }
        _ => return None,
    })
}

fn wires(element: &CqlType, parts: &[Plain]) -> Option<Vec<Bytes>> {
    parts.iter().map(|part| wire(element, part)).collect()
}

/// As many fields as there are parts: a type may have gained fields since.
fn tuple<'a>(types: impl Iterator<Item = &'a CqlType>, parts: &[Option<Plain>]) -> Option<Bytes> {
    let field = |(cql_type, part): (&CqlType, &Option<Plain>)| match part {
        Some(part) => wire(cql_type, part).map(Some),
        None => Some(None),
    };
    Some(build_tuple(&types.zip(parts).map(field).collect::<Option<Vec<_>>>()?))
}
