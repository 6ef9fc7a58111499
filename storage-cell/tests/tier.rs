//! The cold tier: rows that are cold read as if they were hot, and take every kind of write, late
//! ones included, as if they were hot.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests fail loudly"
)]

mod cluster;
#[path = "tier/twins.rs"]
mod twins;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use cellar_cell_api::{AdminAnswer, AdminRequest, CellError, CellService, Outcome, Write};
use cellar_metadata_api::Position;
use cellar_schema::{ChangeKind, Condition, Operation, Row, Test, keys, value};
use cellar_storage_cell::Node;
use cellar_tiering::store::FaultPlan;
use cluster::{Cluster, read};
use twins::{HOT_SECONDS, create_tiered};

/// Moves what is old enough; says how many rows.
async fn tier(node: &Arc<Node>) -> u64 {
    match node.admin(AdminRequest::Tier { cell: None }).await.unwrap() {
        AdminAnswer::Tiered { rows, .. } => rows,
        other => panic!("{other:?}"),
    }
}

fn grow_old(cluster: &Cluster) {
    cluster.clock.advance_us((HOT_SECONDS + 2) * 1_000_000);
}

/// Keys that the engine still holds, as far as one can see from outside: rows less cold ones.
async fn cold_rows(cluster: &Cluster) -> u64 {
    cluster.cells().await.iter().map(|cell| cell.cold_rows).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_read_the_same_hot_and_cold_and_after_a_restart_and_a_crash() {
    let mut cluster = Cluster::start().await;
    let tiered = create_tiered(&cluster.metadata, "tiered");
    for k in 0..40 {
        for c in 0..50 {
            cluster.put(tiered.insert(k, c, &format!("value {k} {c}"))).await;
        }
        cluster.put(tiered.insert_static(k, "shared")).await;
    }
    let before = cluster.table(tiered.0.id).await;
    assert_eq!(tier(cluster.node()).await, 0, "nothing is old yet");
    grow_old(&cluster);
    cluster.put(tiered.insert(1000, 0, "young")).await;
    let before_and_young = cluster.table(tiered.0.id).await;
    assert_eq!(before_and_young.len(), before.len() + 1);
    assert_eq!(tier(cluster.node()).await, 2000, "all rows but the young one; statics stay");
    assert_eq!(cold_rows(&cluster).await, 2000);
    assert_eq!(cluster.table(tiered.0.id).await, before_and_young);
    assert_eq!(tier(cluster.node()).await, 0, "nothing is moved twice");
    cluster.restart().await;
    assert_eq!(cluster.table(tiered.0.id).await, before_and_young);
    cluster.crash().await;
    assert_eq!(cluster.table(tiered.0.id).await, before_and_young);
    assert_eq!(cold_rows(&cluster).await, 2000);
    // Points, slices, backwards, in small pages.
    let key = tiered.key(7, 9);
    let page = cluster.page(read(key.clone(), keys::after(&key))).await.unwrap();
    assert_eq!(page.rows, before.iter().filter(|(k, _)| *k == key).cloned().collect::<Vec<_>>());
    let (start, end) = (tiered.key(7, 10), tiered.key(7, 20));
    let expected: Vec<(_, Row)> =
        before.iter().filter(|(k, _)| *k >= start && *k < end).cloned().collect();
    assert_eq!(expected.len(), 10);
    assert_eq!(cluster.span(start.clone(), end.clone(), 3).await, expected);
    let mut backwards = read(start, end);
    (backwards.reverse, backwards.rows_max) = (true, 4);
    let mut rows = Vec::new();
    loop {
        let page = cluster.page(backwards.clone()).await.unwrap();
        rows.extend(page.rows);
        match page.resume {
            Some(resume) => backwards.end = resume,
            None => break,
        }
    }
    assert!(rows.iter().eq(expected.iter().rev()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conditions_are_tested_against_cold_rows() {
    let cluster = Cluster::start().await;
    let tiered = create_tiered(&cluster.metadata, "tiered");
    cluster.put(tiered.insert(1, 1, "old")).await;
    grow_old(&cluster);
    assert_eq!(tier(cluster.node()).await, 1);
    let condition =
        |test| Condition { partition: tiered.partition(1), suffix: tiered.suffix(1), test };
    let insert_if = |test| Write {
        id: None,
        mutations: vec![tiered.insert(1, 1, "new")],
        conditions: vec![condition(test)],
        batch: None,
        now_seconds: None,
    };
    let refused = cluster.write(insert_if(Test::NotExists)).await.unwrap();
    let Outcome::NotApplied { current, .. } = refused else { panic!("{refused:?}") };
    assert_eq!(twins::text(current[0].as_ref().unwrap(), tiered.column("v")), "old");
    let applied = cluster.write(insert_if(Test::Exists)).await.unwrap();
    let Outcome::Applied { previous, .. } = applied else { panic!("{applied:?}") };
    assert_eq!(twins::text(previous[0].as_ref().unwrap(), tiered.column("v")), "old");
    let rows = cluster.table(tiered.0.id).await;
    assert_eq!(twins::text(&rows[0].1, tiered.column("v")), "new");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_need_cold_rows_succeed_while_rows_move() {
    let cluster = Cluster::start().await;
    let tiered = create_tiered(&cluster.metadata, "tiered");
    let append = |k: i32, n: i32| {
        let list = Operation::ListAppend(vec![value::int(n)]);
        tiered.upsert(k, tiered.suffix(0), "l", list)
    };
    let set = |k: i32, n: i32| {
        let list = Operation::ListSet(0, Some(value::int(n)));
        tiered.upsert(k, tiered.suffix(0), "l", list)
    };
    for k in 0..50 {
        cluster.put(append(k, -1)).await;
    }
    let writing = async {
        for n in 0..400 {
            cluster.put(set(n % 50, n)).await;
        }
    };
    let moving = async {
        let mut moved = 0;
        for _ in 0..40 {
            grow_old(&cluster);
            moved += tier(cluster.node()).await;
        }
        moved
    };
    let ((), moved) = tokio::join!(writing, moving);
    assert!(moved > 100, "{moved} moved");
    let rows = cluster.table(tiered.0.id).await;
    assert_eq!(rows.len(), 50);
    let mut last: Vec<i32> = rows.iter().map(|(_, row)| twins::ints(row, &tiered)[0]).collect();
    last.sort_unstable();
    assert_eq!(last, (350..400).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_never_miss_a_row_while_rows_move() {
    let cluster = Arc::new(Cluster::start().await);
    let tiered = create_tiered(&cluster.metadata, "tiered");
    for k in 0..30 {
        cluster.put(tiered.insert(k, 0, "x")).await;
    }
    let done = Arc::new(AtomicBool::new(false));
    let reading = || {
        let (cluster, done, table) = (Arc::clone(&cluster), Arc::clone(&done), tiered.0.id);
        tokio::spawn(async move {
            let mut reads = 0_u32;
            while !done.load(Ordering::Relaxed) {
                assert_eq!(cluster.table(table).await.len(), 30, "after {reads} reads");
                reads += 1;
            }
            reads
        })
    };
    let readers = [reading(), reading()];
    for round in 0..15 {
        grow_old(&cluster);
        assert_eq!(tier(cluster.node()).await, 30);
        for k in 0..30 {
            cluster.put(tiered.insert(k, 0, &format!("{round}"))).await;
        }
    }
    done.store(true, Ordering::Relaxed);
    for reader in readers {
        assert!(reader.await.unwrap() > 15);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_small_segments_are_folded_into_few() {
    let mut cluster = Cluster::start().await;
    let tiered = create_tiered(&cluster.metadata, "tiered");
    for round in 0..30 {
        for k in 0..10 {
            cluster.put(tiered.insert(k, round % 7, &format!("round {round}"))).await;
        }
        grow_old(&cluster);
        assert_eq!(tier(cluster.node()).await, 10);
        assert!(twins::objects(&cluster) <= 20, "{} objects", twins::objects(&cluster));
    }
    // 30 rounds: three folds, and six segments since.
    assert_eq!(twins::objects(&cluster), 3 + 6);
    for _ in 0..2 {
        let rows = cluster.table(tiered.0.id).await;
        assert_eq!(rows.len(), 70);
        for (at, (_, row)) in rows.iter().enumerate() {
            let newest = 23 + (at + 5) % 7;
            assert_eq!(twins::text(row, tiered.column("v")), format!("round {newest}"), "{at}");
        }
        cluster.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_fails_and_loses_answers_costs_time_and_no_row() {
    let mut cluster = Cluster::start().await;
    let tiered = create_tiered(&cluster.metadata, "tiered");
    let sound = cluster.faults;
    let (mut errors, mut seed) = (0, 0);
    for round in 0..6 {
        for k in 0..30 {
            cluster.put(tiered.insert(k, 0, &format!("round {round}"))).await;
        }
        grow_old(&cluster);
        cluster.faults = FaultPlan {
            seed,
            lost_answers_percent: 25,
            errors_percent: 35,
            torn_puts_percent: 20,
            ..sound
        };
        seed += 1;
        cluster.restart().await;
        let mut moved = 0;
        while moved < 30 {
            match cluster.node().admin(AdminRequest::Tier { cell: None }).await {
                Ok(AdminAnswer::Tiered { rows, .. }) => moved += rows,
                Ok(other) => panic!("{other:?}"),
                Err(CellError::Unavailable { .. } | CellError::Damaged { .. }) => errors += 1,
                Err(error) => panic!("{error}"),
            }
            // A failed removal of garbage is an error, too, after rows moved.
            moved = moved.max(30 * u64::from(cold_rows(&cluster).await >= 30 * (round + 1)));
        }
        cluster.faults = sound;
        cluster.crash().await;
        let rows = cluster.table(tiered.0.id).await;
        assert_eq!(rows.len(), 30);
        for (_, row) in &rows {
            assert_eq!(twins::text(row, tiered.column("v")), format!("round {round}"));
        }
    }
    assert!(errors > 0, "the store never failed");
    grow_old(&cluster);
    tier(cluster.node()).await;
    assert_eq!(twins::objects(&cluster), 6, "what failed writes left is removed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_halves_of_a_split_read_the_segments_of_the_whole() {
    let mut cluster = Cluster::start().await;
    let tiered = create_tiered(&cluster.metadata, "tiered");
    for k in 0..200 {
        cluster.put(tiered.insert(k, 0, "x")).await;
    }
    grow_old(&cluster);
    assert_eq!(tier(cluster.node()).await, 200);
    let before = cluster.table(tiered.0.id).await;
    let cell = cluster.placed()[0].id;
    let at = cellar_metadata_api::Position::new(tiered.0.id, 0);
    cluster.split(cell, Some(at)).await.unwrap();
    assert_eq!(cluster.placed().len(), 2);
    for _ in 0..2 {
        assert_eq!(cluster.table(tiered.0.id).await, before);
        cluster.crash().await;
    }
    for k in 0..200 {
        cluster.put(tiered.mutation(k, cellar_schema::ChangeKind::DeletePartition)).await;
    }
    assert!(cluster.table(tiered.0.id).await.is_empty());
    grow_old(&cluster);
    assert_eq!(tier(cluster.node()).await, 0, "deletions stay hot");
    assert!(cluster.table(tiered.0.id).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_of_dropped_tables_and_dead_writers_are_removed() {
    let mut cluster = Cluster::start().await;
    let tiered = create_tiered(&cluster.metadata, "tiered");
    let other = create_tiered(&cluster.metadata, "other");
    for k in 0..20 {
        cluster.put(tiered.insert(k, 0, "x")).await;
        cluster.put(other.insert(k, 0, "x")).await;
    }
    grow_old(&cluster);
    assert_eq!(tier(cluster.node()).await, 40);
    assert_eq!(twins::objects(&cluster), 2);
    twins::drop_table(&cluster.metadata, "tiered");
    cluster::within("the table's segment is given up", async || cold_rows(&cluster).await == 20)
        .await;
    grow_old(&cluster);
    tier(cluster.node()).await;
    assert_eq!(twins::objects(&cluster), 1, "the object of the dropped table is gone");
    assert_eq!(cluster.table(other.0.id).await.len(), 20);
    // A node that dies between the object and its commit.
    for k in 20..30 {
        cluster.put(other.insert(k, 0, "x")).await;
    }
    grow_old(&cluster);
    twins::die_while_moving(&mut cluster).await;
    let left = twins::objects(&cluster);
    assert_eq!(cluster.table(other.0.id).await.len(), 30);
    grow_old(&cluster);
    tier(cluster.node()).await;
    assert_eq!(cluster.table(other.0.id).await.len(), 30);
    assert!(twins::objects(&cluster) <= left.max(3), "{left}");
    assert_eq!(cold_rows(&cluster).await, 30);
    assert_eq!(twins::objects(&cluster), 2, "an object without a commit is gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cold_rows_of_both_halves_are_there_after_a_merge_once_each() {
    let mut cluster = Cluster::start().await;
    let tiered = create_tiered(&cluster.metadata, "tiered");
    for k in 0..40 {
        cluster.put(tiered.insert(k, 0, "before the split")).await;
    }
    grow_old(&cluster);
    assert_eq!(tier(cluster.node()).await, 40, "in a segment that reaches into both halves");
    let left = cluster.placed()[0].id;
    let right = cluster.split(left, Some(Position::new(tiered.0.id, 0))).await.unwrap();
    for k in 0..40 {
        cluster.put(tiered.insert(k, 1, "after the split")).await;
    }
    for k in 0..10 {
        cluster.put(tiered.mutation(k, ChangeKind::DeletePartition)).await;
    }
    grow_old(&cluster);
    assert_eq!(tier(cluster.node()).await, 30, "a segment for each half");
    cluster.put(tiered.insert(5, 5, "hot")).await;
    let before = cluster.table(tiered.0.id).await;
    assert_eq!(before.len(), 61);
    cluster.merge(left, right).await.unwrap();
    for _ in 0..2 {
        assert_eq!(cluster.table(tiered.0.id).await, before);
        assert_eq!(cold_rows(&cluster).await, 70, "the shared segment counts once");
        cluster.crash().await;
    }
    // What depends on cold rows finds them by the merged manifest.
    let condition =
        Condition { partition: tiered.partition(30), suffix: tiered.suffix(0), test: Test::Exists };
    let write = Write {
        id: None,
        mutations: vec![tiered.insert(30, 0, "new")],
        conditions: vec![condition],
        batch: None,
        now_seconds: None,
    };
    let applied = cluster.write(write).await.unwrap();
    assert!(matches!(applied, Outcome::Applied { .. }), "{applied:?}");
    grow_old(&cluster);
    tier(cluster.node()).await;
    assert_eq!(cluster.table(tiered.0.id).await.len(), 61);
}
