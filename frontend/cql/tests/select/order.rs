//! `ORDER BY`, and the order without it.

use crate::store::{Store, refusal};

fn store() -> Store {
    let mut store = Store::default();
    for (b, c, d) in [("x", 1, "p"), ("x", 1, "q"), ("x", 2, "p"), ("y", 3, "r"), ("y", 1, "a")] {
        let text = format!("INSERT INTO wide (a, b, c, d, v) VALUES (1, '{b}', {c}, '{d}', {c})");
        store.write(&text, &[]);
    }
    store
}

#[test]
fn rows_come_in_clustering_order() {
    let store = store();
    assert_eq!(
        store.read("SELECT c, d FROM wide WHERE a = 1 AND b = 'x'"),
        ["2 'p'", "1 'p'", "1 'q'"]
    );
}

#[test]
fn the_reverse_order_is_read_backwards() {
    let store = store();
    let backwards = ["1 'q'", "1 'p'", "2 'p'"];
    for order in ["c ASC, d DESC", "c", "c ASC", "c DESC, c"] {
        let text = format!("SELECT c, d FROM wide WHERE a = 1 AND b = 'x' ORDER BY {order}");
        assert_eq!(store.read(&text), backwards, "{order}");
    }
    for order in ["c DESC, d ASC", "c DESC"] {
        let text = format!("SELECT c, d FROM wide WHERE a = 1 AND b = 'x' ORDER BY {order}");
        assert_eq!(store.read(&text), ["2 'p'", "1 'p'", "1 'q'"], "{order}");
    }
    assert_eq!(
        store.read("SELECT d FROM wide WHERE a = 1 AND b = 'x' AND c = 1 ORDER BY d DESC"),
        ["'q'", "'p'"]
    );
    assert_eq!(
        store.read("SELECT c FROM wide WHERE a = 1 AND b = 'x' AND c IN (1, 2) ORDER BY c ASC"),
        ["1", "1", "2"]
    );
}

#[test]
fn several_partitions_are_sorted_together() {
    let store = store();
    assert_eq!(
        store.read("SELECT b, c FROM wide WHERE a = 1 AND b IN ('x', 'y') ORDER BY c DESC"),
        ["'y' 3", "'x' 2", "'x' 1", "'x' 1", "'y' 1"]
    );
    assert_eq!(
        store.read("SELECT b FROM wide WHERE a = 1 AND b IN ('x', 'y') ORDER BY c ASC LIMIT 2"),
        ["'x'", "'x'"]
    );
}

#[test]
fn other_orders_are_refused() {
    for (order, words) in [
        (
            "a",
            "Order by is currently only supported on the clustered columns of the PRIMARY KEY, got a",
        ),
        (
            "v",
            "Order by is currently only supported on the clustered columns of the PRIMARY KEY, got v",
        ),
        ("nope", "Undefined column name nope in table ks.wide"),
        ("c ASC, d ASC", "Unsupported order by relation"),
        (
            "d ASC",
            "Order by currently only supports the ordering of columns following their declared \
             order in the PRIMARY KEY",
        ),
    ] {
        let text = format!("SELECT * FROM wide WHERE a = 1 AND b = 'x' ORDER BY {order}");
        assert_eq!(refusal(&text), words, "{order}");
    }
    let scan = "ORDER BY is only supported when the partition key is restricted by an EQ or an IN.";
    assert_eq!(refusal("SELECT * FROM wide ORDER BY c ASC"), scan);
}
