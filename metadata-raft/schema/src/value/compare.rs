//! The order of values, exactly Cassandra's comparator of each type. Bytes that are no value of
//! the type are ordered by their bytes, so that the order is total whatever comes.

use std::cmp::Ordering;

use super::collection::{split_list, split_map, split_tuple, split_vector};
use super::{as_f32, as_f64, as_i8, as_i16, as_i32, as_i64};
use crate::CqlType;
use crate::keys::order;

/// Compares two values of a type. Equal does not mean the same bytes: decimals 1.0 and 1.00, and
/// a tuple with nulls at its end and one that lacks these fields, are equal.
#[must_use]
pub fn compare(cql_type: &CqlType, left: &[u8], right: &[u8]) -> Ordering {
    if left.is_empty() || right.is_empty() {
        return left.len().cmp(&right.len());
    }
    let ordering = match cql_type {
        CqlType::Tinyint => both(left, right, as_i8).map(|(l, r)| l.cmp(&r)),
        CqlType::Smallint => both(left, right, as_i16).map(|(l, r)| l.cmp(&r)),
        CqlType::Int => both(left, right, as_i32).map(|(l, r)| l.cmp(&r)),
        CqlType::Bigint | CqlType::Counter | CqlType::Timestamp => {
            both(left, right, as_i64).map(|(l, r)| l.cmp(&r))
        }
        CqlType::Float => {
            both(left, right, as_f32).map(|(l, r)| order::f32_bits(l).cmp(&order::f32_bits(r)))
        }
        CqlType::Double => {
            both(left, right, as_f64).map(|(l, r)| order::f64_bits(l).cmp(&order::f64_bits(r)))
        }
        CqlType::Boolean => both(left, right, super::as_bool).map(|(l, r)| l.cmp(&r)),
        CqlType::Uuid => both(left, right, order::uuid_bits).map(|(l, r)| l.cmp(&r)),
        CqlType::Timeuuid => both(left, right, order::timeuuid_bits).map(|(l, r)| l.cmp(&r)),
        CqlType::Varint => both(left, right, super::as_varint).map(|(l, r)| l.cmp(&r)),
        CqlType::Decimal => both(left, right, order::decimal).map(|(l, r)| l.cmp(&r)),
        CqlType::List(element, _) | CqlType::Set(element, _) => {
            both(left, right, |bytes| split_list(bytes).ok()).map(|(l, r)| each(element, &l, &r))
        }
        CqlType::Vector(element, dimensions) => {
            both(left, right, |bytes| split_vector(element, *dimensions, bytes).ok())
                .map(|(l, r)| each(element, &l, &r))
        }
        CqlType::Map(key, value, _) => both(left, right, |bytes| split_map(bytes).ok())
            .map(|(l, r)| compare_entries(key, value, &l, &r)),
        CqlType::Tuple(types) => compare_fields(types.iter(), types.len(), left, right),
        CqlType::Udt(udt, _) => {
            let types = udt.fields.iter().map(|(_, kind)| kind);
            compare_fields(types, udt.fields.len(), left, right)
        }
        CqlType::Ascii
        | CqlType::Text
        | CqlType::Blob
        | CqlType::Inet
        | CqlType::Date
        | CqlType::Time
        | CqlType::Duration => None,
    };
    ordering.unwrap_or_else(|| left.cmp(right))
}

fn both<'a, T>(
    left: &'a [u8],
    right: &'a [u8],
    read: impl Fn(&'a [u8]) -> Option<T>,
) -> Option<(T, T)> {
    Some((read(left)?, read(right)?))
}

fn each(element: &CqlType, left: &[&[u8]], right: &[&[u8]]) -> Ordering {
    let mut pairs = left.iter().zip(right).map(|(l, r)| compare(element, l, r));
    pairs.find(|ordering| ordering.is_ne()).unwrap_or_else(|| left.len().cmp(&right.len()))
}

fn compare_entries(
    key: &CqlType,
    value: &CqlType,
    left: &[(&[u8], &[u8])],
    right: &[(&[u8], &[u8])],
) -> Ordering {
    let mut pairs = left.iter().zip(right).map(|((left_key, left_value), (right_key, right_value))| {
        compare(key, left_key, right_key).then_with(|| compare(value, left_value, right_value))
    });
    pairs.find(|ordering| ordering.is_ne()).unwrap_or_else(|| left.len().cmp(&right.len()))
}

fn compare_fields<'a>(
    mut types: impl Iterator<Item = &'a CqlType>,
    count: usize,
    left: &[u8],
    right: &[u8],
) -> Option<Ordering> {
    let (left, right) = both(left, right, |bytes| split_tuple(count, bytes).ok())?;
    let mut pairs = left.iter().zip(&right);
    let ordering = pairs.find_map(|pair| {
        let kind = types.next()?;
        let ordering = match pair {
            (Some(l), Some(r)) => compare(kind, l, r),
            (l, r) => l.is_some().cmp(&r.is_some()),
        };
        ordering.is_ne().then_some(ordering)
    });
    Some(ordering.unwrap_or(Ordering::Equal))
}
