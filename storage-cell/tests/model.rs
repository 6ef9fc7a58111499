//! Random requests against a plain map, with splits, merges, restarts and crashes in between. The map
//! uses the schema's own rules for one row, which have a model of their own; what is checked here
//! is everything around them: order, atomicity, marks, reads, pages, time, recovery.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail loudly"
)]

mod cluster;

use std::{collections::BTreeMap, convert::Infallible};

use bytes::Bytes;
use cellar_cell_api::{CellError, CellService, Outcome, Write, WriteRequest};
use cellar_metadata_api::{CellId, Position};
use cellar_schema::{
    ChangeKind, Condition, Operation, PartitionMarks, PartitionStore, Row, Stamp, Test, apply,
    evaluate, keys, value,
};
use cluster::{
    Cluster, START_US, read,
    tables::{Known, table},
};
use proptest::prelude::*;

/// One write to a partition.
#[derive(Clone, Debug)]
enum Change {
    Insert { c: i32, v: u8, ttl_seconds: u32, age_us: Option<i64> },
    Static { v: u8 },
    List { c: i32, operation: Operation },
    DeleteRow { c: i32, age_us: Option<i64> },
    DeleteRange { from: i32, to: i32 },
    DeletePartition { age_us: Option<i64> },
    Claim { c: i32, v: u8, exists: bool },
}

#[derive(Clone, Debug)]
enum Step {
    /// In one request, and so in one log entry.
    Write {
        k: i32,
        changes: Vec<Change>,
    },
    Wait {
        seconds: u8,
    },
    Split {
        k: i32,
    },
    /// The first cell of the catalog and its neighbour, or the last two.
    Merge {
        first: bool,
    },
    Restart,
    Crash,
    Check {
        rows_max: u32,
    },
}

