//! How large a batch may be before clients are warned and before it is refused, as in Cassandra.

use std::sync::Arc;

use cellar_schema::{Change, ChangeKind, Mutation, NewElement, Operation, Table};

use crate::limits::{BATCH_BYTES_MAX, BATCH_WARN_BYTES, UNLOGGED_BATCH_WARN_PARTITIONS};
use crate::plan::PlanError;
use crate::plan::write::BoundWrite;

/// What a timestamp, a TTL and a time of deletion add to a value in Cassandra's count.
const CELL_BYTES: usize = 16;
/// What a row marker or a deletion counts.
const MARKER_BYTES: usize = 12;

/// The tables that are written to, each once.
pub(super) fn tables(writes: &[BoundWrite]) -> Vec<Arc<Table>> {
    let mut tables: Vec<Arc<Table>> = Vec::new();
    for write in writes {
        if !tables.iter().any(|table| table.id == write.table.id) {
            tables.push(Arc::clone(&write.table));
        }
    }
    tables
}

/// Refuses a batch over several partitions that is too large, and gives the warnings for one that
/// is large.
pub(super) fn check(
    tables: &[Arc<Table>],
    mutations: &[Mutation],
    logged: bool,
) -> Result<Vec<String>, PlanError> {
    let mut warnings = Vec::new();
    if mutations.len() < 2 {
        return Ok(warnings);
    }
    let bytes: usize = mutations.iter().map(mutation_bytes).sum();
    if bytes > BATCH_BYTES_MAX {
        return Err(PlanError::invalid("Batch too large"));
    }
    let names = || {
        let name = |table: &Arc<Table>| format!("{}.{}", table.keyspace, table.name);
        tables.iter().map(name).collect::<Vec<_>>().join(", ")
    };
    if bytes > BATCH_WARN_BYTES {
        warnings.push(format!(
            "Batch for [{}] is of size {bytes}, exceeding specified threshold of \
             {BATCH_WARN_BYTES} by {}.",
            names(),
            bytes - BATCH_WARN_BYTES
        ));
    }
    if !logged && mutations.len() > UNLOGGED_BATCH_WARN_PARTITIONS {
        let plural = if tables.len() == 1 { "" } else { "s" };
        warnings.push(format!(
            "Unlogged batch covering {} partitions detected against table{plural} [{}]. You \
             should use a logged batch for atomicity, or asynchronous writes for performance.",
            mutations.len(),
            names()
        ));
    }
    Ok(warnings)
}

fn mutation_bytes(mutation: &Mutation) -> usize {
    mutation.changes.iter().map(change_bytes).sum()
}

fn change_bytes(change: &Change) -> usize {
    match &change.kind {
        ChangeKind::DeletePartition => MARKER_BYTES,
        ChangeKind::DeleteRange { start, end } => start.len() + end.len() + MARKER_BYTES,
        ChangeKind::DeleteRow { suffix } => suffix.len() + MARKER_BYTES,
        ChangeKind::Upsert(row) => {
            let operations = row.operations.iter().map(|(_, operation)| bytes(operation));
            row.suffix.len() + MARKER_BYTES + operations.sum::<usize>()
        }
    }
}

fn bytes(operation: &Operation) -> usize {
    let element = |element: &NewElement| {
        CELL_BYTES + element.key.len() + element.value.as_ref().map_or(0, bytes::Bytes::len)
    };
    match operation {
        Operation::Set(value) | Operation::Plus(_, value) => CELL_BYTES + value.len(),
        Operation::Delete | Operation::Add(_) => CELL_BYTES,
        Operation::Replace(elements) | Operation::Put(elements) => {
            elements.iter().map(element).sum()
        }
        Operation::Remove(parts)
        | Operation::ListReplace(parts)
        | Operation::ListAppend(parts)
        | Operation::ListPrepend(parts)
        | Operation::ListDiscard(parts) => parts.iter().map(|part| CELL_BYTES + part.len()).sum(),
        Operation::ListSet(_, value) => CELL_BYTES + value.as_ref().map_or(0, bytes::Bytes::len),
    }
}
