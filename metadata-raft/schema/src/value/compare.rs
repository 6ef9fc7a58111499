//! The order of values, exactly Cassandra's comparator of each type. Bytes that are no value of
//! the type come last, in the order of their bytes, so that the order is total whatever comes.

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
    match cql_type {
        CqlType::Ascii
        | CqlType::Text
        | CqlType::Blob
        | CqlType::Inet
        | CqlType::Date
        | CqlType::Time
        | CqlType::Duration => left.cmp(right),
        CqlType::Tinyint => by(left, right, as_i8, Ord::cmp),
        CqlType::Smallint => by(left, right, as_i16, Ord::cmp),
        CqlType::Int => by(left, right, as_i32, Ord::cmp),
        CqlType::Bigint | CqlType::Counter | CqlType::Timestamp => {
            by(left, right, as_i64, Ord::cmp)
        }
        CqlType::Float => by(left, right, |bytes| as_f32(bytes).map(order::f32_bits), Ord::cmp),
        CqlType::Double => by(left, right, |bytes| as_f64(bytes).map(order::f64_bits), Ord::cmp),
        CqlType::Boolean => by(left, right, super::as_bool, Ord::cmp),
        CqlType::Uuid => by(left, right, order::uuid_bits, Ord::cmp),
        CqlType::Timeuuid => by(left, right, order::timeuuid_bits, Ord::cmp),
        CqlType::Varint => by(left, right, super::as_varint, Ord::cmp),
        CqlType::Decimal => by(left, right, order::decimal, Ord::cmp),
        CqlType::List(element, _) | CqlType::Set(element, _) => {
            by(left, right, |bytes| split_list(bytes).ok(), |l, r| each(element, l, r))
        }
        CqlType::Vector(element, dimensions) => {
            let split = |bytes| split_vector(element, *dimensions, bytes).ok();
            by(left, right, split, |l, r| each(element, l, r))
        }
        CqlType::Map(key, value, _) => {
            let split = |bytes| split_map(bytes).ok();
            by(left, right, split, |l, r| compare_entries(key, value, l, r))
        }
        CqlType::Tuple(types) => {
            let split = |bytes| split_tuple(types.len(), bytes).ok();
            by(left, right, split, |l, r| compare_fields(types.iter(), l, r))
        }
        CqlType::Udt(udt, _) => {
            let split = |bytes| split_tuple(udt.fields.len(), bytes).ok();
            let types = || udt.fields.iter().map(|(_, kind)| kind);
            by(left, right, split, |l, r| compare_fields(types(), l, r))
        }
    }
}

/// Compares what is read from both sides; what cannot be read comes after what can.
fn by<'a, T>(
    left: &'a [u8],
    right: &'a [u8],
    read: impl Fn(&'a [u8]) -> Option<T>,
    compare: impl Fn(&T, &T) -> Ordering,
) -> Ordering {
    match (read(left), read(right)) {
        (Some(l), Some(r)) => compare(&l, &r),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => left.cmp(right),
    }
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
    let mut pairs =
        left.iter().zip(right).map(|((left_key, left_value), (right_key, right_value))| {
            compare(key, left_key, right_key).then_with(|| compare(value, left_value, right_value))
        });
    pairs.find(|ordering| ordering.is_ne()).unwrap_or_else(|| left.len().cmp(&right.len()))
}

fn compare_fields<'a>(
    types: impl Iterator<Item = &'a CqlType>,
    left: &[Option<&[u8]>],
    right: &[Option<&[u8]>],
) -> Ordering {
    let pairs = types.zip(left.iter().zip(right));
    let mut orderings = pairs.map(|(kind, pair)| match pair {
        (Some(l), Some(r)) => compare(kind, l, r),
        (l, r) => l.is_some().cmp(&r.is_some()),
    });
    orderings.find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal)
}
