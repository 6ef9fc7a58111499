//! What becomes of a write: once, wholly or not at all, and at a time of its own.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail loudly"
)]

mod cluster;

use std::collections::BTreeSet;

use bytes::Bytes;
use cellar_cell_api::{
    CellError, CellService, Outcome, ReadLevel, ReadRequest, Write, WriteRequest,
};
use cellar_metadata_api::{CellId, Command, Epoch, Position};
use cellar_schema::{
    ChangeKind, ColumnData, ColumnKind, Condition, CqlType, Operation, Order, RequestId, Row,
    RowChange, Test, keys, value,
};
use cluster::{
    Cluster, START_US, read,
    tables::{Known, create_table, table},
    within,
};

fn conditional(id: u128, table: &Known, test: Test, v: &str) -> Write {
    let condition = Condition { partition: table.partition(1), suffix: table.suffix(1), test };
    Write {
        id: Some(RequestId(id)),
        mutations: vec![table.insert(1, 1, v)],
        conditions: vec![condition],
        batch: None,
        now_seconds: None,
    }
}

fn total(row: &Row) -> i64 {
    match &row.columns[0].1 {
        ColumnData::Counter(counter) => counter.total,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_gets_the_first_answer_also_after_a_crash_and_a_split() {
    let mut cluster = Cluster::start().await;
    let wide = table(&cluster.metadata, "wide");
    let counters = table(&cluster.metadata, "counters");
    let claim = conditional(1, &wide, Test::NotExists, "mine");
    let id = Some(RequestId(2));
    let add = Write { id, mutations: vec![counters.add(1, 5)], ..Write::default() };
    for round in 0..4 {
        let claimed = cluster.write(claim.clone()).await.unwrap();
        assert!(matches!(&claimed, Outcome::Applied { previous, .. } if *previous == [None]));
        let added = cluster.write(add.clone()).await.unwrap();
        assert!(matches!(added, Outcome::Applied { .. }));
        let rows = cluster.table(counters.0.id).await;
        assert_eq!(total(&rows[0].1), 5, "round {round}");
        match round {
            0 => cluster.crash().await,
            1 => {
                let cell = cluster.placed()[0].id;
                let token = keys::token_of(&counters.partition(1)).unwrap();
                let at = Position::new(counters.0.id, token);
                cluster.split(cell, Some(at)).await.unwrap();
            }
            _ => cluster.restart().await,
        }
    }
    let other = conditional(3, &wide, Test::NotExists, "theirs");
    match cluster.write(other).await.unwrap() {
        Outcome::NotApplied { current, .. } => assert!(current[0].is_some()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_forgotten_when_they_are_old_and_the_request_runs_again() {
    let cluster = Cluster::start().await;
    let counters = table(&cluster.metadata, "counters");
    let add = |id| Write {
        id: Some(RequestId(id)),
        mutations: vec![counters.add(1, 1)],
        ..Write::default()
    };
    cluster.write(add(1)).await.unwrap();
    cluster.clock.advance_us(299 * 1_000_000);
    cluster.write(add(2)).await.unwrap();
    cluster.write(add(1)).await.unwrap();
    assert_eq!(total(&cluster.table(counters.0.id).await[0].1), 2);
    cluster.clock.advance_us(2 * 1_000_000);
    cluster.write(add(3)).await.unwrap();
    cluster.write(add(1)).await.unwrap();
    assert_eq!(total(&cluster.table(counters.0.id).await[0].1), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_part_leaves_nothing_of_the_whole_write() {
    let cluster = Cluster::start().await;
    let wide = table(&cluster.metadata, "wide");
    let set = Operation::ListSet(3, Some(value::int(1)));
    let bad = wide.upsert(1, wide.suffix(1), "l", set);
    let mutations = vec![wide.insert(1, 1, "x"), wide.insert(2, 1, "y"), bad];
    let write = Write { id: None, mutations, ..Write::default() };
    match cluster.write(write).await {
        Err(CellError::Invalid { message }) => {
            assert!(message.contains("list which is null"), "{message}")
        }
        other => panic!("{other:?}"),
    }
    assert!(cluster.table(wide.0.id).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_the_engine_cannot_hold_are_refused_and_the_cell_goes_on() {
    let cluster = Cluster::start().await;
    let wide = table(&cluster.metadata, "wide");
    let suffix = Bytes::from([&[2][..], &[7; 65_535]].concat());
    let long = wide.upsert(1, suffix, "v", Operation::Set(value::text("x")));
    let mut none = wide.insert(1, 1, "x");
    none.partition = none.partition.slice(..13);
    let mut short = wide.insert(1, 1, "x");
    short.partition = short.partition.slice(..4);
    for mutation in [long, none] {
        let write = Write { id: Some(RequestId(1)), mutations: vec![mutation], ..Write::default() };
        let refused = cluster.write(write).await;
        assert!(matches!(refused, Err(CellError::Invalid { .. })), "{refused:?}");
    }
    let write = Write { id: None, mutations: vec![short], ..Write::default() };
    let request = WriteRequest { cell: CellId(1), epoch: Epoch(1), writes: vec![write] };
    let refused = cluster.node().write(request).await;
    assert!(
        refused.as_ref().is_err() || refused.as_ref().is_ok_and(|reply| reply.outcomes[0].is_err()),
        "{refused:?}"
    );
    cluster.put(wide.insert(1, 1, "x")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_the_engine_cannot_hold_are_asked_for_and_lie_between_others() {
    let mut cluster = Cluster::start().await;
    let wide = table(&cluster.metadata, "wide");
    cluster.put(wide.insert(1, 1, "x")).await;
    let partition = wide.partition(1);
    let long = Bytes::from([&*wide.suffix(1), &[7; 65_535]].concat());
    let condition = Condition { partition, suffix: long.clone(), test: Test::Exists };
    let guarded = Write {
        id: Some(RequestId(1)),
        mutations: vec![wide.insert(1, 2, "y")],
        conditions: vec![condition],
        ..Write::default()
    };
    let refused = cluster.write(guarded).await.unwrap();
    assert!(matches!(refused, Outcome::NotApplied { .. }), "{refused:?}");
    cluster.put(wide.insert(1, 3, "z")).await;
    let range = ChangeKind::DeleteRange { start: long.clone(), end: keys::rows_end() };
    cluster.put(wide.mutation(1, range)).await;
    cluster.crash().await;
    let key = Bytes::from([&*wide.partition(1), &*long].concat());
    let longer = Bytes::from([&*key, &[9]].concat());
    let reads = vec![read(key.clone(), longer), read(wide.partition(1), key)];
    for read in reads {
        assert!(cluster.page(read).await.is_ok());
    }
    let left = cluster.table(wide.0.id).await;
    assert_eq!(left.len(), 1, "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expiry_counts_from_the_now_of_a_write_and_is_judged_by_that_of_whoever_asks() {
    let mut cluster = Cluster::start().await;
    let wide = table(&cluster.metadata, "wide");
    let then = 1_000_000_000;
    let operations = vec![(wide.column("v"), Operation::Set(value::text("x")))];
    let change = RowChange { suffix: wide.suffix(1), marker: true, ttl_seconds: 100, operations };
    let expiring = Write {
        mutations: vec![wide.mutation(1, ChangeKind::Upsert(change))],
        now_seconds: Some(then),
        ..Write::default()
    };
    cluster.write(expiring).await.unwrap();
    for round in 0..2 {
        for (now_seconds, rows) in [(Some(then + 99), 1), (Some(then + 100), 0), (None, 0)] {
            let reads = vec![read(wide.partition(1), keys::after(&wide.partition(1)))];
            let (cell, epoch, level) = (CellId(1), Epoch(1), ReadLevel::Leader);
            let request = ReadRequest { cell, epoch, level, reads, now_seconds };
            let mut reply = cluster.node().read(request).await.unwrap();
            assert_eq!(reply.pages.remove(0).unwrap().rows.len(), rows, "{now_seconds:?}");
            assert!(now_seconds.is_none_or(|now_seconds| reply.now_seconds == now_seconds));
            let guarded = Write { now_seconds, ..conditional(round, &wide, Test::NotExists, "y") };
            let mutations = vec![wide.insert_static(9, "s")];
            let guarded = Write { id: None, mutations, ..guarded };
            let outcome = cluster.write(guarded).await.unwrap();
            assert_eq!(matches!(outcome, Outcome::Applied { .. }), rows == 0, "{now_seconds:?}");
        }
        // From the log, too.
        cluster.crash().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_is_newer_than_every_earlier_one_whatever_the_clock_says() {
    let mut cluster = Cluster::start().await;
    let wide = table(&cluster.metadata, "wide");
    let mut last_us = 0;
    for step in 0..6_i64 {
        cluster.clock.set_us(START_US - step * 1_000_000);
        cluster.put(wide.insert(1, 1, "x")).await;
        let rows = cluster.table(wide.0.id).await;
        let newest_us = rows[0].1.newest_us().unwrap();
        assert!(newest_us > last_us, "step {step}");
        last_us = newest_us;
        match step {
            1 => cluster.crash().await,
            // The row is in the right half, which begins a log of its own.
            2 => {
                let token = keys::token_of(&wide.partition(1)).unwrap();
                let at = Position::new(wide.0.id, token);
                let cell = cluster.placed()[0].id;
                cluster.split(cell, Some(at)).await.unwrap();
            }
            3 => cluster.crash().await,
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conditional_write_is_seen_even_over_a_value_from_a_fast_clock() {
    let cluster = Cluster::start().await;
    let wide = table(&cluster.metadata, "wide");
    let mut fast = wide.insert(1, 1, "fast");
    fast.changes[0].timestamp_us = Some(START_US + 3_600 * 1_000_000);
    cluster.put(fast).await;
    let replaced = cluster.write(conditional(1, &wide, Test::Exists, "replaced")).await.unwrap();
    assert!(matches!(replaced, Outcome::Applied { .. }));
    let rows = cluster.table(wide.0.id).await;
    match &rows[0].1.columns[0].1 {
        ColumnData::Simple(simple) => assert_eq!(simple.value, Some(value::text("replaced"))),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_goes_away_does_not_undo_its_write() {
    let cluster = Cluster::start().await;
    let wide = table(&cluster.metadata, "wide");
    let writes =
        vec![Write { id: None, mutations: vec![wide.insert(1, 1, "x")], ..Write::default() }];
    let request = WriteRequest { cell: CellId(1), epoch: Epoch(1), writes };
    let mut writing = cluster.node().write(request);
    // Polled once, so that the write waits in the cell's queue, and dropped.
    assert!(futures::poll!(&mut writing).is_pending());
    drop(writing);
    within("the write is there", async || cluster.table(wide.0.id).await.len() == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_expire_and_deletions_of_partitions_hide_them() {
    let mut cluster = Cluster::start().await;
    let wide = table(&cluster.metadata, "wide");
    let mut short = wide.insert(1, 1, "short");
    if let ChangeKind::Upsert(change) = &mut short.changes[0].kind {
        change.ttl_seconds = 10;
    }
    cluster.put(short).await;
    cluster.put(wide.insert(1, 2, "long")).await;
    cluster.put(wide.insert(2, 1, "gone")).await;
    cluster.put(wide.insert_static(2, "gone, too")).await;
    cluster.put(wide.mutation(2, ChangeKind::DeletePartition)).await;
    assert_eq!(cluster.table(wide.0.id).await.len(), 2);
    cluster.clock.advance_us(10_000_000);
    assert_eq!(cluster.table(wide.0.id).await.len(), 1);
    cluster.crash().await;
    assert_eq!(cluster.table(wide.0.id).await.len(), 1);
    let start = wide.suffix(2);
    let end = keys::after(&start);
    cluster.put(wide.mutation(1, ChangeKind::DeleteRange { start, end })).await;
    assert!(cluster.table(wide.0.id).await.is_empty());
    cluster.put(wide.insert(2, 1, "back")).await;
    assert_eq!(cluster.table(wide.0.id).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_table_loses_its_rows_and_takes_no_more() {
    let mut cluster = Cluster::start().await;
    let (wide, counters) = (table(&cluster.metadata, "wide"), table(&cluster.metadata, "counters"));
    for k in 0..100 {
        cluster.put(wide.insert(k, 1, "x")).await;
        cluster.put(counters.add(k, 1)).await;
    }
    let cell = cluster.placed()[0].id;
    cluster.split(cell, Some(Position::new(wide.0.id, 0))).await.unwrap();
    let truncate = Command::TruncateTable { keyspace: "ks".to_owned(), name: "wide".to_owned() };
    cluster.metadata.run(&truncate).unwrap();
    within("the metadata service is told", async || cluster.metadata.now().dropped.is_empty())
        .await;
    let new = table(&cluster.metadata, "wide");
    assert_ne!(new.0.id, wide.0.id);
    for _ in 0..2 {
        let cells: Vec<_> = cluster.placed().iter().map(|cell| (cell.id, cell.epoch)).collect();
        for (cell, epoch) in cells {
            let writes = (0..100).map(|k| Write {
                id: None,
                mutations: vec![wide.insert(k, 1, "late")],
                ..Write::default()
            });
            for write in writes {
                let request = WriteRequest { cell, epoch, writes: vec![write] };
                let refused = match cluster.node().write(request).await {
                    Ok(mut reply) => reply.outcomes.remove(0),
                    Err(error) => Err(error),
                };
                assert!(refused.is_err(), "{refused:?}");
            }
            let reads = vec![read(wide.partition(1), keys::after(&wide.partition(1)))];
            let level = ReadLevel::Leader;
            let request = ReadRequest { cell, epoch, level, reads, now_seconds: None };
            let pages = cluster.node().read(request).await.unwrap().pages;
            assert!(pages[0].is_err(), "{pages:?}");
        }
        assert_eq!(cluster.table(counters.0.id).await.len(), 100);
        cluster.put(new.insert(1, 1, "new")).await;
        assert_eq!(cluster.table(new.0.id).await.len(), 1);
        cluster.crash().await;
    }
}

/// The decimals 1, 1.0, 1.00 and 1.000.
const ONES: [&[u8]; 4] =
    [&[0, 0, 0, 0, 1], &[0, 0, 0, 1, 10], &[0, 0, 0, 2, 100], &[0, 0, 0, 3, 3, 232]];

/// A table `prices` (k int, c decimal, v text).
fn prices(cluster: &Cluster) -> Known {
    let columns = [
        ("k", CqlType::Int, ColumnKind::PartitionKey(0)),
        ("c", CqlType::Decimal, ColumnKind::Clustering(0, Order::Desc)),
        ("v", CqlType::Text, ColumnKind::Regular),
    ];
    cluster.metadata.run(&create_table("prices", &columns)).unwrap();
    table(&cluster.metadata, "prices")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_whose_keys_are_equal_numbers_are_one_that_keeps_its_first_key() {
    let mut cluster = Cluster::start().await;
    let prices = prices(&cluster);
    let suffix =
        |one: usize| keys::row_suffix(&prices.0, &[Bytes::from_static(ONES[one])]).unwrap();
    let insert = |k: i32, one: usize, v: &str| {
        prices.upsert(k, suffix(one), "v", Operation::Set(value::text(v)))
    };
    let key = |k: i32, one: usize| Bytes::from([prices.partition(k), suffix(one)].concat());
    // Written after each other, and new in one write.
    cluster.put(insert(1, 1, "a")).await;
    cluster.put(insert(1, 2, "b")).await;
    let both = vec![insert(2, 3, "c"), insert(2, 0, "d")];
    cluster.write(Write { mutations: both, ..Write::default() }).await.unwrap();
    for _ in 0..2 {
        let rows = cluster.table(prices.0.id).await;
        let found: BTreeSet<&Bytes> = rows.iter().map(|(key, _)| key).collect();
        assert_eq!(found.len(), 2, "{rows:?}");
        assert!(found.contains(&key(1, 1)), "{rows:?}");
        let newest = rows.iter().find(|(found, _)| *found == key(1, 1)).unwrap();
        let ColumnData::Simple(v) = &newest.1.columns[0].1 else { panic!("{newest:?}") };
        assert_eq!(v.value, Some(value::text("b")));
        cluster.crash().await;
    }
    // A condition looks at the row that is there, and a deletion hides it.
    let condition =
        Condition { partition: prices.partition(1), suffix: suffix(3), test: Test::NotExists };
    let claim = Write {
        id: Some(RequestId(9)),
        mutations: vec![insert(1, 3, "e")],
        conditions: vec![condition],
        ..Write::default()
    };
    match cluster.write(claim.clone()).await.unwrap() {
        Outcome::NotApplied { current, .. } => assert!(current[0].is_some()),
        other => panic!("{other:?}"),
    }
    cluster.put(prices.mutation(1, ChangeKind::DeleteRow { suffix: suffix(0) })).await;
    let again = Write { id: Some(RequestId(10)), ..claim };
    assert!(matches!(cluster.write(again).await.unwrap(), Outcome::Applied { .. }));
    let rows = cluster.table(prices.0.id).await;
    assert_eq!(rows.iter().filter(|(_, row)| row.exists(0)).count(), 2, "{rows:?}");
    assert!(rows.iter().any(|(found, _)| *found == key(1, 1)), "{rows:?}");
}
