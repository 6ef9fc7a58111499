//! Values made of values: collecting the parts, and the one order in which sets and maps are
//! written, so that equal frozen values have equal bytes.

use std::cmp::Ordering;

use bytes::Bytes;
use cellar_schema::CqlType;
use cellar_schema::value::{self, ValueError};

use super::Expr;
use crate::plan::{Binding, PlanError};

const NULL_INSIDE: &str = "null is not supported inside collections";

/// The values of elements, none of which may be null.
pub(super) fn elements(parts: &[Expr], binding: &Binding<'_>) -> Result<Vec<Bytes>, PlanError> {
    parts.iter().map(|part| element(part, binding)).collect()
}

fn element(part: &Expr, binding: &Binding<'_>) -> Result<Bytes, PlanError> {
    part.evaluate_set(binding, "an element of a collection")?
        .ok_or_else(|| PlanError::invalid(NULL_INSIDE))
}

/// The values of entries.
pub(super) fn entries(
    parts: &[(Expr, Expr)],
    binding: &Binding<'_>,
) -> Result<Vec<(Bytes, Bytes)>, PlanError> {
    parts.iter().map(|(key, part)| Ok((element(key, binding)?, element(part, binding)?))).collect()
}

/// The values of fields, which may be null.
pub(super) fn fields(
    parts: &[Expr],
    binding: &Binding<'_>,
) -> Result<Vec<Option<Bytes>>, PlanError> {
    let mut values = Vec::with_capacity(parts.len());
    for (number, part) in parts.iter().enumerate() {
        values.push(part.evaluate_set(binding, &format!("tuple field number {number}"))?);
    }
    Ok(values)
}

/// A set with each element once, in order.
pub(super) fn sorted_set(element: &CqlType, mut elements: Vec<Bytes>) -> Bytes {
    elements.sort_by(|a, b| value::compare(element, a, b));
    elements.dedup_by(|a, b| value::compare(element, a, b) == Ordering::Equal);
    value::build_list(&elements)
}

/// A map with each key once, in order; of equal keys the last one counts.
pub(super) fn sorted_map(key: &CqlType, mut entries: Vec<(Bytes, Bytes)>) -> Bytes {
    entries.reverse();
    entries.sort_by(|a, b| value::compare(key, &a.0, &b.0));
    entries.dedup_by(|a, b| value::compare(key, &a.0, &b.0) == Ordering::Equal);
    value::build_map(&entries)
}

/// Whether values of this type hold sets or maps, whose parts clients send in any order. Those
/// within a vector are left as they were sent, repetitions included, as in Cassandra.
pub(super) fn has_free_order(cql_type: &CqlType) -> bool {
    match cql_type {
        CqlType::Set(..) | CqlType::Map(..) => true,
        CqlType::List(element, _) => has_free_order(element),
        CqlType::Tuple(types) => types.iter().any(has_free_order),
        CqlType::Udt(udt, _) => udt.fields.iter().any(|(_, t)| has_free_order(t)),
        _ => false,
    }
}

/// The same value with all sets and maps in order.
pub(super) fn canonical(cql_type: &CqlType, bytes: &Bytes) -> Result<Bytes, ValueError> {
    if !has_free_order(cql_type) {
        return Ok(bytes.clone());
    }
    Ok(match cql_type {
        CqlType::Set(element, _) => {
            sorted_set(element, canonical_all(element, value::list_elements(bytes)?)?)
        }
        CqlType::Map(key, part, _) => {
            let mut entries = Vec::new();
            for (k, v) in value::map_entries(bytes)? {
                entries.push((canonical(key, &k)?, canonical(part, &v)?));
            }
            sorted_map(key, entries)
        }
        CqlType::List(element, _) => {
            value::build_list(&canonical_all(element, value::list_elements(bytes)?)?)
        }
        CqlType::Tuple(types) => canonical_fields(types.iter(), types.len(), bytes)?,
        CqlType::Udt(udt, _) => {
            canonical_fields(udt.fields.iter().map(|(_, t)| t), udt.fields.len(), bytes)?
        }
        _ => bytes.clone(),
    })
}

fn canonical_all(element: &CqlType, parts: Vec<Bytes>) -> Result<Vec<Bytes>, ValueError> {
    if !has_free_order(element) {
        return Ok(parts);
    }
    parts.iter().map(|part| canonical(element, part)).collect()
}

fn canonical_fields<'t>(
    types: impl Iterator<Item = &'t CqlType>,
    count: usize,
    bytes: &Bytes,
) -> Result<Bytes, ValueError> {
    let mut fields = Vec::with_capacity(count);
    for (field, cql_type) in value::tuple_fields(count, bytes)?.into_iter().zip(types) {
        fields.push(match field {
            Some(field) => Some(canonical(cql_type, &field)?),
            None => None,
        });
    }
    Ok(value::build_tuple(&fields))
}

#[cfg(test)]
mod tests {
    use cellar_schema::Frozen;

    use super::*;

    #[test]
    fn a_set_is_put_in_order_but_not_within_a_vector() {
        let set = CqlType::Set(Box::new(CqlType::Int), Frozen::Yes);
        let part = |n: i32| Bytes::copy_from_slice(&n.to_be_bytes());
        let sent = value::build_list(&[part(2), part(1), part(2)]);
        let ordered = value::build_list(&[part(1), part(2)]);
        assert_eq!(canonical(&set, &sent).expect("a set"), ordered);
        let vector = CqlType::Vector(Box::new(set.clone()), 1);
        let sent = value::build_vector(&set, &[sent]);
        assert_eq!(canonical(&vector, &sent).expect("a vector"), sent);
    }
}
