//! Indexes where cells move, where rows become cold, and while an index is being built.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    unreachable_pub,
    dead_code,
    reason = "tests fail loudly"
)]

mod cluster;

use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use cellar_cell_api::{
    AdminAnswer, AdminRequest, CellService, Page, ReadLevel, ReadRequest, Write, WriteRequest,
};
use cellar_metadata_api::{Command, Position};
use cellar_schema::{AgeOf, CqlType, IndexPart, IndexProbe, TieringPolicy, keys, value};
use cluster::{
    Cluster, FakeMetadata,
    fleet::{Fleet, soon},
    indexed::{assert_as_scanned, create_index, is_answered_by_it, target},
    read,
    tables::{self, Known, table},
};

/// Rows written longer ago are cold.
const HOT_SECONDS: i64 = 100;

/// A table like `wide` whose rows become cold by their write time.
fn create_tiered(metadata: &FakeMetadata) -> Known {
    let mut command = tables::commands().remove(1);
    if let Command::CreateTable { definition, .. } = &mut command {
        definition.name = "tiered".to_owned();
        let hot_seconds = HOT_SECONDS.unsigned_abs();
        let policy = TieringPolicy { age_of: AgeOf::WriteTime, hot_seconds };
        definition.options.tiering = Some(policy);
    }
    metadata.run(&command).unwrap();
    table(metadata, "tiered")
}

fn needle(wide: &Known) -> IndexProbe {
    target(wide, "v", IndexPart::Simple).equal(&CqlType::Text, &value::text("needle"))
}

