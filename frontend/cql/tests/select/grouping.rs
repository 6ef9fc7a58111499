//! Aggregates and `GROUP BY`.

use crate::schema::planned;
use crate::store::{Store, refusal};

fn store() -> Store {
    Store::of(&[
        "INSERT INTO two (k, c1, c2, v) VALUES (1, 1, 1, 10)",
        "INSERT INTO two (k, c1, c2, v) VALUES (1, 1, 2, 20)",
        "INSERT INTO two (k, c1, c2) VALUES (1, 2, 1)",
        "INSERT INTO two (k, c1, c2, v) VALUES (2, 1, 1, -7)",
    ])
}

#[test]
fn aggregates_over_all_rows() {
    let store = store();
    assert_eq!(
        store.read("SELECT count(*), count(v), min(v), max(v), sum(v), avg(v) FROM two"),
        ["4 3 -7 20 23 7"]
    );
    assert_eq!(store.read("SELECT count(*), sum(v) FROM two WHERE k = 1"), ["3 30"]);
    assert_eq!(store.read("SELECT count(*) FROM two WHERE k = 1 LIMIT 1"), ["3"]);
    assert_eq!(store.read("SELECT count(*) FROM two WHERE v > 10 ALLOW FILTERING"), ["1"]);
    assert_eq!(store.read("SELECT c1, max(c2) FROM two WHERE k = 1"), ["1 2"]);
    assert_eq!(store.read("SELECT count(*) FROM two WHERE k IN (1, 2)"), ["4"]);
    assert_eq!(store.read("SELECT max(writetime(v)) FROM two WHERE k = 2"), ["1000004"]);
}

#[test]
fn aggregates_over_nothing_are_one_row() {
    let store = Store::default();
    assert_eq!(
        store.read("SELECT count(*), count(v), min(v), max(v), sum(v), avg(v), k FROM two"),
        ["0 0 null null 0 0 null"]
    );
    assert_eq!(store.read("SELECT count(*) FROM two WHERE k = 9"), ["0"]);
    assert_eq!(store.read("SELECT count(*) FROM two GROUP BY k"), [""; 0]);
}

#[test]
fn sums_and_averages_are_of_the_type_they_add() {
    let store = Store::of(&[
        "INSERT INTO scalars (k, tinyint, smallint, int, bigint, varint, float, double, decimal)
            VALUES (1, 127, 32767, 2147483647, 9223372036854775807, 9223372036854775807,
                0.5, 1.5, 0.10)",
        "INSERT INTO scalars (k, tinyint, smallint, int, bigint, varint, float, double, decimal)
            VALUES (2, 1, 1, 1, 1, 1, 0.25, 1e300, 1.005)",
    ]);
    assert_eq!(
        store.read(
            "SELECT sum(tinyint), sum(smallint), sum(int), sum(bigint), sum(varint) FROM scalars"
        ),
        ["-128 -32768 -2147483648 -9223372036854775808 9223372036854775808"]
    );
    assert_eq!(
        store.read(
            "SELECT avg(tinyint), avg(smallint), avg(int), avg(bigint), avg(varint) FROM scalars"
        ),
        ["64 16384 1073741824 4611686018427387904 4611686018427387904"]
    );
    assert_eq!(
        store.read("SELECT sum(float), avg(float), sum(decimal) FROM scalars"),
        ["0.75 0.375 1.105"]
    );
    assert_eq!(store.read("SELECT avg(decimal) FROM scalars"), ["0.552"]);
    for (column, cql_type) in [("tinyint", "tinyint"), ("decimal", "decimal"), ("float", "float")] {
        let columns =
            planned(&format!("SELECT sum({column}), avg({column}), max({column}) FROM scalars"))
                .columns
                .unwrap();
        assert!(columns.iter().all(|c| c.cql_type.to_string() == cql_type), "{columns:?}");
    }
    let columns = planned("SELECT count(*), count(k) FROM scalars").columns.unwrap();
    assert!(columns.iter().all(|c| c.cql_type.to_string() == "bigint"));
}

