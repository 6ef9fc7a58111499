//! Entries of rows that were there before an index, a piece at a time under the gate of their
//! cell, so that no write of the cell comes between reading rows and noting their entries.

use std::sync::Arc;

use bytes::Bytes;
use cellar_engine::{Batch, Engine};
use cellar_metadata_api::{CellId, TableId};
use cellar_schema::{Row, keys};
use parking_lot::MutexGuard;

use super::{Changes, Definitions, definitions::Space, key};
use crate::{
    apply::{ApplyError, Machines},
    cell::Cell,
    limits::{INDEX_BUILD_BYTES, INDEX_BUILD_ROWS, INDEX_REMOVE_KEYS},
};

/// What came of a piece of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Built {
    /// The next piece begins here.
    Until(Bytes),
    /// Every row has its entries, or the cell is not here any more.
    All,
}

/// The tables of which a cell has rows that may lack entries.
pub(crate) fn unbuilt(
    engine: &Engine,
    definitions: &Definitions,
    cell: CellId,
) -> Result<Vec<TableId>, ApplyError> {
    let mut found = Vec::new();
    for (table, spaces) in definitions.tables() {
        for space in spaces {
            if engine.get(&key::built_key(space.id, cell))?.is_none() {
                found.push(table);
                break;
            }
        }
    }
    Ok(found)
}

/// Works through some rows of a table in a cell, from `from` on, and notes when they were the
/// last.
pub(crate) fn build_some(
    cell: &Cell,
    machines: &Machines,
    table: TableId,
    from: &Bytes,
) -> Result<Built, ApplyError> {
    let Some(gate) = machines.gate(cell.id()) else { return Ok(Built::All) };
    let open = gate.lock();
    let state = cell.state();
    if open.is_gone() || state.span.0 >= state.span.1 {
        return Ok(Built::All);
    }
    let engine = cell.engine();
    let definitions = machines.indexes().now();
    let mut spaces: Vec<&Arc<Space>> = Vec::new();
    for space in definitions.of(table) {
        if engine.get(&key::built_key(space.id, cell.id()))?.is_none() {
            spaces.push(space);
        }
    }
    let mut changes = Changes::new(&definitions);
    let mut done = Built::All;
    if let Some((start, end)) = state.span_of(table)
        && !spaces.is_empty()
    {
        let (mut rows, mut bytes) = (0, 0);
        for entry in engine.snapshot().scan(start.max(from.clone())..end, false) {
            let (key, value) = entry?;
            if rows >= INDEX_BUILD_ROWS || bytes >= INDEX_BUILD_BYTES {
                done = Built::Until(key);
                break;
            }
            rows += 1;
            bytes += value.len();
            if changes.concerns(&key) {
                let row = Row::decode(value)?;
                spaces.iter().try_for_each(|space| changes.add(space, &key, &row))?;
            }
        }
    }
    let mut batch = Batch::new();
    changes.finish(&mut batch);
    if done == Built::All {
        for space in spaces {
            batch.put(&key::built_key(space.id, cell.id()), &[1]);
        }
    }
    engine.apply(&batch)?;
    // A write may be waiting.
    MutexGuard::unlock_fair(open);
    Ok(done)
}

/// Removes a piece of what belongs to spaces that are no more; says whether there was any.
pub(crate) fn remove_orphans(
    engine: &Engine,
    definitions: &Definitions,
) -> Result<bool, ApplyError> {
    let mut batch = Batch::new();
    let snapshot = engine.snapshot();
    for (mut start, end) in key::contents() {
        while let Some(entry) = snapshot.scan(start.clone()..end.clone(), false).next() {
            let first = entry?.0;
            let space = key::space_in(&first);
            let behind = key::after_space(&first);
            if space.is_some_and(|id| definitions.all().any(|space| space.id == id)) {
                start = behind;
                continue;
            }
            for entry in snapshot.scan(first..behind.clone(), false) {
                if batch.len() >= INDEX_REMOVE_KEYS {
                    engine.apply(&batch)?;
                    return Ok(true);
                }
                batch.remove(&entry?.0);
            }
            start = behind;
        }
    }
    engine.apply(&batch)?;
    Ok(!batch.is_empty())
}

/// Removes the entries of the rows between two keys, which are about to go.
pub(crate) fn remove_entries(
    engine: &Engine,
    definitions: &Definitions,
    (start, end): &(Bytes, Bytes),
) -> Result<(), ApplyError> {
    for (table, _) in definitions.tables() {
        let (first, last) = keys::table_range(table);
        let (mut from, end) = (first.max(start.clone()), last.min(end.clone()));
        while from < end {
            let mut changes = Changes::new(definitions);
            let (mut rows, mut next) = (0, end.clone());
            for entry in engine.snapshot().scan(from..end.clone(), false) {
                let (key, value) = entry?;
                if rows >= INDEX_BUILD_ROWS {
                    next = key;
                    break;
                }
                rows += 1;
                if changes.concerns(&key) {
                    changes.change(&key, Some(&Row::decode(value)?), None)?;
                }
            }
            let mut batch = Batch::new();
            changes.finish(&mut batch);
            engine.apply(&batch)?;
            from = next;
        }
    }
    Ok(())
}
