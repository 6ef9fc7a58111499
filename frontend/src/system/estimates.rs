//! `system.size_estimates` and `system.table_estimates`: ranges of the ring that cover it, one for
//! each cell of a table, with the bytes of the cell. Tools split their reads by them.

use std::{collections::HashMap, sync::Arc};

use cellar_metadata_api::{Cell, CellId, KeyRange, Overview, Position};
use cellar_schema::{Table, TableId};

use super::{Facts, record::Record};

/// Bytes that a partition is thought to have: how many there are nobody counts.
const PARTITION_BYTES: u64 = 1_024;

/// Tokens `after < token <= through` of a table; the least token stands for both ends of the ring.
struct Part {
    after: i64,
    through: i64,
    bytes: u64,
}

pub(super) fn sizes(facts: &Facts<'_>) -> Vec<Record> {
    each(facts, estimated)
}

pub(super) fn tables(facts: &Facts<'_>) -> Vec<Record> {
    let of = |kind: &'static str| {
        each(facts, move |table, part| estimated(table, part).text("range_type", kind))
    };
    [of("primary"), of("local_primary")].concat()
}

fn estimated(table: &Table, part: &Part) -> Record {
    let partitions = part.bytes.div_ceil(PARTITION_BYTES);
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    Record::new()
        .text("keyspace_name", &table.keyspace)
        .text("table_name", &table.name)
        .text("range_start", &part.after.to_string())
        .text("range_end", &part.through.to_string())
        .bigint("mean_partition_size", number(part.bytes.checked_div(partitions).unwrap_or(0)))
        .bigint("partitions_count", number(partitions))
}

fn each(facts: &Facts<'_>, record: impl Fn(&Table, &Part) -> Record) -> Vec<Record> {
    let bytes = bytes_by_cell(facts.learnt.overview.as_ref());
    let mut records = Vec::new();
    for keyspace in facts.catalog.keyspaces.values() {
        let Some(rows) = facts.wanted.partition(&keyspace.name) else { continue };
        for table in keyspace.tables.values().filter(|table| rows.row(&table.name)) {
            let parts = parts(facts, table, &bytes);
            records.extend(parts.iter().map(|part| record(table, part)));
        }
    }
    records
}

/// What the replica with the most says of each cell.
fn bytes_by_cell(overview: Option<&Overview>) -> HashMap<CellId, u64> {
    let mut bytes: HashMap<CellId, u64> = HashMap::new();
    let reports = overview.into_iter().flat_map(|overview| &overview.nodes);
    for load in reports.flat_map(|(_, report)| report).flat_map(|(report, _)| &report.cells) {
        let known = bytes.entry(load.cell).or_default();
        *known = (*known).max(load.hot_bytes.saturating_add(load.cold_bytes));
    }
    bytes
}

fn parts(facts: &Facts<'_>, table: &Arc<Table>, bytes: &HashMap<CellId, u64>) -> Vec<Part> {
    let catalog = facts.catalog;
    let whole = |bytes| vec![Part { after: i64::MIN, through: i64::MIN, bytes }];
    let placement = catalog.group_of(table.id).and_then(|group| catalog.placements.get(&group));
    let Some(placement) = placement else { return whole(0) };
    let range = KeyRange {
        start: Position::new(table.id, i64::MIN),
        end: table.id.0.checked_add(1).map(|next| Position::new(TableId(next), i64::MIN)),
    };
    let mut parts: Vec<Part> = Vec::new();
    for cell in placement.overlapping(range) {
        let after = parts.last().map_or(i64::MIN, |part| part.through);
        let ends_inside = cell.range.end.filter(|end| end.table == table.id);
        // A cell ends before its border; a cell that only begins the table has none of it.
        let through = match ends_inside {
            Some(end) if end.token == i64::MIN => continue,
            Some(end) => end.token.saturating_sub(1),
            None => i64::MIN,
        };
        let all = bytes.get(&cell.id).copied().unwrap_or(0);
        let bytes = all.checked_div(tables_in(facts, cell)).unwrap_or(all);
        if through != after || through == i64::MIN {
            parts.push(Part { after, through, bytes });
        }
    }
    if parts.is_empty() { whole(0) } else { parts }
}

/// Tables that have a part of the cell; its bytes are thought to be theirs in equal parts.
fn tables_in(facts: &Facts<'_>, cell: &Cell) -> u64 {
    let last = cell.range.end.map(|end| match end.token {
        i64::MIN => end.table.0.saturating_sub(1),
        _ => end.table.0,
    });
    let first = cell.range.start.table.0;
    if last == Some(first) {
        return 1;
    }
    let keyspaces = facts.catalog.keyspaces.values();
    let tables = keyspaces.flat_map(|keyspace| keyspace.tables.values()).map(|table| table.id.0);
    let inside = tables.filter(|id| *id >= first && last.is_none_or(|last| *id <= last));
    u64::try_from(inside.count()).unwrap_or(1).max(1)
}
