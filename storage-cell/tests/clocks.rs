//! Nodes whose clocks jump by hours and days while they are written to and hand over leadership.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests fail loudly"
)]

mod cluster;

use std::{
    sync::atomic::{AtomicBool, AtomicI32, Ordering},
    time::{Duration, Instant},
};

use cellar_metadata_api::{Command, NodeId};
use cellar_schema::{ChangeKind, ColumnData, Mutation, Operation, Row, RowChange, value};
use cluster::{
    fleet::{Fleet, soon},
    tables::{Known, table},
};

const HOUR_US: i64 = 3_600 * 1_000_000;
const JUMPS_US: [i64; 6] =
    [HOUR_US, -2 * HOUR_US, 24 * HOUR_US, -HOUR_US, -46 * HOUR_US, 25 * HOUR_US];

/// The number that a register's row says; 0 without one.
fn number(rows: &[Row]) -> i32 {
    let Some((_, column)) = rows.first().and_then(|row| row.columns.first()) else { return 0 };
    match column {
        ColumnData::Simple(simple) => {
            let text = simple.value.as_ref().map(|bytes| String::from_utf8_lossy(bytes));
            text.and_then(|text| text.parse().ok()).unwrap_or(0)
        }
        other => panic!("{other:?}"),
    }
}

/// Lets a node lead the first cell.
async fn prefer(fleet: &Fleet, node: u64) {
    let (cell, node) = (fleet.placed()[0].id, NodeId(node));
    fleet.metadata.run(&Command::PreferLeader { cell, node }).unwrap();
    soon("it leads", async || fleet.leader(cell).await as u64 == node.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_written_after_a_read_is_read_by_every_later_leader_however_far_its_clock_is_off() {
    let fleet = Fleet::start(3, 3).await;
    let wide = table(&fleet.metadata, "wide");
    let (written, stop) = (AtomicI32::new(0), AtomicBool::new(false));
    let writing = async {
        while !stop.load(Ordering::SeqCst) {
            let next = written.load(Ordering::SeqCst) + 1;
            fleet.put(wide.insert(1, 0, &next.to_string())).await;
            written.store(next, Ordering::SeqCst);
            let found = number(&fleet.partition(&wide, 1).await);
            assert_eq!(found, next, "the write before was read by whoever led then");
        }
    };
    let reading = || async {
        let mut last = 0;
        while !stop.load(Ordering::SeqCst) {
            let least = written.load(Ordering::SeqCst).max(last);
            last = number(&fleet.partition(&wide, 1).await);
            assert!(last >= least, "{last} was read after {least}");
        }
    };
    let jumping = async {
        for (jump_us, node) in JUMPS_US.iter().zip([1, 2, 3, 1, 2, 3]) {
            let enough = written.load(Ordering::SeqCst) + 5;
            fleet.wall(node).advance_us(*jump_us);
            // It leads now, or one whose clock is right again follows it.
            prefer(&fleet, node as u64).await;
            soon("it is written on", async || written.load(Ordering::SeqCst) >= enough).await;
            prefer(&fleet, node as u64 % 3 + 1).await;
        }
        stop.store(true, Ordering::SeqCst);
    };
    tokio::join!(jumping, writing, reading(), reading());
    // What was deleted after all that stays so, and what is written after it is seen.
    fleet.put(wide.mutation(1, ChangeKind::DeletePartition)).await;
    assert_eq!(fleet.rows(&wide, 1).await, 0);
    fleet.put(wide.insert(1, 0, "again")).await;
    assert_eq!(fleet.rows(&wide, 1).await, 1);
}

/// INSERT … USING TTL.
fn insert_for(table: &Known, k: i32, ttl_seconds: u32) -> Mutation {
    let operations = vec![(table.column("v"), Operation::Set(value::text("v")))];
    let change = RowChange { suffix: table.suffix(0), marker: true, ttl_seconds, operations };
    table.mutation(k, ChangeKind::Upsert(change))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rows_live_as_long_as_they_are_to_while_the_clocks_of_machines_jump() {
    const SHORT_S: u32 = 2;
    let fleet = Fleet::start_steady(3, 3).await;
    let wide = table(&fleet.metadata, "wide");
    fleet.put(insert_for(&wide, 1, 1_800)).await;
    for (k, (jump_us, node)) in (2..).zip(JUMPS_US.iter().zip([1, 2, 3, 1])) {
        prefer(&fleet, node as u64).await;
        fleet.wall(node).advance_us(*jump_us);
        let began = Instant::now();
        fleet.put(insert_for(&wide, k, SHORT_S)).await;
        let found = fleet.rows(&wide, k).await;
        let brief = || began.elapsed() < Duration::from_millis(900);
        assert!(found == 1 || !brief(), "{k} is gone at once");
        // Another leads, whose machine's clock says something else.
        prefer(&fleet, node as u64 % 3 + 1).await;
        assert_eq!(fleet.rows(&wide, 1).await, 1, "gone early");
        soon("it is gone", async || fleet.rows(&wide, k).await == 0).await;
        let lived = began.elapsed();
        assert!(!brief(), "{k} lived {lived:?}");
        assert!(lived < Duration::from_secs(30), "{k} lived {lived:?}");
    }
    for k in 2..6 {
        assert_eq!(fleet.rows(&wide, k).await, 0, "{k} is back");
    }
    assert_eq!(fleet.rows(&wide, 1).await, 1);
}
