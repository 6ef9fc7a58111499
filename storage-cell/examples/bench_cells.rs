//! Measures one node in process: writes per second at several depths, reads, scans.
//!
//! `cargo run --release -p cellar-storage-cell --example bench_cells`
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "a program for people"
)]

#[path = "../tests/cluster/mod.rs"]
mod cluster;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use cellar_cell_api::{CellService, ReadLevel, ReadRequest, Write, WriteRequest};
use cellar_metadata_api::{CellId, Epoch};
use cellar_schema::keys;
use cluster::{Cluster, read, tables, tables::Known};

const SECONDS: u64 = 4;

#[tokio::main]
async fn main() {
    let mut cluster = Cluster::start().await;
    cluster.log_segment_bytes = 64 << 20;
    cluster.restart().await;
    let cluster = Arc::new(cluster);
    let wide = tables::table(&cluster.metadata, "wide");
    let written = Arc::new(AtomicU64::new(0));
    for (tasks, batch) in [(1, 1), (64, 1), (1_024, 1), (16, 32), (64, 32)] {
        let (from, began) = (written.load(Ordering::Relaxed), Instant::now());
        run(tasks, || {
            let (cluster, wide, written) =
                (Arc::clone(&cluster), wide.clone(), Arc::clone(&written));
            async move {
                let first = written.fetch_add(batch, Ordering::Relaxed);
                write(&cluster, &wide, first, batch).await;
            }
        })
        .await;
        let count = written.load(Ordering::Relaxed) - from;
        let rate = count as f64 / began.elapsed().as_secs_f64();
        println!("writes, {tasks} tasks of {batch}: {rate:.0}/s");
    }
    let rows = written.load(Ordering::Relaxed);
    for (tasks, batch) in [(1, 1), (16, 1), (16, 32)] {
        let done = Arc::new(AtomicU64::new(0));
        let began = Instant::now();
        run(tasks, || {
            let (cluster, wide, done) = (Arc::clone(&cluster), wide.clone(), Arc::clone(&done));
            async move {
                let first = done.fetch_add(batch, Ordering::Relaxed);
                let spans = (first..first + batch).map(|n| {
                    let n = n.wrapping_mul(0x9e37_79b9) % rows;
                    let key = wide.key((n / 100) as i32, (n % 100) as i32);
                    (key.clone(), keys::after(&key))
                });
                pages(&cluster, spans.collect()).await;
            }
        })
        .await;
        let rate = done.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64();
        println!("point reads, {tasks} tasks of {batch}: {rate:.0}/s");
    }
    let done = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    run(4, || {
        let (cluster, wide, done) = (Arc::clone(&cluster), wide.clone(), Arc::clone(&done));
        async move {
            let n = done.fetch_add(1, Ordering::Relaxed).wrapping_mul(7_919) % (rows / 100);
            let start = wide.partition(n as i32);
            pages(&cluster, vec![(start.clone(), keys::after(&start))]).await;
        }
    })
    .await;
    let rate = done.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64();
    println!("partitions of 100 rows, 4 tasks: {rate:.0}/s");
}

async fn run<F: Future<Output = ()> + Send>(tasks: usize, work: impl Fn() -> F) {
    let until = Instant::now() + Duration::from_secs(SECONDS);
    let one = async || {
        while Instant::now() < until {
            work().await;
        }
    };
    // Each on a task of its own would measure the runtime.
    futures::future::join_all((0..tasks).map(|_| one())).await;
}

async fn write(cluster: &Cluster, wide: &Known, first: u64, batch: u64) {
    let writes = (first..first + batch).map(|n| Write {
        id: None,
        mutations: vec![wide.insert((n / 100) as i32, (n % 100) as i32, "a value of about 100 bytes, as rows of small tables have them, and then some more of it, so to say")],
        ..Write::default()
    });
    let request = WriteRequest { cell: CellId(1), epoch: Epoch(1), writes: writes.collect() };
    for outcome in cluster.node().write(request).await.unwrap().outcomes {
        outcome.unwrap();
    }
}

async fn pages(cluster: &Cluster, spans: Vec<(bytes::Bytes, bytes::Bytes)>) {
    let reads = spans.into_iter().map(|(start, end)| read(start, end)).collect();
    let level = ReadLevel::Leader;
    let request = ReadRequest { cell: CellId(1), epoch: Epoch(1), level, reads, now_seconds: None };
    for page in cluster.node().read(request).await.unwrap().pages {
        assert!(!page.unwrap().rows.is_empty());
    }
}
