//! Which keys are read for which restrictions.

use cellar_cql::plan::{PartitionRead, Reads};
use cellar_schema::{TableId, keys, token, value};

use crate::schema::{bind, id, int, partition, planned, row, some, table_of, text};
use crate::store::{Store, reader, reads};

fn wide_key(b: &str) -> bytes::Bytes {
    partition("wide", &[int(1), text(b)])
}

fn ranges(text: &str) -> Vec<(bytes::Bytes, bytes::Bytes)> {
    match reads(text, &[]).reads {
        Reads::Partitions(mut all) => {
            assert_eq!(all.len(), 1, "{text}");
            all.remove(0).ranges
        }
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn the_partition_key_names_one_partition() {
    let bound = reads("SELECT * FROM wide WHERE b = ? AND a = ?", &[some(text("x")), some(int(1))]);
    let whole = vec![(keys::rows_start(), keys::rows_end())];
    let read = PartitionRead { partition: wide_key("x"), ranges: whole, statics: true };
    assert_eq!(bound.reads, Reads::Partitions(vec![read]));
    assert!(!bound.reverse);
    assert_eq!(bound.fetch, None);
}

#[test]
fn values_of_in_are_read_once_each_in_the_order_of_their_values() {
    let bound = reads("SELECT v FROM simple WHERE k IN (3, 1, 3, -2)", &[]);
    let Reads::Partitions(found) = bound.reads else { panic!("{bound:?}") };
    let expected: Vec<_> = [-2, 1, 3].iter().map(|k| partition("simple", &[int(*k)])).collect();
    assert_eq!(found.iter().map(|read| read.partition.clone()).collect::<Vec<_>>(), expected);
    let none = reads("SELECT v FROM simple WHERE k IN ()", &[]).reads;
    assert_eq!(none, Reads::Partitions(Vec::new()));
    let list = some(value::build_list(&[int(7), int(5)]));
    let Reads::Partitions(found) = reads("SELECT v FROM simple WHERE k IN ?", &[list]).reads else {
        panic!()
    };
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].partition, partition("simple", &[int(5)]));
}

#[test]
fn in_on_several_key_columns_multiplies() {
    let bound = reads("SELECT v FROM wide WHERE a IN (2, 1) AND b IN ('y', 'x')", &[]);
    let Reads::Partitions(found) = bound.reads else { panic!("{bound:?}") };
    let expected: Vec<_> = [(1, "x"), (1, "y"), (2, "x"), (2, "y")]
        .iter()
        .map(|(a, b)| partition("wide", &[int(*a), text(b)]))
        .collect();
    assert_eq!(found.iter().map(|read| read.partition.clone()).collect::<Vec<_>>(), expected);
}

#[test]
fn a_whole_clustering_key_is_one_row() {
    let found = ranges("SELECT * FROM two WHERE k = 1 AND c1 = 2 AND c2 = 3");
    let start = row("two", &[int(2), int(3)]);
    assert_eq!(found, [(start.clone(), keys::after(&start))]);
}

#[test]
fn slices_follow_the_declared_order() {
    let table = table_of("wide");
    let range = |lower, upper| keys::suffix_range(&table, &[], lower, upper).unwrap();
    let of = |test: &str| ranges(&format!("SELECT * FROM wide WHERE a = 1 AND b = 'x' AND {test}"));
    assert_eq!(of("c > 3"), [range(Some((int(3), false)), None)]);
    assert_eq!(of("c >= 3 AND c < 5"), [range(Some((int(3), true)), Some((int(5), false)))]);
    assert_eq!(of("c < 5"), [range(None, Some((int(5), false)))]);
    assert_eq!(of("c > 5 AND c < 3"), []);
    let within = keys::suffix_range(&table, &[int(4)], Some((text("m"), true)), None).unwrap();
    assert_eq!(of("c = 4 AND d >= 'm'"), [within]);
}

#[test]
fn in_on_clustering_columns_is_several_ranges_in_key_order() {
    let table = table_of("wide");
    let at = |c: i32| keys::suffix_range(&table, &[int(c)], None, None).unwrap();
    let text = "SELECT * FROM wide WHERE a = 1 AND b = 'x' AND c IN (1, 5, 3)";
    assert_eq!(ranges(text), [at(5), at(3), at(1)]);
    let backwards = format!("{text} ORDER BY c ASC");
    assert_eq!(ranges(&backwards), [at(1), at(3), at(5)]);
    assert!(reads(&backwards, &[]).reverse);
}

