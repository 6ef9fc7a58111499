//! Indexes: whatever happens to a cell, a read by an index brings every row that a scan would
//! find, and looks at few others.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests fail loudly"
)]

mod cluster;

use bytes::Bytes;
use cellar_cell_api::{CellError, CellService, Write, WriteRequest};
use cellar_metadata_api::Position;
use cellar_schema::{
    ChangeKind, Clock, ColumnKind, Condition, CqlType, Frozen, IndexPart, IndexProbe, Mutation,
    NewElement, Operation, Order, RowChange, Test, keys, value,
};
use cluster::{
    Cluster, FakeMetadata,
    indexed::{assert_as_scanned, create_index, drop_index, is_answered_by_it, target},
    tables::{self, Known, table},
};
use proptest::prelude::*;

/// `many`: a table with something of every kind to index.
fn create_many(metadata: &FakeMetadata) -> Known {
    let text = || Box::new(CqlType::Text);
    let columns = [
        ("k", CqlType::Int, ColumnKind::PartitionKey(0)),
        ("j", CqlType::Int, ColumnKind::PartitionKey(1)),
        ("c", CqlType::Int, ColumnKind::Clustering(0, Order::Desc)),
        ("v", CqlType::Int, ColumnKind::Regular),
        ("s", CqlType::Text, ColumnKind::Static),
        ("m", CqlType::Map(text(), Box::new(CqlType::Int), Frozen::No), ColumnKind::Regular),
        ("e", CqlType::Set(text(), Frozen::No), ColumnKind::Regular),
        ("f", CqlType::List(Box::new(CqlType::Int), Frozen::Yes), ColumnKind::Regular),
    ];
    metadata.run(&tables::create_table("many", &columns)).unwrap();
    table(metadata, "many")
}

const INDEXES: [(&str, IndexPart); 9] = [
    ("v", IndexPart::Simple),
    ("s", IndexPart::Simple),
    ("c", IndexPart::Simple),
    ("j", IndexPart::Simple),
    ("m", IndexPart::Keys),
    ("m", IndexPart::Values),
    ("m", IndexPart::Entries),
    ("e", IndexPart::Values),
    ("f", IndexPart::Full),
];

fn name(index: usize) -> String {
    format!("index_{index}")
}

fn text(n: u8) -> Bytes {
    value::text(&format!("t{n}"))
}

/// The sort key of a text.
fn form(text: &Bytes) -> Bytes {
    keys::element_key(&CqlType::Text, text).unwrap()
}

fn element(of: Bytes, name: Bytes, value: Option<Bytes>) -> NewElement {
    NewElement { key: form(&of), name, value }
}

#[derive(Clone, Debug)]
enum Change {
    Value { c: i32, v: u8, ttl_seconds: u32, age_us: Option<i64> },
    Null { c: i32 },
    Static { s: u8 },
    Map { c: i32, key: u8, v: Option<u8> },
    Set { c: i32, elements: Vec<u8>, replaces: bool },
    Full { c: i32, elements: Vec<u8> },
    DeleteRow { c: i32 },
    DeleteRange { from: i32, to: i32 },
    DeletePartition,
    Claim { c: i32, v: u8, exists: bool },
}

#[derive(Clone, Debug)]
enum Step {
    Write { k: i32, changes: Vec<Change> },
    Wait { seconds: u8 },
    Split { k: i32 },
    Merge { first: bool },
    Restart,
    Crash,
    Create { index: usize },
    Drop { index: usize },
    Check { rows_max: u32, v: u8 },
}

