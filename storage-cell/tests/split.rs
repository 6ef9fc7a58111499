//! Splits: nothing is lost, nothing is done twice, and everybody learns of them in the end.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail loudly"
)]

mod cluster;

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI32, Ordering},
    },
};

use cellar_cell_api::{CellError, Outcome, Write};
use cellar_metadata_api::{CellId, Position};
use cellar_schema::{ColumnData, RequestId, keys};
use cluster::{Cluster, tables::table, within};

/// Every cell's key range, in the catalog and on the node.
async fn assert_same_ranges(cluster: &Cluster) {
    let mut here: Vec<_> =
        cluster.cells().await.iter().map(|cell| (cell.cell, cell.range, cell.epoch)).collect();
    here.sort_by_key(|(_, range, _)| range.start);
    let placed: Vec<_> =
        cluster.placed().iter().map(|cell| (cell.id, cell.range, cell.epoch)).collect();
    assert_eq!(here, placed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn writes_in_flight_during_splits_are_applied_exactly_once() {
    let mut cluster = Cluster::start().await;
    let counters = table(&cluster.metadata, "counters");
    let wide = table(&cluster.metadata, "wide");
    for k in 0..50 {
        cluster.put(wide.insert(k, 0, "before")).await;
    }
    let (stop, sent) = (AtomicBool::new(false), AtomicI32::new(0));
    let writing = async |worker: i32| {
        let mut count = 0;
        while !stop.load(Ordering::Relaxed) {
            let n = sent.fetch_add(1, Ordering::Relaxed);
            let add = counters.add(n % 40, 1);
            let id = Some(RequestId(n.unsigned_abs().into()));
            let write = Write { id, mutations: vec![add], ..Write::default() };
            let twice = [write.clone(), write];
            for write in twice {
                let outcome = cluster.write(write).await;
                assert!(matches!(outcome, Ok(Outcome::Applied { .. })), "{outcome:?}");
            }
            cluster.put(wide.insert(n, worker, "during")).await;
            count += 1;
        }
        count
    };
    let splitting = async {
        for round in 0..6 {
            let placed = cluster.placed();
            let cell = &placed[round % placed.len()];
            match cluster.split(cell.id, None).await {
                Ok(_) | Err(CellError::Invalid { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
        stop.store(true, Ordering::Relaxed);
    };
    let (a, b, c, d, ()) = tokio::join!(writing(1), writing(2), writing(3), writing(4), splitting);
    assert!(cluster.placed().len() >= 4, "{:?}", cluster.placed());
    assert_same_ranges(&cluster).await;
    for _ in 0..2 {
        let rows = cluster.table(counters.0.id).await;
        let total: i64 = rows
            .iter()
            .map(|(_, row)| match &row.columns[0].1 {
                ColumnData::Counter(counter) => counter.total,
                other => panic!("{other:?}"),
            })
            .sum();
        assert_eq!(total, i64::from(a + b + c + d));
        let found = cluster.table(wide.0.id).await;
        assert_eq!(found.len(), usize::try_from(50 + a + b + c + d).unwrap());
        assert!(found.is_sorted_by_key(|(key, _)| key.clone()));
        cluster.crash().await;
        assert_same_ranges(&cluster).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_split_that_the_metadata_service_missed_is_told_after_a_crash() {
    let mut cluster = Cluster::start().await;
    let wide = table(&cluster.metadata, "wide");
    for k in 0..20 {
        cluster.put(wide.insert(k, 0, "x")).await;
    }
    // The service goes away between the handing out of the id and the end of the split.
    let left = cluster.placed()[0].id;
    let at = Position::new(wide.0.id, 0);
    let node = Arc::clone(cluster.node());
    let metadata = Arc::clone(&cluster.metadata);
    let mut catalog = cellar_metadata_api::Metadata::catalog(&*metadata);
    metadata.forget_splits.store(true, Ordering::SeqCst);
    let asked = cellar_cell_api::AdminRequest::Split { cell: left, at: Some(at) };
    let splitting = cellar_cell_api::CellService::admin(&*node, asked);
    let unanswered = tokio::time::timeout(std::time::Duration::from_millis(400), splitting).await;
    assert!(unanswered.is_err(), "{unanswered:?}");
    drop(node);
    assert_eq!(cluster.placed().len(), 1);
    catalog.mark_unchanged();
    cluster.crash().await;
    assert_eq!(cluster.cells().await.len(), 2);
    metadata.forget_splits.store(false, Ordering::SeqCst);
    within("the service knows of the split", async || cluster.placed().len() == 2).await;
    assert_same_ranges(&cluster).await;
    assert_eq!(cluster.table(wide.0.id).await.len(), 20);
    cluster.put(wide.insert(100, 0, "after")).await;
    assert_eq!(cluster.table(wide.0.id).await.len(), 21);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_split_whose_answer_is_lost_is_told_again_and_stays_one_split() {
    let cluster = Cluster::start().await;
    let wide = table(&cluster.metadata, "wide");
    for k in 0..20 {
        cluster.put(wide.insert(k, 0, "x")).await;
    }
    cluster.metadata.mute_splits.store(true, Ordering::SeqCst);
    let left = cluster.placed()[0].id;
    cluster.split(left, Some(Position::new(wide.0.id, 0))).await.unwrap();
    assert_same_ranges(&cluster).await;
    assert_eq!(cluster.placed().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cell_that_grows_too_large_is_split_by_itself() {
    let cluster = Cluster::start_with(200_000).await;
    let wide = table(&cluster.metadata, "wide");
    let text = "a long text ".repeat(100);
    for k in 0..400 {
        cluster.put(wide.insert(k, 0, &text)).await;
    }
    within("there are three cells", async || cluster.placed().len() >= 3).await;
    assert_eq!(cluster.table(wide.0.id).await.len(), 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_single_partition_is_never_split_and_two_tables_are_split_between_partitions() {
    let cluster = Cluster::start().await;
    let (wide, counters) = (table(&cluster.metadata, "wide"), table(&cluster.metadata, "counters"));
    for c in 0..30 {
        cluster.put(wide.insert(1, c, "hot")).await;
    }
    let cell = cluster.placed()[0].id;
    let refused = cluster.split(cell, None).await;
    assert!(matches!(refused, Err(CellError::Invalid { .. })), "{refused:?}");
    let outside = cluster.split(cell, Some(Position::MIN)).await;
    assert!(matches!(outside, Err(CellError::Invalid { .. })), "{outside:?}");
    cluster.put(counters.add(1, 1)).await;
    let right = cluster.split(cell, None).await.unwrap();
    let placed = cluster.placed();
    assert_eq!((placed.len(), placed[1].id), (2, right));
    let hot = keys::token_of(&wide.partition(1)).unwrap();
    assert_eq!(placed[1].range.start, Position::new(wide.0.id, hot + 1));
    assert_eq!(cluster.table(wide.0.id).await.len(), 30);
    assert_eq!(cluster.table(counters.0.id).await.len(), 1);
    let ids: BTreeSet<CellId> = placed.iter().map(|cell| cell.id).collect();
    assert_eq!(ids.len(), 2);
}
