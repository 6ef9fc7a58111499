//! The end of an engine key: which record of the partition it is.

use bytes::Bytes;

use super::KeyError;
use super::engine::RowKind;
use super::order;
use super::order_read::{self, Reader};
use crate::limits::KEY_COMPONENT_BYTES_MAX;
use crate::{Column, Order, Table};

const MARKS: u8 = 0x00;
const STATIC: u8 = 0x01;
pub(super) const ROW: u8 = 0x02;

/// The suffix of a partition's marks, first of its records.
#[must_use]
pub fn marks_suffix() -> Bytes {
    Bytes::from_static(&[MARKS])
}

/// The suffix of a partition's static columns.
#[must_use]
pub fn static_suffix() -> Bytes {
    Bytes::from_static(&[STATIC])
}

/// First suffix a row may have.
#[must_use]
pub fn rows_start() -> Bytes {
    Bytes::from_static(&[ROW])
}

/// First suffix after all rows.
#[must_use]
pub fn rows_end() -> Bytes {
    Bytes::from_static(&[ROW + 1])
}

/// The suffix of the row with these values of all clustering columns.
///
/// # Errors
/// When a value is missing, too long or not of its column's type.
pub fn row_suffix(table: &Table, clustering: &[Bytes]) -> Result<Bytes, KeyError> {
    let expected = table.clustering().count();
    if clustering.len() != expected {
        return Err(KeyError::Components { expected, got: clustering.len() });
    }
    let mut out = prefix(table, clustering)?;
    if table.clustering().all(|(column, _)| order_read::is_exact(&column.cql_type)) {
        return Ok(Bytes::from(out));
    }
    // Some forms drop what does not count for the order. What is lost goes after all components,
    // so that ranges over the components still hold.
    let forms = out.clone();
    let mut reader = Reader::new(forms.get(1..).unwrap_or(&[]));
    for ((index, value), (column, direction)) in (0_u16..).zip(clustering).zip(table.clustering()) {
        if reader.component(&column.cql_type, direction)? != value.as_ref() {
            out.extend_from_slice(&index.to_be_bytes());
            order::write_escaped(&mut out, value);
        }
    }
    Ok(Bytes::from(out))
}

/// What a suffix stands for.
///
/// # Errors
/// When it starts with no known kind.
pub fn kind_of(suffix: &[u8]) -> Result<RowKind, KeyError> {
    match suffix.first() {
        Some(&MARKS) => Ok(RowKind::Marks),
        Some(&STATIC) => Ok(RowKind::Static),
        Some(&ROW) => Ok(RowKind::Row),
        _ => Err(KeyError::Corrupt { reason: "unknown kind of record" }),
    }
}

/// The clustering values of a row's suffix, exactly as they were written.
///
/// # Errors
/// When it is no row suffix of this table.
pub fn clustering_of(table: &Table, suffix: &[u8]) -> Result<Vec<Bytes>, KeyError> {
    let forms = suffix.strip_prefix(&[ROW]).ok_or(KeyError::Corrupt { reason: "not a row" })?;
    let mut reader = Reader::new(forms);
    let mut values = Vec::with_capacity(table.clustering().count());
    for (column, direction) in table.clustering() {
        values.push(Bytes::from(reader.component(&column.cql_type, direction)?));
    }
    while !reader.is_empty() {
        let index = usize::from(u16::from_be_bytes(reader.array()?));
        let exact = Bytes::from(reader.escaped()?);
        let value = values.get_mut(index);
        *value.ok_or(KeyError::Corrupt { reason: "exact form of no component" })? = exact;
    }
    Ok(values)
}

/// Whether rows of the table may have equal clustering values of other bytes, such as decimals 1.0
/// and 1.00.
#[must_use]
pub fn has_equal_rows(table: &Table) -> bool {
    table.clustering().any(|(column, _)| !order_read::is_exact(&column.cql_type))
}

/// How many bytes of a row's suffix say which values it has, whatever their bytes: a row whose
/// suffix begins with the same is the same row to a client.
///
/// # Errors
/// When it is no row suffix of this table.
pub fn value_bytes(table: &Table, suffix: &[u8]) -> Result<usize, KeyError> {
    let forms = suffix.strip_prefix(&[ROW]).ok_or(KeyError::Corrupt { reason: "not a row" })?;
    let mut reader = Reader::new(forms);
    for (column, direction) in table.clustering() {
        reader.component(&column.cql_type, direction)?;
    }
    Ok(suffix.len().saturating_sub(reader.left()))
}

/// Kind and order forms of the first clustering columns.
pub(super) fn prefix(table: &Table, values: &[Bytes]) -> Result<Vec<u8>, KeyError> {
    let size = values.iter().map(|value| value.len() + 4).sum::<usize>();
    let mut out = Vec::with_capacity(1 + size);
    out.push(ROW);
    let mut columns = table.clustering();
    for value in values {
        let Some((column, direction)) = columns.next() else {
            let expected = table.clustering().count();
            return Err(KeyError::Components { expected, got: values.len() });
        };
        component(&mut out, column, direction, value)?;
    }
    Ok(out)
}

/// Appends one component in its column's direction.
pub(super) fn component(
    out: &mut Vec<u8>,
    column: &Column,
    direction: Order,
    value: &[u8],
) -> Result<(), KeyError> {
    let limit_bytes = KEY_COMPONENT_BYTES_MAX;
    if value.len() > limit_bytes {
        return Err(KeyError::TooLong { bytes: value.len(), limit_bytes });
    }
    let start = out.len();
    order::write(out, &column.cql_type, value)?;
    if direction == Order::Desc {
        order::invert_from(out, start);
    }
    Ok(())
}
