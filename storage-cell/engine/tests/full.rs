//! A disk without space: nothing is poisoned, nothing is lost that was in memory.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail loudly")]

use std::time::{Duration, Instant};

use cellar_engine::{Batch, Engine, Options};

fn key(number: u32) -> Vec<u8> {
    format!("key-{number:06}").into_bytes()
}

fn fill(engine: &Engine, rows: std::ops::Range<u32>) {
    for number in rows {
        let mut batch = Batch::new();
        batch.put(&key(number), &[b'v'; 1_000]);
        engine.apply(&batch).unwrap();
    }
}

/// No disk has so much room.
fn full() -> Options {
    Options { reserve_bytes: u64::MAX, memtable_bytes: 64 << 10, ..Options::default() }
}

#[test]
fn an_engine_opens_on_a_full_disk_reads_and_takes_what_was_decided_before() {
    let scratch = tempfile::tempdir().unwrap();
    let engine = Engine::open(scratch.path(), Options::default()).unwrap();
    fill(&engine, 0..500);
    engine.close().unwrap();
    drop(engine);
    let engine = Engine::open(scratch.path(), full()).unwrap();
    // Far more than the memtables may hold otherwise, without waiting for a flush each time.
    let started = Instant::now();
    fill(&engine, 500..1_500);
    assert!(started.elapsed() < Duration::from_secs(30), "it waited for a flush in vain");
    let refused = engine.flush().unwrap_err();
    assert!(refused.is_full(), "{refused}");
    assert_eq!(engine.snapshot().scan_from(b"", false).map(Result::unwrap).count(), 1_500);
    assert_eq!(engine.stats().flushes, 0);
    assert!(engine.drop_range(&key(0), &key(10)).unwrap_err().is_full());
    fill(&engine, 1_500..1_600);
    assert!(engine.get(&key(1_599)).unwrap().is_some());
    assert!(engine.close().unwrap_err().is_full());
    drop(engine);
    // Closing did not lose what had been on disk.
    let engine = Engine::open(scratch.path(), Options::default()).unwrap();
    assert_eq!(engine.snapshot().scan_from(b"", false).map(Result::unwrap).count(), 500);
}