/// The first page of a probe, of whoever leads the table's only cell.
async fn probed(fleet: &Fleet, wide: &Known, probe: &IndexProbe) -> Page {
    let mut found = None;
    soon("the cell is read", async || {
        let cell = fleet.metadata.now().cell_of(wide.0.id, 0).unwrap().clone();
        let start = keys::position_key(wide.0.id, i64::MIN);
        let mut read = read(start, keys::table_range(wide.0.id).1);
        read.probe = Some(probe.clone());
        for member in fleet.running() {
            let (level, reads) = (ReadLevel::Leader, vec![read.clone()]);
            let request =
                ReadRequest { cell: cell.id, epoch: cell.epoch, level, reads, now_seconds: None };
            if let Ok(mut reply) = member.node.read(request).await {
                found = reply.pages.remove(0).ok();
            }
        }
        found.is_some()
    })
    .await;
    found.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cell_that_moves_has_its_entries_where_it_comes_to_and_where_it_comes_back_to() {
    let fleet = Fleet::start(2, 1).await;
    let wide = table(&fleet.metadata, "wide");
    for k in 0..60 {
        fleet.put(wide.insert(k, 0, if k % 20 == 0 { "needle" } else { "hay" })).await;
    }
    create_index(&fleet.metadata, "wide", "by_v", ("v", IndexPart::Simple));
    let wide = table(&fleet.metadata, "wide");
    let probe = needle(&wide);
    let found = async |count: usize| {
        soon("only the rows of the value are looked at", async || {
            let page = probed(&fleet, &wide, &probe).await;
            let of_it: Vec<_> = page
                .rows
                .iter()
                .filter(|(_, row)| {
                    let bytes = row.wire_value(wide.column("v"), &CqlType::Text);
                    bytes == Some(value::text("needle"))
                })
                .collect();
            assert_eq!(of_it.len(), count, "at every moment");
            page.examined_rows <= 2 * count as u64
        })
        .await;
    };
    found(3).await;
    let cell = fleet.placed()[0].id;
    for (count, to) in [(4, 2), (5, 1), (6, 2)] {
        fleet.plan(cell, &[to]);
        fleet.stands(cell, &[to]).await;
        fleet.put(wide.insert(100 + count, 0, "needle")).await;
        found(count as usize).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_became_cold_are_found_as_well_and_so_are_late_writes_to_them() {
    let cluster = Cluster::start().await;
    let tiered = create_tiered(&cluster.metadata);
    create_index(&cluster.metadata, "tiered", "by_v", ("v", IndexPart::Simple));
    for k in 0..30 {
        let v = if k % 10 == 0 { "needle" } else { "hay" };
        cluster.put(tiered.insert(k, 0, v)).await;
    }
    let tiered = table(&cluster.metadata, "tiered");
    let probe = needle(&tiered);
    is_answered_by_it(&cluster, &tiered.0, &probe, 6).await;
    assert_eq!(assert_as_scanned(&cluster, &tiered, &probe, 2).await, 3);
    cluster.clock.advance_us((HOT_SECONDS + 2) * 1_000_000);
    match cluster.node().admin(AdminRequest::Tier { cell: None }).await.unwrap() {
        AdminAnswer::Tiered { rows, .. } => assert_eq!(rows, 30),
        other => panic!("{other:?}"),
    }
    assert_eq!(assert_as_scanned(&cluster, &tiered, &probe, 2).await, 3);
    cluster.put(tiered.insert(1, 0, "needle")).await;
    cluster.put(tiered.insert(10, 0, "hay")).await;
    assert_eq!(assert_as_scanned(&cluster, &tiered, &probe, 2).await, 3);
}

/// Rows of the table that is indexed while it is written.
const ROWS: i32 = 20_000;
const PARTITIONS: i32 = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_of_20000_rows_is_exact_at_all_times_while_it_is_built_under_writes() {
    let cluster = Cluster::start().await;
    let wide = table(&cluster.metadata, "wide");
    let write = |mutation| Write { id: None, mutations: vec![mutation], ..Write::default() };
    for k in 0..PARTITIONS {
        let cell = cluster.cell_of(&wide.partition(k));
        let rows = (0..ROWS / PARTITIONS).map(|c| write(wide.insert(k, c, "hay")));
        let request = WriteRequest { cell: cell.id, epoch: cell.epoch, writes: rows.collect() };
        let reply = cluster.node().write(request).await.unwrap();
        assert!(reply.outcomes.iter().all(Result::is_ok));
    }
    create_index(&cluster.metadata, "wide", "by_v", ("v", IndexPart::Simple));
    let indexed = table(&cluster.metadata, "wide");
    let probe = needle(&indexed);
    let (written, stop) = (AtomicI32::new(0), AtomicBool::new(false));
    let key = |n: i32| (n % PARTITIONS, n / PARTITIONS);
    let writing = async {
        while !stop.load(Ordering::SeqCst) && written.load(Ordering::SeqCst) < ROWS / 2 {
            let (k, c) = key(written.load(Ordering::SeqCst));
            cluster.put(wide.insert(k, c, "needle")).await;
            written.fetch_add(1, Ordering::SeqCst);
        }
    };
    let reading = async {
        let mut by_index = 0;
        while by_index < 5 {
            let before = written.load(Ordering::SeqCst);
            let probed = cluster.probe(&indexed.0, &probe, 5_000).await;
            let after = written.load(Ordering::SeqCst);
            let found: std::collections::BTreeSet<_> = probed
                .rows
                .into_iter()
                .filter(|(_, row)| {
                    let bytes = row.wire_value(wide.column("v"), &CqlType::Text);
                    bytes == Some(value::text("needle"))
                })
                .map(|(key, _)| key)
                .collect();
            for n in 0..before {
                let (k, c) = key(n);
                assert!(found.contains(&wide.key(k, c)), "{n} of {before} is missing");
            }
            assert!(found.len() <= after as usize + 1);
            if probed.examined < ROWS as u64 {
                by_index += 1;
            }
        }
        stop.store(true, Ordering::SeqCst);
    };
    tokio::join!(writing, reading);
    let middle = Some(Position::new(wide.0.id, 0));
    cluster.split(cluster.placed()[0].id, middle).await.unwrap();
    let count = assert_as_scanned(&cluster, &indexed, &probe, 100).await;
    assert_eq!(count, written.into_inner() as usize);
}
