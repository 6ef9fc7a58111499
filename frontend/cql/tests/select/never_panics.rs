//! Random statements of the right words, bound with random values and read from a small store:
//! every outcome is rows of the announced types or an error.

use std::sync::LazyLock;

use bytes::Bytes;
use cellar_cql::plan::BoundValue;
use cellar_schema::value;
use proptest::prelude::*;

use crate::schema::*;
use crate::store::Store;

static STORE: LazyLock<Store> = LazyLock::new(|| {
    Store::of(&[
        "INSERT INTO simple (k, v, w) VALUES (1, 'a', 5)",
        "INSERT INTO log (k, c, s, v) VALUES ('a', 1, 2, 'x')",
        "INSERT INTO log (k, s) VALUES ('b', 2)",
        "INSERT INTO two (k, c1, c2, v) VALUES (1, 2, 3, 4)",
        "INSERT INTO two (k, c1, c2, v) VALUES (1, 3, -3, null)",
        "INSERT INTO wide (a, b, c, d, s, v) VALUES (1, 'b', 3, 'd', 's', 7)",
        "INSERT INTO things (k, l, s, m, fl, fm, fs, a, fa, t, e) VALUES (1, [3, 1], {'a'},
            {'x': 1}, [1, 2], {1: 'x'}, {2}, {street: 's'}, {zip: 1}, (1, 'a'), [1, 2, 3])",
        "INSERT INTO scalars (k, int, text, duration, inet, decimal, float, varint, timeuuid,
            date, time, timestamp, blob) VALUES (1, 5, 'a', 1h, '::1', 1.5, NaN, 7,
            d2177dd0-eaa2-11de-a572-001b779c76e3, '2020-01-01', '01:00:00', 5, 0xff)",
        "INSERT INTO scalars (k) VALUES (2)",
    ])
});

const TABLES: [&str; 7] = ["simple", "wide", "log", "things", "scalars", "two", "counts"];
const TERMS: [&str; 22] = [
    "?",
    ":x",
    "1",
    "-5",
    "99999999999999999999",
    "1.5",
    "'a'",
    "''",
    "true",
    "null",
    "0xff",
    "[]",
    "{}",
    "[1, ?]",
    "{'a'}",
    "{1: 'x'}",
    "{street: 's', zip: ?}",
    "(1, 'a')",
    "(1)",
    "1h",
    "now()",
    "(int) ?",
];
const FUNCTIONS: [&str; 22] = [
    "count",
    "min",
    "max",
    "sum",
    "avg",
    "token",
    "writetime",
    "ttl",
    "maxwritetime",
    "toJson",
    "fromJson",
    "toDate",
    "toTimestamp",
    "intAsBlob",
    "blobAsInt",
    "minTimeuuid",
    "uuid",
    "abs",
    "round",
    "map_keys",
    "collection_count",
    "mask_default",
];

/// A column of the table, now and then of another.
fn column(table: &str) -> impl Strategy<Value = String> + use<> {
    let of_table = table_of(table).columns.iter().map(|column| column.name.clone()).collect();
    let of_table: Vec<String> = of_table;
    prop_oneof![
        30 => prop::sample::select(of_table),
        1 => prop::sample::select(vec!["k".to_owned(), "v".to_owned(), "nope".to_owned()]),
    ]
}

fn term() -> impl Strategy<Value = String> {
    prop::sample::select(&TERMS[..]).prop_map(str::to_owned)
}

fn selector(table: &str) -> impl Strategy<Value = String> + use<> {
    let column = || column(table);
    let leaf = prop_oneof![
        12 => column(),
        1 => Just("count(*)".to_owned()),
        1 => term(),
        1 => (column(), term()).prop_map(|(c, t)| format!("{c}[{t}]")),
        1 => (column(), term()).prop_map(|(c, t)| format!("{c}[{t}..]")),
        1 => column().prop_map(|c| format!("{c}.zip")),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        let types = prop::sample::select(vec!["int", "text", "double", "varint", "list<int>"]);
        prop_oneof![
            4 => (prop::sample::select(&FUNCTIONS[..]), prop::collection::vec(inner.clone(), 0..3))
                .prop_map(|(f, args)| format!("{f}({})", args.join(", "))),
            1 => (inner.clone(), types).prop_map(|(s, t)| format!("CAST({s} AS {t})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} + {b}")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} / {b}")),
            1 => inner.clone().prop_map(|s| format!("-{s}")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}, {b})")),
            1 => inner.clone().prop_map(|s| format!("[{s}]")),
            1 => (inner.clone(), inner).prop_map(|(a, b)| format!("{{{a}: {b}}}")),
        ]
    })
}

