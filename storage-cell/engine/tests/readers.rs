//! Readers beside a writer, flushes and compactions: whole batches, in order, nothing lost.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail loudly"
)]

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use cellar_engine::{Batch, Engine, EngineError, Options, Snapshot};

const KEYS: u32 = 60;

fn options() -> Options {
    Options {
        memtable_bytes: 64 << 10,
        table_bytes: 16 << 10,
        block_cache_bytes: 128 << 10,
        l0_runs: 2,
        stall_max: Duration::from_millis(100),
        ..Options::default()
    }
}

fn key(number: u32) -> Vec<u8> {
    format!("key-{number:04}").into_bytes()
}

fn value(number: u64) -> Vec<u8> {
    let mut value = number.to_be_bytes().to_vec();
    value.resize(64, 7);
    value
}

fn number(value: &[u8]) -> u64 {
    u64::from_be_bytes(value[..8].try_into().unwrap())
}

/// Every batch sets every key to its own number, and exchanges one of two more keys.
fn batch(batch_number: u64) -> Batch {
    let mut batch = Batch::new();
    for key_number in 0..KEYS {
        batch.put(&key(key_number), &value(batch_number));
    }
    let (here, gone) =
        if batch_number.is_multiple_of(2) { ("even", "odd") } else { ("odd", "even") };
    batch.put(here.as_bytes(), &value(batch_number));
    batch.remove(gone.as_bytes());
    batch
}

/// The batch that the snapshot shows; fails if it shows a mixture.
fn check(snapshot: &Snapshot, reverse: bool) -> u64 {
    let rows: Vec<_> = snapshot.scan_from(b"", reverse).map(Result::unwrap).collect();
    assert_eq!(rows.len(), KEYS as usize + 1);
    let seen = number(&rows[0].1);
    assert!(rows.iter().all(|(_, value)| number(value) == seen), "a mixture near {seen}");
    for key_number in [0, KEYS / 2, KEYS - 1] {
        assert_eq!(number(&snapshot.get(&key(key_number)).unwrap().unwrap()), seen);
    }
    let parity = [snapshot.get(b"even").unwrap(), snapshot.get(b"odd").unwrap()];
    assert_eq!(parity.map(|row| row.is_some()), [seen.is_multiple_of(2), !seen.is_multiple_of(2)]);
    seen
}

/// Ends the other threads also when the test fails.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn readers_see_whole_batches_in_order_during_flushes_and_compactions() {
    let scratch = tempfile::tempdir().unwrap();
    let engine = Engine::open(scratch.path(), options()).unwrap();
    engine.apply(&batch(1)).unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let _stop = StopOnDrop(&stop);
            let until = Instant::now() + Duration::from_millis(1_500);
            let mut batches = 1;
            while Instant::now() < until {
                batches += 1;
                engine.apply(&batch(batches)).unwrap();
            }
            batches
        });
        for reader in 0..3 {
            let (engine, stop) = (&engine, &stop);
            scope.spawn(move || {
                let mut newest = 0;
                while !stop.load(Ordering::SeqCst) {
                    let seen = check(&engine.snapshot(), reader % 2 == 0);
                    assert!(seen >= newest, "{seen} after {newest}");
                    // Single reads are in order too, whichever key they are for.
                    newest = seen;
                    for key_number in (0..KEYS).rev() {
                        let seen = number(&engine.get(&key(key_number)).unwrap().unwrap());
                        assert!(seen >= newest, "{seen} after {newest}");
                        newest = seen;
                    }
                }
            });
        }
        scope.spawn(|| {
            // A snapshot and a scan that are held for a while do not change.
            while !stop.load(Ordering::SeqCst) {
                let snapshot = engine.snapshot();
                let mut scan = snapshot.scan(key(0)..key(KEYS), false);
                let first = number(&scan.next().unwrap().unwrap().1);
                thread::sleep(Duration::from_millis(100));
                assert_eq!(check(&snapshot.clone(), false), first);
                drop(snapshot);
                let rest: Vec<_> =
                    thread::spawn(|| scan.map(Result::unwrap).collect()).join().unwrap();
                let rest: Vec<(bytes::Bytes, bytes::Bytes)> = rest;
                assert_eq!(rest.len(), KEYS as usize - 1);
                assert!(rest.iter().all(|(_, value)| number(value) == first));
            }
        });
        let batches = writer.join().unwrap();
        assert_eq!(check(&engine.snapshot(), false), batches);
    });
    let stats = engine.stats();
    assert!(stats.flushes > 5 && stats.compactions > 3, "too little happened: {stats:?}");
    assert_eq!(stats.snapshots, 0);
}

#[test]
fn superseded_tables_and_rows_go_away_once_nobody_reads_them() {
    let scratch = tempfile::tempdir().unwrap();
    let engine = Engine::open(scratch.path(), options()).unwrap();
    let snapshot = engine.snapshot();
    for number in 1..200 {
        engine.apply(&batch(number)).unwrap();
    }
    engine.flush().unwrap();
    assert!(engine.stats().superseded_versions > 0);
    assert_eq!(snapshot.scan_from(b"", false).count(), 0);
    drop(snapshot);
    engine.apply(&batch(200)).unwrap();
    engine.flush().unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let stats = engine.stats();
        let files = std::fs::read_dir(scratch.path().join("tree/tables")).unwrap().count();
        if stats.superseded_versions == 0 && files == stats.tables && stats.l0_runs < 2 {
            break;
        }
        assert!(Instant::now() < until, "{files} files and {stats:?}");
        thread::sleep(Duration::from_millis(10));
    }
    assert!(engine.stats().disk_bytes < 200 << 10, "{:?}", engine.stats());
    assert_eq!(check(&engine.snapshot(), false), 200);
}

#[test]
fn a_writer_waits_for_room_but_not_for_ever() {
    let scratch = tempfile::tempdir().unwrap();
    let options = Options { memtable_bytes: 1, stall_max: Duration::from_millis(5), ..options() };
    let engine = Engine::open(scratch.path(), options).unwrap();
    let start = Instant::now();
    for number in 1..=50 {
        engine.apply(&batch(number)).unwrap();
    }
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert!(engine.stats().stalls > 0);
    assert_eq!(check(&engine.snapshot(), false), 50);
}

#[test]
fn a_directory_stays_locked_until_the_last_scan_of_it_is_gone() {
    let scratch = tempfile::tempdir().unwrap();
    let engine = Engine::open(scratch.path(), options()).unwrap();
    engine.apply(&batch(1)).unwrap();
    engine.flush().unwrap();
    let mut scan = engine.snapshot().scan_from(b"", false);
    drop(engine);
    let refused = Engine::open(scratch.path(), options());
    assert!(matches!(refused, Err(EngineError::Locked { .. })));
    assert_eq!(scan.by_ref().map(Result::unwrap).count(), KEYS as usize + 1);
    drop(scan);
    let engine = Engine::open(scratch.path(), options()).unwrap();
    assert_eq!(check(&engine.snapshot(), true), 1);
}
