//! Cells of a cluster of processes that are asked too much divide by themselves, and what is hot
//! is named.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail loudly")]

mod processes;

use processes::{Cluster, eventually, keyspace, meanwhile};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS ks.asked (k int PRIMARY KEY, v int)";
const KEYS: u64 = 500;
const CLIENTS: u32 = 6;
/// What a cell may take here: little, so that a busy machine brings more.
const LIMIT: &str = "40";

/// Asks for keys until something holds.
fn asking(
    cluster: &Cluster,
    next: impl Fn(u64) -> String + Sync,
    what: &str,
    holds: impl Fn() -> bool,
) {
    let ask = |number| {
        let keys = next(number);
        // Some fail while a cell divides; the others count.
        drop(cluster.query(&format!("SELECT k, v FROM ks.asked WHERE k IN ({keys})")));
    };
    meanwhile(CLIENTS, ask, || eventually(what, holds));
}

/// The ranges of all cells, as their leaders have them.
fn ranges(cluster: &Cluster) -> Vec<String> {
    let cells = cluster.led_cells().into_iter();
    cells.map(|(_, cell)| cell["range"].as_str().unwrap().to_owned()).collect()
}

/// Whether a range, such as `[(table 16, token 7) .. (table 16, token 8))`, is one token's.
fn is_one_token(range: &str) -> bool {
    let end_of_number = |c: char| c != '-' && !c.is_ascii_digit();
    let mut tokens = range
        .split("token ")
        .skip(1)
        .map(|rest| rest.split(end_of_number).next().and_then(|digits| digits.parse::<i64>().ok()));
    let (start, end) = (tokens.next().flatten(), tokens.next().flatten());
    start.and_then(|start| start.checked_add(1)).is_some_and(|next| end == Some(next))
}

#[test]
fn cells_that_are_asked_too_much_divide_and_a_hot_partition_is_put_apart_and_named() {
    let settings = ["--cell-split-requests-per-s", LIMIT];
    let cluster = &Cluster::start_with("127.45.2.1", [1, 3, 1], &settings);
    cluster.done(&keyspace(3));
    cluster.done(TABLE);
    for k in 0..KEYS {
        cluster.done(&format!("INSERT INTO ks.asked (k, v) VALUES ({k}, {k})"));
    }
    let before = ranges(cluster).len();
    let spread = |number: u64| -> String {
        let keys: Vec<_> = (0..4).map(|at| ((number * 4 + at) * 37 % KEYS).to_string()).collect();
        keys.join(", ")
    };
    asking(cluster, spread, "a cell has divided", || ranges(cluster).len() > before);

    let named = || {
        let select = "SELECT keyspace_name, table_name, routing_key \
                      FROM system_cellar.hot_partitions";
        let answer = cluster.query(select).unwrap_or_default();
        let rows = answer["rows"].as_array().cloned().unwrap_or_default();
        rows.iter().any(|row| {
            row["keyspace_name"] == "ks"
                && row["table_name"] == "asked"
                // The four bytes of 7.
                && row["routing_key"] == "AAAABw=="
        })
    };
    let apart = || ranges(cluster).iter().any(|range| is_one_token(range));
    asking(cluster, |_| "7".to_owned(), "it is named and alone", || named() && apart());

    let answer = cluster.done("SELECT k, v FROM ks.asked");
    assert_eq!(answer["rows"].as_array().unwrap().len(), usize::try_from(KEYS).unwrap());
}
