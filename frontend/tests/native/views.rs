//! Materialized views as clients see them: what they read is what their base table says at that
//! moment, in the order of the view.

use std::collections::BTreeMap;

use cellar_schema::{
    CqlType::{Bigint, Boolean, Int, Text},
    token::token,
};
use cellar_wire::{Event, EventKind, Register, Request, Response, SchemaChangeKind, SchemaTarget};

use crate::client::Client;

/// Rows of the base by `k` and `c`: `v` and `w`.
type Model = BTreeMap<(i32, i32), (Option<i32>, Option<i32>)>;

const VIEWS: [&str; 5] = [
    "CREATE MATERIALIZED VIEW ks.by_v AS SELECT * FROM ks.b \
     WHERE v IS NOT NULL AND k IS NOT NULL AND c IS NOT NULL PRIMARY KEY (v, k, c)",
    "CREATE MATERIALIZED VIEW ks.sorted AS SELECT k, c, v, w FROM ks.b \
     WHERE v IS NOT NULL AND k IS NOT NULL AND c IS NOT NULL PRIMARY KEY (k, v, c) \
     WITH CLUSTERING ORDER BY (v DESC, c ASC)",
    "CREATE MATERIALIZED VIEW ks.large AS SELECT * FROM ks.b \
     WHERE k IS NOT NULL AND c IS NOT NULL AND w > 4 PRIMARY KEY (k, c)",
    "CREATE MATERIALIZED VIEW ks.pairs AS SELECT * FROM ks.b \
     WHERE v IS NOT NULL AND k IS NOT NULL AND c > 2 PRIMARY KEY ((c, v), k)",
    "CREATE MATERIALIZED VIEW ks.some AS SELECT * FROM ks.b \
     WHERE v IS NOT NULL AND k IN (3, 1, 2) AND c IS NOT NULL PRIMARY KEY (k, v, c)",
];

async fn client() -> Client {
    let mut client = Client::connect().await;
    client.run("CREATE TABLE ks.b (k int, c int, v int, w int, PRIMARY KEY (k, c))").await;
    for view in VIEWS {
        client.run(view).await;
    }
    client
}

fn place(key: i32) -> i64 {
    token(&key.to_be_bytes())
}

fn pair(c: i32, v: i32) -> i64 {
    let part = |n: i32| [&[0, 4][..], &n.to_be_bytes(), &[0]].concat();
    token(&[part(c), part(v)].concat())
}

/// `v, k, c, w` of every row that has a `v`, in the order of the base.
fn rows(model: &Model) -> Vec<[i32; 4]> {
    let entries = model.iter().map(|(&(k, c), &(v, w))| (k, c, v, w));
    entries.filter_map(|(k, c, v, w)| Some([v?, k, c, w.unwrap_or(-1)])).collect()
}

fn sorted<K: Ord>(mut rows: Vec<[i32; 4]>, by: impl Fn(&[i32; 4]) -> K) -> Vec<[i32; 4]> {
    rows.sort_by_key(by);
    rows
}

fn shown(rows: &[[i32; 4]]) -> Vec<Vec<String>> {
    let number = |n: &i32| if *n == -1 { "null".to_owned() } else { n.to_string() };
    rows.iter().map(|row| row.iter().map(number).collect()).collect()
}

fn numbers(rows: &[Vec<i32>]) -> Vec<Vec<String>> {
    rows.iter().map(|row| row.iter().map(i32::to_string).collect()).collect()
}

const ALL: &str = "v, k, c, w";

