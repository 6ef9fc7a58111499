//! One operation on one column. A replacement of a whole collection deletes at one microsecond
//! before its own time, as in Cassandra, so that its own elements stay.

use bytes::Bytes;

use super::{ApplyError, Write, list};
use crate::{
    Addable, ColumnData, ColumnId, Complex, CounterState, Element, NewElement, Operation, Row,
    Versioned,
};

pub(super) fn operate(
    row: &mut Row,
    column: ColumnId,
    operation: &Operation,
    write: Write,
) -> Result<(), ApplyError> {
    match operation {
        Operation::Set(value) => set(row, column, value, write)?,
        Operation::Delete => delete(row, column, write.timestamp_us),
        Operation::Replace(elements) => {
            delete(row, column, write.timestamp_us.saturating_sub(1));
            put(complex_mut(row, column)?, elements, write);
        }
        Operation::Put(elements) => put(complex_mut(row, column)?, elements, write),
        Operation::Remove(keys) => {
            let complex = complex_mut(row, column)?;
            for key in keys {
                complex.merge_element(removed(key, write));
            }
        }
        Operation::ListReplace(values) => {
            delete(row, column, write.timestamp_us.saturating_sub(1));
            list::replace(complex_mut(row, column)?, values, write)?;
        }
        Operation::ListAppend(values) => list::append(complex_mut(row, column)?, values, write)?,
        Operation::ListPrepend(values) => list::prepend(complex_mut(row, column)?, values, write)?,
        Operation::ListSet(index, value) => {
            list::set(complex_mut(row, column)?, *index, value.as_ref(), write)?;
        }
        Operation::ListDiscard(values) => list::discard(complex_mut(row, column)?, values, write),
        Operation::Add(amount) => add(row, column, *amount, write)?,
        Operation::Plus(kind, value) => plus(row, column, (*kind, value), write)?,
    }
    Ok(())
}

fn set(row: &mut Row, column: ColumnId, value: &Bytes, write: Write) -> Result<(), ApplyError> {
    match row.column(column) {
        Some(ColumnData::Complex(_)) => Err(ApplyError::ComplexMismatch { column }),
        Some(ColumnData::Counter(_)) => Err(ApplyError::CounterMismatch { column }),
        Some(ColumnData::Simple(_)) | None => {
            let value = Versioned { live: write.live(), value: Some(value.clone()) };
            row.merge_column(column, ColumnData::Simple(value));
            Ok(())
        }
    }
}

/// What is not there, or has expired, stays as it is, as in Cassandra.
fn plus(
    row: &mut Row,
    column: ColumnId,
    (kind, value): (Addable, &Bytes),
    write: Write,
) -> Result<(), ApplyError> {
    let now_seconds = write.stamp.now_seconds;
    let present = match row.column(column) {
        Some(ColumnData::Simple(simple)) if simple.is_live(now_seconds) => simple.value.as_ref(),
        _ => None,
    };
    let Some(present) = present else { return Ok(()) };
    let sum = kind.sum(present, value).ok_or(ApplyError::NoSum { column })?;
    set(row, column, &sum, write)
}

fn delete(row: &mut Row, column: ColumnId, timestamp_us: i64) {
    row.merge_column(column, ColumnData::Simple(Versioned::tombstone(timestamp_us)));
}

fn put(complex: &mut Complex, elements: &[NewElement], write: Write) {
    for element in elements {
        complex.merge_element(match &element.value {
            Some(value) => Element {
                key: element.key.clone(),
                name: element.name.clone(),
                data: Versioned { live: write.live(), value: Some(value.clone()) },
            },
            None => removed(&element.key, write),
        });
    }
}

pub(super) fn removed(key: &Bytes, write: Write) -> Element {
    let data = Versioned::tombstone(write.timestamp_us);
    Element { key: key.clone(), name: Bytes::new(), data }
}

/// The column's elements, where a deletion of the whole is all that may be known as yet.
fn complex_mut(row: &mut Row, column: ColumnId) -> Result<&mut Complex, ApplyError> {
    let data = row.column_mut(column);
    if let ColumnData::Simple(Versioned { live, value: None }) = data {
        let deletion = Some(live.timestamp_us);
        *data = ColumnData::Complex(Complex { deletion, elements: Vec::new() });
    }
    match data {
        ColumnData::Complex(complex) => Ok(complex),
        ColumnData::Counter(_) => Err(ApplyError::CounterMismatch { column }),
        ColumnData::Simple(_) => Err(ApplyError::ComplexMismatch { column }),
    }
}

/// An increment is always later than what is known of the counter, deletions included: what is
/// acknowledged counts (invariant I-6).
fn add(row: &mut Row, column: ColumnId, amount: i64, write: Write) -> Result<(), ApplyError> {
    let hidden_to_us = row.deletion.max(write.hidden_to_us);
    let (total, known_us, deletion) = match row.column(column) {
        None => (0, None, None),
        Some(ColumnData::Counter(counter)) => {
            let counter = counter.deleted(hidden_to_us);
            (counter.total, Some(counter.timestamp_us), counter.deletion)
        }
        Some(ColumnData::Simple(simple)) if simple.value.is_none() => {
            (0, Some(simple.live.timestamp_us), Some(simple.live.timestamp_us))
        }
        Some(_) => return Err(ApplyError::CounterMismatch { column }),
    };
    let after = known_us.max(hidden_to_us).map_or(i64::MIN, |known| known.saturating_add(1));
    let counter = CounterState {
        total: total.wrapping_add(amount),
        timestamp_us: write.stamp.timestamp_us.max(after),
        deletion,
    };
    row.merge_column(column, ColumnData::Counter(counter));
    Ok(())
}