fn change() -> impl Strategy<Value = Change> {
    let c = || 0..5_i32;
    let few = || 0..4_u8;
    let ttl = prop_oneof![3 => Just(0), 1 => 1..8_u32];
    let age = proptest::option::of(-20_000..20_000_i64);
    prop_oneof![
        6 => (c(), few(), ttl, age)
            .prop_map(|(c, v, ttl_seconds, age_us)| Change::Value { c, v, ttl_seconds, age_us }),
        1 => c().prop_map(|c| Change::Null { c }),
        2 => few().prop_map(|s| Change::Static { s }),
        3 => (c(), few(), proptest::option::of(few()))
            .prop_map(|(c, key, v)| Change::Map { c, key, v }),
        2 => (c(), prop::collection::vec(few(), 0..3), any::<bool>())
            .prop_map(|(c, elements, replaces)| Change::Set { c, elements, replaces }),
        2 => (c(), prop::collection::vec(few(), 0..3))
            .prop_map(|(c, elements)| Change::Full { c, elements }),
        1 => c().prop_map(|c| Change::DeleteRow { c }),
        1 => (c(), c()).prop_map(|(from, to)| Change::DeleteRange { from, to }),
        1 => Just(Change::DeletePartition),
        2 => (c(), few(), any::<bool>())
            .prop_map(|(c, v, exists)| Change::Claim { c, v, exists }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let index = || 0..INDEXES.len();
    prop_oneof![
        16 => (0..4_i32, prop::collection::vec(change(), 1..5))
            .prop_map(|(k, changes)| Step::Write { k, changes }),
        1 => (1..6_u8).prop_map(|seconds| Step::Wait { seconds }),
        2 => (0..4_i32).prop_map(|k| Step::Split { k }),
        2 => any::<bool>().prop_map(|first| Step::Merge { first }),
        1 => Just(Step::Restart),
        1 => Just(Step::Crash),
        4 => index().prop_map(|index| Step::Create { index }),
        1 => index().prop_map(|index| Step::Drop { index }),
        6 => (1..6_u32, 0..4_u8).prop_map(|(rows_max, v)| Step::Check { rows_max, v }),
    ]
}

struct World {
    cluster: Cluster,
    many: Known,
}

impl World {
    fn partition(&self, k: i32) -> Bytes {
        let (k, j) = (value::int(k), value::int(k % 2));
        keys::partition(self.many.0.id, &keys::routing(&[&k, &j]))
    }

    fn mutation(&self, k: i32, kind: ChangeKind, age_us: Option<i64>) -> Mutation {
        let timestamp_us = age_us.map(|age| self.cluster.clock.now_us() - age);
        let changes = vec![cellar_schema::Change { timestamp_us, kind }];
        Mutation { partition: self.partition(k), changes }
    }

    fn set(&self, c: i32, column: &str, operation: Operation, ttl_seconds: u32) -> ChangeKind {
        let operations = vec![(self.many.column(column), operation)];
        let suffix = if column == "s" { keys::static_suffix() } else { self.many.suffix(c) };
        ChangeKind::Upsert(RowChange { suffix, marker: true, ttl_seconds, operations })
    }

    fn write(&self, k: i32, change: &Change) -> Write {
        let mut conditions = Vec::new();
        let suffix = |c: &i32| self.many.suffix(*c);
        let int = |v: &u8| value::int(i32::from(*v));
        let texts = |elements: &[u8]| -> Vec<NewElement> {
            let one = |n: &u8| element(text(*n), Bytes::new(), Some(text(*n)));
            elements.iter().map(one).collect()
        };
        let mut age = None;
        let kind = match change {
            Change::Value { c, v, ttl_seconds, age_us } => {
                age = *age_us;
                self.set(*c, "v", Operation::Set(int(v)), *ttl_seconds)
            }
            Change::Null { c } => self.set(*c, "v", Operation::Delete, 0),
            Change::Static { s } => self.set(0, "s", Operation::Set(text(*s)), 0),
            Change::Map { c, key, v: Some(v) } => self.set(
                *c,
                "m",
                Operation::Put(vec![element(text(*key), text(*key), Some(int(v)))]),
                0,
            ),
            Change::Map { c, key, v: None } => {
                self.set(*c, "m", Operation::Remove(vec![form(&text(*key))]), 0)
            }
            Change::Set { c, elements, replaces: true } => {
                self.set(*c, "e", Operation::Replace(texts(elements)), 0)
            }
            Change::Set { c, elements, replaces: false } => {
                self.set(*c, "e", Operation::Put(texts(elements)), 0)
            }
            Change::Full { c, elements } => {
                let elements: Vec<Bytes> = elements.iter().map(int).collect();
                self.set(*c, "f", Operation::Set(value::build_list(&elements)), 0)
            }
            Change::DeleteRow { c } => ChangeKind::DeleteRow { suffix: suffix(c) },
            Change::DeleteRange { from, to } => {
                let (a, b) = (suffix(from), suffix(to));
                ChangeKind::DeleteRange { start: a.clone().min(b.clone()), end: a.max(b) }
            }
            Change::DeletePartition => ChangeKind::DeletePartition,
            Change::Claim { c, v, exists } => {
                let test = if *exists { Test::Exists } else { Test::NotExists };
                let (partition, suffix) = (self.partition(k), suffix(c));
                conditions.push(Condition { partition, suffix, test });
                self.set(*c, "v", Operation::Set(int(v)), 0)
            }
        };
        Write {
            id: None,
            mutations: vec![self.mutation(k, kind, age)],
            conditions,
            batch: None,
            now_seconds: None,
        }
    }

    /// Writes to one partition in one request, and so in one log entry.
    async fn write_all(&self, k: i32, writes: Vec<Write>) {
        self.cluster.clock.advance_us(10_000);
        let cell = self.cluster.cell_of(&self.partition(k));
        let request = WriteRequest { cell: cell.id, epoch: cell.epoch, writes };
        let mut reply = self.cluster.node().write(request.clone()).await;
        for _ in 0..5_000 {
            // It may have been started again just now.
            let Err(CellError::NotLeader { .. }) = reply else { break };
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            reply = self.cluster.node().write(request.clone()).await;
        }
        let reply = reply.unwrap();
        assert!(reply.outcomes.iter().all(Result::is_ok), "{reply:?}");
    }

    async fn check(&self, rows_max: u32, v: u8) {
        let known = table(&self.cluster.metadata, "many");
        let int = value::int(i32::from(v));
        for (column, part) in INDEXES {
            let id = known.column(column);
            let Some(target) = known.0.index_target(id, part) else { continue };
            let equal = |cql_type: CqlType, bytes: &Bytes| target.equal(&cql_type, bytes);
            let probe: IndexProbe = match (column, part) {
                ("v" | "c" | "j", _) | ("m", IndexPart::Values) => equal(CqlType::Int, &int),
                ("m", IndexPart::Entries) => {
                    target.entry((&CqlType::Text, &CqlType::Int), (&text(v), &int))
                }
                ("f", _) => {
                    let cql_type = known.0.column("f").unwrap().cql_type.clone();
                    equal(cql_type, &value::build_list(std::slice::from_ref(&int)))
                }
                _ => equal(CqlType::Text, &text(v)),
            };
            assert_as_scanned(&self.cluster, &known, &probe, rows_max).await;
            if column == "v" {
                let range = target.between(&CqlType::Int, Some(&int), None);
                assert_as_scanned(&self.cluster, &known, &range, rows_max).await;
            }
        }
    }

    async fn step(&mut self, step: &Step) {
        let metadata = std::sync::Arc::clone(&self.cluster.metadata);
        match step {
            Step::Write { k, changes } => {
                let writes = changes.iter().map(|change| self.write(*k, change)).collect();
                self.write_all(*k, writes).await;
            }
            Step::Wait { seconds } => {
                self.cluster.clock.advance_us(i64::from(*seconds) * 1_000_000)
            }
            Step::Split { k } => {
                let partition = self.partition(*k);
                let at = Position::new(self.many.0.id, keys::token_of(&partition).unwrap());
                let cell = self.cluster.cell_of(&partition).id;
                // It may begin there already.
                drop(self.cluster.split(cell, Some(at)).await);
            }
            Step::Merge { first } => {
                let placed = self.cluster.placed();
                let pair = if *first { placed.windows(2).next() } else { placed.windows(2).last() };
                if let Some([left, right]) = pair {
                    // It may be refused when nobody leads yet.
                    drop(self.cluster.merge(left.id, right.id).await);
                }
            }
            Step::Restart => self.cluster.restart().await,
            Step::Crash => self.cluster.crash().await,
            Step::Create { index } => {
                create_index(&metadata, "many", &name(*index), INDEXES[*index]);
            }
            Step::Drop { index } => drop_index(&metadata, &name(*index)),
            Step::Check { rows_max, v } => self.check(*rows_max, *v).await,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 200, ..Default::default() })]

    #[test]
    fn whatever_happens_an_index_finds_what_a_scan_finds(
        steps in prop::collection::vec(step(), 20..90),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let cluster = Cluster::start().await;
            let many = create_many(&cluster.metadata);
            let mut world = World { cluster, many };
            for index in [0, 1, 5] {
                world.step(&Step::Create { index }).await;
            }
            for step in &steps {
                world.step(step).await;
            }
            for v in 0..4 {
                world.check(3, v).await;
            }
        });
    }
}

