//! Objects that are not what was written.

use std::sync::Arc;

use cellar_schema::keys;
use cellar_tiering::store::{FaultPlan, FaultyStore, FileStore, ObjectStore};
use cellar_tiering::{ColdStore, SegmentError, SegmentName, encode_segment};

use crate::cursor::everything;
use crate::rows::{events, many_events};

#[tokio::test]
async fn a_flipped_byte_anywhere_is_found_and_never_read_as_data() {
    let table = Arc::new(events());
    let rows: Vec<_> = many_events(&table, 2000).into_iter().collect();
    let directory = tempfile::tempdir().unwrap();
    let store = FileStore::open(directory.path()).unwrap();
    let meta = ColdStore::new(Arc::new(store), 0).put_segment(&table, rows.clone()).await.unwrap();
    let path = directory.path().join(&meta.key);
    let good = std::fs::read(&path).unwrap();
    let mut found = 0;
    for at in (0..good.len()).step_by(good.len() / 150) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        std::fs::write(&path, &bad).unwrap();
        let store = FileStore::open(directory.path()).unwrap();
        let cold = ColdStore::new(Arc::new(store), 0);
        assert!(cold.verify(&meta).await.is_err(), "byte {at}");
        let (start, end) = keys::table_range(table.id);
        let mut cursor = cold.cursor(Arc::clone(&table), &meta, start, end, false);
        let mut read = Vec::new();
        let ended = loop {
            match cursor.next().await {
                Ok(Some(row)) => read.push(row),
                Ok(None) => break true,
                Err(_) => break false,
            }
        };
        assert!(rows.starts_with(&read), "byte {at}");
        assert!(!ended || read.len() == rows.len(), "byte {at}");
        found += usize::from(!ended);
    }
    // All but the magic number at the start, which nobody needs.
    assert!(found >= 149, "{found}");
}

#[tokio::test]
async fn a_segment_is_written_and_read_through_a_store_that_loses_answers() {
    let table = Arc::new(events());
    let rows: Vec<_> = many_events(&table, 500).into_iter().collect();
    let directory = tempfile::tempdir().unwrap();
    let inner: Arc<dyn ObjectStore> = Arc::new(FileStore::open(directory.path()).unwrap());
    let mut failures = 0;
    for seed in 0..20 {
        let plan = FaultPlan {
            seed,
            lost_answers_percent: 25,
            errors_percent: 10,
            ..FaultPlan::default()
        };
        let faulty = Arc::new(FaultyStore::new(Arc::clone(&inner), plan));
        let cold = ColdStore::new(faulty, 1 << 20);
        let name = SegmentName::random(table.id, seed);
        // The same name again after an error: the write may have taken place.
        let meta = loop {
            match cold.put_named(&table, rows.clone(), name).await {
                Ok(meta) => break meta,
                Err(error) => assert!(error.is_transient(), "{error}"),
            }
            failures += 1;
            assert!(failures < 100);
        };
        let sound = ColdStore::new(Arc::clone(&inner), 1 << 20);
        sound.verify(&meta).await.unwrap();
        assert_eq!(everything(&sound, &table, &meta).await, rows);
        sound.delete(&meta).await.unwrap();
    }
    assert!(inner.list("").await.unwrap().is_empty());
}

#[test]
fn rows_that_make_no_segment_are_refused() {
    let table = events();
    let rows: Vec<_> = many_events(&table, 3).into_iter().collect();
    let name = SegmentName::random(table.id, 0);
    let refused = |rows: Vec<_>| encode_segment(&table, &rows, &name).map(|_| ()).unwrap_err();
    assert!(matches!(refused(Vec::new()), SegmentError::NoRows));
    let backwards = rows.iter().rev().cloned().collect();
    assert!(matches!(refused(backwards), SegmentError::NotSorted));
    let twice = vec![rows[0].clone(), rows[0].clone()];
    assert!(matches!(refused(twice), SegmentError::NotSorted));
    let (partition, _) = keys::split(&rows[0].0).unwrap();
    let fixed = keys::engine_key(&partition, &keys::static_suffix()).unwrap();
    assert!(matches!(refused(vec![(fixed, rows[0].1.clone())]), SegmentError::NotARow));
    let mut other = events();
    other.id = cellar_schema::TableId(99);
    let foreign = many_events(&other, 1).into_iter().collect();
    assert!(matches!(refused(foreign), SegmentError::Key(_)));
}
