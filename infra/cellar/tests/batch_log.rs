//! Logged batches over several cells, through processes that are killed in the middle of them.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail loudly"
)]

mod processes;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use processes::{Cluster, eventually, keyspace};
use serde_json::json;

const TABLE: &str = "CREATE TABLE IF NOT EXISTS ks.parts (k int PRIMARY KEY, v int)";
/// The first table that anybody creates.
const TABLE_ID: u32 = 16;
/// Rows of a batch, each a partition of its own: hardly ever all in one cell.
const PARTS: u32 = 8;
const WORKERS: u32 = 6;
const BATCHES_OF_A_WORKER: u32 = 60;
const ROUNDS: u32 = 3;

fn keys(batch: u32) -> impl Iterator<Item = u32> {
    (0..PARTS).map(move |part| batch * PARTS + part)
}

fn statement(batch: u32) -> String {
    let insert = |k| format!("INSERT INTO ks.parts (k, v) VALUES ({k}, {batch});");
    let inserts: Vec<String> = keys(batch).map(insert).collect();
    format!("BEGIN BATCH {} APPLY BATCH", inserts.join(" "))
}

/// Has the first table lie in three cells.
fn split_in_three(cluster: &Cluster) {
    for (count, token) in [(2, "3000000000000000000"), (3, "-3000000000000000000")] {
        eventually("the cell is split", || {
            let cells = cluster.leaders();
            if cells.len() < count
                && let Some(first) = cells.keys().next()
            {
                let split = format!("/cells/{first}/split?table={TABLE_ID}&token={token}");
                drop(cluster.change(&split));
            }
            cells.len() >= count
        });
    }
}

/// Three cells, each led by another node.
fn spread(cluster: &Cluster) {
    split_in_three(cluster);
    eventually("every node leads one of them", || {
        let led = cluster.leaders();
        let mut right = true;
        for (node, (cell, leader)) in (1_u64..).zip(&led) {
            if *leader != node {
                cluster.transfer(*cell, node);
                right = false;
            }
        }
        right && led.len() == 3
    });
}

/// How many rows of each of these batches are there.
fn found(cluster: &Cluster, batches: &[u32]) -> BTreeMap<u32, BTreeSet<u32>> {
    let wanted: Vec<String> =
        batches.iter().flat_map(|batch| keys(*batch)).map(|k| k.to_string()).collect();
    let statement = format!("SELECT k FROM ks.parts WHERE k IN ({})", wanted.join(", "));
    let answer = cluster.done(&statement);
    let mut found: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for row in answer["rows"].as_array().unwrap() {
        let k = u32::try_from(row["k"].as_u64().unwrap()).unwrap();
        found.entry(k / PARTS).or_default().insert(k);
    }
    found
}

#[test]
fn a_logged_batch_over_several_cells_is_whole_or_absent_whoever_is_killed() {
    let cluster = Cluster::start(3, "127.79.1.1");
    cluster.done(&keyspace(3));
    cluster.done(TABLE);
    spread(&cluster);
    // Every batch that was sent, and whether it was acknowledged.
    let sent: Mutex<BTreeMap<u32, bool>> = Mutex::default();
    for round in 0..ROUNDS {
        let stop = AtomicBool::new(false);
        let worker = |number: u32| {
            for n in 0..BATCHES_OF_A_WORKER {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let batch = (round * WORKERS + number) * BATCHES_OF_A_WORKER + n;
                sent.lock().unwrap().insert(batch, false);
                if cluster.query(&statement(batch)).is_ok() {
                    sent.lock().unwrap().insert(batch, true);
                }
                thread::sleep(Duration::from_millis(2));
            }
        };
        let acknowledged = || sent.lock().unwrap().values().filter(|done| **done).count();
        let before = acknowledged();
        thread::scope(|scope| {
            for number in 0..WORKERS {
                scope.spawn(move || worker(number));
            }
            eventually("some are done", || acknowledged() >= before + 10);
            // What a cell without a leader is to apply waits in the frontend, and dies with it.
            let node = format!("node-{}", round + 1);
            cluster.kill(&node);
            thread::sleep(Duration::from_millis(150));
            cluster.kill("frontend-1");
            stop.store(true, Ordering::SeqCst);
            cluster.start_again(&node);
            cluster.start_again("frontend-1");
        });
        spread(&cluster);
    }
    let sent = sent.into_inner().unwrap();
    let batches: Vec<u32> = sent.keys().copied().collect();
    for some in batches.chunks(10) {
        eventually("each batch is whole or absent", || {
            let found = found(&cluster, some);
            let lost = |batch: &&u32| sent[*batch] && !found.contains_key(*batch);
            assert_eq!(some.iter().find(lost), None, "an acknowledged batch is gone");
            found.values().all(|parts| parts.len() == PARTS as usize)
        });
    }
}

#[test]
fn a_batch_over_several_cells_changes_lists_by_index_and_value_or_is_refused_as_a_whole() {
    const KEYS: std::ops::Range<u32> = 0..12;
    let cluster = Cluster::start(1, "127.79.2.1");
    cluster.done(&keyspace(1));
    cluster.done("CREATE TABLE IF NOT EXISTS ks.lists (k int PRIMARY KEY, l list<int>)");
    for k in KEYS {
        cluster.done(&format!("INSERT INTO ks.lists (k, l) VALUES ({k}, [1, 2, 3, 1])"));
    }
    split_in_three(&cluster);
    let batch = |change: &dyn Fn(u32) -> String| {
        let updates: Vec<String> =
            KEYS.map(|k| format!("UPDATE ks.lists {} WHERE k = {k};", change(k))).collect();
        cluster.query(&format!("BEGIN BATCH {} APPLY BATCH", updates.join(" ")))
    };
    let lists = || {
        let answer = cluster.done("SELECT l FROM ks.lists");
        let rows = answer["rows"].as_array().unwrap();
        assert_eq!(rows.len(), KEYS.len());
        let first = rows[0]["l"].clone();
        assert!(rows.iter().all(|row| row["l"] == first), "{rows:?}");
        first
    };
    batch(&|_| "SET l[1] = 20".to_owned()).unwrap();
    assert_eq!(lists(), json!([1, 20, 3, 1]));
    batch(&|_| "SET l = l - [1]".to_owned()).unwrap();
    assert_eq!(lists(), json!([20, 3]));
    batch(&|_| "SET l = l + [4, 5]".to_owned()).unwrap();
    batch(&|_| "SET l = [0] + l".to_owned()).unwrap();
    assert_eq!(lists(), json!([0, 20, 3, 4, 5]));
    let last = KEYS.end - 1;
    for wrong in [0, last] {
        let index = |k| if k == wrong { 5 } else { 0 };
        let refused = batch(&|k| format!("SET l[{}] = 7", index(k))).unwrap_err();
        assert!(refused.contains("out of bound"), "{refused}");
        assert_eq!(lists(), json!([0, 20, 3, 4, 5]), "nothing of it was applied");
    }
}
