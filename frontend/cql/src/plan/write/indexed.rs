//! What an index of `CREATE INDEX` cannot hold is refused when it is written, as in Cassandra:
//! there the values of such an index are keys.

use bytes::Bytes;
use cellar_schema::{Column, ColumnId, Index, IndexClass, IndexPart, Operation, Table};

use crate::limits::INDEXED_BYTES_MAX;
use crate::plan::PlanError;

/// Refuses a value of a key column that is too long for an index.
pub(super) fn check_key<'c>(
    table: &Table,
    columns: impl Iterator<Item = &'c Column>,
    values: &[Bytes],
) -> Result<(), PlanError> {
    if !has_any(table) {
        return Ok(());
    }
    for (column, value) in columns.zip(values) {
        for index in local(table, column.id) {
            check(table, index, value.len())?;
        }
    }
    Ok(())
}

/// Refuses what operations write if it is too long for an index.
pub(super) fn check_operations(
    table: &Table,
    operations: &[(ColumnId, Operation)],
) -> Result<(), PlanError> {
    if !has_any(table) {
        return Ok(());
    }
    for (column, operation) in operations {
        for index in local(table, *column) {
            check(table, index, longest(operation, index.part))?;
        }
    }
    Ok(())
}

fn has_any(table: &Table) -> bool {
    table.options.indexes.iter().any(|index| index.class == IndexClass::Local)
}

fn local(table: &Table, column: ColumnId) -> impl Iterator<Item = &Index> {
    table.indexes_of(column).filter(|index| index.class == IndexClass::Local)
}

fn check(table: &Table, index: &Index, bytes: usize) -> Result<(), PlanError> {
    if bytes < INDEXED_BYTES_MAX {
        return Ok(());
    }
    let column = table.column_by_id(index.column).map_or("", |column| column.name.as_str());
    Err(PlanError::invalid(format!(
        "Cannot index value of size {bytes} for index {} on {}.{}({column}) (maximum allowed \
         size={INDEXED_BYTES_MAX})",
        index.name, table.keyspace, table.name
    )))
}

/// The length of the longest value that is filed under an index.
fn longest(operation: &Operation, part: IndexPart) -> usize {
    let listed = |values: &[Bytes]| values.iter().map(Bytes::len).max().unwrap_or(0);
    match (operation, part) {
        (Operation::Set(value), IndexPart::Simple | IndexPart::Full)
        | (Operation::ListSet(_, Some(value)), IndexPart::Values) => value.len(),
        (
            Operation::ListReplace(values)
            | Operation::ListAppend(values)
            | Operation::ListPrepend(values),
            IndexPart::Values,
        ) => listed(values),
        (Operation::Replace(elements) | Operation::Put(elements), part) => {
            let filed = elements.iter().map(|element| {
                let value = element.value.as_ref().map_or(0, Bytes::len);
                match part {
                    IndexPart::Keys => element.name.len(),
                    // Both with their lengths.
                    IndexPart::Entries => element.name.len() + value + 6,
                    _ => value,
                }
            });
            filed.max().unwrap_or(0)
        }
        _ => 0,
    }
}
