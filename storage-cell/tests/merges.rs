//! Merges: two cells become one, and nothing is lost, done twice or comes back.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail loudly"
)]

mod cluster;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use cellar_cell_api::{AdminAnswer, AdminRequest, CellError, CellService, Outcome, Write};
use cellar_engine::{Engine, Options};
use cellar_metadata_api::{CellId, Position};
use cellar_schema::{ChangeKind, ColumnData, RequestId, Row};
use cellar_storage_cell::MergeSteps;
use cluster::{
    Cluster,
    tables::{Known, table},
    trio::Trio,
    within,
};

/// A node with one cell for each half of the tokens of a table.
async fn halves() -> (Cluster, Known) {
    let cluster = Cluster::start().await;
    let wide = table(&cluster.metadata, "wide");
    let whole = cluster.placed()[0].id;
    cluster.split(whole, Some(Position::new(wide.0.id, 0))).await.unwrap();
    (cluster, wide)
}

/// Ends merges once at a step.
fn end_once_at(end: &'static str) -> MergeSteps {
    let ended = AtomicBool::new(false);
    Arc::new(move |step| step != end || ended.swap(true, Ordering::SeqCst))
}

async fn assert_same_ranges(cluster: &Cluster) {
    let mut here: Vec<_> =
        cluster.cells().await.iter().map(|cell| (cell.cell, cell.range, cell.epoch)).collect();
    here.sort_by_key(|(_, range, _)| range.start);
    let placed: Vec<_> =
        cluster.placed().iter().map(|cell| (cell.id, cell.range, cell.epoch)).collect();
    assert_eq!(here, placed);
}

