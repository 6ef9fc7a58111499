//! Several statements about one row in a conditional batch: which conditions go together, and
//! what a deletion beside a write of the same row means.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use cellar_schema::{
    Change, ChangeKind, ColumnId, ColumnKind, CqlType, Operation, RowChange, Table, Test, keys,
};

use crate::plan::PlanError;
use crate::plan::write::{BoundWrite, is_looked_at};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Exists,
    NotExists,
    Columns,
}

/// Refuses conditions on one row that can never hold together, as Cassandra does.
pub(super) fn refuse_mixed(writes: &[BoundWrite]) -> Result<(), PlanError> {
    let mut sorts: BTreeMap<&Bytes, Sort> = BTreeMap::new();
    let all = writes.iter().flat_map(|write| &write.conditions);
    for condition in all.filter(|condition| !is_looked_at(condition)) {
        let sort = match condition.test {
            Test::Exists => Sort::Exists,
            Test::NotExists => Sort::NotExists,
            Test::Column { .. } => Sort::Columns,
        };
        let before = *sorts.entry(&condition.suffix).or_insert(sort);
        let message = match (before, sort) {
            (before, sort) if before == sort => continue,
            (Sort::Columns, Sort::Exists) => {
                "Cannot mix IF conditions and IF EXISTS for the same row"
            }
            (Sort::Columns, _) | (_, Sort::Columns) => {
                "Cannot mix IF conditions and IF NOT EXISTS for the same row"
            }
            _ => "Cannot mix IF EXISTS and IF NOT EXISTS conditions for the same row",
        };
        return Err(PlanError::invalid(message));
    }
    Ok(())
}

/// In a conditional batch deletions come before writes, whatever their order: what the batch
/// itself writes stays. All its changes have one time, at which a deletion would win, so the rows
/// that are also written are taken out of the deletions and lose what they had column by column.
pub(super) fn deletions_first(table: &Table, changes: Vec<Change>) -> Vec<Change> {
    let mut written: BTreeMap<Bytes, BTreeSet<ColumnId>> = BTreeMap::new();
    let mut deletes = false;
    for change in &changes {
        match &change.kind {
            ChangeKind::Upsert(row) if has_life(row) => {
                let live = row.operations.iter().filter(|(_, operation)| is_live(operation));
                written.entry(row.suffix.clone()).or_default().extend(live.map(|(id, _)| *id));
            }
            ChangeKind::Upsert(_) => {}
            _ => deletes = true,
        }
    }
    if !deletes || written.is_empty() {
        return changes;
    }
    let apart = Apart { table, written };
    let (deletions, upserts): (Vec<Change>, Vec<Change>) =
        changes.into_iter().partition(|change| !matches!(change.kind, ChangeKind::Upsert(_)));
    let mut out: Vec<Change> = Vec::with_capacity(deletions.len() + upserts.len());
    for Change { timestamp_us, kind } in deletions {
        let kinds = apart.around(kind).into_iter();
        out.extend(kinds.map(|kind| Change { timestamp_us, kind }));
    }
    out.extend(upserts);
    out
}

fn has_life(row: &RowChange) -> bool {
    row.marker || row.operations.iter().any(|(_, operation)| is_live(operation))
}

/// Whether something is there after it.
fn is_live(operation: &Operation) -> bool {
    !matches!(
        operation,
        Operation::Delete
            | Operation::Remove(_)
            | Operation::ListDiscard(_)
            | Operation::ListSet(_, None)
            | Operation::Plus(..)
    )
}

struct Apart<'t> {
    table: &'t Table,
    /// Rows that are written, and their columns that are.
    written: BTreeMap<Bytes, BTreeSet<ColumnId>>,
}

impl Apart<'_> {
    /// A deletion that leaves the written rows to [`Apart::emptied`].
    fn around(&self, deletion: ChangeKind) -> Vec<ChangeKind> {
        match deletion {
            ChangeKind::DeleteRow { suffix } => match self.written.get(&suffix) {
                Some(columns) => vec![self.emptied(&suffix, columns)],
                None => vec![ChangeKind::DeleteRow { suffix }],
            },
            ChangeKind::DeleteRange { start, end } => self.between(start, end),
            ChangeKind::DeletePartition => {
                let suffix = keys::static_suffix();
                let mut parts = self.around(ChangeKind::DeleteRow { suffix });
                parts.extend(self.between(keys::rows_start(), keys::rows_end()));
                parts
            }
            upsert @ ChangeKind::Upsert(_) => vec![upsert],
        }
    }

    fn between(&self, mut start: Bytes, end: Bytes) -> Vec<ChangeKind> {
        let mut parts = Vec::new();
        if start >= end {
            return parts;
        }
        for (suffix, columns) in self.written.range(start.clone()..end.clone()) {
            if start < *suffix {
                parts.push(ChangeKind::DeleteRange { start, end: suffix.clone() });
            }
            parts.push(self.emptied(suffix, columns));
            // The next key that there can be.
            start = [&suffix[..], &[0]].concat().into();
        }
        if start < end {
            parts.push(ChangeKind::DeleteRange { start, end });
        }
        parts
    }

    /// The row without what it had in columns that are not written, and without the elements of
    /// collections that are.
    fn emptied(&self, suffix: &Bytes, written: &BTreeSet<ColumnId>) -> ChangeKind {
        let wanted =
            if *suffix == keys::static_suffix() { ColumnKind::Static } else { ColumnKind::Regular };
        let of_row = self.table.columns.iter().filter(|column| column.kind == wanted);
        let operations = of_row.filter_map(|column| {
            let operation = match &column.cql_type {
                _ if !written.contains(&column.id) => Operation::Delete,
                CqlType::List(..) if column.cql_type.is_multi_cell() => {
                    Operation::ListReplace(Vec::new())
                }
                cql_type if cql_type.is_multi_cell() => Operation::Replace(Vec::new()),
                _ => return None,
            };
            Some((column.id, operation))
        });
        ChangeKind::Upsert(RowChange {
            suffix: suffix.clone(),
            marker: false,
            ttl_seconds: 0,
            operations: operations.collect(),
        })
    }
}
