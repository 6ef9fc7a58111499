//! What goes in comes out.

use std::sync::Arc;

use cellar_schema::{
    Column, ColumnData, ColumnId, ColumnKind, CqlType, Expiry, Liveness, Row, Versioned, value,
};
use cellar_tiering::store::FileStore;
use cellar_tiering::{ColdStore, SegmentName, encode_segment};
use proptest::prelude::*;

use crate::cursor::everything;
use crate::rows::{events, many_events, table_and_rows};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn rows_of_any_table_read_back_exactly((table, rows) in table_and_rows()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let store = Arc::new(FileStore::open(directory.path()).unwrap());
        let cold = ColdStore::new(store, 1 << 20);
        let table = Arc::new(table);
        let rows: Vec<_> = rows.into_iter().collect();
        runtime.block_on(async {
            let meta = cold.put_segment(&table, rows.clone()).await.unwrap();
            assert_eq!(everything(&cold, &table, &meta).await, rows);
            for (key, row) in &rows {
                let found = cold.get(&table, &meta, key).await.unwrap();
                assert_eq!(found.as_ref(), Some(row));
            }
            cold.verify(&meta).await.unwrap();
        });
    }
}

#[test]
fn the_same_rows_make_the_same_object() {
    let table = events();
    let rows: Vec<_> = many_events(&table, 3000).into_iter().collect();
    let name = SegmentName::random(table.id, 7);
    let (one, two) = (encode_segment(&table, &rows, &name), encode_segment(&table, &rows, &name));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.body, two.body);
    assert_eq!(one.meta, two.meta);
    assert_eq!(one.meta.rows, 3000);
    assert_eq!(one.meta.min_timestamp_us, 1_700_000_000_000_000);
    assert_eq!(one.meta.max_timestamp_us, 1_700_000_000_002_999);
    assert_eq!(one.meta.expires_at, None);
}

#[test]
fn times_and_shapes_of_rows_written_alike_cost_little() {
    let table = events();
    let rows: Vec<_> = many_events(&table, 20_000).into_iter().collect();
    let hot: usize = rows.iter().map(|(key, row)| key.len() + row.encode().len()).sum();
    let body = encode_segment(&table, &rows, &SegmentName::random(table.id, 0)).unwrap().body;
    assert!(body.len() * 2 < hot, "{} bytes cold of {hot} hot", body.len());
}

#[tokio::test]
async fn columns_added_later_are_absent_and_dropped_ones_ignored() {
    let directory = tempfile::tempdir().unwrap();
    let cold = ColdStore::new(Arc::new(FileStore::open(directory.path()).unwrap()), 1 << 20);
    let table = Arc::new(events());
    let rows: Vec<_> = many_events(&table, 10).into_iter().collect();
    let meta = cold.put_segment(&table, rows.clone()).await.unwrap();
    let mut later = events();
    later.version = 2;
    later.columns.retain(|column| column.id != ColumnId(2));
    let cql_type = CqlType::Text;
    let name = "v2".to_owned();
    later.columns.push(Column { id: ColumnId(4), name, cql_type, kind: ColumnKind::Regular });
    let read = everything(&cold, &Arc::new(later), &meta).await;
    for ((key, read), (written_key, written)) in read.iter().zip(&rows) {
        assert_eq!(key, written_key);
        assert_eq!(read.marker, written.marker);
        assert_eq!(read.columns, written.columns[1..]);
    }
    assert_eq!(read.len(), rows.len());
}

#[tokio::test]
async fn columns_that_are_not_wanted_keep_their_times_and_are_not_read() {
    let directory = tempfile::tempdir().unwrap();
    let cold = ColdStore::new(Arc::new(FileStore::open(directory.path()).unwrap()), 1 << 20);
    let table = Arc::new(events());
    let rows: Vec<_> = many_events(&table, 100).into_iter().collect();
    let meta = cold.put_segment(&table, rows.clone()).await.unwrap();
    let (start, end) = cellar_schema::keys::table_range(table.id);
    let cursor = cold.cursor(Arc::clone(&table), &meta, start, end, false);
    let mut cursor = cursor.with_columns(Some(vec![ColumnId(3)]));
    for (key, mut row) in rows {
        let ColumnData::Simple(unwanted) = &mut row.columns[0].1 else { panic!() };
        unwanted.value = Some(bytes::Bytes::new());
        assert_eq!(cursor.next().await.unwrap(), Some((key, row)));
    }
    assert_eq!(cursor.next().await.unwrap(), None);
}

#[test]
fn a_segment_expires_when_all_its_rows_have_and_none_deletes() {
    let table = events();
    let row = |at_seconds: Option<i64>, tombstone: bool| {
        let expiry = at_seconds.map(|at_seconds| Expiry { ttl_seconds: 9, at_seconds });
        let live = Liveness { timestamp_us: 1, expiry };
        let value = ColumnData::Simple(Versioned { live, value: Some(value::int(1)) });
        let mut columns = vec![(ColumnId(3), value)];
        if tombstone {
            columns.insert(0, (ColumnId(2), ColumnData::Simple(Versioned::tombstone(1))));
        }
        Row { marker: Some(live), deletion: None, columns }
    };
    let expiry_of = |rows: [Row; 2]| {
        let keys = many_events(&table, 2).into_keys();
        let rows: Vec<_> = keys.zip(rows).collect();
        let encoded = encode_segment(&table, &rows, &SegmentName::random(table.id, 0));
        encoded.unwrap().meta.expires_at
    };
    assert_eq!(expiry_of([row(Some(5), false), row(Some(7), false)]), Some(7));
    assert_eq!(expiry_of([row(Some(5), false), row(None, false)]), None);
    assert_eq!(expiry_of([row(Some(5), false), row(Some(7), true)]), None);
}
