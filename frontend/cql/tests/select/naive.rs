//! Random statements over random rows give what going through all rows by hand gives, in pages of
//! every size.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use cellar_schema::{keys, token};
use proptest::prelude::*;

use crate::schema::{int, text};
use crate::store::Store;

/// A row of `wide`: its clustering key `c DESC, d ASC` and `v`.
type Rows = BTreeMap<(i32, String), Option<i32>>;

#[derive(Clone, Debug, Default)]
struct Partition {
    rows: Rows,
    s: Option<String>,
}

type Model = BTreeMap<(i32, String), Partition>;

#[derive(Clone, Debug)]
enum Which {
    All,
    One(i32, String),
    In(Vec<i32>, Vec<String>),
}

#[derive(Clone, Debug)]
enum Test {
    None,
    C(&'static str, i32),
    CIn(Vec<i32>),
    Between(i32, i32),
    Both(i32, &'static str, String),
    InBoth(Vec<i32>, String),
    Tuple(&'static str, i32, String),
    TupleIn(Vec<(i32, String)>),
}

#[derive(Clone, Debug)]
struct Query {
    which: Which,
    test: Test,
    v_above: Option<i32>,
    backwards: bool,
    limit: Option<usize>,
    per_partition: Option<usize>,
}

fn letter() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "p", "q", "qq"]).prop_map(str::to_owned)
}

fn operator() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["=", "<", "<=", ">", ">="])
}

fn partition() -> impl Strategy<Value = Partition> {
    let rows = prop::collection::btree_map((0..4, letter()), prop::option::of(0..5), 0..8);
    (rows, prop::option::of(letter())).prop_map(|(rows, s)| Partition { rows, s })
}

fn model() -> impl Strategy<Value = Model> {
    prop::collection::btree_map((1..4, letter()), partition(), 0..5)
}

fn query() -> impl Strategy<Value = Query> {
    let which = prop_oneof![
        Just(Which::All),
        (1..4, letter()).prop_map(|(a, b)| Which::One(a, b)),
        (prop::collection::vec(1..4, 0..3), prop::collection::vec(letter(), 1..3))
            .prop_map(|(a, b)| Which::In(a, b)),
    ];
    let test = prop_oneof![
        2 => Just(Test::None),
        2 => (operator(), 0..4).prop_map(|(o, c)| Test::C(o, c)),
        1 => prop::collection::vec(0..4, 0..3).prop_map(Test::CIn),
        1 => (0..4, 0..4).prop_map(|(low, high)| Test::Between(low, high)),
        2 => (0..4, operator(), letter()).prop_map(|(c, o, d)| Test::Both(c, o, d)),
        1 => (prop::collection::vec(0..4, 1..3), letter()).prop_map(|(c, d)| Test::InBoth(c, d)),
        2 => (operator(), 0..4, letter()).prop_map(|(o, c, d)| Test::Tuple(o, c, d)),
        1 => prop::collection::vec((0..4, letter()), 1..3).prop_map(Test::TupleIn),
    ];
    let limit = || prop::option::of(1_usize..6);
    (which, test, prop::option::of(0..5), any::<bool>(), limit(), limit()).prop_map(
        |(which, test, v_above, backwards, limit, per_partition)| {
            let backwards = backwards && !matches!(which, Which::All);
            Query { which, test, v_above, backwards, limit, per_partition }
        },
    )
}

fn quoted(values: &[String]) -> String {
    values.iter().map(|value| format!("'{value}'")).collect::<Vec<_>>().join(", ")
}

