//! Every member of the metadata service is replaced by another one, dead or alive, while tables are
//! created all the time.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail loudly"
)]

mod processes;

use std::{
    collections::BTreeSet,
    path::Path,
    process::Command,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use processes::{Cluster, Ready, eventually, keyspace, meanwhile};

/// The members that the cluster begins with.
const FIRST: &str = "127.45.4.2:7100,127.45.4.3:7100,127.45.4.4:7100";
/// Tables that must have been created between two changes.
const TABLES: u64 = 3;

fn address(number: u64, port: u16) -> String {
    format!("127.45.4.{}:{port}", 20 + number)
}

/// Starts a member that waits to be added.
fn start(data: &Path, number: u64) -> Ready {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cellar"));
    command.args(["metadata", "--metadata", FIRST, "--member", &number.to_string()]);
    command.args(["--listen", &address(number, 7100), "--admin", &address(number, 9080)]);
    Ready::start(command.arg("--data").arg(data.join(format!("joined-{number}"))))
}

/// The numbers of those that vote, and of the one that leads.
fn members(cluster: &Cluster) -> Option<(BTreeSet<u64>, u64)> {
    let told = cluster.try_admin("/members")?;
    let (mut votes, mut leads) = (BTreeSet::new(), None);
    for member in told.as_array()? {
        let number = member["member"].as_u64()?;
        if member["votes"] == true {
            votes.insert(number);
        }
        if member["leads"] == true {
            leads = Some(number);
        }
    }
    Some((votes, leads?))
}

/// Asks for a change until those vote that are to.
fn change(cluster: &Cluster, path: &str, voters: &[u64]) {
    let voters: BTreeSet<u64> = voters.iter().copied().collect();
    eventually(&format!("{path}: {voters:?} vote"), || {
        drop(cluster.change(path));
        members(cluster).is_some_and(|(votes, _)| votes == voters)
    });
}

fn add(cluster: &Cluster, number: u64, voters: &[u64]) {
    let path = format!("/members/{number}/add?address={}", address(number, 7100));
    change(cluster, &path, voters);
}

fn remove(cluster: &Cluster, number: u64, voters: &[u64]) {
    change(cluster, &format!("/members/{number}/remove"), voters);
}

/// Replaces the members one after the other; `created` waits for tables of these days.
fn replace_all(cluster: &Cluster, data: &Path, created: impl Fn()) -> [Ready; 3] {
    // The one that leads leaves in order.
    let first = members(cluster).map_or(1, |(_, leads)| leads);
    let [second, third] = match first {
        1 => [2, 3],
        2 => [1, 3],
        _ => [1, 2],
    };
    let fourth = start(data, 4);
    add(cluster, 4, &[1, 2, 3, 4]);
    created();
    remove(cluster, first, &[second, third, 4]);
    cluster.kill(&format!("metadata-{first}"));
    created();
    // The next one is dead before it is replaced.
    cluster.kill(&format!("metadata-{second}"));
    created();
    let fifth = start(data, 5);
    add(cluster, 5, &[second, third, 4, 5]);
    remove(cluster, second, &[third, 4, 5]);
    created();
    let sixth = start(data, 6);
    add(cluster, 6, &[third, 4, 5, 6]);
    remove(cluster, third, &[4, 5, 6]);
    cluster.kill(&format!("metadata-{third}"));
    created();
    [fourth, fifth, sixth]
}

#[test]
fn all_members_are_replaced_while_tables_are_created_and_no_table_is_lost() {
    let data = tempfile::tempdir().unwrap();
    let cluster = &Cluster::start_with("127.45.4.1", [3, 1, 1], &[]);
    cluster.done(&keyspace(1));
    // How many there are.
    let tables = AtomicU64::new(0);
    let create = |next| {
        cluster.done(&format!("CREATE TABLE IF NOT EXISTS ks.t{next} (k int PRIMARY KEY)"));
        tables.store(next + 1, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(50));
    };
    let created = || {
        // Whoever uses the service asks each second who its members are.
        thread::sleep(Duration::from_secs(4));
        let enough = tables.load(Ordering::SeqCst) + TABLES;
        eventually("tables are created", || tables.load(Ordering::SeqCst) >= enough);
    };
    let joined = meanwhile(1, create, || {
        created();
        let mut joined = replace_all(cluster, data.path(), created);
        // Two of the three that came are enough.
        joined[0].0.kill().unwrap();
        created();
        joined
    });
    for table in 0..tables.load(Ordering::SeqCst) {
        let select = format!(
            "SELECT table_name FROM system_schema.tables \
             WHERE keyspace_name = 'ks' AND table_name = 't{table}'"
        );
        let answer = cluster.done(&select);
        assert_eq!(answer["rows"].as_array().unwrap().len(), 1, "t{table} is lost");
    }
    cluster.done("INSERT INTO ks.t0 (k) VALUES (1)");
    drop(joined);
}
