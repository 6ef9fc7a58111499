//! Damaged files and failing disks: an error each time, never wrong rows.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail loudly"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use cellar_engine::{Batch, Engine, EngineError, Options};

fn key(number: u32) -> Vec<u8> {
    format!("key-{number:06}").into_bytes()
}

fn fill(engine: &Engine, rows: u32) {
    let mut batch = Batch::new();
    for number in 0..rows {
        batch.put(&key(number), &[b'v'; 100]);
    }
    engine.apply(&batch).unwrap();
}

/// A directory with some tables, closed.
fn directory_with_rows(dir: &Path) {
    let engine = Engine::open(dir, Options::default()).unwrap();
    fill(&engine, 5_000);
    engine.close().unwrap();
}

fn tables(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.join("tree/tables")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_flipped_byte_in_a_row_is_corrupt_for_gets_and_scans_and_other_rows_still_read() {
    let scratch = tempfile::tempdir().unwrap();
    directory_with_rows(scratch.path());
    for table in tables(scratch.path()) {
        let mut bytes = fs::read(&table).unwrap();
        bytes[300] ^= 0x10;
        fs::write(&table, bytes).unwrap();
    }
    let engine = Engine::open(scratch.path(), Options::default()).unwrap();
    let damaged = engine.get(&key(0));
    assert!(matches!(damaged, Err(EngineError::Corrupt { .. })), "{damaged:?}");
    for reverse in [false, true] {
        let mut scan = engine.snapshot().scan_from(b"", reverse);
        let failed = scan.by_ref().find_map(Result::err).unwrap();
        assert!(matches!(failed, EngineError::Corrupt { .. }), "{failed}");
        assert!(scan.next().is_none());
    }
    assert!(engine.get(&key(4_000)).unwrap().is_some());
}

#[test]
fn no_flipped_byte_anywhere_in_a_table_gives_wrong_rows() {
    let scratch = tempfile::tempdir().unwrap();
    directory_with_rows(scratch.path());
    let table = tables(scratch.path()).remove(0);
    let whole = fs::read(&table).unwrap();
    let mut noticed = 0;
    for place in (0..whole.len()).step_by(whole.len() / 120) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x04;
        fs::write(&table, bytes).unwrap();
        let dir = scratch.path().to_owned();
        // lsm-tree may panic on damage that its checksums do not cover: no wrong rows either.
        let read = thread::spawn(move || -> Result<usize, EngineError> {
            let engine = Engine::open(&dir, Options::default())?;
            let mut rows = 0;
            for (row, number) in engine.snapshot().scan_from(b"", false).zip(0..) {
                let (found, value) = row?;
                assert_eq!((&*found, &*value), (&*key(number), &[b'v'; 100][..]));
                assert_eq!(engine.get(&found)?.as_deref(), Some(&*value));
                rows += 1;
            }
            Ok(rows)
        });
        match read.join() {
            Ok(Ok(rows)) => assert_eq!(rows, 5_000, "silently wrong at {place}"),
            Ok(Err(EngineError::Corrupt { .. })) => noticed += 1,
            Ok(Err(other)) => panic!("byte {place}: {other}"),
            Err(panic) => panic!("byte {place}: {:?}", panic.downcast_ref::<String>()),
        }
    }
    assert!(noticed > 60, "only {noticed} were noticed");
}

#[test]
fn a_missing_or_shortened_table_is_corrupt_when_the_engine_opens() {
    for shorten in [true, false] {
        let scratch = tempfile::tempdir().unwrap();
        directory_with_rows(scratch.path());
        let table = tables(scratch.path()).remove(0);
        let bytes = fs::read(&table).unwrap();
        fs::remove_file(&table).unwrap();
        if shorten {
            fs::write(&table, &bytes[..bytes.len() / 2]).unwrap();
        }
        let refused = Engine::open(scratch.path(), Options::default()).err().unwrap();
        assert!(matches!(refused, EngineError::Corrupt { .. }), "{refused}");
    }
}

#[test]
fn a_failed_flush_poisons_every_later_call_and_keeps_what_was_durable() {
    let scratch = tempfile::tempdir().unwrap();
    let engine = Engine::open(scratch.path(), Options::default()).unwrap();
    fill(&engine, 10);
    engine.flush().unwrap();
    let snapshot = engine.snapshot();
    let mut batch = Batch::new();
    batch.put(b"lost", b"x");
    engine.apply(&batch).unwrap();
    // Without their folder no table can be written.
    let folder = scratch.path().join("tree/tables");
    let aside = scratch.path().join("aside");
    fs::rename(&folder, &aside).unwrap();
    let failed = engine.flush().unwrap_err();
    assert!(matches!(failed, EngineError::Io { .. }), "{failed}");
    fs::rename(&aside, &folder).unwrap();

    fn is_poisoned<T>(result: Result<T, EngineError>) -> bool {
        matches!(result, Err(EngineError::Poisoned(_)))
    }
    assert!(is_poisoned(engine.apply(&batch)));
    assert!(is_poisoned(engine.get(b"lost")));
    assert!(is_poisoned(engine.flush()));
    assert!(is_poisoned(engine.drop_range(b"a", b"b")));
    assert!(is_poisoned(engine.approximate_bytes(b"a", b"b")));
    assert!(is_poisoned(engine.middle_key(b"a", b"b")));
    assert!(is_poisoned(snapshot.get(b"lost")));
    assert!(is_poisoned(engine.snapshot().scan_from(b"", false).next().unwrap()));
    assert!(is_poisoned(engine.close()));

    drop((engine, snapshot));
    let engine = Engine::open(scratch.path(), Options::default()).unwrap();
    assert_eq!(engine.snapshot().scan_from(b"", false).map(Result::unwrap).count(), 10);
    assert_eq!(engine.get(b"lost").unwrap(), None);
}

