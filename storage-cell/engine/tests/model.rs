//! The engine against a sorted map: random batches, scans, snapshots, flushes, crashes, range
//! drops, with memtables and tables so small that flush and compaction run all the time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests fail loudly"
)]

use std::{collections::BTreeMap, path::Path, time::Duration};

use cellar_engine::{Batch, Engine, Options, Snapshot};
use proptest::prelude::*;

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// Sorts after all row keys, so no range of rows contains it.
const APPLIED: &[u8] = b"~applied";

#[derive(Clone, Debug)]
enum Change {
    Put(u8, u8, usize),
    Remove(u8),
    RemoveRange(u8, u8),
}

#[derive(Clone, Debug)]
enum Step {
    Apply(Vec<Change>),
    Flush,
    TakeSnapshot,
    CheckSnapshots,
    Scan(u8, u8),
    DropRange(u8, u8),
    Close,
    Crash,
}

fn key(number: u8) -> Vec<u8> {
    format!("row-{number:03}").into_bytes()
}

fn change() -> impl Strategy<Value = Change> {
    let bytes = prop_oneof![8 => 0usize..40, 2 => 400usize..3_000, 1 => 9_000usize..20_000];
    prop_oneof![
        8 => (0u8..100, any::<u8>(), bytes).prop_map(|(k, fill, n)| Change::Put(k, fill, n)),
        3 => (0u8..100).prop_map(Change::Remove),
        1 => (0u8..100, 0u8..100).prop_map(|(a, b)| Change::RemoveRange(a, b)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        24 => prop::collection::vec(change(), 1..12).prop_map(Step::Apply),
        3 => Just(Step::Flush),
        3 => Just(Step::TakeSnapshot),
        3 => Just(Step::CheckSnapshots),
        6 => (0u8..101, 0u8..101).prop_map(|(a, b)| Step::Scan(a, b)),
        1 => (0u8..101, 0u8..101).prop_map(|(a, b)| Step::DropRange(a, b)),
        1 => Just(Step::Close),
        2 => Just(Step::Crash),
    ]
}

fn options() -> Options {
    Options {
        memtable_bytes: 16 << 10,
        table_bytes: 8 << 10,
        block_cache_bytes: 64 << 10,
        compaction_threads: 2,
        l0_runs: 2,
        stall_max: Duration::from_millis(200),
        reserve_bytes: 0,
        open_files_max: 16,
    }
}

/// The engine with what it must hold after each batch since everything was last durable.
struct Machine<'a> {
    dir: &'a Path,
    engine: Engine,
    /// States by number of batches; the first one is durable.
    states: Vec<Rows>,
    /// The number of batches behind the first state.
    first: usize,
    snapshots: Vec<(Snapshot, Rows)>,
}

impl<'a> Machine<'a> {
    fn new(dir: &'a Path) -> Self {
        let engine = Engine::open(dir, options()).unwrap();
        let states = vec![Rows::new()];
        Self { dir, engine, states, first: 0, snapshots: Vec::new() }
    }

    fn now(&self) -> &Rows {
        self.states.last().unwrap()
    }

    fn all_durable(&mut self) {
        let now = self.states.len() - 1;
        self.states.drain(..now);
        self.first += now;
    }

    fn apply(&mut self, changes: &[Change]) {
        let mut batch = Batch::new();
        let mut rows = self.now().clone();
        for change in changes {
            match *change {
                Change::Put(number, fill, bytes) => {
                    batch.put(&key(number), &vec![fill; bytes]);
                    rows.insert(key(number), vec![fill; bytes]);
                }
                Change::Remove(number) => {
                    batch.remove(&key(number));
                    rows.remove(&key(number));
                }
                Change::RemoveRange(start, end) => {
                    batch.remove_range(&key(start), &key(end));
                    rows.retain(|k, _| !(key(start)..key(end)).contains(k));
                }
            }
        }
        let applied = (self.first + self.states.len()).to_string().into_bytes();
        batch.put(APPLIED, &applied);
        rows.insert(APPLIED.to_vec(), applied);
        self.engine.apply(&batch).unwrap();
        self.states.push(rows);
    }

    fn scan(&self, start: u8, end: u8) {
        let (start, end) = (key(start), key(end));
        let mut expected: Vec<_> =
            self.now().iter().filter(|(k, _)| (&start..&end).contains(k)).collect();
        let snapshot = self.engine.snapshot();
        for reverse in [false, true] {
            let rows = snapshot.scan(&start..&end, reverse).map(Result::unwrap);
            let rows: Vec<_> = rows.map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
            assert!(rows.iter().map(|(k, v)| (k, v)).eq(expected.iter().copied()));
            expected.reverse();
        }
        let first = expected.first().map_or(&start, |row| row.0);
        assert_eq!(self.engine.get(first).unwrap().as_deref(), self.now().get(first).map(|v| &**v));
    }

    fn drop_range(&mut self, start: u8, end: u8) {
        self.engine.drop_range(&key(start), &key(end)).unwrap();
        if start >= end {
            return;
        }
        self.all_durable();
        self.states[0].retain(|k, _| !(key(start)..key(end)).contains(k));
        // Snapshots make no promise about a dropped range.
        self.snapshots.clear();
    }

    /// Opens the directory again after the engine is gone; some batches may be lost.
    fn reopen(mut self) -> Self {
        self.snapshots.clear();
        drop(self.engine);
        let engine = Engine::open(self.dir, options()).unwrap();
        let found = all_rows(&engine.snapshot());
        let applied = found.get(APPLIED).map_or(0, |n| parse(n));
        assert!(applied >= self.first, "{applied} batches, {} were durable", self.first);
        assert_eq!(&found, &self.states[applied - self.first], "after {applied} batches");
        let states = vec![found];
        Self { dir: self.dir, engine, states, first: applied, snapshots: Vec::new() }
    }

    fn run(mut self, step: &Step) -> Self {
        match step {
            Step::Apply(changes) => self.apply(changes),
            Step::Flush => {
                self.engine.flush().unwrap();
                self.all_durable();
            }
            Step::TakeSnapshot => {
                self.snapshots.push((self.engine.snapshot(), self.now().clone()));
            }
            Step::CheckSnapshots => {
                for (snapshot, rows) in &self.snapshots {
                    assert_eq!(&all_rows(snapshot), rows);
                    for number in (0..100).step_by(7) {
                        let value = snapshot.get(&key(number)).unwrap();
                        assert_eq!(value.as_deref(), rows.get(&key(number)).map(|v| &**v));
                    }
                }
            }
            Step::Scan(start, end) => self.scan(*start, *end),
            Step::DropRange(start, end) => self.drop_range(*start, *end),
            Step::Close => {
                self.engine.close().unwrap();
                self.all_durable();
                self = self.reopen();
            }
            Step::Crash => self = self.reopen(),
        }
        self
    }
}

fn parse(number: &[u8]) -> usize {
    std::str::from_utf8(number).unwrap().parse().unwrap()
}

fn all_rows(snapshot: &Snapshot) -> Rows {
    let rows = snapshot.scan_from(b"", false).map(Result::unwrap);
    rows.map(|(k, v)| (k.to_vec(), v.to_vec())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_behaves_like_a_sorted_map(steps in prop::collection::vec(step(), 1..80)) {
        let scratch = tempfile::tempdir().unwrap();
        let mut machine = Machine::new(scratch.path());
        for step in &steps {
            machine = machine.run(step);
        }
        machine.scan(0, 101);
        machine = machine.run(&Step::CheckSnapshots);
        assert_eq!(&all_rows(&machine.engine.snapshot()), machine.now());
    }
}
