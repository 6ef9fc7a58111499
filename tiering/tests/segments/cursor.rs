//! Ranges and directions, against a sorted map.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use cellar_schema::{Row, Table, keys, value};
use cellar_tiering::store::FileStore;
use cellar_tiering::{ColdStore, Cursor, SegmentMeta};
use proptest::prelude::*;

use crate::counting::Counting;
use crate::rows::{events, many_events};

async fn drain(mut cursor: Cursor) -> Vec<(Bytes, Row)> {
    let mut rows = Vec::new();
    while let Some(row) = cursor.next().await.unwrap() {
        rows.push(row);
    }
    assert!(cursor.next().await.unwrap().is_none(), "the end stays the end");
    rows
}

/// Every row of a segment.
pub(crate) async fn everything(
    cold: &ColdStore,
    table: &Arc<Table>,
    meta: &SegmentMeta,
) -> Vec<(Bytes, Row)> {
    let (start, end) = keys::table_range(table.id);
    drain(cold.cursor(Arc::clone(table), meta, start, end, false)).await
}

/// A segment of 20,000 rows in several groups and many strides.
struct Stored {
    _directory: tempfile::TempDir,
    store: Arc<Counting>,
    cold: ColdStore,
    table: Arc<Table>,
    meta: SegmentMeta,
    rows: BTreeMap<Bytes, Row>,
}

impl Stored {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Arc::new(Counting::new(Arc::new(FileStore::open(directory.path()).unwrap())));
        let cold = ColdStore::new(Arc::clone(&store) as _, 64 << 20);
        let table = Arc::new(events());
        let rows = many_events(&table, 20_000);
        let all = rows.clone().into_iter().collect();
        let meta = cold.put_segment(&table, all).await.unwrap();
        Self { _directory: directory, store, cold, table, meta, rows }
    }

    async fn check(&self, start: &Bytes, end: &Bytes, reverse: bool) {
        let cursor = self.cold.cursor(
            Arc::clone(&self.table),
            &self.meta,
            start.clone(),
            end.clone(),
            reverse,
        );
        let read = drain(cursor).await;
        let mut expected: Vec<_> = Vec::new();
        if start < end {
            let range = self.rows.range(start.clone()..end.clone());
            expected = range.map(|(key, row)| (key.clone(), row.clone())).collect();
        }
        if reverse {
            expected.reverse();
        }
        assert!(read == expected, "{} rows where {} are", read.len(), expected.len());
    }

    /// A store with an empty cache.
    fn cold_start(&self) -> ColdStore {
        ColdStore::new(Arc::clone(&self.store) as _, 64 << 20)
    }
}

#[test]
fn ranges_hold_what_a_sorted_map_holds_in_both_directions() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let stored = runtime.block_on(Stored::new());
    let all: Vec<Bytes> = stored.rows.keys().cloned().collect();
    let (first, last) = keys::table_range(stored.table.id);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(60));
    let bound = || (0..all.len() + 2, 0..3_u8);
    let run = runner.run(&(bound(), bound(), any::<bool>()), |(from, to, reverse)| {
        let at = |(index, kind): (usize, u8)| match (all.get(index), kind) {
            (Some(key), 0) => key.clone(),
            (Some(key), 1) => keys::split(key).unwrap().0,
            (Some(key), _) => keys::after(&keys::split(key).unwrap().0),
            (None, 0) => first.clone(),
            (None, _) => last.clone(),
        };
        runtime.block_on(stored.check(&at(from), &at(to), reverse));
        Ok(())
    });
    run.unwrap();
}

#[tokio::test]
async fn a_point_read_fetches_the_end_and_one_group_and_the_next_one_nothing() {
    let stored = Stored::new().await;
    let cold = stored.cold_start();
    let keys: Vec<Bytes> = stored.rows.keys().cloned().collect();
    let before = stored.store.read_bytes();
    let row = cold.get(&stored.table, &stored.meta, &keys[10_000]).await.unwrap();
    assert_eq!(row.as_ref(), stored.rows.get(&keys[10_000]));
    let read = stored.store.read_bytes() - before;
    assert!(read * 2 < stored.meta.bytes + 100_000, "{read} of {}", stored.meta.bytes);
    assert_eq!(stored.store.reads(), 2);
    assert!(cold.get(&stored.table, &stored.meta, &keys[10_001]).await.unwrap().is_some());
    assert_eq!(stored.store.reads(), 2, "the cache has it");
}

#[tokio::test]
async fn partitions_that_are_not_there_are_not_looked_for() {
    let stored = Stored::new().await;
    let cold = stored.cold_start();
    for at in 0..200 {
        let name = value::text(&format!("missing {at}"));
        let key = crate::rows::engine_key(&stored.table, &[name], &[value::int(1)]).unwrap();
        assert_eq!(cold.get(&stored.table, &stored.meta, &key).await.unwrap(), None);
    }
    // The end once, and a group for one in a hundred or so of false positives: not all of them.
    assert!(stored.store.reads() <= 4, "{} reads", stored.store.reads());
    let after = keys::after(&stored.meta.last_key);
    let cursor = cold.cursor(Arc::clone(&stored.table), &stored.meta, after.clone(), after, false);
    assert!(drain(cursor).await.is_empty());
}