async fn check_whole(client: &mut Client, model: &Model, pages: usize) {
    let ints = [Int, Int, Int, Int];
    let by_v = sorted(rows(model), |[v, k, c, _]| (place(*v), *k, *c));
    let of_sorted = sorted(rows(model), |[v, k, c, _]| (place(*k), -v, *c));
    let large: Vec<[i32; 4]> = model
        .iter()
        .filter(|(_, (_, w))| w.is_some_and(|w| w > 4))
        .map(|(&(k, c), &(v, w))| [v.unwrap_or(-1), k, c, w.unwrap()])
        .collect();
    let large = sorted(large, |[_, k, c, _]| (place(*k), *c));
    let paired = rows(model).into_iter().filter(|[_, _, c, _]| *c > 2).collect();
    let pairs = sorted(paired, |[v, k, c, _]| (pair(*c, *v), *k));
    let mut some = sorted(rows(model), |[v, k, c, _]| (place(*k), *v, *c));
    some.retain(|row| (1..=3).contains(&row[1]));
    for (view, expected) in [
        ("by_v", &by_v),
        ("sorted", &of_sorted),
        ("large", &large),
        ("pairs", &pairs),
        ("some", &some),
    ] {
        let read = format!("SELECT {ALL} FROM ks.{view}");
        assert_eq!(client.pages(&read, &ints, pages).await, shown(expected), "{read} by {pages}");
        assert_eq!(client.rows(&read, &ints).await, shown(expected), "{read}");
        let limited = format!("{read} LIMIT {}", pages + 1);
        let fewer = &expected[..expected.len().min(pages + 1)];
        assert_eq!(client.pages(&limited, &ints, pages).await, shown(fewer), "{limited}");
        let count = client.rows(&format!("SELECT count(*) FROM ks.{view}"), &[Bigint]).await;
        assert_eq!(count, [[expected.len().to_string()]], "count of {view}");
    }
}

async fn check_parts(client: &mut Client, model: &Model, (v, k): (i32, i32), pages: usize) {
    let ints = [Int, Int, Int, Int];
    let by_v = sorted(rows(model), |[v, k, c, _]| (place(*v), *k, *c));
    let only = |test: &dyn Fn(&[i32; 4]) -> bool| -> Vec<[i32; 4]> {
        by_v.iter().copied().filter(|row| test(row)).collect()
    };
    let other = v + 1;
    let of_both = sorted(only(&|row| row[0] == v || row[0] == other), |row| *row);
    let mut backwards = only(&|row| row[0] == v);
    backwards.reverse();
    for (filter, expected) in [
        (format!("v = {v}"), only(&|row| row[0] == v)),
        (format!("v = {v} AND k = {k}"), only(&|row| row[0] == v && row[1] == k)),
        (format!("v = {v} AND k >= {k}"), only(&|row| row[0] == v && row[1] >= k)),
        (format!("v = {v} AND (k, c) > ({k}, 2)"), {
            only(&|row| row[0] == v && (row[1], row[2]) > (k, 2))
        }),
        (format!("v IN ({other}, {v})"), of_both),
        (format!("v = {v} ORDER BY k DESC"), backwards),
        (format!("token(v) > {}", place(v)), only(&|row| place(row[0]) > place(v))),
        (format!("w = {k} ALLOW FILTERING"), only(&|row| row[3] == k)),
        (format!("k = {k} ALLOW FILTERING"), only(&|row| row[1] == k)),
    ] {
        let read = format!("SELECT {ALL} FROM ks.by_v WHERE {filter}");
        assert_eq!(client.pages(&read, &ints, pages).await, shown(&expected), "{read} by {pages}");
    }
    let one = format!("SELECT {ALL} FROM ks.sorted WHERE k = {k} AND v < 6 ORDER BY v ASC");
    let mut of_k = sorted(rows(model), |[v, _, c, _]| (*v, -*c));
    of_k.retain(|row| row[1] == k && row[0] < 6);
    assert_eq!(client.pages(&one, &ints, pages).await, shown(&of_k), "{one}");
}

async fn check_groups(client: &mut Client, model: &Model, pages: usize) {
    let by_v = sorted(rows(model), |[v, k, c, _]| (place(*v), *k, *c));
    let mut groups: Vec<Vec<i32>> = Vec::new();
    let mut firsts: Vec<Vec<i32>> = Vec::new();
    for [v, k, ..] in by_v {
        match groups.last_mut().filter(|group| group[0] == v) {
            Some(group) => group[1] += 1,
            None => {
                groups.push(vec![v, 1]);
                firsts.push(vec![v, k]);
            }
        }
    }
    let counted = "SELECT v, CAST(count(*) AS int) FROM ks.by_v GROUP BY v";
    assert_eq!(client.pages(counted, &[Int, Int], pages).await, numbers(&groups), "by {pages}");
    let first = "SELECT v, k FROM ks.by_v PER PARTITION LIMIT 1";
    assert_eq!(client.pages(first, &[Int, Int], pages).await, numbers(&firsts), "by {pages}");
    let distinct: Vec<Vec<i32>> = groups.iter().map(|group| vec![group[0]]).collect();
    let values = client.pages("SELECT DISTINCT v FROM ks.by_v", &[Int], pages).await;
    assert_eq!(values, numbers(&distinct), "by {pages}");
}