fn sum(rows: &[(Bytes, Row)]) -> i64 {
    let totals = rows.iter().map(|(_, row)| match &row.columns[0].1 {
        ColumnData::Counter(counter) => counter.total,
        other => panic!("{other:?}"),
    });
    totals.sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merge_keeps_rows_deletes_and_answers_and_the_cell_splits_and_merges_again() {
    let (mut cluster, wide) = halves().await;
    let counters = table(&cluster.metadata, "counters");
    for k in 0..40 {
        cluster.put(wide.insert(k, 0, "x")).await;
        cluster.put(wide.insert(k, 1, "x")).await;
    }
    let old = |k: i32, kind: ChangeKind, us: i64| {
        let mut mutation = wide.mutation(k, kind);
        mutation.changes[0].timestamp_us = Some(us);
        mutation
    };
    for k in 0..40 {
        match k % 4 {
            0 => cluster.put(wide.mutation(k, ChangeKind::DeletePartition)).await,
            1 => {
                cluster
                    .put(wide.mutation(k, ChangeKind::DeleteRow { suffix: wide.suffix(0) }))
                    .await
            }
            _ => {}
        }
    }
    let add = |n: i32| Write {
        id: Some(RequestId(n.unsigned_abs().into())),
        mutations: vec![counters.add(n, 5)],
        ..Write::default()
    };
    let mut first = Vec::new();
    for n in 0..20 {
        first.push(cluster.write(add(n)).await.unwrap());
    }
    let before = cluster.table(wide.0.id).await;
    assert_eq!(before.len(), 50);
    for round in 0..3 {
        let placed = cluster.placed();
        assert_eq!(placed.len(), 2);
        let (left, right) = (placed[0].id, placed[1].id);
        let epoch = cluster.merge(left, right).await.unwrap();
        assert_same_ranges(&cluster).await;
        let placed = cluster.placed();
        assert_eq!((placed.len(), placed[0].id, placed[0].epoch), (1, left, epoch));
        assert_eq!(cluster.table(wide.0.id).await, before);
        // A late write does not bring back what was deleted.
        for k in 0..40 {
            let mut late = wide.insert(k, 0, "late");
            late.changes[0].timestamp_us = Some(cluster::START_US - 1);
            if k % 4 < 2 {
                cluster.put(late).await;
            }
        }
        assert_eq!(cluster.table(wide.0.id).await, before);
        for (n, outcome) in (0..).zip(&first) {
            assert_eq!(&cluster.write(add(n)).await.unwrap(), outcome, "a retry in round {round}");
        }
        assert_eq!(sum(&cluster.table(counters.0.id).await), 100);
        match round {
            0 => cluster.crash().await,
            1 => cluster.restart().await,
            _ => {}
        }
        assert_same_ranges(&cluster).await;
        assert_eq!(cluster.table(wide.0.id).await, before);
        let at = Some(Position::new(wide.0.id, round.into()));
        cluster.split(left, at).await.unwrap();
        assert_eq!(cluster.table(wide.0.id).await, before);
    }
    cluster.put(old(2, ChangeKind::DeletePartition, cluster::START_US - 2)).await;
    assert_eq!(cluster.table(wide.0.id).await, before);
    cluster.crash().await;
    assert_eq!(cluster.table(wide.0.id).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn writes_in_flight_during_merges_and_splits_are_applied_exactly_once() {
    let (mut cluster, wide) = halves().await;
    let counters = table(&cluster.metadata, "counters");
    let (stop, sent) = (AtomicBool::new(false), AtomicI32::new(0));
    let writing = async |worker: i32| {
        let mut count = 0;
        while !stop.load(Ordering::Relaxed) {
            let n = sent.fetch_add(1, Ordering::Relaxed);
            let id = Some(RequestId(n.unsigned_abs().into()));
            let write = Write { id, mutations: vec![counters.add(n % 40, 1)], ..Write::default() };
            for write in [write.clone(), write] {
                let outcome = cluster.write(write).await;
                assert!(matches!(outcome, Ok(Outcome::Applied { .. })), "{outcome:?}");
            }
            cluster.put(wide.insert(n, worker, "during")).await;
            count += 1;
        }
        count
    };
    let merging = async {
        for round in 0..6 {
            let placed = cluster.placed();
            cluster.merge(placed[0].id, placed[1].id).await.unwrap();
            let at = Some(Position::new(wide.0.id, i64::from(round) << 60));
            cluster.split(placed[0].id, at).await.unwrap();
        }
        stop.store(true, Ordering::Relaxed);
    };
    let (a, b, c, ()) = tokio::join!(writing(1), writing(2), writing(3), merging);
    for _ in 0..2 {
        assert_same_ranges(&cluster).await;
        assert_eq!(sum(&cluster.table(counters.0.id).await), i64::from(a + b + c));
        let found = cluster.table(wide.0.id).await;
        assert_eq!(found.len(), usize::try_from(a + b + c).unwrap());
        cluster.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_half_whose_merge_never_came_serves_again_after_a_crash_and_merges_later() {
    let (mut cluster, wide) = halves().await;
    for k in 0..20 {
        cluster.put(wide.insert(k, 0, "x")).await;
    }
    cluster.merge_goes_on = Some(end_once_at("merge.frozen"));
    cluster.restart().await;
    let placed = cluster.placed();
    let ended = cluster.merge(placed[0].id, placed[1].id).await;
    assert!(matches!(ended, Err(CellError::Unknown { .. })), "{ended:?}");
    cluster.crash().await;
    within("the right half serves again", async || {
        let rows = (0..20).map(|k| cluster.page(cluster::read(wide.key(k, 0), wide.key(k, 1))));
        futures::future::join_all(rows).await.iter().all(Result::is_ok)
    })
    .await;
    for k in 20..40 {
        cluster.put(wide.insert(k, 0, "x")).await;
    }
    // The left half moved on, so that the merge could not come late: the catalog does not mind.
    cluster.merge(placed[0].id, placed[1].id).await.unwrap();
    assert_eq!(cluster.table(wide.0.id).await.len(), 40);
    assert_eq!(cluster.placed().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merge_that_nobody_was_told_of_is_told_after_a_crash() {
    let (mut cluster, wide) = halves().await;
    for k in 0..20 {
        cluster.put(wide.insert(k, 0, "x")).await;
    }
    cluster.merge_goes_on = Some(end_once_at("merge.taken-over"));
    cluster.restart().await;
    cluster.metadata.forget_merges.store(true, Ordering::SeqCst);
    let placed = cluster.placed();
    let ended = cluster.merge(placed[0].id, placed[1].id).await;
    assert!(matches!(ended, Err(CellError::Unknown { .. })), "{ended:?}");
    assert_eq!(cluster.placed().len(), 2);
    cluster.crash_alone().await;
    assert_eq!(cluster.placed().len(), 2);
    cluster.metadata.forget_merges.store(false, Ordering::SeqCst);
    within("the merge is known", async || cluster.placed().len() == 1).await;
    assert_same_ranges(&cluster).await;
    assert_eq!(cluster.table(wide.0.id).await.len(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_pair_of_neighbours_or_too_large_is_not_merged_and_serves_on() {
    let (cluster, wide) = halves().await;
    let first = cluster.placed()[0].id;
    let middle = cluster.split(first, Some(Position::new(wide.0.id, -9))).await.unwrap();
    let last = cluster.placed()[2].id;
    for (left, right) in [(first, last), (middle, first), (first, first)] {
        let refused = cluster.merge(left, right).await;
        assert!(matches!(refused, Err(CellError::Invalid { .. })), "{refused:?}");
    }
    let unknown = cluster.merge(first, CellId(99)).await;
    assert!(matches!(unknown, Err(CellError::WrongCell { .. })), "{unknown:?}");
    let text = "x".repeat(1 << 20);
    for k in 0..24 {
        cluster.put(wide.insert(k, 0, &text)).await;
    }
    let refused = cluster.merge(middle, last).await;
    assert!(matches!(refused, Err(CellError::Invalid { .. })), "{refused:?}");
    assert_eq!(cluster.table(wide.0.id).await.len(), 24);
    cluster.merge(first, middle).await.unwrap();
    assert_eq!(cluster.table(wide.0.id).await.len(), 24);
}

/// Everything that a stopped node has of users' rows, deletes and answers.
fn stored(dir: &Path, number: usize) -> BTreeMap<Bytes, Bytes> {
    let rows = dir.join(format!("disk-{number}")).join("rows");
    let engine = Engine::open(&rows, Options::default()).unwrap();
    let snapshot = engine.snapshot();
    let all =
        snapshot.scan(Bytes::new()..Bytes::from_static(&[0xff; 16]), false).map(Result::unwrap);
    all.filter(|(key, _)| !key.starts_with(&[0, 0, 0, 0]) || key[4] == 3).collect()
}

/// Waits until every member has applied the same, stops all, and compares.
async fn assert_equal_replicas(trio: &mut Trio) {
    within("all members have applied the same", async || {
        let mut all = Vec::new();
        for member in trio.running() {
            let cells = member.cells().await;
            let of = |cell: &cellar_cell_api::CellReport| {
                (cell.cell, cell.range, cell.epoch, cell.applied_index)
            };
            all.push(cells.iter().map(of).collect::<Vec<_>>());
        }
        all.len() == 3 && all.iter().all(|one| *one == all[0])
    })
    .await;
    for member in trio.members.iter_mut() {
        member.take().unwrap().stop().await;
    }
    let first = stored(trio.dir.path(), 0);
    assert!(!first.is_empty());
    for number in 1..3 {
        assert!(first == stored(trio.dir.path(), number), "I-13: member {number} differs");
    }
}

/// Splits the only cell in the middle of the table's tokens; says both halves.
async fn split(trio: &Trio) -> (CellId, CellId) {
    let at = Some(Position::new(trio.table.0.id, 0));
    let cell = trio.metadata.now().placements.values().next().unwrap().cells().next().unwrap().id;
    let mut halves = None;
    within("the cell is split", async || {
        for member in trio.running() {
            match member.node.admin(AdminRequest::Split { cell, at }).await {
                Ok(AdminAnswer::Split(right)) => {
                    halves = Some((cell, right));
                    return true;
                }
                Err(CellError::NotLeader { .. } | CellError::WrongCell { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
        false
    })
    .await;
    halves.unwrap()
}

/// Asks whoever leads the left half until it is done.
async fn merge(trio: &Trio, left: CellId, right: CellId) {
    within("the halves are merged", async || {
        for member in trio.running() {
            let asked = member.node.admin(AdminRequest::Merge { left, right }).await;
            match asked {
                Ok(AdminAnswer::Merged(_)) => return true,
                Err(
                    CellError::NotLeader { .. }
                    | CellError::Unavailable { .. }
                    | CellError::Unknown { .. }
                    | CellError::Invalid { .. },
                ) => {}
                other => panic!("{other:?}"),
            }
        }
        false
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_replica_that_was_away_during_a_merge_follows_by_the_log() {
    let mut trio = Trio::start().await;
    let (left, right) = split(&trio).await;
    for k in 0..40 {
        trio.write(trio.table.insert(k, 0, "before")).await;
    }
    let away = (trio.leader().await + 1) % 3;
    trio.members[away].take().unwrap().stop().await;
    for k in 0..40 {
        trio.write(trio.table.insert(k, 1, "away")).await;
    }
    trio.write(trio.table.mutation(3, ChangeKind::DeletePartition)).await;
    merge(&trio, left, right).await;
    for k in 0..40 {
        trio.write(trio.table.insert(k, 2, "merged")).await;
    }
    trio.restart(away).await;
    assert_equal_replicas(&mut trio).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_replica_that_missed_a_merge_and_its_log_follows_by_a_snapshot() {
    let mut trio = Trio::start().await;
    let (left, right) = split(&trio).await;
    for k in 0..40 {
        trio.write(trio.table.insert(k, 0, "before")).await;
    }
    let away = (trio.leader().await + 1) % 3;
    trio.members[away].take().unwrap().stop().await;
    // What it has of these must not be there afterwards.
    for k in 0..20 {
        trio.write(trio.table.mutation(k, ChangeKind::DeletePartition)).await;
    }
    merge(&trio, left, right).await;
    let large = "x".repeat(1 << 20);
    for k in 40..70 {
        trio.write(trio.table.insert(k, 0, &large)).await;
    }
    // The log is looked at once a second.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    trio.restart(away).await;
    assert_equal_replicas(&mut trio).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn another_leader_ends_what_one_that_stopped_after_the_freeze_began() {
    let mut trio = Trio::start_with(Some(end_once_at("merge.frozen"))).await;
    let (left, right) = split(&trio).await;
    for k in 0..40 {
        trio.write(trio.table.insert(k, 0, "before")).await;
    }
    let mut ended = None;
    within("a merge begins", async || {
        for (number, member) in trio.members.iter().enumerate() {
            let asked = member.as_ref().unwrap().node.admin(AdminRequest::Merge { left, right });
            if matches!(asked.await, Err(CellError::Unknown { .. })) {
                ended = Some(number);
                return true;
            }
        }
        false
    })
    .await;
    let began = ended.unwrap();
    trio.members[began].take().unwrap().stop().await;
    for k in 0..40 {
        trio.write(trio.table.insert(k, 1, "after")).await;
    }
    trio.restart(began).await;
    merge(&trio, left, right).await;
    for k in 0..40 {
        trio.write(trio.table.insert(k, 2, "merged")).await;
    }
    assert_equal_replicas(&mut trio).await;
}
