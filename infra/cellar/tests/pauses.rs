//! A leader that stands still while another leads, and goes on as if nothing had happened.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail loudly")]

mod processes;

use std::{
    sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use processes::{Cluster, eventually, keyspace};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS ks.register (k int PRIMARY KEY, v int)";
const ROUNDS: u64 = 3;
/// Acknowledged by the next leader while the one before it stands still.
const WRITES: u64 = 10;
const LEVELS: [&str; 3] = ["LOCAL_QUORUM", "QUORUM", "SERIAL"];
const READERS: usize = 15;
/// Reads of each round that must have been answered.
const READS: usize = 300;

/// Writes that get through late change nothing: each is older than those after it.
fn write(cluster: &Cluster, v: u64) {
    cluster.done(&format!("INSERT INTO ks.register (k, v) VALUES (1, {v}) USING TIMESTAMP {v}"));
}

/// What a read through the second frontend says; none if it failed.
fn read(cluster: &Cluster, level: &str) -> Option<u64> {
    let select = "SELECT v FROM ks.register WHERE k = 1";
    let answer = cluster.query_by("frontend-2", level, select).ok()?;
    Some(answer["rows"][0]["v"].as_u64().unwrap_or(0))
}

#[test]
fn a_leader_that_stood_still_answers_nothing_that_was_overwritten_meanwhile() {
    let cluster = &Cluster::start_with("127.45.1.1", [1, 3, 2], &[]);
    cluster.done(&keyspace(3));
    cluster.done(TABLE);
    for round in 0..ROUNDS {
        let first = round * 1_000 + 1;
        write(cluster, first);
        // The second frontend knows who leads now, and hears of nobody else below.
        eventually("it is read", || read(cluster, "QUORUM") == Some(first));
        let leaders = cluster.leaders();
        assert_eq!(leaders.len(), 1, "{leaders:?}");
        let leader = format!("node-{}", leaders.values().next().unwrap());
        cluster.signal(&leader, "-STOP");
        let acknowledged = &AtomicU64::new(0);
        for v in first + 1..=first + WRITES {
            write(cluster, v);
            acknowledged.store(v, Ordering::SeqCst);
        }
        let (reads, stop) = (&AtomicUsize::new(0), &AtomicBool::new(false));
        thread::scope(|scope| {
            for reader in 0..READERS {
                scope.spawn(move || {
                    while !stop.load(Ordering::SeqCst) {
                        let least = acknowledged.load(Ordering::SeqCst);
                        if let Some(found) = read(cluster, LEVELS[reader % LEVELS.len()]) {
                            reads.fetch_add(1, Ordering::SeqCst);
                            // Seen by the test's own thread, which goes on to the end.
                            if found < least {
                                stop.store(true, Ordering::SeqCst);
                                reads.store(usize::MAX / 2, Ordering::SeqCst);
                            }
                            assert!(found >= least, "{found} was read after {least} was written");
                        }
                    }
                });
            }
            // They wait at its door when it goes on.
            thread::sleep(Duration::from_millis(100));
            cluster.signal(&leader, "-CONT");
            let mut v = first + WRITES;
            while reads.load(Ordering::SeqCst) < READS {
                v += 1;
                write(cluster, v);
                acknowledged.store(v, Ordering::SeqCst);
            }
            stop.store(true, Ordering::SeqCst);
        });
        eventually("all three are back", || cluster.leaders().len() == 1);
    }
}
