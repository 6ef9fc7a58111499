//! Static columns and partitions that have nothing else.

use crate::store::Store;

fn store() -> Store {
    Store::of(&[
        "INSERT INTO log (k, c, v) VALUES ('a', 1, 'a1')",
        "INSERT INTO log (k, c, v) VALUES ('a', 2, 'a2')",
        "INSERT INTO log (k, s) VALUES ('a', 10)",
        "INSERT INTO log (k, s) VALUES ('b', 20)",
        "INSERT INTO log (k, c, v) VALUES ('c', 3, 'c3')",
    ])
}

fn sorted(mut rows: Vec<String>) -> Vec<String> {
    rows.sort();
    rows
}

#[test]
fn every_row_shows_the_static_column_of_its_partition() {
    let store = store();
    assert_eq!(store.read("SELECT c, s FROM log WHERE k = 'a'"), ["1 10", "2 10"]);
    assert_eq!(store.read("SELECT c, s FROM log WHERE k = 'c'"), ["3 null"]);
    assert_eq!(store.read("SELECT c, s FROM log WHERE k = 'a' AND c = 2"), ["2 10"]);
}

#[test]
fn a_partition_of_statics_alone_is_one_row_with_null_clustering() {
    let store = store();
    assert_eq!(store.read("SELECT * FROM log WHERE k = 'b'"), ["'b' null 20 null"]);
    assert_eq!(
        sorted(store.read("SELECT * FROM log")),
        ["'a' 1 10 'a1'", "'a' 2 10 'a2'", "'b' null 20 null", "'c' 3 null 'c3'"]
    );
    assert_eq!(store.read("SELECT count(*) FROM log"), ["4"]);
    assert_eq!(store.read("SELECT v FROM log WHERE k IN ('b', 'a')"), ["'a1'", "'a2'", "null"]);
}

#[test]
fn a_partition_of_statics_alone_is_not_returned_when_rows_are_chosen() {
    let store = store();
    assert_eq!(store.read("SELECT * FROM log WHERE k = 'b' AND c > 0"), [""; 0]);
    assert_eq!(store.read("SELECT c FROM log WHERE k IN ('a', 'b') AND c = 1"), ["1"]);
    assert_eq!(store.read("SELECT c FROM log WHERE v = 'a1' ALLOW FILTERING"), ["1"]);
    let by_static = store.read("SELECT k, c FROM log WHERE s = 20 ALLOW FILTERING");
    assert_eq!(by_static, ["'b' null"]);
    let of_rows = store.read("SELECT k, c FROM log WHERE s = 10 ALLOW FILTERING");
    assert_eq!(of_rows, ["'a' 1", "'a' 2"]);
}

#[test]
fn distinct_gives_each_partition_once() {
    let store = store();
    assert_eq!(
        sorted(store.read("SELECT DISTINCT k, s FROM log")),
        ["'a' 10", "'b' 20", "'c' null"]
    );
    assert_eq!(sorted(store.read("SELECT DISTINCT k FROM log")), ["'a'", "'b'", "'c'"]);
    assert_eq!(store.read("SELECT DISTINCT k FROM log LIMIT 2").len(), 2);
    assert_eq!(
        store.read("SELECT DISTINCT k, s FROM log WHERE k IN ('c', 'a')"),
        ["'a' 10", "'c' null"]
    );
    assert_eq!(store.read("SELECT DISTINCT s FROM log WHERE k = 'a'"), ["10"]);
    assert_eq!(store.read("SELECT DISTINCT k FROM log WHERE s > 10 ALLOW FILTERING"), ["'b'"]);
}

#[test]
fn deleting_the_partition_leaves_nothing() {
    let mut store = store();
    store.write("DELETE FROM log WHERE k = 'b'", &[]);
    store.write("DELETE FROM log WHERE k = 'a' AND c >= 1", &[]);
    assert_eq!(store.read("SELECT * FROM log WHERE k = 'b'"), [""; 0]);
    assert_eq!(store.read("SELECT k, c, s FROM log WHERE k = 'a'"), ["'a' null 10"]);
}
