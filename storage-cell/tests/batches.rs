//! Logged batches over several cells: once begun they are whole in the end, whoever dies, splits,
//! merges or moves (invariant I-11).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail loudly"
)]

mod cluster;

use std::path::Path;

use bytes::Bytes;
use cellar_cell_api::{BatchStamp, BatchStep, CellError, Outcome, Write, part};
use cellar_engine::{Engine, Options};
use cellar_metadata_api::{CellId, Command, Position, TableId};
use cellar_schema::{
    Change, ChangeKind, ColumnData, Mutation, Operation, RequestId, Row, RowChange, keys, value,
};
use cluster::{
    Cluster,
    fleet::{Fleet, soon},
    tables::{Known, table},
};

const BATCH: RequestId = RequestId(0xba7c);
/// Long enough that nobody finishes a batch while a test looks at it unfinished.
const NEVER_MS: u64 = 3_600_000;

/// A node with one cell for each half of the tokens of a table, that leaves batches alone.
async fn halves() -> (Cluster, Known, [CellId; 2]) {
    let mut cluster = Cluster::start().await;
    cluster.batch_after_ms = NEVER_MS;
    cluster.restart().await;
    let wide = table(&cluster.metadata, "wide");
    let left = cluster.placed()[0].id;
    let right = cluster.split(left, Some(Position::new(wide.0.id, 0))).await.unwrap();
    (cluster, wide, [left, right])
}

fn token(table: &Known, k: i32) -> i64 {
    keys::token_of(&table.partition(k)).unwrap()
}

/// Keys of the left half of the tokens, and of the right one.
fn keys_of(table: &Known, left: bool) -> impl Iterator<Item = i32> {
    (0..).filter(move |k| (token(table, *k) < 0) == left)
}

fn list(table: &Known, k: i32, operation: Operation) -> Mutation {
    table.upsert(k, table.suffix(1), "l", operation)
}

fn ints(values: &[i32]) -> Vec<Bytes> {
    values.iter().map(|n| value::int(*n)).collect()
}

fn begin(first: Mutation, others: Vec<Mutation>, catalog: u64) -> Write {
    let batch = Some(BatchStep::Begin { others, catalog });
    Write { id: Some(BATCH), mutations: vec![first], batch, ..Write::default() }
}

async fn begun(cluster: &Cluster, write: Write) -> BatchStamp {
    match cluster.write(write).await {
        Ok(Outcome::Begun { stamp, .. }) => stamp,
        other => panic!("{other:?}"),
    }
}

async fn row(cluster: &Cluster, table: &Known, k: i32) -> Option<Row> {
    let start = table.key(k, 1);
    let end = keys::after(&start);
    cluster.span(start, end, 1).await.into_iter().next().map(|(_, row)| row)
}

async fn has(cluster: &Cluster, table: &Known, k: i32) -> bool {
    row(cluster, table, k).await.is_some()
}

/// Whether a disk at rest has a note of a batch.
fn noted(disk: &Path) -> bool {
    let engine = Engine::open(&disk.join("rows"), Options::default()).unwrap();
    let (start, end) =
        (Bytes::from_static(&[0, 0, 0, 0, 13]), Bytes::from_static(&[0, 0, 0, 0, 14]));
    let found = engine.snapshot().scan(start..end, false).next().is_some();
    engine.close().unwrap();
    found
}

async fn assert_noted(cluster: &mut Cluster, expected: bool) {
    cluster.stop().await;
    assert_eq!(noted(&cluster.disk), expected);
    cluster.open().await;
    cluster.settle().await;
}

