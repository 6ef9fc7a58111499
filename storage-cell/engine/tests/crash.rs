//! What a crash leaves behind: copies of the directory, taken while a writer runs, hold exactly
//! the first batches, at least all that a flush had made durable.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests fail loudly"
)]

use std::{
    collections::BTreeMap,
    fs, io,
    ops::RangeInclusive,
    path::Path,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::Duration,
};

use cellar_engine::{Batch, Engine, Options};

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

const APPLIED: &[u8] = b"applied";
const KEYS: u64 = 900;

fn options() -> Options {
    Options {
        memtable_bytes: 48 << 10,
        table_bytes: 32 << 10,
        l0_runs: 2,
        stall_max: Duration::from_millis(50),
        ..Options::default()
    }
}

fn row_key(number: u64) -> Vec<u8> {
    format!("row-{:05}", number % KEYS).into_bytes()
}

/// The changes of one batch, which only its number decides.
fn changes(number: u64) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let mut seed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut draw = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let mut changes = Vec::new();
    // Now and then a batch takes long enough that a flush comes in between.
    let rows = if number.is_multiple_of(6) { 4_000 } else { draw() % 24 };
    for _ in 0..=rows {
        let key = row_key(draw());
        let value = vec![number as u8; (draw() % 100) as usize];
        changes.push((key, (draw() % 4 != 0).then_some(value)));
    }
    changes.push((APPLIED.to_vec(), Some(number.to_be_bytes().to_vec())));
    changes
}

fn batch(number: u64) -> Batch {
    let mut batch = Batch::new();
    for (key, value) in changes(number) {
        match value {
            Some(value) => batch.put(&key, &value),
            None => batch.remove(&key),
        }
    }
    batch
}

fn rows_after(batches: u64) -> Rows {
    let mut rows = Rows::new();
    advance(&mut rows, 1..=batches);
    rows
}

fn advance(rows: &mut Rows, batches: RangeInclusive<u64>) {
    for (key, value) in batches.flat_map(changes) {
        match value {
            Some(value) => rows.insert(key, value),
            None => rows.remove(&key),
        };
    }
}

fn all_rows(engine: &Engine) -> Rows {
    let rows = engine.snapshot().scan_from(b"", false).map(Result::unwrap);
    rows.map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

fn applied(engine: &Engine) -> u64 {
    let applied = engine.get(APPLIED).unwrap();
    applied.map_or(0, |number| u64::from_be_bytes(number.as_ref().try_into().unwrap()))
}

/// Copies a directory that is being written to. Files may vanish and grow meanwhile, as long as
/// the pointer to the list of tables stays: then the copy is what a crash could have left.
fn copy_as_it_is(from: &Path, to: &Path) {
    let pointer = from.join("tree/current");
    for _ in 0..200 {
        let before = fs::read(&pointer).unwrap();
        let _none = fs::remove_dir_all(to);
        copy_folder(from, to).unwrap();
        let is_whole = fs::read(to.join("tree/current")).is_ok_and(|copied| copied == before);
        if is_whole && fs::read(&pointer).unwrap() == before {
            return;
        }
    }
    panic!("the tables never stayed for the time of a copy");
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let copied = match entry.file_type() {
            Ok(kind) if kind.is_dir() => copy_folder(&entry.path(), &target),
            _ => fs::copy(entry.path(), target).map(drop),
        };
        match copied {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other?,
        }
    }
    Ok(())
}

/// Ends the other threads also when the test fails.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn a_copy_of_the_directory_at_any_time_holds_a_prefix_of_whole_batches() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("engine");
    let engine = Engine::open(&dir, options()).unwrap();
    let (stop, newest, durable) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 1.. {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                newest.store(number, Ordering::SeqCst);
                engine.apply(&batch(number)).unwrap();
                if number % 32 == 0 {
                    thread::sleep(Duration::from_millis(1));
                }
            }
        });
        scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                let seen = applied(&engine);
                engine.flush().unwrap();
                durable.store(seen, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(1));
            }
        });
        let _stop = StopOnDrop(&stop);
        let mut distinct = 0;
        let (mut expected, mut batches) = (Rows::new(), 0);
        for round in 0..20 {
            let copy = scratch.path().join(format!("copy-{round}"));
            let at_least = durable.load(Ordering::SeqCst);
            copy_as_it_is(&dir, &copy);
            let at_most = newest.load(Ordering::SeqCst);
            let crashed = Engine::open(&copy, options()).unwrap();
            let found = applied(&crashed);
            assert!((at_least..=at_most).contains(&found), "{at_least}, {found}, {at_most}");
            distinct += u32::from(found > batches);
            advance(&mut expected, batches + 1..=found);
            batches = found;
            assert!(all_rows(&crashed) == expected, "not the rows after {found} batches");
            // The crashed engine goes on from there.
            crashed.apply(&batch(found + 1)).unwrap();
            crashed.close().unwrap();
            fs::remove_dir_all(&copy).unwrap();
        }
        assert!(distinct > 5, "only {distinct} different ones were seen");
    });
    let stats = engine.stats();
    assert!(stats.flushes > 10 && stats.compactions > 5, "too little happened: {stats:?}");
}

#[test]
fn an_engine_that_is_dropped_without_a_flush_keeps_what_was_flushed_and_no_half_batch() {
    let scratch = tempfile::tempdir().unwrap();
    for round in 0..10 {
        let engine = Engine::open(scratch.path(), options()).unwrap();
        let first = applied(&engine);
        for number in first + 1..first + 40 {
            engine.apply(&batch(number)).unwrap();
        }
        engine.flush().unwrap();
        for number in first + 40..first + 60 + round {
            engine.apply(&batch(number)).unwrap();
        }
        drop(engine);
        let engine = Engine::open(scratch.path(), options()).unwrap();
        assert!(applied(&engine) >= first + 39);
        assert_eq!(all_rows(&engine), rows_after(applied(&engine)));
    }
}

#[test]
fn a_closed_engine_has_everything_on_disk_and_answers_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let engine = Engine::open(scratch.path(), options()).unwrap();
    let snapshot = engine.snapshot();
    engine.apply(&batch(1)).unwrap();
    engine.close().unwrap();
    engine.close().unwrap();
    assert!(matches!(engine.apply(&batch(2)), Err(cellar_engine::EngineError::Closed)));
    assert!(matches!(engine.get(APPLIED), Err(cellar_engine::EngineError::Closed)));
    assert!(matches!(snapshot.get(APPLIED), Err(cellar_engine::EngineError::Closed)));
    assert!(snapshot.scan_from(b"", false).next().unwrap().is_err());
    drop((engine, snapshot));
    let engine = Engine::open(scratch.path(), options()).unwrap();
    assert_eq!(all_rows(&engine), rows_after(1));
}
