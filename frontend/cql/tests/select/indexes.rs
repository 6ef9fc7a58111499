//! What indexes allow: every SELECT of `indexes.txt` is accepted or refused as Apache Cassandra
//! 5.0.9 did, from which the file was recorded; and what they answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use cellar_cql::parse_statement;
use cellar_cql::plan::{self, Plan, PlanError, Planned, SchemaView, ddl};
use cellar_metadata_api::{Command, NewIndex};
use cellar_schema::{Index, IndexClass, IndexPart, Keyspace, Table, TableId, Tables};
use uuid::Uuid;

use crate::schema::{ENV, table};
use crate::store::Store;

struct Schema(Arc<Keyspace>);

impl SchemaView for Schema {
    fn keyspace(&self, name: &str) -> Option<Arc<Keyspace>> {
        (name == self.0.name).then(|| Arc::clone(&self.0))
    }

    fn keyspace_names(&self) -> Vec<String> {
        vec![self.0.name.clone()]
    }
}

impl Schema {
    fn of(statements: &[&str]) -> Self {
        let keyspace = Keyspace {
            name: "ks".to_owned(),
            replication: BTreeMap::new(),
            durable_writes: true,
            tables: Tables::default(),
            types: BTreeMap::new(),
        };
        let mut schema = Self(Arc::new(keyspace));
        for statement in statements {
            schema.change(statement);
        }
        schema
    }

    fn change(&mut self, text: &str) {
        let parsed = parse_statement(text).unwrap();
        let made = ddl::command(self, Some("ks"), &parsed.statement, Uuid::nil(), 0);
        let keyspace = Arc::make_mut(&mut self.0);
        match made.unwrap_or_else(|error| panic!("{text}: {error}")).0 {
            Command::CreateTable { definition, .. } => {
                let table = table(TableId(900 + keyspace.tables.len() as u32), definition);
                keyspace.tables.insert(table.name.clone(), Arc::new(table));
            }
            Command::CreateIndex { definition, .. } => {
                let table = keyspace.tables.get_mut(&definition.table).unwrap();
                let index = index(table, definition);
                Arc::make_mut(table).options.indexes.push(index);
            }
            other => panic!("{other:?}"),
        }
    }

    fn plan(&self, text: &str) -> Result<Planned, PlanError> {
        let parsed = parse_statement(text)?;
        plan::plan(self, Some("ks"), &parsed.statement, &parsed.markers)
    }
}

fn index(table: &Table, new: NewIndex) -> Index {
    let [(column, part)] = new.targets.as_slice() else { panic!("{new:?}") };
    let column = table.column(column).unwrap();
    let values = *part == IndexPart::Simple && column.cql_type.is_collection();
    Index {
        name: new.name.unwrap_or_default(),
        column: column.id,
        part: if values { IndexPart::Values } else { *part },
        class: new.class.map_or(IndexClass::Local, IndexClass::StorageAttached),
        options: new.options,
    }
}

