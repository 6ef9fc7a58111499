//! `LIMIT` and `PER PARTITION LIMIT`.

use cellar_cql::plan::BoundValue;

use crate::schema::{int, some};
use crate::store::{Store, refusal, refusal_with};

fn store() -> Store {
    let mut store = Store::default();
    for k in 1..=3 {
        for c in 1..=4 {
            store.write(&format!("INSERT INTO two (k, c1, c2, v) VALUES ({k}, {c}, 0, {c})"), &[]);
        }
    }
    store
}

#[test]
fn limit_counts_rows_of_the_result() {
    let store = store();
    assert_eq!(store.read("SELECT c1 FROM two WHERE k = 1 LIMIT 2"), ["1", "2"]);
    assert_eq!(store.read("SELECT c1 FROM two WHERE k = 1 LIMIT 9"), ["1", "2", "3", "4"]);
    assert_eq!(store.read("SELECT k FROM two LIMIT 7").len(), 7);
    assert_eq!(
        store.read("SELECT c1 FROM two WHERE k = 1 AND v > 2 LIMIT 1 ALLOW FILTERING"),
        ["3"]
    );
    assert_eq!(
        store.read("SELECT c1 FROM two WHERE k = 1 ORDER BY c1 DESC LIMIT 3"),
        ["4", "3", "2"]
    );
}

#[test]
fn per_partition_limit_begins_anew_in_every_partition() {
    let store = store();
    assert_eq!(
        store.read("SELECT k, c1 FROM two WHERE k IN (1, 2, 3) PER PARTITION LIMIT 2"),
        ["1 1", "1 2", "2 1", "2 2", "3 1", "3 2"]
    );
    assert_eq!(
        store.read("SELECT k, c1 FROM two WHERE k IN (1, 2, 3) PER PARTITION LIMIT 2 LIMIT 3"),
        ["1 1", "1 2", "2 1"]
    );
    let mut all = store.read("SELECT k, c1 FROM two PER PARTITION LIMIT 1");
    all.sort();
    assert_eq!(all, ["1 1", "2 1", "3 1"]);
    assert_eq!(
        store.read(
            "SELECT k, c1 FROM two WHERE k IN (1, 2) AND c1 IN (2, 3, 4) PER PARTITION LIMIT 2"
        ),
        ["1 2", "1 3", "2 2", "2 3"]
    );
}

#[test]
fn limits_may_be_bound() {
    let store = store();
    let text = "SELECT c1 FROM two WHERE k = ? LIMIT ?";
    assert_eq!(store.read_with(text, &[some(int(2)), some(int(1))]), ["1"]);
    assert_eq!(store.read_with(text, &[some(int(2)), BoundValue::Unset]).len(), 4);
    assert_eq!(
        refusal_with(text, &[some(int(2)), some(int(0))]),
        "LIMIT must be strictly positive"
    );
    assert_eq!(
        refusal_with(text, &[some(int(2)), BoundValue::Null]),
        "Invalid null value of limit"
    );
}

#[test]
fn limits_below_one_are_refused() {
    assert_eq!(refusal("SELECT * FROM two LIMIT 0"), "LIMIT must be strictly positive");
    assert_eq!(refusal("SELECT * FROM two LIMIT -1"), "LIMIT must be strictly positive");
    assert_eq!(
        refusal("SELECT * FROM two PER PARTITION LIMIT 0"),
        "PER PARTITION LIMIT must be strictly positive"
    );
    assert_eq!(
        refusal("SELECT DISTINCT k FROM two PER PARTITION LIMIT 1"),
        "PER PARTITION LIMIT is not allowed with SELECT DISTINCT queries"
    );
}