fn relation(table: &str) -> impl Strategy<Value = String> + use<> {
    let column = || column(table);
    let operators =
        vec!["=", "!=", "<", "<=", ">", ">=", "CONTAINS", "CONTAINS KEY", "LIKE", "= ", "= "];
    let simple = (column(), prop::sample::select(operators), term())
        .prop_map(|(c, o, t)| format!("{c} {o} {t}"));
    prop_oneof![
        8 => simple,
        1 => column().prop_map(|c| format!("{c} IN ?")),
        1 => (column(), term(), term()).prop_map(|(c, a, b)| format!("{c} IN ({a}, {b})")),
        1 => (term(), term()).prop_map(|(a, b)| format!("(c1, c2) >= ({a}, {b})")),
        1 => (term(), term()).prop_map(|(a, b)| format!("(c, d) IN (({a}, {b}), ?)")),
        1 => term().prop_map(|t| format!("token(k) > {t}")),
        1 => (column(), term(), term()).prop_map(|(c, a, b)| format!("{c}[{a}] = {b}")),
    ]
}

fn statement() -> impl Strategy<Value = String> {
    prop::sample::select(&TABLES[..]).prop_flat_map(statement_of)
}

fn statement_of(table: &'static str) -> impl Strategy<Value = String> {
    let selectors = prop_oneof![
        1 => Just("*".to_owned()),
        5 => prop::collection::vec(selector(table), 1..3).prop_map(|all| all.join(", ")),
    ];
    let modifier = prop::sample::select(vec!["", "", "", "JSON ", "DISTINCT "]);
    let keys = prop::sample::select(vec!["", "k = 1", "k = ?", "k IN (1, 2)", "a = 1 AND b = 'b'"]);
    let relations = prop::collection::vec(relation(table), 0..2);
    let tail = prop::sample::select(vec![
        "",
        "",
        "",
        " GROUP BY k",
        " GROUP BY k, c1",
        " ORDER BY c1 DESC",
        " ORDER BY c ASC",
        " LIMIT 1",
        " LIMIT ?",
        " PER PARTITION LIMIT 1",
    ]);
    (modifier, selectors, keys, relations, tail).prop_map(
        move |(modifier, selectors, key, relations, tail)| {
            let tests: Vec<&str> = std::iter::once(key)
                .chain(relations.iter().map(String::as_str))
                .filter(|test| !test.is_empty())
                .collect();
            let filter = if tests.is_empty() {
                String::new()
            } else {
                format!(" WHERE {}", tests.join(" AND "))
            };
            format!("SELECT {modifier}{selectors} FROM {table}{filter}{tail} ALLOW FILTERING")
        },
    )
}

fn bound() -> impl Strategy<Value = BoundValue> {
    prop_oneof![
        1 => Just(BoundValue::Null),
        1 => Just(BoundValue::Unset),
        3 => (-3..5_i32).prop_map(|n| some(int(n))),
        2 => "[a-z]{0,2}".prop_map(|t| some(text(&t))),
        1 => Just(some(value::build_list(&[int(3), int(1)]))),
        1 => prop::collection::vec(any::<u8>(), 0..24).prop_map(|b| some(Bytes::from(b))),
    ]
}

/// Whether the statement was read.
fn check(text: &str, values: &[BoundValue]) -> bool {
    let Ok(planned) = try_plan(text) else { return false };
    let columns = planned.columns.unwrap();
    let values: Vec<_> = values.iter().cycle().take(planned.variables.len()).cloned().collect();
    let Ok(rows) = STORE.try_read(text, &values, 1, &ENV) else { return false };
    for row in rows {
        for (cell, column) in row.iter().zip(columns.iter()) {
            let Some(bytes) = cell else { continue };
            // A list of times may hold null.
            let times = ["ttl(", "writetime("].iter().any(|name| column.name.starts_with(name));
            if !times {
                value::validate(&column.cql_type, bytes)
                    .unwrap_or_else(|error| panic!("{text}: {}: {error}", column.name));
            }
        }
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8_000))]

    #[test]
    fn random_reads_are_answered_or_refused(
        text in statement(),
        values in prop::collection::vec(bound(), 1..4),
    ) {
        check(&text, &values);
    }
}

/// The property would be empty if no statement were valid.
#[test]
fn enough_random_reads_are_valid() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = statement();
    let valid = (0..2000)
        .filter(|_| check(&strategy.new_tree(&mut runner).unwrap().current(), &[some(int(1))]))
        .count();
    assert!(valid > 100, "{valid} of 2000");
}
