//! Random statements of the right words, planned and bound with random values: every outcome is
//! a plan or an error, and what is bound can be encoded and read back.

use bytes::Bytes;
use cellar_cql::plan::BoundValue;
use cellar_schema::Mutation;
use proptest::prelude::*;

use crate::schema::*;

const TABLES: [&str; 8] =
    ["simple", "wide", "log", "counts", "things", "scalars", "two", "lists_of"];
const COLUMNS: [&str; 24] = [
    "k", "v", "w", "a", "b", "c", "d", "s", "l", "m", "n", "t", "e", "fl", "fs", "fa", "c1", "c2",
    "int", "text", "duration", "inet", "decimal", "nope",
];
const TERMS: [&str; 26] = [
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
    "{'a': 1}",
    "{street: 's', zip: ?}",
    "(1, 'a')",
    "(1)",
    "[1.0, 2, 3]",
    "9c5b94b1-35ad-49bb-b118-8e8fc24abf80",
    "1h",
    "now()",
    "(int) ?",
    "1 + ?",
];
const OPERATORS: [&str; 12] =
    ["=", "!=", "<", "<=", ">", ">=", "IN", "CONTAINS", "LIKE", "= ", "= ", "= "];

fn column() -> impl Strategy<Value = String> {
    prop::sample::select(&COLUMNS[..]).prop_map(str::to_owned)
}

fn term() -> impl Strategy<Value = String> {
    prop::sample::select(&TERMS[..]).prop_map(str::to_owned)
}

fn target() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => column(),
        1 => (column(), term()).prop_map(|(c, t)| format!("{c}[{t}]")),
        1 => column().prop_map(|c| format!("{c}.zip")),
    ]
}

fn relation() -> impl Strategy<Value = String> {
    let simple = (target(), prop::sample::select(&OPERATORS[..]), term()).prop_map(|(c, o, t)| {
        if o == "IN" { format!("{c} IN ({t}, {t})") } else { format!("{c} {o} {t}") }
    });
    prop_oneof![
        8 => simple,
        1 => column().prop_map(|c| format!("{c} IN ?")),
        1 => (term(), term()).prop_map(|(a, b)| format!("(c1, c2) >= ({a}, {b})")),
        1 => (term(), term()).prop_map(|(a, b)| format!("(c, d) IN (({a}, {b}), ?)")),
    ]
}

fn filter() -> impl Strategy<Value = String> {
    let keys = prop::sample::select(vec![
        "k = 1",
        "k = 'a'",
        "k = ?",
        "a = 1 AND b = 'b'",
        "k = 1 AND c1 = ? AND c2 = 2",
        "a = 1 AND b = ? AND c = 3 AND d = 'd'",
    ]);
    (keys, prop::collection::vec(relation(), 0..3)).prop_map(|(key, more)| {
        std::iter::once(key.to_owned()).chain(more).collect::<Vec<_>>().join(" AND ")
    })
}

fn condition() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just(String::new()),
        1 => Just(" IF EXISTS".to_owned()),
        1 => relation().prop_map(|relation| format!(" IF {relation}")),
    ]
}

fn assignment() -> impl Strategy<Value = String> {
    let forms = 0..5_u8;
    (column(), term(), term(), forms).prop_map(|(c, t, u, form)| match form {
        0 => format!("{c} = {c} + {t}"),
        1 => format!("{c} = {c} - {t}"),
        2 => format!("{c}[{u}] = {t}"),
        3 => format!("{c} = {t}"),
        _ => format!("{c}.zip = {t}"),
    })
}

fn statement() -> impl Strategy<Value = String> {
    let table = || prop::sample::select(&TABLES[..]);
    let pairs = prop::collection::vec((column(), term()), 1..5);
    let insert = (table(), pairs, any::<bool>()).prop_map(|(table, pairs, exists)| {
        let names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
        let terms: Vec<&str> = pairs.iter().map(|(_, term)| term.as_str()).collect();
        let exists = if exists { " IF NOT EXISTS" } else { "" };
        format!("INSERT INTO {table} ({}) VALUES ({}){exists}", names.join(", "), terms.join(", "))
    });
    let assignments = prop::collection::vec(assignment(), 1..3);
    let update = (table(), assignments, filter(), condition()).prop_map(
        |(table, assignments, filter, condition)| {
            format!("UPDATE {table} SET {} WHERE {filter}{condition}", assignments.join(", "))
        },
    );
    let targets = prop::collection::vec(target(), 0..3);
    let delete = (table(), targets, filter(), condition()).prop_map(
        |(table, targets, filter, condition)| {
            format!("DELETE {} FROM {table} WHERE {filter}{condition}", targets.join(", "))
        },
    );
    let json = (table(), "\\PC{0,40}").prop_map(|(table, document)| {
        format!("INSERT INTO {table} JSON '{}'", document.replace('\'', "''"))
    });
    prop_oneof![3 => insert, 3 => update, 3 => delete, 1 => json]
}

fn bound() -> impl Strategy<Value = BoundValue> {
    prop_oneof![
        1 => Just(BoundValue::Null),
        1 => Just(BoundValue::Unset),
        2 => any::<i32>().prop_map(|n| some(int(n))),
        2 => "[a-z]{0,5}".prop_map(|t| some(text(&t))),
        1 => Just(some(cellar_schema::value::build_list(&[int(3), int(1)]))),
        1 => prop::collection::vec(any::<u8>(), 0..24).prop_map(|b| some(Bytes::from(b))),
    ]
}

fn check(text: &str, values: &[BoundValue]) {
    let Ok(planned) = try_plan(text) else { return };
    let count = planned.variables.len();
    let values: Vec<BoundValue> = values.iter().cycle().take(count).cloned().collect();
    let Ok(write) = try_bind(text, &values) else { return };
    let nothing = vec![None; write.conditions.len()];
    assert_eq!(write.cas_result(false, &nothing, None).columns.len(), 1, "{text}");
    for mutation in write.mutations {
        let read = Mutation::decode(Bytes::from(mutation.encode())).unwrap();
        assert_eq!(read, mutation, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn random_writes_are_planned_or_refused(
        text in statement(),
        values in prop::collection::vec(bound(), 1..6),
    ) {
        check(&text, &values);
    }

    #[test]
    fn random_batches_are_planned_or_refused(
        statements in prop::collection::vec(statement(), 0..4),
        values in prop::collection::vec(bound(), 1..6),
    ) {
        let text = format!("BEGIN UNLOGGED BATCH {}; APPLY BATCH", statements.join("; "));
        if !statements.is_empty() {
            check(&text, &values);
        }
    }
}

/// How many of the random statements get as far as being bound: the property would be empty if
/// none did.
#[test]
fn enough_random_statements_are_valid() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = statement();
    let valid = (0..2000)
        .filter(|_| try_plan(&strategy.new_tree(&mut runner).unwrap().current()).is_ok())
        .count();
    assert!(valid > 100, "{valid} of 2000");
}
