//! Dropping ranges, measuring them, and finding their middle.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests fail loudly"
)]

use cellar_engine::{Batch, Engine, KEY_BYTES_MAX, Options};

fn options() -> Options {
    Options { memtable_bytes: 256 << 10, table_bytes: 64 << 10, ..Options::default() }
}

fn key(cell: u8, row: u32) -> Vec<u8> {
    let mut key = vec![cell];
    key.extend_from_slice(&row.to_be_bytes());
    key
}

/// Bytes that lz4 cannot shorten.
fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut noise = Vec::with_capacity(bytes + 8);
    while noise.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        noise.extend_from_slice(&state.to_le_bytes());
    }
    noise.truncate(bytes);
    noise
}

fn fill(engine: &Engine, cell: u8, rows: std::ops::Range<u32>, value_bytes: usize, seed: u64) {
    let mut batch = Batch::new();
    for row in rows {
        batch.put(&key(cell, row), &noise(seed + u64::from(row), value_bytes));
        if batch.bytes() > 16 << 10 {
            engine.apply(&batch).unwrap();
            batch.clear();
        }
    }
    engine.apply(&batch).unwrap();
}

fn count(engine: &Engine, cell: u8) -> usize {
    engine.snapshot().scan(&[cell][..]..&[cell + 1][..], false).map(Result::unwrap).count()
}

#[test]
fn a_dropped_range_is_empty_and_its_neighbours_are_whole_also_after_reopening() {
    let scratch = tempfile::tempdir().unwrap();
    let mut engine = Engine::open(scratch.path(), options()).unwrap();
    // Three versions of every row, so that older ones lie in deeper tables.
    for seed in 0..3 {
        for cell in 1..=3 {
            fill(&engine, cell, 0..2_000, 100, seed * 10_000);
        }
    }
    fill(&engine, 2, 500..600, 20, 99);
    let before = engine.stats();
    assert!(before.flushes > 2, "{before:?}");
    engine.drop_range(&[2], &[3]).unwrap();
    for _ in 0..2 {
        assert_eq!([1, 2, 3].map(|cell| count(&engine, cell)), [2_000, 0, 2_000]);
        assert_eq!(engine.get(&key(2, 550)).unwrap(), None);
        drop(engine);
        engine = Engine::open(scratch.path(), options()).unwrap();
    }
    // What is written afterwards is there.
    fill(&engine, 2, 0..10, 30, 5);
    engine.flush().unwrap();
    assert_eq!(count(&engine, 2), 10);
}

#[test]
fn whole_tables_of_a_dropped_range_leave_the_disk_at_once() {
    let scratch = tempfile::tempdir().unwrap();
    let engine = Engine::open(scratch.path(), options()).unwrap();
    for cell in [1, 2, 3] {
        fill(&engine, cell, 0..4_000, 200, 1);
        engine.flush().unwrap();
    }
    let before = engine.stats().disk_bytes;
    engine.drop_range(&[2], &[3]).unwrap();
    let after = engine.stats().disk_bytes;
    assert!(after < before * 3 / 4, "{before} before, {after} after");
    engine.drop_range(&[], &[255]).unwrap();
    assert!(engine.stats().disk_bytes < 16 << 10, "{:?}", engine.stats());
    assert_eq!(engine.snapshot().scan_from(b"", false).count(), 0);
}

#[test]
fn dropping_a_range_does_not_disturb_writers_elsewhere() {
    let scratch = tempfile::tempdir().unwrap();
    let engine = Engine::open(scratch.path(), options()).unwrap();
    fill(&engine, 1, 0..3_000, 100, 1);
    fill(&engine, 5, 0..3_000, 100, 1);
    std::thread::scope(|scope| {
        scope.spawn(|| fill(&engine, 3, 0..6_000, 100, 1));
        for _ in 0..3 {
            engine.drop_range(&[1], &[2]).unwrap();
            engine.drop_range(&[5], &[6]).unwrap();
        }
    });
    assert_eq!([1, 3, 5].map(|cell| count(&engine, cell)), [0, 6_000, 0]);
}