#[test]
fn a_failed_flush_in_the_background_poisons_the_engine_too() {
    let scratch = tempfile::tempdir().unwrap();
    let options = Options { memtable_bytes: 100 << 10, ..Options::default() };
    let engine = Engine::open(scratch.path(), options).unwrap();
    fs::rename(scratch.path().join("tree/tables"), scratch.path().join("aside")).unwrap();
    fill(&engine, 5_000);
    let until = Instant::now() + Duration::from_secs(10);
    while !matches!(engine.get(b"key"), Err(EngineError::Poisoned(_))) {
        assert!(Instant::now() < until, "the engine still answers");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn damage_that_compaction_meets_stops_neither_writes_nor_reads_of_what_is_whole() {
    let scratch = tempfile::tempdir().unwrap();
    directory_with_rows(scratch.path());
    flip_in_all_tables(scratch.path(), 300);
    let options = Options { l0_runs: 1, ..Options::default() };
    let engine = Engine::open(scratch.path(), options).unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    while !engine.has_met_damage() {
        let mut batch = Batch::new();
        batch.put(&key(0), b"new");
        batch.put(&key(4_999), b"new");
        engine.apply(&batch).and_then(|()| engine.flush()).unwrap();
        assert!(Instant::now() < until, "no compaction failed: {:?}", engine.stats());
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(engine.get(&key(4_999)).unwrap().as_deref(), Some(&b"new"[..]));
    let before = engine.stats().compactions;
    engine.overwrite(&engine.find_damage(b"", b"z").unwrap()).unwrap();
    while engine.stats().compactions == before {
        assert!(Instant::now() < until, "nothing is compacted: {:?}", engine.stats());
        thread::sleep(Duration::from_millis(5));
    }
}

fn flip_in_all_tables(dir: &Path, place: usize) {
    for table in tables(dir) {
        let mut bytes = fs::read(&table).unwrap();
        bytes[place] ^= 0x10;
        fs::write(&table, bytes).unwrap();
    }
}

#[test]
fn damage_is_found_where_it_is_and_what_is_written_over_it_takes_every_version_away() {
    let scratch = tempfile::tempdir().unwrap();
    let options = || Options { compaction_threads: 1, l0_runs: 200, ..Options::default() };
    let engine = Engine::open(scratch.path(), options()).unwrap();
    // Three versions of every row, each in a table of its own.
    for value in [b"one", b"two", b"new"] {
        let mut batch = Batch::new();
        (0..2_000).for_each(|number| batch.put(&key(number), value));
        engine.apply(&batch).unwrap();
        engine.flush().unwrap();
    }
    engine.close().unwrap();
    drop(engine);
    let newest = tables(scratch.path())
        .into_iter()
        .max_by_key(|path| path.file_name().unwrap().to_str().unwrap().parse::<u64>().unwrap());
    let newest = newest.unwrap();
    let mut bytes = fs::read(&newest).unwrap();
    bytes[10_000] ^= 1;
    fs::write(&newest, bytes).unwrap();

    let engine = Engine::open(scratch.path(), options()).unwrap();
    let found = engine.find_damage(b"", b"z").unwrap();
    let [block] = &found[..] else { panic!("{found:?}") };
    let is_in = |number: u32| (&*block.start..=&*block.last).contains(&&*key(number));
    let lost = (0..2_000).filter(|number| is_in(*number)).count();
    assert!((10..500).contains(&lost), "{lost} rows in one block");
    assert!(engine.find_damage(b"", &block.start).unwrap().is_empty());
    assert!(engine.get(&block.last).is_err());
    engine.overwrite(&found).unwrap();
    drop(engine);

    let engine = Engine::open(scratch.path(), options()).unwrap();
    assert!(engine.find_damage(b"", b"z").unwrap().is_empty());
    let rows = engine.snapshot().scan_from(b"", false);
    let left: Vec<_> = rows.map(Result::unwrap).collect();
    let expected: Vec<u32> = (0..2_000).filter(|number| !is_in(*number)).collect();
    assert_eq!(left.len(), expected.len(), "an older version is back");
    for ((found, value), number) in left.iter().zip(expected) {
        assert_eq!((&**found, &**value), (&*key(number), &b"new"[..]));
    }
    let mut batch = Batch::new();
    batch.put(&block.last, b"again");
    engine.apply(&batch).unwrap();
    assert_eq!(engine.get(&block.last).unwrap().as_deref(), Some(&b"again"[..]));
}