#[test]
fn compensated_sums_lose_nothing() {
    // In the order of the tokens of 1, 0, 2 and 3.
    let mut store = Store::default();
    for (k, number) in ["1.0", "1e16", "1.0", "-1e16"].iter().enumerate() {
        store.write(&format!("INSERT INTO scalars (k, double) VALUES ({k}, {number})"), &[]);
    }
    let sum = store.read("SELECT sum(double) FROM scalars");
    assert!(["2", "2.0"].contains(&sum[0].as_str()), "{sum:?}");
    store.write("INSERT INTO scalars (k, double) VALUES (9, Infinity)", &[]);
    assert_eq!(store.read("SELECT sum(double) FROM scalars"), ["Infinity"]);
}

#[test]
fn min_and_max_compare_as_the_type_does() {
    let store = Store::of(&[
        "INSERT INTO scalars (k, varint, text, blob, timeuuid) VALUES (1, -5, 'b', 0xff, 50554d6e-29bb-11e5-b345-feff819cdc9f)",
        "INSERT INTO scalars (k, varint, text, blob, timeuuid) VALUES (2, 300, 'a', 0x0000, 50554d6e-29bc-11e5-b345-feff819cdc9f)",
    ]);
    assert_eq!(
        store.read("SELECT min(varint), max(varint), min(text), max(blob) FROM scalars"),
        ["-5 300 'a' 0xff"]
    );
    assert_eq!(
        store.read("SELECT max(timeuuid) FROM scalars"),
        ["50554d6e-29bc-11e5-b345-feff819cdc9f"]
    );
}

#[test]
fn groups_are_rows_whose_keys_start_alike() {
    let store = store();
    let by = |text: &str| store.read(text);
    assert_eq!(
        by("SELECT c1, count(*), sum(v) FROM two WHERE k = 1 GROUP BY c1"),
        ["1 2 30", "2 1 0"]
    );
    assert_eq!(
        by("SELECT k, c1, max(c2) FROM two WHERE k IN (1, 2) GROUP BY k, c1"),
        ["1 1 2", "1 2 1", "2 1 1"]
    );
    let mut partitions = by("SELECT k, count(*) FROM two GROUP BY k");
    partitions.sort();
    assert_eq!(partitions, ["1 3", "2 1"]);
    assert_eq!(by("SELECT c2 FROM two WHERE k = 1 AND c1 = 1 GROUP BY c2"), ["1", "2"]);
    assert_eq!(by("SELECT c1, c2, v FROM two WHERE k = 1 GROUP BY k, c1"), ["1 1 10", "2 1 null"]);
    assert_eq!(
        by("SELECT c1, count(*) FROM two WHERE k = 1 GROUP BY c1 ORDER BY c1 DESC"),
        ["2 1", "1 2"]
    );
    assert_eq!(
        by("SELECT c1, count(*) FROM two WHERE k = 1 AND v > 15 GROUP BY c1 ALLOW FILTERING"),
        ["1 1"]
    );
}

#[test]
fn limits_count_groups() {
    let store = store();
    assert_eq!(store.read("SELECT c1, count(*) FROM two WHERE k = 1 GROUP BY c1 LIMIT 1"), ["1 2"]);
    assert_eq!(
        store.read("SELECT k, c1 FROM two WHERE k IN (1, 2) GROUP BY k, c1 PER PARTITION LIMIT 1"),
        ["1 1", "2 1"]
    );
    assert_eq!(store.read("SELECT k FROM two GROUP BY k LIMIT 1").len(), 1);
    assert_eq!(
        store.read("SELECT k, c1 FROM two WHERE k IN (1, 2) GROUP BY k, c1 LIMIT 3"),
        ["1 1", "1 2", "2 1"]
    );
}