fn assert_near(estimate: u64, truth: u64, what: &str) {
    assert!(
        estimate >= truth * 7 / 10 && estimate <= truth * 14 / 10,
        "{what}: {estimate}/{truth}"
    );
}

#[test]
fn sizes_are_near_the_truth_in_memory_on_disk_and_half_of_each() {
    let scratch = tempfile::tempdir().unwrap();
    let engine = Engine::open(scratch.path(), options()).unwrap();
    let size = |from: &[u8], to: &[u8]| engine.approximate_bytes(from, to).unwrap();
    fill(&engine, 1, 0..1_000, 100, 1);
    // A row in memory takes about 60 bytes more than its own.
    assert_near(size(&[1], &[2]), 165 * 1_000, "in memory");
    assert_near(size(&key(1, 250), &key(1, 750)), 165 * 500, "half in memory");
    engine.flush().unwrap();
    fill(&engine, 2, 0..40_000, 100, 1);
    engine.flush().unwrap();
    assert_near(size(&[1], &[2]), 110 * 1_000, "on disk");
    assert_near(size(&[2], &[3]), 110 * 40_000, "large on disk");
    assert_near(size(&key(2, 10_000), &key(2, 30_000)), 110 * 20_000, "half on disk");
    assert_near(size(&[], &[255]), engine.stats().disk_bytes, "everything");
    assert_eq!((size(&[3], &[9]), size(&[2], &[1]), size(&[2], &[2])), (0, 0, 0));
}

/// Checks that the middle key lies strictly inside and leaves at least a quarter of the bytes on
/// either side.
fn assert_halves(engine: &Engine, start: &[u8], end: &[u8]) {
    let middle = engine.middle_key(start, end).unwrap().unwrap();
    assert!(start < &*middle && &*middle < end, "{start:?} {middle:?} {end:?}");
    let bytes = |from: &[u8], to: &[u8]| -> usize {
        let rows = engine.snapshot().scan(from..to, false).map(Result::unwrap);
        rows.map(|(key, value)| key.len() + value.len()).sum()
    };
    let (left, right) = (bytes(start, &middle), bytes(&middle, end));
    assert!(left.min(right) * 3 >= left.max(right), "{left} and {right} bytes");
}

#[test]
fn the_middle_key_halves_small_large_and_uneven_ranges() {
    let scratch = tempfile::tempdir().unwrap();
    let engine = Engine::open(scratch.path(), options()).unwrap();
    fill(&engine, 1, 0..20, 50, 1);
    assert_halves(&engine, &[1], &[2]);
    fill(&engine, 2, 0..60_000, 100, 1);
    assert_halves(&engine, &[2], &[3]);
    engine.flush().unwrap();
    assert_halves(&engine, &[1], &[2]);
    assert_halves(&engine, &[2], &[3]);
    assert_halves(&engine, &key(2, 5_000), &key(2, 45_000));
    // Ten large rows after many small ones.
    fill(&engine, 4, 0..5_000, 10, 1);
    fill(&engine, 4, 5_000..5_010, 400 << 10, 1);
    assert_halves(&engine, &[4], &[5]);
    engine.flush().unwrap();
    assert_halves(&engine, &[4], &[5]);
}

#[test]
fn a_range_of_fewer_than_two_rows_has_no_middle() {
    let scratch = tempfile::tempdir().unwrap();
    let engine = Engine::open(scratch.path(), options()).unwrap();
    assert_eq!(engine.middle_key(&[1], &[2]).unwrap(), None);
    fill(&engine, 1, 0..1, 50, 1);
    assert_eq!(engine.middle_key(&[1], &[2]).unwrap(), None);
    assert_eq!(engine.middle_key(&[2], &[1]).unwrap(), None);
    fill(&engine, 1, 1..2, 50, 1);
    assert_eq!(engine.middle_key(&[1], &[2]).unwrap().as_deref(), Some(&*key(1, 1)));
}