/// Waits for a mutation of the others to be there, and then for the note to be gone.
async fn finished(cluster: &mut Cluster, table: &Known, others: &[i32]) {
    cluster.batch_after_ms = 50;
    cluster.restart().await;
    soon("every part is there", async || {
        for k in others {
            if !has(cluster, table, *k).await {
                return false;
            }
        }
        true
    })
    .await;
    for _ in 0..100 {
        cluster.stop().await;
        if !noted(&cluster.disk) {
            cluster.batch_after_ms = NEVER_MS;
            cluster.open().await;
            cluster.settle().await;
            return;
        }
        cluster.open().await;
        cluster.settle().await;
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    panic!("the note stays");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_whose_sender_dies_with_the_node_is_whole_after_the_restart() {
    let (mut cluster, wide, _) = halves().await;
    let first = keys_of(&wide, true).next().unwrap();
    let others: Vec<i32> = keys_of(&wide, false).take(3).collect();
    let mutations: Vec<Mutation> = others.iter().map(|k| wide.insert(*k, 1, "x")).collect();
    let catalog = cluster.metadata.now().version;
    let stamp = begun(&cluster, begin(wide.insert(first, 1, "x"), mutations, catalog)).await;
    assert!(has(&cluster, &wide, first).await, "its own part is there at once");
    assert!(!has(&cluster, &wide, others[0]).await, "the others are not");
    cluster.crash().await;
    assert!(!has(&cluster, &wide, others[0]).await);
    finished(&mut cluster, &wide, &others).await;
    for k in others {
        let row = row(&cluster, &wide, k).await.unwrap();
        assert_eq!(row.newest_us(), Some(stamp.timestamp_us), "at the batch's time");
    }
    let again = begin(wide.insert(first, 1, "x"), Vec::new(), catalog);
    assert_eq!(begun(&cluster, again).await, stamp, "a retry gets the first answer");
    assert_noted(&mut cluster, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_ended_is_forgotten_and_its_end_may_come_twice() {
    let (mut cluster, wide, _) = halves().await;
    let first = keys_of(&wide, true).next().unwrap();
    let other = keys_of(&wide, false).next().unwrap();
    let others = vec![wide.insert(other, 1, "x")];
    begun(&cluster, begin(wide.insert(first, 1, "x"), others, 0)).await;
    assert_noted(&mut cluster, true).await;
    let cell = cluster.cell_of(&wide.partition(first));
    for _ in 0..2 {
        let batch = Some(BatchStep::End { partition: wide.partition(first), batch: BATCH });
        let writes = vec![Write { batch, ..Write::default() }];
        let request = cellar_cell_api::WriteRequest { cell: cell.id, epoch: cell.epoch, writes };
        let node = std::sync::Arc::clone(cluster.node());
        let mut reply = cellar_cell_api::CellService::write(&*node, request).await.unwrap();
        assert!(matches!(reply.outcomes.remove(0), Ok(Outcome::Applied { .. })));
    }
    assert_noted(&mut cluster, false).await;
    cluster.batch_after_ms = 50;
    cluster.restart().await;
    // Another batch, begun later, is finished: the first one would have been by then.
    let third = keys_of(&wide, false).nth(1).unwrap();
    let others = vec![wide.insert(third, 1, "x")];
    let later = Write { id: Some(RequestId(9)), ..begin(wide.insert(first, 2, "x"), others, 0) };
    begun(&cluster, later).await;
    soon("it is finished", async || has(&cluster, &wide, third).await).await;
    assert!(!has(&cluster, &wide, other).await, "nobody had it applied before it ended");
}

fn with_ttl(mut mutation: Mutation, ttl_seconds: u32) -> Mutation {
    if let ChangeKind::Upsert(change) = &mut mutation.changes[0].kind {
        change.ttl_seconds = ttl_seconds;
    }
    mutation
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_applied_again_changes_nothing_whatever_was_written_in_between() {
    let (cluster, wide, _) = halves().await;
    let first = keys_of(&wide, true).next().unwrap();
    let others: Vec<i32> = keys_of(&wide, false).take(5).collect();
    for k in &others {
        cluster.put(wide.insert(*k, 1, "old")).await;
        cluster.put(list(&wide, *k, Operation::ListAppend(ints(&[1])))).await;
    }
    let mutations = vec![
        with_ttl(wide.insert(others[0], 1, "new"), 1_000),
        list(&wide, others[1], Operation::ListAppend(ints(&[2, 3]))),
        list(&wide, others[2], Operation::ListPrepend(ints(&[4, 5]))),
        list(&wide, others[3], Operation::ListReplace(ints(&[6]))),
        wide.mutation(others[4], ChangeKind::DeletePartition),
    ];
    let stamp = begun(&cluster, begin(wide.insert(first, 1, "x"), mutations.clone(), 0)).await;
    // As if the cell had forgotten its answers.
    let write = |again: bool| Write { id: None, ..part(BATCH, stamp, again, mutations.clone()) };
    assert!(matches!(cluster.write(write(false)).await, Ok(Outcome::Applied { .. })));
    // Both a list that grows and values that are newer.
    cluster.put(list(&wide, others[1], Operation::ListAppend(ints(&[7])))).await;
    cluster.put(wide.insert(others[4], 1, "after")).await;
    cluster.clock.advance_us(10_000_000);
    let before = cluster.table(wide.0.id).await;
    for _ in 0..2 {
        assert!(matches!(cluster.write(write(true)).await, Ok(Outcome::Applied { .. })));
        assert_eq!(cluster.table(wide.0.id).await, before);
    }
    let values = |k: i32| {
        let found = before.iter().find(|(key, _)| *key == wide.key(k, 1));
        let (_, row) = found.unwrap();
        match row.column(wide.column("l")) {
            Some(ColumnData::Complex(list)) => {
                list.elements.iter().filter_map(|element| element.data.value.clone()).collect()
            }
            _ => Vec::new(),
        }
    };
    assert_eq!(values(others[1]), ints(&[1, 2, 3, 7]));
    assert_eq!(values(others[2]), ints(&[4, 5, 1]));
    assert_eq!(values(others[3]), ints(&[6]));
    assert!(has(&cluster, &wide, others[4]).await, "what came after the batch stays");
    cluster.clock.advance_us(1_000_000_000);
    let expired = row(&cluster, &wide, others[0]).await.unwrap();
    let value = expired.column(wide.column("v")).cloned();
    assert_eq!(value, None, "it expires by the batch's time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_is_newer_than_what_its_cell_has_applied_and_never_when_it_comes_again() {
    let (cluster, wide, _) = halves().await;
    let first = keys_of(&wide, true).next().unwrap();
    let other = keys_of(&wide, false).next().unwrap();
    let mutation = wide.insert(other, 1, "batch");
    let stamp = begun(&cluster, begin(wide.insert(first, 1, "x"), vec![], 0)).await;
    // The other cell's time runs ahead.
    for n in 0..50 {
        cluster.put(wide.insert(other, 1, &format!("{n}"))).await;
    }
    let write = |again: bool| part(BATCH, stamp, again, vec![mutation.clone()]);
    let text = async || {
        let found = row(&cluster, &wide, other).await.unwrap();
        found.wire_value(wide.column("v"), &cellar_schema::CqlType::Text).unwrap()
    };
    cluster.write(Write { id: None, ..write(true) }).await.unwrap();
    assert_eq!(text().await, "49");
    cluster.write(write(false)).await.unwrap();
    assert_eq!(text().await, "batch");
    cluster.put(wide.insert(other, 1, "later")).await;
    cluster.write(write(false)).await.unwrap();
    cluster.write(Write { id: None, ..write(true) }).await.unwrap();
    assert_eq!(text().await, "later");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_goes_with_the_half_it_belongs_to() {
    let (mut cluster, wide, [left, _]) = halves().await;
    let first = keys_of(&wide, true).next().unwrap();
    let other = keys_of(&wide, false).next().unwrap();
    let others = vec![wide.insert(other, 1, "x")];
    begun(&cluster, begin(wide.insert(first, 1, "x"), others, 0)).await;
    let at = Position::new(wide.0.id, token(&wide, first));
    let new = cluster.split(left, Some(at)).await.unwrap();
    assert_eq!(cluster.cell_of(&wide.partition(first)).id, new);
    cluster.crash().await;
    assert!(!has(&cluster, &wide, other).await);
    finished(&mut cluster, &wide, &[other]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_outlives_the_merge_of_its_cell() {
    let (mut cluster, wide, [left, right]) = halves().await;
    let first = keys_of(&wide, false).next().unwrap();
    let others: Vec<i32> = keys_of(&wide, true).take(2).collect();
    let mutations = others.iter().map(|k| wide.insert(*k, 1, "x")).collect();
    begun(&cluster, begin(wide.insert(first, 1, "x"), mutations, 0)).await;
    cluster.merge(left, right).await.unwrap();
    assert_noted(&mut cluster, true).await;
    cluster.crash().await;
    assert!(!has(&cluster, &wide, others[0]).await);
    finished(&mut cluster, &wide, &others).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_of_a_dropped_table_and_parts_that_are_invalid_fall_away_and_the_rest_does_not() {
    let (mut cluster, wide, _) = halves().await;
    let columns = [
        ("k", cellar_schema::CqlType::Int, cellar_schema::ColumnKind::PartitionKey(0)),
        ("v", cellar_schema::CqlType::Text, cellar_schema::ColumnKind::Regular),
    ];
    cluster.metadata.run(&cluster::tables::create_table("gone", &columns)).unwrap();
    let gone = table(&cluster.metadata, "gone");
    let first = keys_of(&wide, true).next().unwrap();
    let others: Vec<i32> = keys_of(&wide, false).take(2).collect();
    // The column holds one value, and then elements: no cell ever takes that.
    let mut invalid = wide.insert(others[0], 1, "x");
    if let ChangeKind::Upsert(RowChange { operations, .. }) = &mut invalid.changes[0].kind {
        operations.push((wide.column("v"), Operation::Put(Vec::new())));
    }
    let dropped = gone.upsert(
        1,
        keys::row_suffix(&gone.0, &[]).unwrap(),
        "v",
        Operation::Set(value::text("x")),
    );
    let mutations = vec![dropped, invalid, wide.insert(others[1], 1, "x")];
    let catalog = cluster.metadata.now().version;
    begun(&cluster, begin(wide.insert(first, 1, "x"), mutations, catalog)).await;
    let (keyspace, name) = ("ks".to_owned(), "gone".to_owned());
    cluster.metadata.run(&Command::DropTable { keyspace, name, if_exists: false }).unwrap();
    finished(&mut cluster, &wide, &[others[1]]).await;
    assert!(!has(&cluster, &wide, others[0]).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_is_left_alone_until_the_catalog_that_it_was_begun_by_is_known() {
    let (mut cluster, wide, _) = halves().await;
    let first = keys_of(&wide, true).next().unwrap();
    let other = keys_of(&wide, false).next().unwrap();
    let later = cluster.metadata.now().version + 1;
    // A table that this node has not heard of is not one that was dropped.
    let mut unknown = wide.insert(other, 1, "x");
    let next = TableId(cluster.metadata.now().table("ks", "counters").unwrap().id.0 + 1);
    unknown.partition = keys::partition(next, &value::int(other));
    let changes = vec![Change { timestamp_us: None, kind: ChangeKind::DeletePartition }];
    unknown.changes = changes;
    begun(&cluster, begin(wide.insert(first, 1, "x"), vec![unknown], later)).await;
    cluster.batch_after_ms = 20;
    cluster.restart().await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    cluster.batch_after_ms = NEVER_MS;
    assert_noted(&mut cluster, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steps_that_make_no_sense_are_refused() {
    let (mut cluster, wide, _) = halves().await;
    let first = keys_of(&wide, true).next().unwrap();
    let good = begin(wide.insert(first, 1, "x"), vec![], 0);
    let nameless = Write { id: None, ..good.clone() };
    let end = BatchStep::End { partition: wide.partition(first), batch: BATCH };
    let busy = Write { batch: Some(end), ..good };
    let stamp = BatchStamp { timestamp_us: 1, now_seconds: 1 };
    let by_index = list(&wide, first, Operation::ListDiscard(ints(&[1])));
    let unrepeatable = part(BATCH, stamp, false, vec![by_index.clone()]);
    let begun = begin(wide.insert(first, 1, "x"), vec![by_index], 0);
    for write in [nameless, busy, unrepeatable, begun] {
        let refused = cluster.write(write).await;
        assert!(matches!(refused, Err(CellError::Invalid { .. })), "{refused:?}");
    }
    assert!(!has(&cluster, &wide, first).await);
    assert_noted(&mut cluster, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_moves_with_its_cell_and_whoever_leads_it_there_finishes_the_batch() {
    let mut fleet = Fleet::start_leaving_batches(3, 1, NEVER_MS).await;
    let wide = table(&fleet.metadata, "wide");
    let left = fleet.placed()[0].id;
    let at = Some(Position::new(wide.0.id, 0));
    soon("the cell is split", async || fleet.split(left, at).await.is_ok()).await;
    let first = keys_of(&wide, true).next().unwrap();
    let other = keys_of(&wide, false).next().unwrap();
    let write = begin(wide.insert(first, 1, "x"), vec![wide.insert(other, 1, "x")], 0);
    fleet.write(write, |outcome| matches!(outcome, Outcome::Begun { .. })).await;
    let from = fleet.cell(left).replicas[0].0;
    let to = (1..=3).find(|node| *node != from).unwrap();
    fleet.plan(left, &[to]);
    fleet.stands(left, &[to]).await;
    assert_eq!(fleet.rows(&wide, other).await, 0, "nobody has finished it");
    let number = usize::try_from(to).unwrap();
    fleet.stop(number).await;
    fleet.batch_after_ms = 50;
    fleet.open(number).await;
    soon("its new leader finishes it", async || fleet.rows(&wide, other).await == 1).await;
}
