//! `ALLOW FILTERING`: tests of single rows.

use crate::schema::{some, text};
use crate::store::Store;

fn things() -> Store {
    Store::of(&[
        "INSERT INTO things (k, l, s, m, fl, fm, t) VALUES (1, [3, 1], {'a', 'b'}, {'x': 1}, [1, 2], {1: 'one'}, (1, 'a'))",
        "INSERT INTO things (k, l, s, m, fl, fm, t) VALUES (2, [5], {'c'}, {'x': 2, 'y': 1}, [3], {2: 'two'}, (2, null))",
        "INSERT INTO things (k) VALUES (3)",
    ])
}

fn keys(store: &Store, test: &str) -> String {
    let mut rows = store.read(&format!("SELECT k FROM things WHERE {test} ALLOW FILTERING"));
    rows.sort();
    rows.join(" ")
}

#[test]
fn contents_of_collections() {
    let store = things();
    for (test, expected) in [
        ("s CONTAINS 'a'", "1"),
        ("s CONTAINS 'z'", ""),
        ("l CONTAINS 5", "2"),
        ("m CONTAINS 1", "1 2"),
        ("m CONTAINS KEY 'y'", "2"),
        ("m['x'] = 2", "2"),
        ("m['x'] = 1 AND m CONTAINS KEY 'y'", ""),
        ("s CONTAINS 'a' AND s CONTAINS 'b'", "1"),
        ("fl CONTAINS 3", "2"),
        ("fm CONTAINS KEY 1 AND fm CONTAINS 'one'", "1"),
    ] {
        assert_eq!(keys(&store, test), expected, "{test}");
    }
    let bound = "SELECT k FROM things WHERE s CONTAINS ? ALLOW FILTERING";
    assert_eq!(store.read_with(bound, &[some(text("c"))]), ["2"]);
}

#[test]
fn frozen_values_are_compared_whole() {
    let store = things();
    assert_eq!(keys(&store, "fl = [1, 2]"), "1");
    assert_eq!(keys(&store, "fl > [1, 2]"), "2");
    assert_eq!(keys(&store, "t = (1, 'a')"), "1");
    assert_eq!(keys(&store, "fm = {2: 'two'}"), "2");
    assert_eq!(keys(&store, "k > 1"), "2 3");
    assert_eq!(keys(&store, "k IN (1, 3) AND l CONTAINS 1"), "1");
}

#[test]
fn keys_that_are_no_prefix_are_tested() {
    let mut store = Store::default();
    for (a, b, c, d) in [(1, "x", 1, "p"), (1, "y", 2, "q"), (2, "x", 3, "p")] {
        let text = format!("INSERT INTO wide (a, b, c, d, v) VALUES ({a}, '{b}', {c}, '{d}', {c})");
        store.write(&text, &[]);
    }
    let of = |test: &str| {
        let mut rows = store.read(&format!("SELECT c FROM wide WHERE {test} ALLOW FILTERING"));
        rows.sort();
        rows.join(" ")
    };
    assert_eq!(of("a = 1"), "1 2");
    assert_eq!(of("b = 'x'"), "1 3");
    assert_eq!(of("d = 'p' AND v < 3"), "1");
    assert_eq!(of("a = 1 AND b = 'y' AND d = 'q'"), "2");
    assert_eq!(of("c >= 2"), "2 3");
    assert_eq!(of("c IN (1, 3) AND a > 1"), "3");
    assert_eq!(of("(c, d) > (1, 'p')"), "2 3");
    assert_eq!(of("a = 1 AND b = 'x' AND c > 0 AND d = 'p'"), "1");
    assert_eq!(of("token(a, b) > -9223372036854775808 AND v = 2"), "2");
}

#[test]
fn null_passes_no_test() {
    let store = Store::of(&[
        "INSERT INTO simple (k, v) VALUES (1, 'a')",
        "INSERT INTO simple (k, w) VALUES (2, 1)",
    ]);
    assert_eq!(store.read("SELECT k FROM simple WHERE v >= '' ALLOW FILTERING"), ["1"]);
    assert_eq!(store.read("SELECT k FROM simple WHERE w < 5 ALLOW FILTERING"), ["2"]);
}