#[test]
fn values_of_sixteen_mebibytes_go_in_and_out_through_flush_and_compaction() {
    let scratch = tempfile::tempdir().unwrap();
    let engine = Engine::open(scratch.path(), Options { l0_runs: 2, ..options() }).unwrap();
    let large = noise(3, 16 << 20);
    for round in 0..3u8 {
        let mut batch = Batch::new();
        batch.put(b"large", &large);
        batch.put(&[b'k', round], &[round; 10]);
        engine.apply(&batch).unwrap();
        engine.flush().unwrap();
    }
    assert_eq!(engine.get(b"large").unwrap().as_deref(), Some(&*large));
    engine.close().unwrap();
    drop(engine);
    let engine = Engine::open(scratch.path(), options()).unwrap();
    assert_eq!(engine.get(b"large").unwrap().as_deref(), Some(&*large));
    assert_eq!(engine.get(b"k\x02").unwrap().as_deref(), Some(&[2; 10][..]));
}

#[test]
fn sizes_outside_the_limits_are_refused_before_anything_is_written() {
    let scratch = tempfile::tempdir().unwrap();
    let engine = Engine::open(scratch.path(), options()).unwrap();
    let longest = vec![1; cellar_engine::KEY_BYTES_MAX];
    let too_long = vec![1; cellar_engine::KEY_BYTES_MAX + 1];
    for wrong in [&b""[..], &too_long] {
        let mut batch = Batch::new();
        batch.put(b"first", b"x");
        batch.put(wrong, b"x");
        let refused = engine.apply(&batch);
        assert!(matches!(refused, Err(cellar_engine::EngineError::Size { .. })));
    }
    assert_eq!(engine.get(b"first").unwrap(), None);
    let mut batch = Batch::new();
    batch.put(&longest, b"");
    engine.apply(&batch).unwrap();
    engine.flush().unwrap();
    assert_eq!(engine.get(&longest).unwrap().as_deref(), Some(&b""[..]));
}

#[test]
fn keys_that_no_row_can_have_are_looked_for_and_stand_where_they_would() {
    let scratch = tempfile::tempdir().unwrap();
    let engine = Engine::open(scratch.path(), options()).unwrap();
    let (short, longest, other) = (vec![7; 3], vec![7; KEY_BYTES_MAX], vec![8; KEY_BYTES_MAX]);
    let (long, longer) = (vec![7; KEY_BYTES_MAX + 1], vec![7; KEY_BYTES_MAX + 2]);
    let mut batch = Batch::new();
    for key in [&short, &longest, &other] {
        batch.put(key, b"v");
    }
    engine.apply(&batch).unwrap();
    let snapshot = engine.snapshot();
    assert_eq!(snapshot.get(&long).unwrap(), None);
    assert!(snapshot.get(&longest).unwrap().is_some());
    let found = |start: &[u8], end: &[u8]| {
        let keys = |reverse| -> Vec<_> {
            snapshot.scan(start..end, reverse).map(|row| row.unwrap().0).collect()
        };
        let (forward, mut backward) = (keys(false), keys(true));
        backward.reverse();
        assert_eq!(forward, backward);
        forward.iter().map(|key| key.len()).collect::<Vec<_>>()
    };
    assert_eq!(found(&[7], &long), [3, KEY_BYTES_MAX]);
    assert_eq!(found(&longest, &long), [KEY_BYTES_MAX]);
    assert_eq!(found(&long, &longer), [0; 0]);
    assert_eq!(found(&long, &[9]), [KEY_BYTES_MAX]);
    assert_eq!(found(&[long.clone(), vec![0]].concat(), &[8, 8]), [0; 0]);
    let mut batch = Batch::new();
    batch.remove_range(&long, &longer);
    batch.remove_range(&[7, 8], &long);
    batch.remove_range(&long, &[9]);
    engine.apply(&batch).unwrap();
    let left: Vec<_> = engine.snapshot().scan_from(&[], false).map(|row| row.unwrap().0).collect();
    assert_eq!(left, [short, longest]);
}
