//! Durable proposals per second of one group of one member at several depths, on a real disk.
//!
//! `cargo run --release -p cellar-raft --example bench_log -- [directory] [seconds] [depths]`

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_precision_loss)]

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use cellar_raft::{Applied, Entry, Group, Host, HostOptions, Machine, MachineError};
use cellar_rpc::{ClientConfig, Pool, tasks::Tasks};
use futures::future::join_all;

/// A machine that does nothing.
struct Nothing;

impl Machine for Nothing {
    fn applied(&self) -> Applied {
        Applied::default()
    }

    fn apply(&mut self, entries: Vec<Entry>, _: Vec<u8>) -> Result<Vec<Bytes>, MachineError> {
        Ok(entries.into_iter().map(|entry| entry.command).collect())
    }

    fn flush(&mut self) -> Result<(), MachineError> {
        Ok(())
    }

    fn snapshot(&mut self) -> Result<Bytes, MachineError> {
        Ok(Bytes::new())
    }

    fn install(&mut self, _: Bytes, _: Vec<u8>) -> Result<(), MachineError> {
        Ok(())
    }
}

/// Proposes one after the other until the end; the times taken in microseconds.
async fn propose_until(group: Group, command: Bytes, end: Instant) -> Vec<u128> {
    let mut times = Vec::new();
    while Instant::now() < end {
        let start = Instant::now();
        group.propose(command.clone()).await.unwrap();
        times.push(start.elapsed().as_micros());
    }
    times
}

async fn measure(groups: &[Group], depth: usize, seconds: u64) {
    let command = Bytes::from(vec![7; 250]);
    let start = Instant::now();
    let end = start + Duration::from_secs(seconds);
    let tasks = Tasks::new();
    let (tell, told) = std::sync::mpsc::channel();
    for n in 0..depth {
        let (tell, group) = (tell.clone(), groups[n % groups.len()].clone());
        let proposing = propose_until(group, command.clone(), end);
        tasks.spawn("proposals", async move { tell.send(proposing.await).unwrap() });
    }
    tasks.wait(Duration::from_secs(seconds + 10)).await.unwrap();
    drop(tell);
    let mut times: Vec<u128> = told.into_iter().flatten().collect();
    times.sort_unstable();
    let rate = times.len() as f64 / start.elapsed().as_secs_f64();
    let at = |per_mille: usize| times[(times.len() - 1) * per_mille / 1000];
    println!(
        "{:3} groups, depth {depth:5}: {rate:8.0} proposals/s, p50 {} us, p99 {} us",
        groups.len(),
        at(500),
        at(990)
    );
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let scratch = tempfile::tempdir().unwrap();
    let dir = arguments.next().map_or_else(|| scratch.path().to_owned(), PathBuf::from);
    let seconds = arguments.next().map_or(3, |text| text.parse().unwrap());
    let tasks = Tasks::new();
    let peers = Arc::new(Pool::new(ClientConfig::default(), &tasks));
    let host = Host::open(HostOptions::new(1, dir.join("log"), &tasks), peers).unwrap();
    let mut groups = Vec::new();
    for id in 1..=16 {
        let group = host.start(id, Box::new(Nothing)).await.unwrap();
        group.initialize(BTreeMap::from([(1, "nowhere:1".into())])).await.unwrap();
        groups.push(group);
    }
    let depths = arguments.next().unwrap_or_else(|| "1,64,1024".into());
    for depth in depths.split(',') {
        measure(&groups[..1], depth.parse().unwrap(), seconds).await;
    }
    measure(&groups, 1024, seconds).await;
    let start = Instant::now();
    for _ in 0..1_000_000 {
        groups[0].read_barrier().await.unwrap();
    }
    println!("read barrier: {} ns", start.elapsed().as_nanos() / 1_000_000);
    join_all(groups.iter().map(Group::compact)).await;
    host.shutdown().await;
}
