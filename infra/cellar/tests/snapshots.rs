//! A node that is killed again and again while a cell comes to it, and one that was dead when a
//! cell left it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail loudly"
)]

mod processes;

use std::{fs, path::Path, thread};

use processes::{Cluster, eventually, keyspace};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS ks.large (k int PRIMARY KEY, v text)";
const ROWS: u64 = 480;
/// With all rows several pieces of a snapshot, and several batches of what is taken over.
const VALUE_BYTES: usize = 64 << 10;
const WRITERS: u64 = 6;
/// Rows that are deleted later.
const DELETED: u64 = 20;
const MIB: u64 = 1 << 20;

/// Text that nothing compresses well.
fn value(k: u64) -> String {
    let mut state = k + 1;
    let mut text = String::with_capacity(VALUE_BYTES);
    while text.len() < VALUE_BYTES {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(&format!("{:016x}", state ^ (state >> 29)));
    }
    text
}

fn fill(cluster: &Cluster) {
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            scope.spawn(move || {
                for k in (writer..ROWS).step_by(usize::try_from(WRITERS).unwrap()) {
                    let v = value(k);
                    cluster.done(&format!("INSERT INTO ks.large (k, v) VALUES ({k}, '{v}')"));
                }
            });
        }
    });
}

/// Every row that was not deleted is there and whole.
fn assert_whole(cluster: &Cluster) {
    for k in 0..ROWS {
        let answer = cluster.done(&format!("SELECT v FROM ks.large WHERE k = {k}"));
        let found = answer["rows"][0]["v"].as_str().unwrap_or_default();
        let expected = if k < ROWS - DELETED { value(k) } else { String::new() };
        assert!(found == expected, "row {k} has {} bytes", found.len());
    }
}

/// Bytes in the files of a folder whose names begin so.
fn bytes(folder: &Path, name: &str) -> u64 {
    let mut sum = 0;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_named = entry.file_name().to_string_lossy().starts_with(name);
        // It may be gone by now.
        match entry.metadata() {
            Ok(about) if about.is_dir() => sum += bytes(&entry.path(), name),
            Ok(about) if is_named => sum += about.len(),
            _ => {}
        }
    }
    sum
}

/// Where the cell stands, as the node says that leads it.
fn members(cluster: &Cluster) -> Option<(u64, Vec<u64>)> {
    let (_, cell) = cluster.led_cells().into_iter().next()?;
    let replicas = cell["replicas"].as_array().unwrap();
    let mut all: Vec<u64> = replicas.iter().map(|n| n.as_u64().unwrap()).collect();
    all.sort_unstable();
    Some((cell["cell"].as_u64().unwrap(), all))
}

/// How many cells a node has, if it answers.
fn cells_of(cluster: &Cluster, node: u64) -> Option<usize> {
    let told = cluster.admin("/cells");
    let mut nodes = told.as_array().unwrap().iter();
    Some(nodes.find(|one| one["node"] == node)?["answer"].as_array()?.len())
}

fn move_to(cluster: &Cluster, cell: u64, nodes: &[u64]) {
    let nodes: Vec<String> = nodes.iter().map(u64::to_string).collect();
    let path = format!("/cells/{cell}/move?to={}", nodes.join(","));
    eventually("the move is taken", || cluster.change(&path).is_ok());
}

#[test]
fn a_cell_is_whole_where_it_came_in_spite_of_kills_and_gone_where_it_left_a_dead_node() {
    let cluster = &Cluster::start_with("127.45.3.1", [1, 4, 1], &["--balance", "off"]);
    cluster.done(&keyspace(3));
    cluster.done(TABLE);
    fill(cluster);
    cluster.change("/flush").unwrap();
    let (cell, stands) = members(cluster).unwrap();
    let newcomer = (1..=4).find(|node| !stands.contains(node)).unwrap();
    let name = format!("node-{newcomer}");
    let folder = cluster.folder(&name, "node");
    // One of them is dead when the cell leaves it.
    let left = stands[0];
    cluster.kill(&format!("node-{left}"));
    let target = [stands[1], stands[2], newcomer];
    move_to(cluster, cell, &target);
    // It is killed when the snapshot has begun to come, has come, and is being taken over.
    let mut kills = 0;
    for (part, least) in [(0, 1), (0, 16 * MIB), (1, MIB), (1, 9 * MIB), (1, 17 * MIB)] {
        let reached = || match part {
            0 => bytes(&folder.join("log"), "incoming-") >= least,
            _ => bytes(&folder.join("rows"), "") >= least,
        };
        eventually("something of it has come", || reached() || is_done(cluster, &target));
        if is_done(cluster, &target) {
            break;
        }
        cluster.kill(&name);
        kills += 1;
        cluster.start_again(&name);
    }
    assert!(kills >= 2, "it was killed {kills} times");
    eventually("the cell stands where it is to", || is_done(cluster, &target));

    // What is deleted while one is dead does not come back with it.
    for k in ROWS - DELETED..ROWS {
        cluster.done(&format!("DELETE FROM ks.large WHERE k = {k}"));
    }
    let name = format!("node-{left}");
    for _ in 0..3 {
        cluster.start_again(&name);
        // Before, amid or after the removal.
        cluster.kill(&name);
    }
    cluster.start_again(&name);
    eventually("the one that was dead forgets it", || cells_of(cluster, left) == Some(0));

    lead(cluster, cell, newcomer);
    assert_whole(cluster);
    // Its vote and its rows count.
    cluster.kill(&format!("node-{}", stands[1]));
    assert_whole(cluster);
    // And the cell can stand again where it was.
    let target = [left, stands[2], newcomer];
    move_to(cluster, cell, &target);
    eventually("the cell stands where it was", || is_done(cluster, &target));
    lead(cluster, cell, left);
    assert_whole(cluster);
}

/// Lets a node lead a cell.
fn lead(cluster: &Cluster, cell: u64, node: u64) {
    eventually(&format!("node {node} leads"), || {
        cluster.transfer(cell, node);
        cluster.leaders().get(&cell) == Some(&node)
    });
}

fn is_done(cluster: &Cluster, target: &[u64]) -> bool {
    let mut target = target.to_vec();
    target.sort_unstable();
    members(cluster).is_some_and(|(_, stands)| stands == target)
}