/// A table of 3,000 rows of which ten have the value that is looked for, and its index.
async fn with_index() -> (Cluster, Known, IndexProbe) {
    let cluster = Cluster::start().await;
    create_many(&cluster.metadata);
    let many = table(&cluster.metadata, "many");
    let mut world = World { cluster, many };
    for k in 0..300 {
        let change = |c: i32| Change::Value {
            c,
            v: if k % 30 == 0 && c == 0 { 77 } else { 1 },
            ttl_seconds: 0,
            age_us: None,
        };
        let writes = (0..10).map(|c| world.write(k, &change(c))).collect();
        world.write_all(k, writes).await;
    }
    world.step(&Step::Create { index: 0 }).await;
    let World { cluster, .. } = world;
    let many = table(&cluster.metadata, "many");
    let probe = target(&many, "v", IndexPart::Simple).equal(&CqlType::Int, &value::int(77));
    (cluster, many, probe)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_rows_of_the_value_are_looked_at_also_after_splits_merges_and_restarts() {
    let (mut cluster, many, probe) = with_index().await;
    assert_eq!(assert_as_scanned(&cluster, &many, &probe, 4).await, 10, "while it is built, too");
    // Static rows that are not there count, too.
    is_answered_by_it(&cluster, &many.0, &probe, 20).await;
    let only_few = async |cluster: &Cluster| {
        let probed = cluster.probe(&many.0, &probe, 1_000).await;
        assert_eq!(probed.rows.len(), 10);
        assert!(probed.examined <= 20, "{} rows were looked at", probed.examined);
    };
    only_few(&cluster).await;
    let whole = cluster.placed()[0].id;
    let right = cluster.split(whole, Some(Position::new(many.0.id, 0))).await.unwrap();
    only_few(&cluster).await;
    cluster.restart().await;
    only_few(&cluster).await;
    cluster.crash().await;
    only_few(&cluster).await;
    cluster.merge(whole, right).await.unwrap();
    only_few(&cluster).await;
    assert_eq!(assert_as_scanned(&cluster, &many, &probe, 4).await, 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_is_dropped_and_made_again_has_what_came_between() {
    let (cluster, many, probe) = with_index().await;
    is_answered_by_it(&cluster, &many.0, &probe, 20).await;
    let mut world = World { cluster, many: many.clone() };
    world.step(&Step::Drop { index: 0 }).await;
    let change = Change::Value { c: 3, v: 77, ttl_seconds: 0, age_us: None };
    world.step(&Step::Write { k: 7, changes: vec![change] }).await;
    world.step(&Step::Create { index: 0 }).await;
    assert_eq!(assert_as_scanned(&world.cluster, &many, &probe, 4).await, 11);
    is_answered_by_it(&world.cluster, &many.0, &probe, 22).await;
    assert_eq!(assert_as_scanned(&world.cluster, &many, &probe, 4).await, 11);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ranges_of_many_values_are_read_page_by_page_in_row_order() {
    let (cluster, many, probe) = with_index().await;
    is_answered_by_it(&cluster, &many.0, &probe, 20).await;
    let int = |n| value::int(n);
    let between = |a, b| probe.target.between(&CqlType::Int, Some(&int(a)), Some(&int(b)));
    assert_eq!(assert_as_scanned(&cluster, &many, &between(50, 80), 3).await, 10);
    assert_eq!(assert_as_scanned(&cluster, &many, &between(1, 80), 700).await, 3_000);
    assert_eq!(assert_as_scanned(&cluster, &many, &between(78, 80), 3).await, 0);
    let few = cluster.probe(&many.0, &between(50, 80), 1_000).await;
    assert!(few.examined <= 20, "{} rows were looked at", few.examined);
}