#[test]
fn tuples_are_compared_as_wholes() {
    let table = table_of("two");
    let of = |test: &str| ranges(&format!("SELECT * FROM two WHERE k = 1 AND {test}"));
    let pair = [int(1), int(2)];
    let above = keys::suffix_range_tuple(&table, Some((&pair, false)), None).unwrap();
    assert_eq!(of("(c1, c2) > (1, 2)"), above);
    let row_of = |a: i32, b: i32| {
        let start = row("two", &[int(a), int(b)]);
        (start.clone(), keys::after(&start))
    };
    assert_eq!(of("(c1, c2) = (1, 2)"), [row_of(1, 2)]);
    assert_eq!(of("(c1, c2) IN ((3, 4), (1, 2), (3, 4))"), [row_of(1, 2), row_of(3, 4)]);
    let first = [int(1)];
    let between =
        keys::suffix_range_tuple(&table, Some((&pair, true)), Some((&first, true))).unwrap();
    assert_eq!(of("(c1, c2) >= (1, 2) AND (c1) <= (1)"), between);
}

#[test]
fn without_the_partition_key_all_of_the_table_is_read() {
    let bound = reads("SELECT * FROM log", &[]);
    let (start, end) = keys::table_range(table_of("log").id);
    assert_eq!(bound.reads, Reads::Scan { start, end, statics: true });
    assert_eq!(bound.row_limit_hint, None);
    assert_eq!(reads("SELECT * FROM log LIMIT 7", &[]).row_limit_hint, Some(7));
    let filtered = "SELECT * FROM log WHERE v = 'x' LIMIT 7 ALLOW FILTERING";
    assert_eq!(reads(filtered, &[]).row_limit_hint, None);
}