#[test]
fn groups_of_partitions_that_are_only_statics() {
    let store = Store::of(&[
        "INSERT INTO log (k, s) VALUES ('a', 1)",
        "INSERT INTO log (k, c, v) VALUES ('b', 1, 'x')",
        "INSERT INTO log (k, c, v) VALUES ('b', 2, 'y')",
    ]);
    assert_eq!(
        store.read("SELECT k, s, count(*), count(c) FROM log WHERE k IN ('a', 'b') GROUP BY k"),
        ["'a' 1 1 0", "'b' null 2 2"]
    );
    assert_eq!(
        store.read("SELECT k, c FROM log WHERE k IN ('a', 'b') GROUP BY k, c"),
        ["'a' null", "'b' 1", "'b' 2"]
    );
}

#[test]
fn groups_that_do_not_follow_the_key_are_refused() {
    let order = "Group by currently only support groups of columns following their declared order \
                 in the PRIMARY KEY";
    for (group, words) in [
        ("v", "Group by is currently only supported on the columns of the PRIMARY KEY, got v"),
        ("c1", order),
        ("k, c2", order),
        ("k, c1, k", order),
        ("nope", "Undefined column name nope in table ks.two"),
    ] {
        assert_eq!(
            refusal(&format!("SELECT count(*) FROM two GROUP BY {group}")),
            words,
            "{group}"
        );
    }
    assert_eq!(
        refusal("SELECT count(*) FROM wide GROUP BY a"),
        "Group by is not supported on only a part of the partition key"
    );
    assert_eq!(
        refusal("SELECT DISTINCT k FROM log GROUP BY k, c"),
        "Grouping on clustering columns is not allowed for SELECT DISTINCT queries"
    );
}

#[test]
fn the_last_group_may_be_a_function() {
    let mut store = Store::default();
    for c in [0, 59_000, 60_000, 61_000, 180_000] {
        store.write(&format!("INSERT INTO times (k, t, v) VALUES (1, {c}, {c})"), &[]);
    }
    assert_eq!(
        store.read("SELECT count(*), max(v) FROM times WHERE k = 1 GROUP BY k, floor(t, 1m)"),
        ["2 59000", "2 61000", "1 180000"]
    );
    assert_eq!(
        refusal("SELECT count(*) FROM times WHERE k = 1 GROUP BY floor(t, 1m), t"),
        "Functions are only supported on the last element of the GROUP BY clause"
    );
}

#[test]
fn pages_of_groups_are_full_wherever_partitions_end() {
    let mut store = store();
    store.write("INSERT INTO two (k, c1, c2, v) VALUES (3, 5, 1, 1)", &[]);
    // Read in pages of 1, 2 and 3, each of which must give the same.
    let mut rows = store.read("SELECT k, c1, count(*) FROM two GROUP BY k, c1");
    rows.sort();
    assert_eq!(rows, ["1 1 2", "1 2 1", "2 1 1", "3 5 1"]);
    assert_eq!(
        store.read("SELECT k, c1, count(*) FROM two WHERE k IN (1, 2, 3) GROUP BY k, c1"),
        ["1 1 2", "1 2 1", "2 1 1", "3 5 1"]
    );
    let bound = crate::store::reads("SELECT c1 FROM two GROUP BY k, c1 LIMIT 3", &[]);
    let mut sizes = Vec::new();
    let mut resume = None;
    loop {
        let page = store.page(&bound, 1, resume.take()).unwrap();
        sizes.push(page.rows.len());
        resume = page.next;
        if resume.is_none() {
            break;
        }
    }
    assert_eq!(sizes.iter().sum::<usize>(), 3);
    assert!(sizes.iter().all(|size| *size <= 1), "{sizes:?}");
    assert!(!bound.reader(1, None).must_read_all());
    assert!(crate::store::reader("SELECT count(*) FROM two").must_read_all());
}