fn change() -> impl Strategy<Value = Change> {
    let c = || 0..4_i32;
    let age = || proptest::option::of(-20_000..20_000_i64);
    let ints = || prop::collection::vec((0..3_i32).prop_map(value::int), 1..3);
    let operation = prop_oneof![
        ints().prop_map(Operation::ListAppend),
        ints().prop_map(Operation::ListPrepend),
        ints().prop_map(Operation::ListReplace),
        ints().prop_map(Operation::ListDiscard),
        (0..3, proptest::option::of((0..3).prop_map(value::int)))
            .prop_map(|(index, element)| Operation::ListSet(index, element)),
    ];
    let ttl = prop_oneof![3 => Just(0), 1 => 1..8_u32];
    prop_oneof![
        8 => (c(), any::<u8>(), ttl, age())
            .prop_map(|(c, v, ttl_seconds, age_us)| Change::Insert { c, v, ttl_seconds, age_us }),
        2 => any::<u8>().prop_map(|v| Change::Static { v }),
        5 => (c(), operation).prop_map(|(c, operation)| Change::List { c, operation }),
        2 => (c(), age()).prop_map(|(c, age_us)| Change::DeleteRow { c, age_us }),
        2 => (c(), c()).prop_map(|(from, to)| Change::DeleteRange { from, to }),
        1 => age().prop_map(|age_us| Change::DeletePartition { age_us }),
        4 => (c(), any::<u8>(), any::<bool>())
            .prop_map(|(c, v, exists)| Change::Claim { c, v, exists }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        16 => (0..3_i32, prop::collection::vec(change(), 1..5))
            .prop_map(|(k, changes)| Step::Write { k, changes }),
        1 => (1..6_u8).prop_map(|seconds| Step::Wait { seconds }),
        1 => (0..3_i32).prop_map(|k| Step::Split { k }),
        1 => any::<bool>().prop_map(|first| Step::Merge { first }),
        1 => Just(Step::Restart),
        1 => Just(Step::Crash),
        3 => (1..6_u32).prop_map(|rows_max| Step::Check { rows_max }),
    ]
}

/// One partition as a map.
#[derive(Clone, Debug, Default)]
struct Partition {
    marks: PartitionMarks,
    rows: BTreeMap<Bytes, Row>,
}

impl PartitionStore for Partition {
    type Error = Infallible;

    fn marks(&mut self) -> Result<PartitionMarks, Infallible> {
        Ok(self.marks.clone())
    }

    fn row(&mut self, suffix: &[u8]) -> Result<Option<Row>, Infallible> {
        Ok(self.rows.get(suffix).cloned())
    }

    fn set_marks(&mut self, marks: PartitionMarks) -> Result<(), Infallible> {
        self.marks = marks;
        Ok(())
    }

    fn set_row(&mut self, suffix: Bytes, row: Row) -> Result<(), Infallible> {
        self.rows.insert(suffix, row);
        Ok(())
    }

    fn remove_row(&mut self, suffix: &[u8]) -> Result<(), Infallible> {
        self.rows.remove(suffix);
        Ok(())
    }
}

impl Partition {
    fn view(&self, suffix: &[u8], now_seconds: i64) -> Option<Row> {
        let row = self.rows.get(suffix).cloned()?;
        self.marks.view(suffix, row, now_seconds)
    }

    /// The newest time of anything at a suffix.
    fn newest_us(&self, suffix: &[u8]) -> Option<i64> {
        self.rows.get(suffix).and_then(Row::newest_us).max(self.marks.covering(suffix))
    }
}

struct Run {
    cluster: Cluster,
    wide: Known,
    model: BTreeMap<Bytes, Partition>,
    now_us: i64,
    /// The largest timestamp that each cell gave so far.
    last_us: BTreeMap<CellId, i64>,
}

impl Run {
    /// What a change asks of the cell.
    fn request(&self, k: i32, change: Change) -> Write {
        let wide = &self.wide;
        let at = |age_us: Option<i64>| age_us.map(|age| self.now_us - age);
        let mut conditions = Vec::new();
        let mutation = match change {
            Change::Insert { c, v, ttl_seconds, age_us } => {
                let mut insert = wide.insert(k, c, &v.to_string());
                insert.changes[0].timestamp_us = at(age_us);
                if let ChangeKind::Upsert(change) = &mut insert.changes[0].kind {
                    change.ttl_seconds = ttl_seconds;
                }
                insert
            }
            Change::Static { v } => wide.insert_static(k, &v.to_string()),
            Change::List { c, operation } => wide.upsert(k, wide.suffix(c), "l", operation),
            Change::DeleteRow { c, age_us } => {
                let mut delete = wide.mutation(k, ChangeKind::DeleteRow { suffix: wide.suffix(c) });
                delete.changes[0].timestamp_us = at(age_us);
                delete
            }
            Change::DeleteRange { from, to } => {
                let start = wide.suffix(from.min(to));
                let end = keys::after(&wide.suffix(from.max(to)));
                wide.mutation(k, ChangeKind::DeleteRange { start, end })
            }
            Change::DeletePartition { age_us } => {
                let mut delete = wide.mutation(k, ChangeKind::DeletePartition);
                delete.changes[0].timestamp_us = at(age_us);
                delete
            }
            Change::Claim { c, v, exists } => {
                let test = if exists { Test::Exists } else { Test::NotExists };
                let (partition, suffix) = (wide.partition(k), wide.suffix(c));
                conditions.push(Condition { partition, suffix, test });
                wide.insert(k, c, &v.to_string())
            }
        };
        Write { id: None, mutations: vec![mutation], conditions, batch: None, now_seconds: None }
    }

    /// What the map says to a write; units are not its business.
    fn outcome(&mut self, cell: CellId, write: &Write) -> Result<Outcome, CellError> {
        let mutation = &write.mutations[0];
        let partition = self.model.entry(mutation.partition.clone()).or_default();
        let last_us = self.last_us.entry(cell).or_insert(0);
        let mut stamp = Stamp {
            timestamp_us: self.now_us.max(*last_us + 1),
            now_seconds: self.now_us.div_euclid(1_000_000),
            sequence: 0,
            repeats_from_us: None,
        };
        *last_us = stamp.timestamp_us;
        let mut previous = Vec::new();
        for Condition { suffix, test, .. } in &write.conditions {
            let row = partition.view(suffix, stamp.now_seconds);
            let holds = evaluate(test, row.as_ref());
            previous.push(row);
            if !holds {
                return Ok(Outcome::NotApplied { read_bytes: 0, current: previous });
            }
            let newest_us = partition.newest_us(suffix).unwrap_or(i64::MIN);
            stamp.timestamp_us = stamp.timestamp_us.max(newest_us.saturating_add(1));
        }
        *last_us = stamp.timestamp_us;
        match apply::mutate(partition, mutation, stamp) {
            Ok(()) => Ok(Outcome::Applied { written_bytes: 0, previous }),
            Err(invalid) => Err(CellError::Invalid { message: invalid.to_string() }),
        }
    }

    /// Writes to one partition in one request, in the cell and in the map.
    async fn write(&mut self, k: i32, changes: Vec<Change>) {
        self.now_us += 10_000;
        self.cluster.clock.set_us(self.now_us);
        let cell = self.cluster.cell_of(&self.wide.partition(k));
        let writes: Vec<Write> =
            changes.into_iter().map(|change| self.request(k, change)).collect();
        let expected: Vec<_> = writes.iter().map(|write| self.outcome(cell.id, write)).collect();
        let request = WriteRequest { cell: cell.id, epoch: cell.epoch, writes };
        let mut reply = self.cluster.node().write(request).await.unwrap();
        for outcome in reply.outcomes.iter_mut().flatten() {
            match outcome {
                Outcome::Applied { written_bytes: bytes, .. }
                | Outcome::Begun { written_bytes: bytes, .. }
                | Outcome::NotApplied { read_bytes: bytes, .. } => *bytes = 0,
            }
        }
        assert_eq!(reply.outcomes, expected);
    }

    fn expected(&self) -> Vec<(Bytes, Row)> {
        let now_seconds = self.now_us.div_euclid(1_000_000);
        let rows = self.model.iter().flat_map(|(prefix, partition)| {
            partition.rows.keys().filter_map(move |suffix| {
                let row = partition.view(suffix, now_seconds)?;
                Some((keys::engine_key(prefix, suffix).unwrap(), row))
            })
        });
        rows.collect()
    }

    /// Everything forwards, and each partition backwards, in pages of so many rows.
    async fn check(&self, rows_max: u32) {
        let expected = self.expected();
        let (_, end) = keys::table_range(self.wide.0.id);
        let start = keys::position_key(self.wide.0.id, i64::MIN);
        assert_eq!(self.cluster.span(start, end, rows_max).await, expected);
        for prefix in self.model.keys() {
            let mut read = read(prefix.clone(), keys::after(prefix));
            (read.reverse, read.rows_max) = (true, rows_max);
            let mut found = Vec::new();
            loop {
                let page = self.cluster.page_of(prefix, read.clone()).await;
                assert!(page.rows.len() <= usize::try_from(rows_max).unwrap());
                found.extend(page.rows);
                match page.resume {
                    Some(resume) => read.end = resume,
                    None => break,
                }
            }
            let of_partition = expected.iter().filter(|(key, _)| key.starts_with(prefix));
            assert_eq!(found, of_partition.rev().cloned().collect::<Vec<_>>());
        }
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Write { k, changes } => self.write(k, changes).await,
            Step::Wait { seconds } => {
                self.now_us += i64::from(seconds) * 1_000_000;
                self.cluster.clock.set_us(self.now_us);
            }
            Step::Split { k } => {
                let token = keys::token_of(&self.wide.partition(k)).unwrap();
                let at = Position::new(self.wide.0.id, token);
                let placed = self.cluster.placed();
                if let Some(cell) = placed.iter().find(|cell| cell.range.splits_at(at)) {
                    let right = self.cluster.split(cell.id, Some(at)).await.unwrap();
                    // The right half goes on in time where the left one was.
                    let last_us = self.last_us.get(&cell.id).copied().unwrap_or(0);
                    self.last_us.insert(right, last_us);
                }
            }
            Step::Merge { first } => {
                let placed = self.cluster.placed();
                let pair = if first { placed.first_chunk() } else { placed.last_chunk() };
                if let Some([left, right]) = pair {
                    self.cluster.merge(left.id, right.id).await.unwrap();
                    // The time of both.
                    let right_us = self.last_us.remove(&right.id).unwrap_or(0);
                    let left_us = self.last_us.entry(left.id).or_insert(0);
                    *left_us = right_us.max(*left_us);
                }
            }
            Step::Restart => self.cluster.restart().await,
            Step::Crash => self.cluster.crash().await,
            Step::Check { rows_max } => self.check(rows_max).await,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn a_cell_does_what_a_map_does(steps in prop::collection::vec(step(), 20..60)) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let cluster = Cluster::start().await;
            let wide = table(&cluster.metadata, "wide");
            let (now_us, last_us) = (START_US, BTreeMap::new());
            let mut run = Run { cluster, wide, model: BTreeMap::new(), now_us, last_us };
            for step in steps {
                run.step(step).await;
            }
            run.check(3).await;
            run.cluster.crash().await;
            run.check(1_000).await;
        });
    }
}
