//! What a cluster of processes does without one of its parts: a disk, the metadata service.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail loudly")]

mod processes;

use std::fs;

use processes::{Cluster, eventually, has, keyspace};
use serde_json::{Value, json};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS ks.remembered (k int PRIMARY KEY, v int)";

fn insert(k: u32) -> String {
    format!("INSERT INTO ks.remembered (k, v) VALUES ({k}, {k})")
}

/// How many rows there are.
fn count(cluster: &Cluster) -> usize {
    let answer = cluster.done("SELECT k FROM ks.remembered");
    answer["rows"].as_array().unwrap().len()
}

/// Every node's word of its cells: (node, the members of each cell there).
fn standing(cluster: &Cluster) -> Vec<(u64, Vec<Value>)> {
    let told = cluster.admin("/cells");
    let nodes = told.as_array().unwrap().iter();
    let cells = |node: &Value| node["answer"].as_array().cloned().unwrap_or_default();
    let members = |cell: &Value| cell["replicas"].clone();
    nodes
        .map(|node| (node["node"].as_u64().unwrap(), cells(node).iter().map(members).collect()))
        .collect()
}

#[test]
fn a_wiped_node_comes_back_as_another_and_its_cells_regain_their_replicas() {
    let cluster = Cluster::start(3, "127.78.1.1");
    cluster.done(&keyspace(3));
    cluster.done(TABLE);
    for k in 0..20 {
        cluster.done(&insert(k));
    }
    cluster.kill("node-3");
    fs::remove_dir_all(cluster.folder("node-3", "node")).unwrap();
    cluster.start_again("node-3");
    eventually("it is node 4, and node 3 is nowhere", || {
        let nodes = cluster.admin("/nodes");
        let is = |id: u64, address: &str, state: &str| {
            let mut nodes = nodes.as_array().unwrap().iter();
            let node = nodes.find(|node| node["node"] == id);
            node.is_some_and(|node| node["address"] == address && node["state"] == state)
        };
        is(3, "", "down") && is(4, "127.78.1.5:7000", "up")
    });
    for k in 20..40 {
        cluster.done(&insert(k));
    }
    eventually("every cell stands on three nodes that live", || {
        let standing = standing(&cluster);
        let living = standing.iter().filter(|(node, _)| [1, 2, 4].contains(node));
        living.clone().count() == 3
            && living.into_iter().all(|(_, cells)| {
                !cells.is_empty() && cells.iter().all(|members| *members == json!([1, 2, 4]))
            })
    });
    cluster.kill("node-1");
    assert_eq!(count(&cluster), 40, "node 4 has them all and its vote counts");
}

#[test]
fn what_starts_while_the_metadata_service_is_away_serves_by_what_it_knew() {
    let cluster = Cluster::start(1, "127.78.2.1");
    cluster.done(&keyspace(3));
    cluster.done(TABLE);
    cluster.done(&insert(1));
    let kept = cluster.folder("frontend-1", "frontend").join("catalog");
    eventually("the table is in the kept catalog", || has(&kept, b"remembered"));
    for id in ["metadata-1", "node-1", "frontend-1"] {
        cluster.kill(id);
    }
    for id in ["node-1", "frontend-1"] {
        cluster.start_again(id);
    }
    assert_eq!(count(&cluster), 1);
    cluster.done(&insert(2));
    assert_eq!(count(&cluster), 2);
    let refused = cluster.query("CREATE TABLE ks.more (k int PRIMARY KEY)").unwrap_err();
    assert!(refused.starts_with("503"), "{refused}");
    cluster.start_again("metadata-1");
    cluster.done("CREATE TABLE IF NOT EXISTS ks.more (k int PRIMARY KEY)");
    assert_eq!(cluster.done("SELECT k FROM ks.more")["rows"], json!([]));
    cluster.done(&insert(3));
    assert_eq!(count(&cluster), 3);
}
