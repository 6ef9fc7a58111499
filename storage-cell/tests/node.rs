//! One node, from the request to the disk and back.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail loudly"
)]

mod cluster;

use std::sync::atomic::Ordering;

use cellar_schema::{ColumnData, Row, value};
use cluster::{Cluster, metadata::FakeMetadata, read, tables::table};

/// The text in a simple column.
fn text(row: &Row, column: cellar_schema::ColumnId) -> String {
    match &row.columns.iter().find(|(id, _)| *id == column).unwrap().1 {
        ColumnData::Simple(simple) => {
            value::as_str(simple.value.as_ref().unwrap()).unwrap().to_owned()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_is_read_back_after_a_restart_and_after_a_crash() {
    let mut cluster = Cluster::start().await;
    let wide = table(&cluster.metadata, "wide");
    for (k, c, v) in [(1, 1, "a"), (1, 2, "b"), (2, 1, "c")] {
        cluster.put(wide.insert(k, c, v)).await;
    }
    let id = cluster.node().id();
    for _ in 0..2 {
        let key = wide.key(1, 2);
        let page = cluster.page(read(key.clone(), cellar_schema::keys::after(&key))).await.unwrap();
        assert_eq!(page.rows.len(), 1);
        assert_eq!((&page.rows[0].0, text(&page.rows[0].1, wide.column("v"))), (&key, "b".into()));
        assert_eq!(cluster.table(wide.0.id).await.len(), 3);
        cluster.restart().await;
        assert_eq!(cluster.table(wide.0.id).await.len(), 3);
        assert_eq!(cluster.node().id(), id);
        cluster.put(wide.insert(1, 1, "again")).await;
        cluster.crash().await;
    }
    let rows = cluster.table(wide.0.id).await;
    assert!(rows.iter().any(|(_, row)| text(row, wide.column("v")) == "again"));
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_killed_soon_after_its_cell_was_made_serves_it_while_nobody_says_where_it_stands() {
    let mut cluster = Cluster::start().await;
    let wide = table(&cluster.metadata, "wide");
    cluster.put(wide.insert(1, 1, "a")).await;
    let away = FakeMetadata::new();
    away.down.store(true, Ordering::SeqCst);
    let known = std::mem::replace(&mut cluster.metadata, away);
    cluster.crash_alone().await;
    assert_eq!(cluster.cells().await.len(), 1);
    // The catalog is what the frontends keep.
    cluster.metadata = known;
    assert_eq!(cluster.table(wide.0.id).await.len(), 1);
    cluster.put(wide.insert(1, 2, "b")).await;
    assert_eq!(cluster.table(wide.0.id).await.len(), 2);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_reports_the_load_of_its_cells() {
    let cluster = Cluster::start().await;
    let wide = table(&cluster.metadata, "wide");
    let cell = cluster.placed()[0].id;
    for k in 0..100 {
        cluster.put(wide.insert(k, 0, "x")).await;
    }
    assert_eq!(cluster.table(wide.0.id).await.len(), 100);
    cluster::within("the load is reported", async || {
        let reports = cluster.metadata.reports.lock();
        reports.iter().any(|report| {
            let load = report.cells.iter().find(|load| load.cell == cell);
            report.node == cluster.node().id()
                && report.disk_total_bytes > 0
                && load.is_some_and(|load| {
                    load.leads && load.writes_per_second > 0 && load.reads_per_second > 0
                })
        })
    })
    .await;
}
