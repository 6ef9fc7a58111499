//! What a loss of power leaves behind: whatever the disk kept of what was not synced, the engine
//! opens with the first batches, whole, at least all that a flush had made durable. And an engine
//! that did not sync its files, or its folders, would be found out.
//!
//! A child process, this test itself, writes batches while `power_loss/shim.c` records what it
//! does to its files; then the power fails at many points of that record.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests fail loudly"
)]

#[path = "power_loss/disk.rs"]
mod disk;
#[path = "power_loss/random.rs"]
mod random;
#[path = "power_loss/trace.rs"]
mod trace;

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, Write as _},
    ops::RangeInclusive,
    path::{Path, PathBuf},
    process::Child,
    thread,
    time::Duration,
};

use cellar_engine::{Batch, Engine, EngineError, Options};
use disk::Disk;
use random::Random;
use trace::Event;

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

const APPLIED: &[u8] = b"applied";
const KEYS: u64 = 700;
/// Batches that one child applies, if it lives as long.
const BATCHES: u64 = 160;
/// Processes one after the other, each on what a loss of power left of the one before.
const GENERATIONS: u64 = 3;
const CUTS: usize = 40;
/// Cuts at each event while the engine is made.
const CUTS_OF_EACH: usize = 40;

fn options() -> Options {
    Options {
        memtable_bytes: 24 << 10,
        table_bytes: 16 << 10,
        l0_runs: 2,
        stall_max: Duration::from_millis(20),
        ..Options::default()
    }
}

/// The changes of one batch, which only its number decides.
fn changes(number: u64) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let mut random = Random::new(number);
    let rows = if number.is_multiple_of(9) { 300 } else { random.below(24) };
    let mut changes = Vec::new();
    for _ in 0..=rows {
        let key = format!("row-{:05}", random.draw() % KEYS).into_bytes();
        let value = vec![number as u8; random.below(100)];
        changes.push((key, (random.below(4) != 0).then_some(value)));
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
    for (key, value) in (1..=batches).flat_map(changes) {
        match value {
            Some(value) => rows.insert(key, value),
            None => rows.remove(&key),
        };
    }
    rows
}

fn applied(engine: &Engine) -> u64 {
    let applied = engine.get(APPLIED).unwrap();
    applied.map_or(0, |number| u64::from_be_bytes(number.as_ref().try_into().unwrap()))
}

/// Tells the parent; the shim records it in its place among the events.
fn note(what: &str, number: u64) {
    let mut output = io::stdout();
    output.write_all(format!("\n{what} {number}\n").as_bytes()).unwrap();
    output.flush().unwrap();
}

#[test]
#[ignore = "the process that the other tests record"]
fn worker() {
    let Ok(root) = env::var("POWER_LOSS_ROOT") else { return };
    let engine = Engine::open(&Path::new(&root).join("engine"), options()).unwrap();
    let first = applied(&engine);
    note("opened", first);
    let mut random = Random::new(first + u64::from(std::process::id()));
    for number in first + 1..first + BATCHES {
        note("applying", number);
        engine.apply(&batch(number)).unwrap();
        if random.below(14) == 0 {
            engine.flush().unwrap();
            note("flushed", number);
        }
        if random.below(4) == 0 {
            thread::sleep(Duration::from_millis(1));
        }
    }
    engine.close().unwrap();
    note("flushed", first + BATCHES - 1);
}

/// The batches that may be there: all up to the last flush that returned, none after the last
/// that was begun.
fn allowed(before: u64, notes: &str) -> RangeInclusive<u64> {
    let last = |what: &str| {
        let numbers = notes.lines().rev().filter_map(|line| line.strip_prefix(what));
        numbers.map(|number| number.trim().parse().unwrap()).next().unwrap_or(before)
    };
    last("flushed ")..=last("applying ")
}

/// Opens an engine. A process that another test is just starting has a copy of the lock, until it
/// runs its own program.
fn open(dir: &Path, options: &Options) -> Result<Engine, EngineError> {
    for _ in 0..2_000 {
        match Engine::open(dir, options.clone()) {
            Err(EngineError::Locked { .. }) => thread::sleep(Duration::from_millis(1)),
            other => return other,
        }
    }
    Engine::open(dir, options.clone())
}

