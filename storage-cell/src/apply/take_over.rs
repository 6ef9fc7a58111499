//! What of other cells goes when one of them takes a range over, and what stays.

use std::collections::BTreeSet;

use cellar_metadata_api::{CellId, KeyRange, TableId};

use super::{ApplyError, Machines, overlay::Overlay, state::rows_of};
use crate::records::{self, Descriptor, Kind};

/// Removes what this replica has of the cells that `by` has taken over since it was last heard of
/// here: they can be of different times, and none of them is left. Says which.
pub(crate) fn take_over(
    overlay: &mut Overlay<'_>,
    machines: &Machines,
    by: &Descriptor,
) -> Result<Vec<CellId>, ApplyError> {
    let mut ended = Vec::new();
    for (_, record) in overlay.records(records::all_of(Kind::Descriptor))? {
        let other = Descriptor::decode(&record)?;
        let begins = other.group == by.group && by.range.contains(other.range.start);
        if begins && other.cell != by.cell && other.epoch < by.epoch {
            ended.push(other.cell);
        }
    }
    let others = others(overlay, by, |other| !ended.contains(&other.cell) && !other.lacks_rows)?;
    for cell in &ended {
        machines.end(*cell);
        remove_cell(overlay, *cell, &others)?;
        machines.indexes().now().notes_of(*cell).for_each(|note| overlay.remove(note));
    }
    Ok(ended)
}

/// The ranges of cells here that have come from elsewhere and are further than `by`, in whose past
/// their keys were its own: they have everything that it knows of them.
pub(crate) fn further(overlay: &Overlay<'_>, by: &Descriptor) -> Result<Vec<KeyRange>, ApplyError> {
    others(overlay, by, |other| other.epoch > by.epoch && by.range.overlaps(&other.range))
}

/// The ranges of other cells here.
pub(crate) fn others(
    overlay: &Overlay<'_>,
    of: &Descriptor,
    keep: impl Fn(&Descriptor) -> bool,
) -> Result<Vec<KeyRange>, ApplyError> {
    let mut found = Vec::new();
    for (_, record) in overlay.records(records::all_of(Kind::Descriptor))? {
        let other = Descriptor::decode(&record)?;
        if other.group == of.group && other.cell != of.cell && keep(&other) {
            found.push(other.range);
        }
    }
    Ok(found)
}

/// Removes what there is of rows and requests in a cell's range, but for ranges that are not its.
pub(crate) fn clear_rows(
    overlay: &mut Overlay<'_>,
    cell: &Descriptor,
    tables: &BTreeSet<TableId>,
    others: &[KeyRange],
) {
    for range in cell.range.without(others) {
        let span = Descriptor { range, ..cell.clone() }.span();
        for (start, end) in rows_of(tables, &span) {
            overlay.clear(start, end);
        }
        for kind in records::REQUEST_KINDS {
            let (start, end) = records::requests_of(kind, cell.group, range);
            overlay.clear(start, end);
        }
    }
}

/// Removes a cell's records, and the rows of the tables that it lists, from this replica, but for
/// those of others; its log can go as soon as that is durable.
fn remove_cell(
    overlay: &mut Overlay<'_>,
    cell: CellId,
    others: &[KeyRange],
) -> Result<(), ApplyError> {
    let key = records::cell_key(Kind::Descriptor, cell);
    let Some(record) = overlay.record(&key)? else { return Ok(()) };
    let descriptor = Descriptor::decode(&record)?;
    let tables = overlay.records(records::under(&records::cell_key(Kind::Table, cell)))?;
    let tables: Result<_, _> = tables.keys().map(|key| records::table_in(key)).collect();
    clear_rows(overlay, &descriptor, &tables?, others);
    for kind in [
        Kind::Descriptor,
        Kind::Progress,
        Kind::Table,
        Kind::Segment,
        Kind::Dropped,
        Kind::Garbage,
        Kind::UntoldMove,
        Kind::UntoldChange,
    ] {
        let (start, end) = records::under(&records::cell_key(kind, cell));
        overlay.clear(start, end);
    }
    overlay.put_record(records::cell_key(Kind::Gone, cell), vec![1]);
    Ok(())
}
