//! Loss of power at any time: what was answered is found again, and ids are never given twice.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail loudly")]

mod harness;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use cellar_metadata_api::{Catalog, Metadata};
use cellar_metadata_raft::{Service, ServiceOptions};
use cellar_raft::{Host, HostOptions, disk::SimDisk};
use cellar_rpc::{ClientConfig, Pool, tasks::Tasks};
use cellar_schema::CqlType;
use harness::*;
use tokio::time::timeout;

/// A member without a network on a simulated disk.
struct Alone {
    service: Service,
    host: Host,
    tasks: Tasks,
    disk: SimDisk,
}

async fn start(disk: SimDisk) -> Alone {
    let tasks = Tasks::new();
    let pool = Pool::new(ClientConfig::default(), &tasks);
    let mut options = HostOptions::new(1, PathBuf::from("/log"), &tasks);
    options.disk = Arc::new(disk.clone());
    options.segment_bytes = 64 << 10;
    options.on_fatal = Arc::new(|_| ());
    let host = Host::open(options, Arc::new(pool)).unwrap();
    let members = [(1, "here:1".to_owned())].into();
    let mut options = ServiceOptions::new(PathBuf::from("/metadata"), members, &tasks);
    options.disk = Arc::new(disk.clone());
    let service = Service::start(&host, options).await.unwrap();
    Alone { service, host, tasks, disk }
}

impl Alone {
    async fn crash(self, seed: u64) -> SimDisk {
        let disk = self.disk.crash(seed);
        self.disk.fail_after(0);
        self.host.shutdown().await;
        self.tasks.token().cancel();
        let _ = self.tasks.shutdown(Duration::from_secs(5)).await;
        disk
    }

    fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.service.catalog().borrow())
    }
}

/// Creates tables until the power fails; answers the names and ids of those that were answered.
async fn work(alone: &Alone, life: u64) -> BTreeMap<String, u32> {
    let mut answered = BTreeMap::new();
    for number in 0..40 {
        let name = format!("t{life}_{number}");
        let command = create_table(&name, &[("k", CqlType::Int, KEY)]);
        if alone.service.submit(command).await.is_err() {
            break;
        }
        let id = alone.catalog().table("ks", &name).unwrap().id.0;
        answered.insert(name, id);
        if number % 7 == 3 {
            let compacting = alone.service.group().compact();
            let _ = timeout(Duration::from_millis(50), compacting).await;
        }
    }
    answered
}

/// Tables that were answered and are not there after lives that end with the power.
async fn lost(lives: u64, lying: bool) -> usize {
    let disk = SimDisk::new();
    if lying {
        disk.lie_about_syncs();
    }
    let mut alone = start(disk).await;
    alone.service.submit(node("a:1", "dc1", "r1")).await.unwrap();
    alone.service.submit(create_keyspace("ks", simple("1"))).await.unwrap();
    let mut answered = BTreeMap::new();
    for life in 0..lives {
        alone.disk.fail_after(10 + life * 13 % 60);
        answered.extend(work(&alone, life).await);
        let disk = alone.crash(life).await;
        alone = start(disk).await;
        let catalog = alone.catalog();
        let is_lost = |(name, id): &(&String, &u32)| {
            catalog.table("ks", name).is_none_or(|table| table.id.0 != **id)
        };
        let gone = answered.iter().filter(is_lost).count();
        if gone > 0 {
            return gone;
        }
        let mut ids: Vec<u32> = catalog
            .keyspaces
            .values()
            .flat_map(|keyspace| keyspace.tables.values().map(|table| table.id.0))
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let count: usize = catalog.keyspaces.values().map(|keyspace| keyspace.tables.len()).sum();
        assert_eq!(ids.len(), count, "an id was given twice");
        assert!(catalog.placements.values().all(|placement| placement.cells().count() == 1));
    }
    assert!(answered.len() > 10, "too little was done to prove anything: {answered:?}");
    0
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answered_command_is_lost_when_the_power_fails_at_any_time() {
    assert_eq!(lost(25, false).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_lies_about_syncs_is_caught_by_that_test() {
    let caught = std::panic::AssertUnwindSafe(lost(25, true));
    let outcome = futures::FutureExt::catch_unwind(caught).await;
    assert!(outcome.is_err() || outcome.is_ok_and(|lost| lost > 0));
}