/// Opens what is left; the number of batches, or what is wrong.
fn check(dir: &Path, allowed: RangeInclusive<u64>) -> Result<u64, String> {
    let dir = dir.to_owned();
    let checked = thread::spawn(move || {
        // As it is: without compactions.
        let options = Options { l0_runs: 100, ..options() };
        let engine = open(&dir, &options).map_err(|error| error.to_string())?;
        let rows: Result<Rows, _> = engine
            .snapshot()
            .scan_from(b"", false)
            .map(|row| row.map(|(key, value)| (key.to_vec(), value.to_vec())))
            .collect();
        let (rows, found) = (rows.map_err(|error| error.to_string())?, applied(&engine));
        if !allowed.contains(&found) {
            return Err(format!("{found} batches, but {allowed:?} are allowed"));
        }
        if rows != rows_after(found) {
            return Err(format!("not the rows after {found} batches"));
        }
        Ok(found)
    });
    checked.join().unwrap_or_else(|_| Err("the engine panicked".to_owned()))
}

/// Lets a child run, or kills it when it has done a random amount of work.
fn finish(mut child: Child, trace: &Path, random: &mut Random) {
    let bytes_max = 100_000 + random.below(400_000) as u64;
    let is_killed = random.below(2) == 0;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "the recorded process failed: {status}");
            return;
        }
        if is_killed && fs::metadata(trace).is_ok_and(|about| about.len() > bytes_max) {
            child.kill().unwrap();
            child.wait().unwrap();
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// What the cuts of one run showed.
#[derive(Debug, Default)]
struct Seen {
    cuts: u32,
    /// More was there than was flushed.
    beyond_flush: u32,
    /// Cuts after the first flush that returned.
    after_flush: u32,
    lost: Vec<String>,
    renames: usize,
    removals: usize,
}

struct Run {
    scratch: tempfile::TempDir,
    shim: PathBuf,
    skip: Option<&'static str>,
    random: Random,
    /// As it was before the last cut.
    last_cut: Random,
    seen: Seen,
}

impl Run {
    fn new(skip: Option<&'static str>, seed: u64) -> Self {
        // No real disk is needed, and memory is faster.
        let scratch = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let shim = trace::compile(scratch.path());
        let random = Random::new(seed);
        let last_cut = random.clone();
        Self { scratch, shim, skip, random, last_cut, seen: Seen::default() }
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.scratch.path().canonicalize().unwrap().join(name)
    }

    fn blank_root(&self) -> PathBuf {
        let root = self.folder("root");
        let _none = fs::remove_dir_all(&root);
        fs::create_dir(&root).unwrap();
        root
    }

    /// A chain of processes, each on what the last cut left.
    fn chain(&mut self) {
        let root = self.blank_root();
        let mut before = 0;
        for _ in 0..GENERATIONS {
            let mut disk = Disk::load(&root);
            let events = self.record(&root);
            fs::remove_dir_all(&root).unwrap();
            match self.cut(before, &mut disk, &events) {
                Some(found) => before = found,
                // Nothing to go on with.
                None => return,
            }
            disk.after_power_loss(&root, &mut self.last_cut.clone());
        }
    }

    fn record(&mut self, root: &Path) -> Vec<Event> {
        let trace = self.folder("trace");
        let _none = fs::remove_file(&trace);
        let child = trace::spawn(&self.shim, "worker", root, &trace, self.skip);
        finish(child, &trace, &mut self.random);
        let events = trace::read(&trace);
        let count = |is: fn(&Event) -> bool| events.iter().filter(|event| is(event)).count();
        self.seen.renames += count(|event| matches!(event, Event::Rename { .. }));
        self.seen.removals += count(|event| matches!(event, Event::Remove { .. }));
        events
    }

    /// Cuts the power at random points; the number of batches that the last cut left.
    fn cut(&mut self, before: u64, disk: &mut Disk, events: &[Event]) -> Option<u64> {
        let mut points: Vec<_> = (0..CUTS).map(|_| self.random.below(events.len()) + 1).collect();
        points.sort_unstable();
        let (mut notes, mut done, mut left) = (String::new(), 0, None);
        for point in points {
            for event in &events[done..point] {
                disk.apply(event);
                if let Event::Note(text) = event {
                    notes.push_str(text);
                }
            }
            done = point;
            left = self.lose_power(disk, allowed(before, &notes));
        }
        left
    }

    fn lose_power(&mut self, disk: &Disk, allowed: RangeInclusive<u64>) -> Option<u64> {
        let here = self.folder("here");
        let _none = fs::remove_dir_all(&here);
        self.last_cut = self.random.clone();
        disk.after_power_loss(&here, &mut self.random);
        let at_least = *allowed.start();
        self.seen.cuts += 1;
        self.seen.after_flush += u32::from(at_least > 0);
        match check(&here.join("engine"), allowed) {
            Ok(found) => {
                self.seen.beyond_flush += u32::from(found > at_least);
                Some(found)
            }
            Err(loss) => {
                self.seen.lost.push(loss);
                None
            }
        }
    }
}

#[test]
fn after_a_loss_of_power_the_engine_has_whole_batches_and_all_that_were_flushed() {
    let mut run = Run::new(None, 1);
    for _ in 0..3 {
        run.chain();
    }
    let seen = run.seen;
    assert!(seen.lost.is_empty(), "{seen:#?}");
    assert!(seen.cuts > 300 && seen.after_flush > 200, "{seen:?}");
    assert!(seen.beyond_flush > 50, "too little of what was not flushed remains: {seen:?}");
    assert!(seen.renames > 100 && seen.removals > 100, "too little happened: {seen:?}");
}

#[test]
fn an_engine_that_loses_power_while_it_is_made_is_empty_and_can_be_used() {
    let mut run = Run::new(None, 2);
    let root = run.blank_root();
    let mut disk = Disk::load(&root);
    let events = run.record(&root);
    let is_open = |event: &Event| matches!(event, Event::Note(text) if text.contains("opened"));
    let made = events.iter().position(is_open).unwrap();
    for (event, next) in events[..made].iter().zip(&events[1..]) {
        disk.apply(event);
        // Between two writes there is nothing that a torn one does not show.
        let is_within_writes = matches!((event, next), (Event::Write { .. }, Event::Write { .. }));
        for cut in 0..if is_within_writes { 0 } else { CUTS_OF_EACH } {
            let left = run.lose_power(&disk, 0..=0);
            assert_eq!(left, Some(0), "after {event:?}: {:?}", run.seen.lost);
            if cut % 5 == 0 {
                let dir = run.folder("here").join("engine");
                let engine = open(&dir, &options()).unwrap();
                engine.apply(&batch(1)).unwrap();
                engine.close().unwrap();
                drop(engine);
                assert_eq!(check(&dir, 1..=1), Ok(1), "after {event:?}");
            }
        }
    }
    assert!(run.seen.cuts > 500, "{:?}", run.seen);
}

/// That the cuts show when some syncs are only pretended.
fn assert_found_out(skip: &'static str) {
    let mut run = Run::new(Some(skip), 3);
    run.chain();
    let seen = run.seen;
    assert!(seen.after_flush > 0 && !seen.lost.is_empty(), "{skip}: {seen:?}");
}

#[test]
fn an_engine_that_does_not_sync_its_files_is_found_out() {
    assert_found_out("*[!/]");
}

#[test]
fn an_engine_that_leaves_out_one_kind_of_sync_is_found_out() {
    for skip in [
        "*/engine/tree/tables/[0-9]*",
        "*/engine/tree/tables/",
        "*/engine/tree/v[0-9]*",
        "*/engine/tree/[.c]*",
        "*/engine/tree/",
        "*/engine/ENGINE.new",
        "*/engine/",
        "*/root/",
    ] {
        assert_found_out(skip);
    }
}
