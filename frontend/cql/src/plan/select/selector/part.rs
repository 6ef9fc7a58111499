//! Parts of values: elements and slices of sets and maps, and the one order of sets and maps
//! made by selectors.

use std::cmp::Ordering;

use bytes::Bytes;
use cellar_schema::{CqlType, value};

use crate::plan::PlanError;
use crate::plan::error::invalid;

/// The value of a key of a map, or the element of a set if it is in it.
pub(super) fn element(
    cql_type: &CqlType,
    bytes: &Bytes,
    key: &Bytes,
) -> Result<Option<Bytes>, PlanError> {
    Ok(match cql_type {
        CqlType::Map(key_type, ..) => value::map_entries(bytes)
            .map_err(invalid)?
            .into_iter()
            .find(|(present, _)| value::compare(key_type, present, key).is_eq())
            .map(|(_, found)| found),
        CqlType::Set(part, _) => value::list_elements(bytes)
            .map_err(invalid)?
            .into_iter()
            .find(|present| value::compare(part, present, key).is_eq()),
        _ => None,
    })
}

/// What lies between two keys, both included. Nothing if that is empty and the type is stored
/// element by element: such a value without elements is the same as none.
pub(super) fn slice(
    cql_type: &CqlType,
    bytes: &Bytes,
    from: Option<&Bytes>,
    to: Option<&Bytes>,
) -> Result<Option<Bytes>, PlanError> {
    let inside = |part: &CqlType, present: &Bytes| {
        from.is_none_or(|from| value::compare(part, present, from).is_ge())
            && to.is_none_or(|to| value::compare(part, present, to).is_le())
    };
    let (sliced, empty) = match cql_type {
        CqlType::Map(key, ..) => {
            let mut entries = value::map_entries(bytes).map_err(invalid)?;
            entries.retain(|(present, _)| inside(key, present));
            (value::build_map(&entries), entries.is_empty())
        }
        CqlType::Set(part, _) => {
            let mut elements = value::list_elements(bytes).map_err(invalid)?;
            elements.retain(|present| inside(part, present));
            (value::build_list(&elements), elements.is_empty())
        }
        _ => (bytes.clone(), false),
    };
    Ok(if empty && cql_type.is_multi_cell() { None } else { Some(sliced) })
}

/// A set with each element once, in order.
pub(super) fn set(element: &CqlType, mut elements: Vec<Bytes>) -> Bytes {
    elements.sort_by(|a, b| value::compare(element, a, b));
    elements.dedup_by(|a, b| value::compare(element, a, b) == Ordering::Equal);
    value::build_list(&elements)
}

/// A map with each key once, in order; of equal keys the last one counts.
pub(super) fn map(key: &CqlType, mut entries: Vec<(Bytes, Bytes)>) -> Bytes {
    entries.reverse();
    entries.sort_by(|a, b| value::compare(key, &a.0, &b.0));
    entries.dedup_by(|a, b| value::compare(key, &a.0, &b.0) == Ordering::Equal);
    value::build_map(&entries)
}