#[test]
fn selects_are_accepted_and_refused_as_cassandra_does() {
    let mut schema = Schema::of(&[]);
    let mut wrong = Vec::new();
    for line in include_str!("indexes.txt").lines() {
        let Some((text, expected)) = line.split_once(" -> ") else {
            schema.change(line);
            continue;
        };
        // Null values are refused when they are bound.
        let read = |planned: Planned| {
            Store::default().read_planned(&planned, &[], 10, &ENV).map(|rows| rows.len())
        };
        let found = match schema.plan(text).and_then(read) {
            Ok(_) => "ok".to_owned(),
            Err(error) => error.to_string(),
        };
        let found = if found.contains("involve data filtering") { "filtering" } else { &found };
        if found != expected {
            wrong.push(format!("{text}\n  Cassandra: {expected}\n  Cellar:    {found}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

const TABLE: &str = "CREATE TABLE t (k int, c int, st int static, a int, w text, s set<int>, \
                     m map<text, int>, PRIMARY KEY (k, c))";

impl Schema {
    fn stored(&self) -> Store {
        let mut store = Store::default();
        for text in [
            "INSERT INTO t (k, c, st, a, w, s, m) VALUES (1, 1, 7, 5, 'Ab', {1, 2}, {'x': 1})",
            "INSERT INTO t (k, c, a, w, s, m) VALUES (1, 2, 6, 'ab', {2}, {'x': 2, 'y': 1})",
            "INSERT INTO t (k, c, a, w) VALUES (2, 1, 5, 'äB')",
            "INSERT INTO t (k, st) VALUES (3, 7)",
        ] {
            let plan::Plan::Write(write) = self.plan(text).unwrap().plan else { panic!("{text}") };
            store.apply(write.bind(&[], &ENV).unwrap().mutations);
        }
        store
    }

    fn keys(&self, store: &Store, test: &str) -> String {
        let planned = self.plan(&format!("SELECT k, c FROM t WHERE {test}")).unwrap();
        let rows = store.read_planned(&planned, &[], 2, &ENV).unwrap();
        let number = |cell: &Option<bytes::Bytes>| {
            cell.as_ref().map_or_else(|| "-".to_owned(), |b| b[b.len() - 1].to_string())
        };
        let mut rows: Vec<String> =
            rows.iter().map(|row| format!("{}{}", number(&row[0]), number(&row[1]))).collect();
        rows.sort();
        rows.join(" ")
    }
}

#[test]
fn indexed_columns_are_found_without_allow_filtering() {
    let schema = Schema::of(&[
        TABLE,
        "CREATE INDEX ON t (a) USING 'sai'",
        "CREATE INDEX ON t (c) USING 'sai'",
        "CREATE INDEX ON t (st) USING 'sai'",
        "CREATE INDEX ON t (s) USING 'sai'",
        "CREATE INDEX ON t (ENTRIES(m)) USING 'sai'",
        "CREATE INDEX ON t (KEYS(m)) USING 'sai'",
    ]);
    let store = schema.stored();
    for (test, expected) in [
        ("a = 5", "11 21"),
        ("a > 5", "12"),
        ("a >= 5 AND a < 6 AND c = 1", "11 21"),
        ("st = 7", "11 12 3-"),
        ("st = 7 AND a = 5", "11"),
        ("s CONTAINS 2", "11 12"),
        ("s CONTAINS 2 AND s CONTAINS 1", "11"),
        ("m['x'] = 2", "12"),
        ("m CONTAINS KEY 'x' AND a = 5", "11"),
        ("k = 1 AND a = 6", "12"),
        ("token(k) >= token(1) AND token(k) <= token(1) AND c = 2", "12"),
        ("a = 9", ""),
    ] {
        assert_eq!(schema.keys(&store, test), expected, "{test}");
    }
}

#[test]
fn an_index_that_ignores_case_finds_either_case() {
    let mut schema = Schema::of(&[TABLE]);
    let store = schema.stored();
    assert_eq!(schema.keys(&store, "w = 'AB' ALLOW FILTERING"), "");
    schema.change("CREATE INDEX ON t (w) USING 'sai' WITH OPTIONS = {'case_sensitive': 'false'}");
    assert_eq!(schema.keys(&store, "w = 'AB'"), "11 12");
    assert_eq!(schema.keys(&store, "w = 'Äb' AND k = 2"), "21");
    assert_eq!(schema.keys(&store, "w = 'AB' ALLOW FILTERING"), "11 12");
}

#[test]
fn like_needs_filtering_or_an_index_of_its_kind() {
    let mut schema = Schema::of(&[TABLE, "CREATE INDEX ON t (w) USING 'sai'"]);
    let store = schema.stored();
    let refused = schema.plan("SELECT k FROM t WHERE w LIKE 'A%'").unwrap_err().to_string();
    assert_eq!(
        refused,
        "LIKE restriction is only supported on properly indexed columns. w LIKE 'A%' is not valid."
    );
    for (test, expected) in [
        ("w LIKE 'A%' ALLOW FILTERING", "11"),
        ("w LIKE '%b' ALLOW FILTERING", "11 12"),
        ("w LIKE '_b' AND w LIKE 'a%' ALLOW FILTERING", "12"),
        ("w LIKE 'ä_' AND k = 2 ALLOW FILTERING", "21"),
        ("w LIKE 'ab' ALLOW FILTERING", "12"),
    ] {
        assert_eq!(schema.keys(&store, test), expected, "{test}");
    }
    let class = "org.apache.cassandra.index.sasi.SASIIndex";
    schema.change(&format!(
        "CREATE CUSTOM INDEX ON t (w) USING '{class}' WITH OPTIONS = {{'case_sensitive': 'false'}}"
    ));
    let plan = schema.plan("SELECT k FROM t WHERE w LIKE '%B'").unwrap();
    assert_eq!(
        store.read_planned(&plan, &[], 2, &ENV).unwrap_err().to_string(),
        "w LIKE '%<term>' B is only supported on properly indexed columns",
        "an index without a mode knows how texts begin"
    );
    assert_eq!(schema.keys(&store, "w LIKE 'A%'"), "11 12");
    schema.change(&format!(
        "CREATE CUSTOM INDEX ON t (w) USING '{class}' \
         WITH OPTIONS = {{'case_sensitive': 'false', 'mode': 'CONTAINS'}}"
    ));
    assert_eq!(schema.keys(&store, "w LIKE 'A%'"), "11 12");
    assert_eq!(schema.keys(&store, "k = 1 AND w LIKE '%B'"), "11 12");
    let number = schema.plan("SELECT k FROM t WHERE a LIKE '1%' ALLOW FILTERING").unwrap_err();
    assert!(number.to_string().starts_with("LIKE restriction is only supported"), "{number}");
}

#[test]
fn like_asks_for_a_term_of_a_text_where_the_index_cuts_texts() {
    let mut schema = Schema::of(&[TABLE]);
    let store = schema.stored();
    assert_eq!(schema.keys(&store, "w LIKE 'b' ALLOW FILTERING"), "");
    schema.change(
        "CREATE CUSTOM INDEX ON t (w) USING 'org.apache.cassandra.index.sasi.SASIIndex' WITH \
         OPTIONS = {'mode': 'CONTAINS', 'delimiter': 'a', 'analyzer_class': \
         'org.apache.cassandra.index.sasi.analyzer.DelimiterAnalyzer'}",
    );
    assert_eq!(schema.keys(&store, "w LIKE 'b'"), "12");
    assert_eq!(schema.keys(&store, "w LIKE '%b'"), "11 12");
}

#[test]
fn only_the_percent_signs_around_a_text_mean_something_to_an_index_and_there_must_be_a_text() {
    let mut schema = Schema::of(&[TABLE]);
    let store = schema.stored();
    let all = schema.keys(&store, "w LIKE '%' ALLOW FILTERING");
    assert!(all.len() > 2, "{all}");
    schema.change(
        "CREATE CUSTOM INDEX ON t (w) USING 'org.apache.cassandra.index.sasi.SASIIndex' WITH \
         OPTIONS = {'mode': 'CONTAINS'}",
    );
    assert_eq!(schema.keys(&store, "w LIKE '%b'"), "11 12");
    for nothing in ["", "%", "%%"] {
        let plan = schema.plan(&format!("SELECT k FROM t WHERE w LIKE '{nothing}'")).unwrap();
        let refused = store.read_planned(&plan, &[], 2, &ENV).unwrap_err().to_string();
        assert_eq!(refused, "LIKE value can't be empty.", "{nothing}");
    }
    for none in ["%%b", "_b", "a%%", "%%%"] {
        assert_eq!(schema.keys(&store, &format!("w LIKE '{none}'")), "", "{none}");
    }
    assert_eq!(schema.keys(&store, "w LIKE '%' ALLOW FILTERING"), all);
}

const VECTORS: &str = "CREATE TABLE vectors (k int, c int, w int, v vector<float, 3>, \
                       PRIMARY KEY (k, c))";

/// A vector of the row with this number.
fn vector(row: usize) -> [f64; 3] {
    let part = |by: usize| ((row * by) % 17) as f64 - 8.0;
    [part(5), part(7), part(11) + 0.5]
}

type Likeness = fn(&[f64; 3], &[f64; 3]) -> f64;

#[test]
fn the_nearest_neighbours_are_exactly_those_whatever_the_measure() {
    fn dot(a: &[f64; 3], b: &[f64; 3]) -> f64 {
        a.iter().zip(b).map(|(x, y)| x * y).sum()
    }
    let measures: [(&str, Likeness); 3] = [
        ("cosine", |a, b| dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()),
        ("dot_product", dot),
        ("EUCLIDEAN", |a, b| -a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f64>()),
    ];
    let wanted = [1.0, -2.0, 3.5];
    for (name, likeness) in measures {
        let schema = Schema::of(&[
            VECTORS,
            &format!(
                "CREATE INDEX ON vectors (v) USING 'sai' \
                 WITH OPTIONS = {{'similarity_function': '{name}'}}"
            ),
        ]);
        let mut store = Store::default();
        for row in 0..60 {
            let text = match row % 10 {
                9 => format!("INSERT INTO vectors (k, c) VALUES ({}, {row})", row % 3),
                _ => format!(
                    "INSERT INTO vectors (k, c, w, v) VALUES ({}, {row}, {}, {:?})",
                    row % 3,
                    row % 2,
                    vector(row)
                ),
            };
            let plan::Plan::Write(write) = schema.plan(&text).unwrap().plan else { panic!() };
            store.apply(write.bind(&[], &ENV).unwrap().mutations);
        }
        let near = |test: fn(usize) -> bool, most: usize| -> Vec<f64> {
            let rows = (0..60).filter(|row| row % 10 != 9 && test(*row));
            let mut all: Vec<f64> = rows.map(|row| likeness(&vector(row), &wanted)).collect();
            all.sort_by(|a, b| b.total_cmp(a));
            all.truncate(most);
            all
        };
        for (test, limit, expected) in [
            ("", 7, near(|_| true, 7)),
            ("", 1000, near(|_| true, 1000)),
            ("WHERE k = 1", 3, near(|row| row % 3 == 1, 3)),
        ] {
            let text = format!(
                "SELECT c FROM vectors {test} ORDER BY v ANN OF [1.0, -2.0, 3.5] LIMIT {limit}"
            );
            let planned = schema.plan(&text).unwrap();
            let rows = store.read_planned(&planned, &[], 2, &ENV).unwrap();
            let of = |row: &Vec<Option<bytes::Bytes>>| {
                let number = usize::from(*row[0].as_ref().unwrap().last().unwrap());
                likeness(&vector(number), &wanted)
            };
            let found: Vec<f64> = rows.iter().map(of).collect();
            assert_eq!(found, expected, "{name}: {text}");
        }
    }
}

#[test]
fn what_cannot_be_ordered_by_likeness_is_refused() {
    let mut schema = Schema::of(&[VECTORS]);
    let order = "ORDER BY v ANN OF [1, 2, 3]";
    let refusal = |schema: &Schema, text: &str| {
        let read = |planned: Planned| Store::default().read_planned(&planned, &[], 10, &ENV);
        schema.plan(text).and_then(read).unwrap_err().to_string()
    };
    assert_eq!(
        refusal(&schema, &format!("SELECT k FROM vectors {order} LIMIT 1")),
        "ANN ordering by vector requires the column to be indexed"
    );
    schema.change("CREATE INDEX ON vectors (v) USING 'sai'");
    for (text, words) in [
        (format!("SELECT k FROM vectors {order}"), "Top-K queries must have a limit specified"),
        (format!("SELECT k FROM vectors {order} LIMIT 1001"), "LIMIT was 1001"),
        (
            "SELECT k FROM vectors ORDER BY w ANN OF [1, 2, 3] LIMIT 1".to_owned(),
            "only supported on float vector indexes",
        ),
        (format!("SELECT count(*) FROM vectors {order} LIMIT 1"), "aggregation"),
        (
            format!("SELECT k FROM vectors WHERE k = 1 {order}, c ASC LIMIT 1"),
            "ANN ordering does not support any other ordering",
        ),
        (
            format!("SELECT k FROM vectors WHERE w = 1 {order} LIMIT 1 ALLOW FILTERING"),
            "requires all restricted column(s) to be indexed",
        ),
        (
            format!("SELECT k FROM vectors WHERE k = 1 AND c = 1 {order} LIMIT 1"),
            "requires all restricted column(s) to be indexed",
        ),
        (
            format!("SELECT k FROM vectors WHERE v = [1, 2, 3] {order} LIMIT 1"),
            "v cannot be restricted by more than one relation in an ANN ordering",
        ),
        (
            "SELECT k FROM vectors WHERE v = [1, 2, 3] ALLOW FILTERING".to_owned(),
            "Vector indexes only support ANN queries",
        ),
        (
            format!("SELECT k FROM vectors {order} DESC LIMIT 1"),
            "Descending ANN ordering is not supported",
        ),
        (
            "SELECT k FROM vectors ORDER BY v ANN OF [0, 0, 0] LIMIT 1".to_owned(),
            "Zero vectors cannot be indexed or queried with cosine similarity",
        ),
    ] {
        let refused = refusal(&schema, &text);
        assert!(refused.contains(words), "{text}: {refused}");
    }
}

#[test]
fn an_index_of_create_index_holds_no_values_of_64_kib() {
    let mut schema = Schema::of(&["CREATE TABLE t (k int PRIMARY KEY, v text, m map<text, text>)"]);
    let long = "x".repeat(65_535);
    let refused = |schema: &Schema, text: &str| {
        let Plan::Write(write) = schema.plan(text).unwrap().plan else { panic!("{text}") };
        write.bind(&[], &ENV).err().map(|error| error.to_string())
    };
    let insert = format!("INSERT INTO t (k, v, m) VALUES (1, '{long}', {{'{long}': 'a'}})");
    assert_eq!(refused(&schema, &insert), None);
    schema.change("CREATE INDEX by_m ON t (keys(m))");
    assert_eq!(
        refused(&schema, &insert).unwrap(),
        "Cannot index value of size 65535 for index by_m on ks.t(m) (maximum allowed \
         size=65535)"
    );
    schema.change("CREATE INDEX by_v ON t (v)");
    assert!(refused(&schema, &insert).unwrap().contains("by_v on ks.t(v)"));
    let select = format!("SELECT k FROM t WHERE v = '{long}x'");
    let Plan::Select(select) = schema.plan(&select).unwrap().plan else { panic!() };
    assert_eq!(
        select.bind(&[], &ENV).unwrap_err().to_string(),
        "Index expression values may not be larger than 64K"
    );
}

#[test]
fn every_part_of_a_collection_that_is_asked_for_must_be_indexed() {
    let mut schema = Schema::of(&["CREATE TABLE t (k int PRIMARY KEY, m map<text, text>)"]);
    schema.change("CREATE INDEX ON t (keys(m))");
    schema.plan("SELECT k FROM t WHERE m CONTAINS KEY 'a'").unwrap();
    let both = "SELECT k FROM t WHERE m CONTAINS KEY 'a' AND m CONTAINS 'b'";
    let refused = schema.plan(both).unwrap_err().to_string();
    assert!(refused.ends_with("use ALLOW FILTERING"), "{refused}");
    schema.plan(&format!("{both} ALLOW FILTERING")).unwrap();
}
