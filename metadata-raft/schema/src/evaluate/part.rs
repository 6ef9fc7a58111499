//! The part of a column that a condition looks at, with its type.

use bytes::Bytes;

use crate::{Access, ColumnData, CqlType, value};

/// The accessed part; null if there is no such element.
pub(super) fn of<'t>(
    data: Option<&ColumnData>,
    cql_type: &'t CqlType,
    access: &Access,
) -> (&'t CqlType, Option<Bytes>) {
    let whole = |data: &ColumnData| data.wire_value(cql_type);
    match (access, cql_type) {
        (Access::Entry(key), CqlType::Map(key_type, value_type, _)) => {
            (value_type, data.and_then(|data| entry(data, key_type, key)))
        }
        (Access::Index(index), CqlType::List(element, _)) => {
            let elements = data.and_then(whole).map(|bytes| value::list_elements(&bytes));
            let index = usize::try_from(*index).ok();
            let elements = elements.and_then(Result::ok).unwrap_or_default();
            (element, index.and_then(|index| elements.get(index)).cloned())
        }
        (Access::Field(index), CqlType::Udt(user_type, _)) => {
            let at = usize::from(*index);
            match user_type.fields.get(at) {
                Some((_, field_type)) => {
                    let count = user_type.fields.len();
                    (field_type, data.and_then(|data| field(data, count, *index)))
                }
                None => (cql_type, None),
            }
        }
        (Access::Whole, _) => (cql_type, data.and_then(whole)),
        _ => (cql_type, None),
    }
}

fn entry(data: &ColumnData, key_type: &CqlType, key: &[u8]) -> Option<Bytes> {
    let is_key = |present: &[u8]| value::compare(key_type, present, key).is_eq();
    match data {
        ColumnData::Complex(complex) => {
            complex.elements.iter().find(|e| is_key(&e.name))?.data.value.clone()
        }
        ColumnData::Simple(simple) => {
            let entries = value::map_entries(simple.value.as_ref()?).ok()?;
            entries.into_iter().find(|(present, _)| is_key(present)).map(|(_, value)| value)
        }
        ColumnData::Counter(_) => None,
    }
}

fn field(data: &ColumnData, count: usize, index: u16) -> Option<Bytes> {
    match data {
        ColumnData::Complex(complex) => complex.field(index).cloned(),
        ColumnData::Simple(simple) => {
            let fields = value::tuple_fields(count, simple.value.as_ref()?).ok()?;
            fields.into_iter().nth(usize::from(index)).flatten()
        }
        ColumnData::Counter(_) => None,
    }
}