#[tokio::test]
async fn views_say_at_every_moment_what_their_base_says() {
    let mut client = client().await;
    let mut rng = Random(42);
    let mut model = Model::new();
    for round in 0..10 {
        for _ in 0..8 {
            write(&mut client, &mut model, &mut rng).await;
        }
        let pages = [1, 2, 3, 7, 1000][round % 5];
        check_whole(&mut client, &model, pages).await;
        let (v, k) = (rng.below(8), rng.below(5));
        check_parts(&mut client, &model, (v, k), pages).await;
        check_groups(&mut client, &model, pages).await;
    }
}

async fn write(client: &mut Client, model: &mut Model, rng: &mut Random) {
    let (k, c, v, w) = (rng.below(5), rng.below(6), rng.below(8), rng.below(8));
    let entry = model.get(&(k, c)).copied();
    let at = format!("WHERE k = {k} AND c = {c}");
    match rng.below(10) {
        0 => {
            client.run(&format!("DELETE FROM ks.b {at}")).await;
            model.remove(&(k, c));
        }
        1 => {
            client.run(&format!("DELETE v FROM ks.b {at}")).await;
            if let Some((_, w)) = entry {
                model.insert((k, c), (None, w));
            }
        }
        2 if rng.below(4) == 0 => {
            client.run(&format!("DELETE FROM ks.b WHERE k = {k}")).await;
            model.retain(|key, _| key.0 != k);
        }
        3 => {
            client.run(&format!("INSERT INTO ks.b (k, c, w) VALUES ({k}, {c}, {w})")).await;
            model.insert((k, c), (entry.and_then(|(v, _)| v), Some(w)));
        }
        _ => {
            client.run(&format!("INSERT INTO ks.b (k, c, v, w) VALUES ({k}, {c}, {v}, {w})")).await;
            model.insert((k, c), (Some(v), Some(w)));
        }
    }
}

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> i32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i32::try_from((self.0 >> 33) % end).unwrap()
    }
}

#[tokio::test]
async fn a_row_leaves_its_view_when_the_value_it_is_there_for_expires() {
    let mut client = client().await;
    client.run("INSERT INTO ks.b (k, c, w) VALUES (1, 1, 1)").await;
    client.run("UPDATE ks.b USING TTL 1 SET v = 5 WHERE k = 1 AND c = 1").await;
    let read = "SELECT k FROM ks.by_v WHERE v = 5";
    while !client.rows(read, &[Int]).await.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(client.rows("SELECT k FROM ks.b", &[Int]).await, [["1"]]);
}

#[tokio::test]
async fn a_view_is_refused_what_is_for_tables_by_the_rules_of_its_own_key() {
    let mut client = client().await;
    for (statement, words) in [
        ("INSERT INTO ks.by_v (v, k, c) VALUES (1, 1, 1)", "Cannot directly modify a materialized"),
        ("UPDATE ks.by_v SET w = 1 WHERE v = 1 AND k = 1 AND c = 1", "Cannot directly modify"),
        ("DELETE FROM ks.by_v WHERE v = 1", "Cannot directly modify a materialized view"),
        ("TRUNCATE ks.by_v", "Cannot TRUNCATE materialized view directly"),
        ("SELECT * FROM ks.by_v WHERE k = 1", "use ALLOW FILTERING"),
        ("SELECT * FROM ks.by_v WHERE v = 1 AND c = 1", "as preceding column"),
        ("SELECT * FROM ks.by_v ORDER BY k", "ORDER BY is only supported when the partition key"),
        ("SELECT * FROM ks.by_v WHERE x = 1", "Undefined column name x in table ks.by_v"),
        ("SELECT writetime(v) FROM ks.by_v", "on PRIMARY KEY part v"),
        (
            "CREATE MATERIALIZED VIEW ks.x AS SELECT v AS n FROM ks.b WHERE v IS NOT NULL \
             PRIMARY KEY (v)",
            "Cannot use aliases when defining a materialized view (got v AS n)",
        ),
        (
            "CREATE MATERIALIZED VIEW ks.x AS SELECT writetime(v) FROM ks.b WHERE v IS NOT NULL \
             PRIMARY KEY (v)",
            "Can only select columns by name when defining a materialized view (got writetime(v))",
        ),
        (
            "CREATE MATERIALIZED VIEW ks.x AS SELECT * FROM ks.b WHERE token(k) > 1 \
             PRIMARY KEY (k, c)",
            "Cannot use token relation when defining a materialized view",
        ),
        (
            "CREATE MATERIALIZED VIEW ks.x AS SELECT * FROM ks.b WHERE k = 'a' AND c IS NOT NULL \
             PRIMARY KEY (k, c)",
            "Invalid STRING constant",
        ),
    ] {
        let refusal = client.refusal(statement).await;
        assert!(refusal.contains(words), "{statement}: {refusal}");
    }
}