fn plain(values: &[i32]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn statement(query: &Query) -> String {
    let mut tests = match &query.which {
        Which::All => Vec::new(),
        Which::One(a, b) => vec![format!("a = {a} AND b = '{b}'")],
        Which::In(a, b) => vec![format!("a IN ({}) AND b IN ({})", plain(a), quoted(b))],
    };
    match &query.test {
        Test::None => {}
        Test::C(operator, c) => tests.push(format!("c {operator} {c}")),
        Test::CIn(c) => tests.push(format!("c IN ({})", plain(c))),
        Test::Between(low, high) => tests.push(format!("c >= {low} AND c < {high}")),
        Test::Both(c, operator, d) => tests.push(format!("c = {c} AND d {operator} '{d}'")),
        Test::InBoth(c, d) => tests.push(format!("c IN ({}) AND d = '{d}'", plain(c))),
        Test::Tuple(operator, c, d) => tests.push(format!("(c, d) {operator} ({c}, '{d}')")),
        Test::TupleIn(pairs) => {
            let pairs: Vec<String> = pairs.iter().map(|(c, d)| format!("({c}, '{d}')")).collect();
            tests.push(format!("(c, d) IN ({})", pairs.join(", ")));
        }
    }
    tests.extend(query.v_above.map(|v| format!("v > {v}")));
    let mut text = "SELECT a, b, c, d, s, v FROM wide".to_owned();
    if !tests.is_empty() {
        text += &format!(" WHERE {}", tests.join(" AND "));
    }
    if query.backwards {
        text += " ORDER BY c ASC, d DESC";
    }
    text += &query.per_partition.map_or(String::new(), |n| format!(" PER PARTITION LIMIT {n}"));
    text += &query.limit.map_or(String::new(), |n| format!(" LIMIT {n}"));
    text + " ALLOW FILTERING"
}

fn holds(operator: &str, order: Ordering) -> bool {
    match operator {
        "=" => order.is_eq(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        _ => order.is_ge(),
    }
}

fn passes(query: &Query, c: i32, d: &str, v: Option<i32>) -> bool {
    let clustering = match &query.test {
        Test::None => true,
        Test::C(operator, bound) => holds(operator, c.cmp(bound)),
        Test::CIn(values) => values.contains(&c),
        Test::Between(low, high) => (*low..*high).contains(&c),
        Test::Both(wanted, operator, bound) => c == *wanted && holds(operator, d.cmp(bound)),
        Test::InBoth(values, wanted) => values.contains(&c) && d == wanted,
        Test::Tuple(operator, left, right) => holds(operator, (c, d).cmp(&(*left, right.as_str()))),
        Test::TupleIn(pairs) => pairs.contains(&(c, d.to_owned())),
    };
    clustering && query.v_above.is_none_or(|bound| v.is_some_and(|v| v > bound))
}

fn token_of(a: i32, b: &str) -> i64 {
    token::token(&keys::routing(&[&int(a), &text(b)]))
}

type Found = (Option<(i32, String)>, String);

fn rows_of(query: &Query, (a, b): &(i32, String), partition: &Partition) -> Vec<Found> {
    let show = |value: Option<String>| value.unwrap_or_else(|| "null".to_owned());
    let s = show(partition.s.as_ref().map(|s| format!("'{s}'")));
    let mut rows: Vec<_> = partition.rows.iter().collect();
    rows.sort_by(|((c, d), _), ((e, f), _)| e.cmp(c).then(d.cmp(f)));
    if query.backwards {
        rows.reverse();
    }
    let mut found: Vec<Found> = rows
        .into_iter()
        .filter(|((c, d), v)| passes(query, *c, d, **v))
        .map(|((c, d), v)| {
            let v = show(v.map(|v| v.to_string()));
            (Some((*c, d.clone())), format!("{a} '{b}' {c} '{d}' {s} {v}"))
        })
        .collect();
    let rows_chosen = !matches!(query.test, Test::None) || query.v_above.is_some();
    if partition.rows.is_empty() && partition.s.is_some() && !rows_chosen {
        found.push((None, format!("{a} '{b}' null null {s} null")));
    }
    found.truncate(query.per_partition.unwrap_or(usize::MAX));
    found
}

fn naive(model: &Model, query: &Query) -> Vec<String> {
    let mut partitions: Vec<_> = model.iter().collect();
    match &query.which {
        Which::All => partitions.sort_by_key(|((a, b), _)| token_of(*a, b)),
        Which::One(a, b) => partitions.retain(|(key, _)| *key == &(*a, b.clone())),
        Which::In(a, b) => {
            partitions.retain(|((x, y), _)| a.contains(x) && b.contains(y));
        }
    }
    let mut found: Vec<Found> = partitions
        .into_iter()
        .flat_map(|(key, partition)| rows_of(query, key, partition))
        .collect();
    if query.backwards && matches!(query.which, Which::In(..)) {
        found.sort_by(|(left, _), (right, _)| match (left, right) {
            (Some((c, d)), Some((e, f))) => c.cmp(e).then(f.cmp(d)),
            // `c` is null and first; where `d` decides, it is the same null.
            (left, right) => left.is_some().cmp(&right.is_some()),
        });
    }
    let rows = found.into_iter().map(|(_, row)| row);
    rows.take(query.limit.unwrap_or(usize::MAX)).collect()
}

fn stored(model: &Model) -> Store {
    let mut store = Store::default();
    for ((a, b), partition) in model {
        if let Some(s) = &partition.s {
            store.write(&format!("INSERT INTO wide (a, b, s) VALUES ({a}, '{b}', '{s}')"), &[]);
        }
        for ((c, d), v) in &partition.rows {
            let v = v.map_or("null".to_owned(), |v| v.to_string());
            let row = format!("{a}, '{b}', {c}, '{d}', {v}");
            store.write(&format!("INSERT INTO wide (a, b, c, d, v) VALUES ({row})"), &[]);
        }
    }
    store
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn random_statements_give_what_a_walk_through_all_rows_gives(
        model in model(),
        queries in prop::collection::vec(query(), 1..6),
    ) {
        let store = stored(&model);
        for query in queries {
            let text = statement(&query);
            prop_assert_eq!(store.read(&text), naive(&model, &query), "{}", text);
        }
    }
}

#[test]
fn keys_with_the_empty_text_are_found() {
    let store = Store::of(&["INSERT INTO wide (a, b, c, d, v) VALUES (1, '', 2, '', 3)"]);
    assert_eq!(store.read("SELECT v FROM wide WHERE a = 1 AND b = '' AND c = 2 AND d = ''"), ["3"]);
}