fn scanned(text: &str) -> (bytes::Bytes, bytes::Bytes) {
    match reads(text, &[]).reads {
        Reads::Scan { start, end, .. } => (start, end),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn tokens_bound_the_scan() {
    let table: TableId = table_of("simple").id;
    let of = |test: &str| scanned(&format!("SELECT * FROM simple WHERE {test}"));
    assert_eq!(of("token(k) > 5"), keys::token_range(table, Some(5), None));
    assert_eq!(of("token(k) >= 5"), keys::token_range(table, Some(4), None));
    assert_eq!(of("token(k) <= 5"), keys::token_range(table, None, Some(5)));
    assert_eq!(of("token(k) > -3 AND token(k) < 3"), keys::token_range(table, Some(-3), Some(2)));
    // The least token is no partition's: drivers use it for both ends of the ring.
    let whole = keys::token_range(table, None, None);
    assert_eq!(of("token(k) > -9223372036854775808"), whole);
    assert_eq!(of("token(k) <= -9223372036854775808"), whole);
    let (start, end) = of("token(k) > 5 AND token(k) < 3");
    assert!(start >= end);
}

#[test]
fn a_token_of_a_value_is_computed() {
    let table = table_of("simple").id;
    let of_one = token::token(&int(1));
    let (start, end) = scanned("SELECT * FROM simple WHERE token(k) > token(1)");
    assert_eq!((start, end), keys::token_range(table, Some(of_one), None));
}

#[test]
fn only_the_columns_that_are_needed_are_fetched() {
    let fetch = |text: &str| reads(text, &[]).fetch;
    let two = |column| vec![id("two", column)];
    assert_eq!(fetch("SELECT k, v FROM two WHERE k = 1"), None);
    assert_eq!(fetch("SELECT k, c1 FROM two WHERE k = 1"), Some(Vec::new()));
    assert_eq!(fetch("SELECT v FROM simple WHERE k = 1"), Some(vec![id("simple", "v")]));
    let filtered = "SELECT v FROM simple WHERE k = 1 AND w = 2 ALLOW FILTERING";
    assert_eq!(fetch(filtered), None);
    assert_eq!(fetch("SELECT writetime(w) FROM simple"), Some(vec![id("simple", "w")]));
    assert_eq!(fetch("SELECT count(*) FROM two"), Some(Vec::new()));
    assert_eq!(fetch("SELECT max(v) FROM two"), None);
    let _ = two;
    // A partition without rows is a row of the result, which only its statics tell.
    assert_eq!(fetch("SELECT v FROM log WHERE k = 'a'").map(|ids| ids.len()), None);
    assert_eq!(fetch("SELECT c FROM log WHERE k = 'a'"), Some(vec![id("log", "s")]));
    assert_eq!(fetch("SELECT c FROM log WHERE k = 'a' AND c = 1"), Some(Vec::new()));
}

#[test]
fn statics_are_only_read_where_they_show() {
    let statics = |text: &str| match reads(text, &[]).reads {
        Reads::Partitions(found) => found.iter().any(|read| read.statics),
        Reads::Scan { statics, .. } => statics,
    };
    assert!(statics("SELECT c FROM log WHERE k = 'a'"));
    assert!(!statics("SELECT c FROM log WHERE k = 'a' AND c = 1"));
    assert!(statics("SELECT s, c FROM log WHERE k = 'a' AND c = 1"));
    assert!(statics("SELECT c FROM log WHERE k = 'a' AND c > 1 AND s = 2 ALLOW FILTERING"));
    assert!(!statics("SELECT v FROM simple WHERE k = 1"));
}

#[test]
fn markers_of_the_partition_key_are_announced() {
    let of = |text: &str| planned(text).partition_key_variables;
    assert_eq!(of("SELECT * FROM wide WHERE b = ? AND c > ? AND a = ?"), [2, 0]);
    assert_eq!(of("SELECT * FROM wide WHERE b = ? AND a = 1"), [0_u16; 0]);
    assert_eq!(of("SELECT * FROM simple WHERE k IN ?"), [0_u16; 0]);
}

#[test]
fn variables_are_named_and_typed_by_what_they_are_compared_with() {
    let variables = planned(
        "SELECT m[?] FROM things WHERE k IN ? AND s CONTAINS ? AND m[?] = ? LIMIT ? ALLOW FILTERING",
    )
    .variables;
    let shown: Vec<String> =
        variables.iter().map(|v| format!("{} {}", v.name, v.cql_type)).collect();
    assert_eq!(
        shown,
        [
            "key(m) text",
            "in(k) frozen<list<int>>",
            "value(s) text",
            "key(m) text",
            "value(m) int",
            "[limit] int"
        ]
    );
    let token = planned("SELECT * FROM simple WHERE token(k) > ?").variables;
    assert_eq!(token[0].name, "partition key token");
}

#[test]
fn rows_of_no_table_are_refused() {
    let mut reader = reader("SELECT * FROM simple");
    let key = bytes::Bytes::from_static(b"no such key");
    reader.push(&key, &cellar_schema::Row::default()).unwrap_err();
}

#[test]
fn one_end_of_a_range_may_be_a_tuple_and_the_other_one_column() {
    let rows: Vec<String> = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1)]
        .iter()
        .map(|(c1, c2)| format!("INSERT INTO two (k, c1, c2) VALUES (1, {c1}, {c2})"))
        .collect();
    let store = Store::of(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    for (filter, found) in [
        ("(c1, c2) > (1, 1) AND c1 <= 2", vec!["1 2", "2 1", "2 2"]),
        ("c1 > 1 AND (c1, c2) < (3, 1)", vec!["2 1", "2 2"]),
        ("(c1, c2) >= (2, 2) AND (c1) < (3)", vec!["2 2"]),
        ("(c1, c2) <= (2, 1) AND c1 >= 2", vec!["2 1"]),
    ] {
        let text = format!("SELECT c1, c2 FROM two WHERE k = 1 AND {filter}");
        assert_eq!(store.read(&text), found, "{filter}");
    }
}

#[test]
fn a_marker_for_a_tuple_of_one_column_is_a_tuple() {
    let of = |text: &str| {
        let variable = planned(text).variables.remove(0);
        format!("{} {}", variable.name, variable.cql_type)
    };
    let tuple = "frozen<tuple<int>>";
    for (filter, expected) in [
        ("(c) > ?", format!("(c) {tuple}")),
        ("(c) = ?", format!("(c) {tuple}")),
        ("(c) IN (?, ?)", format!("(c) {tuple}")),
        ("(c) IN ?", format!("in(c) frozen<list<{tuple}>>")),
        ("(c) = (?)", "c int".to_owned()),
        ("c IN (?, ?)", "c int".to_owned()),
    ] {
        assert_eq!(of(&format!("SELECT v FROM log WHERE k = 'a' AND {filter}")), expected);
        assert_eq!(of(&format!("DELETE FROM log WHERE k = 'a' AND {filter}")), expected);
    }
    let one = |c: i32| some(value::build_tuple(&[Some(int(c))]));
    let Reads::Partitions(found) =
        reads("SELECT v FROM log WHERE k = 'a' AND (c) IN (?, ?)", &[one(4), one(2)]).reads
    else {
        panic!()
    };
    assert_eq!(found[0].ranges.len(), 2);
    let list = some(value::build_list(&[value::build_tuple(&[Some(int(4))])]));
    let write = bind("DELETE FROM log WHERE k = 'a' AND (c) IN ?", &[list]);
    let place = cellar_schema::ChangeKind::DeleteRow { suffix: row("log", &[int(4)]) };
    assert_eq!(write.mutations[0].changes[0].kind, place);
}