#[tokio::test]
async fn a_view_is_announced_read_and_described_as_cassandra_does() {
    let mut client = client().await;
    let response = client.run(&VIEWS[0].replace("by_v", "\"ByV\"")).await;
    let Response::SchemaChange(change) = response else { panic!("{response:?}") };
    assert_eq!(change.change, SchemaChangeKind::Created);
    assert_eq!(change.target, SchemaTarget::Table("ByV".to_owned()));
    let read = "SELECT view_name, base_table_name, where_clause, include_all_columns \
                FROM system_schema.views WHERE keyspace_name = 'ks' AND view_name = 'sorted'";
    let filter = "v IS NOT NULL AND k IS NOT NULL AND c IS NOT NULL";
    assert_eq!(
        client.rows(read, &[Text, Text, Text, Boolean]).await,
        [["'sorted'", "'b'", &format!("'{filter}'"), "false"]]
    );
    let columns = "SELECT column_name, kind, clustering_order FROM system_schema.columns \
                   WHERE keyspace_name = 'ks' AND table_name = 'sorted'";
    assert_eq!(
        client.rows(columns, &[Text, Text, Text]).await,
        [
            ["'c'", "'clustering'", "'asc'"],
            ["'k'", "'partition_key'", "'none'"],
            ["'v'", "'clustering'", "'desc'"],
            ["'w'", "'regular'", "'none'"],
        ]
    );
    let texts = [Text, Text, Text, Text];
    let described = client.rows("DESCRIBE MATERIALIZED VIEW ks.sorted", &texts).await;
    let begins = format!(
        "'CREATE MATERIALIZED VIEW ks.sorted AS\n    SELECT k, v, c, w\n    FROM ks.b\n    \
         WHERE {filter}\n    PRIMARY KEY (k, v, c)\n WITH CLUSTERING ORDER BY (v DESC, c ASC)\n"
    );
    assert_eq!(described[0][1], "'materialized_view'");
    assert!(described[0][3].starts_with(&begins), "{}", described[0][3]);
    let kinds: Vec<String> = client
        .rows("DESCRIBE TABLE ks.b", &texts)
        .await
        .into_iter()
        .map(|row| row[1].clone())
        .collect();
    assert_eq!(kinds[..2], ["'table'", "'materialized_view'"]);
    assert_eq!(kinds.len(), 7);
}

/// What registered clients hear of views, one line each, until one is dropped.
async fn heard(client: &mut Client) -> Vec<String> {
    let mut heard = Vec::new();
    loop {
        let Response::Event(Event::SchemaChange(change)) = client.next().await.response else {
            panic!("not a change of the schema")
        };
        let SchemaTarget::Table(name) = change.target else { continue };
        if name.starts_with("view") {
            heard.push(format!("{:?} {name}", change.change));
        }
        if change.change == SchemaChangeKind::Dropped {
            return heard;
        }
    }
}

#[tokio::test]
async fn registered_clients_hear_of_views_and_of_the_columns_that_come_to_a_view_of_all() {
    let mut client = Client::connect().await;
    let mut listener = client.another(&[]).await;
    let events = vec![EventKind::SchemaChange];
    listener.ask(Request::Register(Register { events }).into()).await;
    let filter = "WHERE v IS NOT NULL AND k IS NOT NULL AND c IS NOT NULL PRIMARY KEY (v, k, c)";
    for statement in [
        &*format!("CREATE MATERIALIZED VIEW ks.view_all AS SELECT * FROM ks.t {filter}"),
        &*format!("CREATE MATERIALIZED VIEW ks.view_some AS SELECT v, k, c FROM ks.t {filter}"),
        "ALTER TABLE ks.t ADD added int",
        "ALTER TABLE ks.t WITH comment = 'base'",
        "DROP MATERIALIZED VIEW ks.view_all",
    ] {
        client.run(statement).await;
    }
    let expected =
        ["Created view_all", "Created view_some", "Updated view_all", "Dropped view_all"];
    assert_eq!(heard(&mut listener).await, expected);
}
