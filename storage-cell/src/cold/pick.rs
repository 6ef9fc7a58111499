//! Choosing hot rows for the next segment.

use bytes::Bytes;
use cellar_engine::Snapshot;
use cellar_schema::{PartitionMarks, Row, RowKind, Table, keys};
use cellar_tiering::policy;

use crate::{
    apply::ApplyError,
    commands::fingerprint,
    limits::{SEGMENT_BYTES, SEGMENT_KEY_BYTES, SEGMENT_ROWS},
};

/// Rows that are to become cold.
#[derive(Default)]
pub(super) struct Picked {
    /// By key.
    pub(super) rows: Vec<(Bytes, Row)>,
    /// Keys with fingerprints of the rows as they are stored.
    pub(super) stored: Vec<(Bytes, u64)>,
    /// Where to go on; nothing at the end.
    pub(super) rest: Option<Bytes>,
}

/// Picks what belongs into one segment from `start..end` of a table's rows.
pub(super) fn pick(
    snapshot: &Snapshot,
    table: &Table,
    (start, end): (Bytes, Bytes),
    now_seconds: i64,
) -> Result<Picked, ApplyError> {
    let mut picked = Picked::default();
    let (mut bytes, mut key_bytes) = (0_usize, 0_usize);
    let mut marks = PartitionMarks::default();
    let mut partition: Option<Bytes> = None;
    for entry in snapshot.scan(start..end, false) {
        let (key, value) = entry?;
        let enough = picked.rows.len() >= SEGMENT_ROWS
            || bytes >= SEGMENT_BYTES
            || key_bytes >= SEGMENT_KEY_BYTES;
        if enough {
            picked.rest = Some(key);
            break;
        }
        let decoded = keys::decode(table, &key)?;
        if !partition.as_ref().is_some_and(|partition| key.starts_with(partition)) {
            let (prefix, _) = keys::split(&key)?;
            // A segment may begin in the middle of a partition.
            let stored = snapshot.get(&[&*prefix, &*keys::marks_suffix()].concat())?;
            marks = stored.map(PartitionMarks::decode).transpose()?.unwrap_or_default();
            partition = Some(prefix);
        }
        if decoded.kind != RowKind::Row {
            continue;
        }
        let row = Row::decode(value.clone())?;
        let (_, suffix) = keys::split(&key)?;
        // What a deletion of the partition or of a range hides is never worth a segment.
        let hidden = marks.covering(&suffix).is_some_and(|at| row.newest_us() <= Some(at));
        if !hidden && policy::is_cold(table, &decoded, &row, now_seconds) {
            bytes = bytes.saturating_add(key.len()).saturating_add(value.len());
            key_bytes = key_bytes.saturating_add(key.len());
            picked.stored.push((key.clone(), fingerprint(&value)));
            picked.rows.push((key, row));
        }
    }
    Ok(picked)
}

#[cfg(test)]
mod tests {
    use cellar_engine::{Batch, Engine, Options};
    use cellar_schema::{
        AgeOf, Column, ColumnId, ColumnKind, CqlType, Liveness, Order, TableId, TableOptions,
        TieringPolicy, value,
    };

    use super::*;

    const NOW: i64 = 1_000_000;

    fn table() -> Table {
        let column = |id, kind| Column {
            id: ColumnId(id),
            name: format!("c{id}"),
            cql_type: CqlType::Text,
            kind,
        };
        let tiering = TieringPolicy { age_of: AgeOf::WriteTime, hot_seconds: 1 };
        Table {
            id: TableId(20),
            uuid: uuid::Uuid::nil(),
            keyspace: "k".to_owned(),
            name: "t".to_owned(),
            version: 1,
            columns: vec![
                column(0, ColumnKind::PartitionKey(0)),
                column(1, ColumnKind::Clustering(0, Order::Asc)),
            ],
            next_column: ColumnId(2),
            dropped: Vec::new(),
            options: TableOptions { tiering: Some(tiering), ..TableOptions::default() },
        }
    }

    fn key(table: &Table, c: &str) -> Bytes {
        let partition = keys::partition(table.id, b"p");
        let suffix = keys::row_suffix(table, &[value::text(c)]).unwrap();
        keys::engine_key(&partition, &suffix).unwrap()
    }

    fn row(timestamp_us: i64) -> Vec<u8> {
        let marker = Some(Liveness { timestamp_us, expiry: None });
        Row { marker, ..Row::default() }.encode()
    }

    fn pick_all(engine: &Engine, table: &Table) -> Vec<Picked> {
        let (mut start, end) = keys::table_range(table.id);
        let mut all = Vec::new();
        loop {
            let picked =
                pick(&engine.snapshot(), table, (start.clone(), end.clone()), NOW).unwrap();
            let rest = picked.rest.clone();
            all.push(picked);
            match rest {
                Some(rest) => start = rest,
                None => return all,
            }
        }
    }

    #[test]
    fn rows_that_are_old_and_not_hidden_are_picked() {
        let dir = tempfile::tempdir().unwrap();
        let engine = Engine::open(dir.path(), Options::default()).unwrap();
        let table = table();
        let mut batch = Batch::new();
        for (c, timestamp_us) in [("a", 5), ("b", 15), ("c", NOW * 1_000_000), ("d", 25)] {
            batch.put(&key(&table, c), &row(timestamp_us));
        }
        let mut marks = PartitionMarks::default();
        marks.delete_partition(10);
        let partition = keys::partition(table.id, b"p");
        batch.put(&[&*partition, &*keys::marks_suffix()].concat(), &marks.encode());
        engine.apply(&batch).unwrap();
        let picked = pick_all(&engine, &table);
        let found: Vec<Bytes> = picked[0].rows.iter().map(|(key, _)| key.clone()).collect();
        assert_eq!(found, [key(&table, "b"), key(&table, "d")]);
        assert_eq!(picked[0].stored[0], (key(&table, "b"), fingerprint(&row(15))));
        assert!(picked[0].rest.is_none());
    }

    #[test]
    fn segments_of_rows_with_long_keys_end_before_their_log_entry_grows_too_long() {
        let dir = tempfile::tempdir().unwrap();
        let engine = Engine::open(dir.path(), Options::default()).unwrap();
        let table = table();
        let long = "x".repeat(60_000);
        let mut batch = Batch::new();
        for at in 0..150 {
            batch.put(&key(&table, &format!("{at:05}{long}")), &row(5));
        }
        engine.apply(&batch).unwrap();
        let picked = pick_all(&engine, &table);
        let rows: Vec<usize> = picked.iter().map(|picked| picked.rows.len()).collect();
        assert_eq!(rows, [70, 70, 10]);
    }
}
