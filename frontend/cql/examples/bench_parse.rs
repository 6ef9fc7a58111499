//! Statements per second parsed, planned and bound on one core, bytes of memory per prepared
//! statement, and time and highest memory of very large statements, as the system counts them.
//!
//! `cargo run --release -p cellar-cql --example bench_parse -- [seconds per line]`

#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a bench fails loudly"
)]

use std::{
    collections::BTreeMap,
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use cellar_cql::plan::{self, BoundValue, Env, Plan, Planned, SchemaView, ddl};
use cellar_cql::{Parsed, parse_statement};
use cellar_metadata_api::Command;
use cellar_schema::{
    Column, ColumnId, ColumnKind, CqlType, Keyspace, Table, TableId, Tables, value,
};
use uuid::Uuid;

const TABLE: &str = "CREATE TABLE events (tenant text, day date, at timestamp, id uuid, \
    kind text, amount decimal, tags set<text>, props map<text, text>, body blob, seen boolean, \
    PRIMARY KEY ((tenant, day), at, id))";

const STATEMENTS: [(&str, &str); 6] = [
    ("point read", "SELECT * FROM events WHERE tenant = ? AND day = ? AND at = ? AND id = ?"),
    (
        "page of a slice",
        "SELECT at, id, kind, amount FROM events WHERE tenant = ? AND day = ? AND at >= ? \
         AND at < ? ORDER BY at DESC LIMIT 100",
    ),
    (
        "insert with markers",
        "INSERT INTO events (tenant, day, at, id, kind, amount, tags, props, body, seen) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) USING TTL ?",
    ),
    (
        "insert with literals",
        "INSERT INTO events (tenant, day, at, id, kind, amount, tags, seen) VALUES ('acme', \
         '2026-11-21', '2026-11-21T10:00:00Z', 5f0c2f3e-8f1e-4e0a-9d3b-0a1b2c3d4e5f, 'click', \
         12.50, {'a', 'b', 'c'}, true)",
    ),
    (
        "conditional update",
        "UPDATE events SET kind = ?, amount = ?, tags = tags + ? WHERE tenant = ? AND day = ? \
         AND at = ? AND id = ? IF seen = false AND kind IN ('a', 'b')",
    ),
    (
        "batch of three",
        "BEGIN UNLOGGED BATCH INSERT INTO events (tenant, day, at, id, kind) VALUES (?, ?, ?, ?, \
         ?); UPDATE events SET seen = true WHERE tenant = ? AND day = ? AND at = ? AND id = ?; \
         DELETE body FROM events WHERE tenant = ? AND day = ? AND at = ? AND id = ?; APPLY BATCH",
    ),
];

struct Schema(Arc<Keyspace>);

impl SchemaView for Schema {
    fn keyspace(&self, name: &str) -> Option<Arc<Keyspace>> {
        (name == self.0.name).then(|| Arc::clone(&self.0))
    }

    fn keyspace_names(&self) -> Vec<String> {
        vec![self.0.name.clone()]
    }
}

fn schema() -> Schema {
    let mut keyspace = Keyspace {
        name: "ks".to_owned(),
        replication: BTreeMap::new(),
        durable_writes: true,
        tables: Tables::default(),
        types: BTreeMap::new(),
    };
    let before = Schema(Arc::new(keyspace.clone()));
    let parsed = parse_statement(TABLE).unwrap();
    let made = ddl::command(&before, Some("ks"), &parsed.statement, Uuid::nil(), 0).unwrap().0;
    let Command::CreateTable { definition, .. } = made else { panic!("no table") };
    let place = |kind: &ColumnKind| match kind {
        ColumnKind::PartitionKey(at) => (0, *at),
        ColumnKind::Clustering(at, _) => (1, *at),
        _ => (2, 0),
    };
    let mut columns = definition.columns;
    columns.sort_by_key(|(_, _, kind)| place(kind));
    let columns: Vec<Column> = (1..)
        .zip(columns)
        .map(|(id, (name, cql_type, kind))| Column { id: ColumnId(id), name, cql_type, kind })
        .collect();
    let table = Table {
        id: TableId(16),
        uuid: Uuid::nil(),
        keyspace: "ks".to_owned(),
        name: definition.name,
        version: 1,
        next_column: ColumnId(99),
        columns,
        dropped: Vec::new(),
        options: definition.options,
    };
    keyspace.tables.insert(table.name.clone(), Arc::new(table));
    Schema(Arc::new(keyspace))
}

fn per_second(length: Duration, mut step: impl FnMut()) -> f64 {
    let begun = Instant::now();
    let mut steps = 0_u64;
    while begun.elapsed() < length {
        for _ in 0..64 {
            step();
        }
        steps += 64;
    }
    steps as f64 / begun.elapsed().as_secs_f64()
}

/// Resident memory of this process.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split_whitespace().nth(1).unwrap().parse().unwrap();
    pages * 4_096
}

/// Bytes that each of many prepared copies of a statement takes, its text among them.
fn prepared_bytes(schema: &Schema, text: &str) -> u64 {
    const COPIES: u64 = 5_000;
    let before = resident_bytes();
    let mut kept: Vec<(String, Parsed, plan::Planned)> = Vec::new();
    for _ in 0..COPIES {
        let text = text.to_owned();
        let parsed = parse_statement(&text).unwrap();
        let planned = plan::plan(schema, Some("ks"), &parsed.statement, &parsed.markers).unwrap();
        kept.push((text, parsed, planned));
    }
    let after = resident_bytes();
    // Never freed, so that the next statement's copies do not take its place unseen.
    std::mem::forget(black_box(kept));
    after.saturating_sub(before) / COPIES
}

/// A value of a type, as drivers send it.
fn value_of(cql_type: &CqlType) -> Bytes {
    match cql_type {
        CqlType::Text => Bytes::from_static(b"acme"),
        CqlType::Date => Bytes::from_static(&[0x80, 0, 0x50, 0]),
        CqlType::Int => Bytes::from_static(&[0, 0, 0, 60]),
        CqlType::Timestamp => Bytes::from_static(&[0, 0, 1, 0x9A, 0, 0, 0, 0]),
        CqlType::Uuid => Bytes::from_static(&[7; 16]),
        CqlType::Decimal => Bytes::from_static(&[0, 0, 0, 2, 4, 0xE2]),
        CqlType::Boolean => Bytes::from_static(&[1]),
        CqlType::Blob => Bytes::from_static(&[9; 100]),
        CqlType::Set(..) => value::build_list(&["a", "b", "c"]),
        CqlType::Map(..) => value::build_map(&[("a", "1"), ("b", "2")]),
        other => panic!("no value of {other}"),
    }
}

/// Binds a statement as a request would.
fn bind(planned: &Planned, values: &[BoundValue]) {
    let now_us = 1_763_700_000_000_000;
    let env = Env { now_us, default_timestamp_us: Some(now_us), protocol: 4 };
    match &planned.plan {
        Plan::Select(select) => drop(black_box(select.bind(values, &env).unwrap())),
        Plan::Write(write) => drop(black_box(write.bind(values, &env).unwrap())),
        Plan::Batch(batch) => drop(black_box(batch.bind(values, &env).unwrap())),
        other => panic!("not bound: {other:?}"),
    }
}

fn values_for(planned: &Planned) -> Vec<BoundValue> {
    let value = |variable: &plan::ColumnSpec| BoundValue::Bytes(value_of(&variable.cql_type));
    planned.variables.iter().map(value).collect()
}

/// Highest resident memory since [`forget_highest`].
fn highest_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1_024
}

fn forget_highest() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// One large statement from its text to its bound form.
fn large(schema: &Schema, name: &str, text: &str, values: &[BoundValue]) {
    forget_highest();
    let before = resident_bytes();
    let begun = Instant::now();
    let parsed = parse_statement(text).unwrap();
    let parsing = begun.elapsed();
    let planned = plan::plan(schema, Some("ks"), &parsed.statement, &parsed.markers).unwrap();
    let planning = begun.elapsed() - parsing;
    bind(&planned, values);
    let binding = begun.elapsed() - parsing - planning;
    let more = highest_bytes().saturating_sub(before);
    println!(
        "{name:28} {:>9} bytes: parsed in {parsing:?}, planned in {planning:?}, bound in \
         {binding:?}, {more} bytes of memory at most",
        text.len()
    );
}

fn all_large(schema: &Schema) {
    const KEY: &str = "tenant = 'a' AND day = '2026-11-21' AND at = 0 AND \
        id = 5f0c2f3e-8f1e-4e0a-9d3b-0a1b2c3d4e5f";
    let long = "x".repeat(1 << 20);
    let text = format!("UPDATE events SET kind = '{long}' WHERE {KEY}");
    large(schema, "one text of 1 MiB", &text, &[]);
    let assignments: Vec<String> =
        (0..40_000).map(|key| format!("'k{key}': 'value {key}'")).collect();
    let text = format!("UPDATE events SET props = {{{}}} WHERE {KEY}", assignments.join(", "));
    large(schema, "map of 40,000, about 1 MB", &text, &[]);
    let elements: Vec<String> = (0..100_000).map(|element| format!("e{element}")).collect();
    let literals: Vec<String> = elements.iter().map(|element| format!("'{element}'")).collect();
    let text = format!("UPDATE events SET tags = {{{}}} WHERE {KEY}", literals.join(", "));
    large(schema, "set of 100,000 literals", &text, &[]);
    let text = format!("UPDATE events SET tags = ? WHERE {KEY}");
    let values = [BoundValue::Bytes(value::build_list(&elements))];
    large(schema, "set of 100,000 as a value", &text, &values);
}

fn main() {
    let seconds = std::env::args().nth(1).map_or(2.0, |text| text.parse::<f64>().unwrap());
    let length = Duration::from_secs_f64(seconds);
    let schema = schema();
    println!(
        "{:24} {:>12} {:>12} {:>12} {:>16}",
        "statement", "parsed/s", "planned/s", "bound/s", "bytes/prepared"
    );
    for (name, text) in STATEMENTS {
        let parsed = parse_statement(text).unwrap();
        let parse = per_second(length, || {
            black_box(parse_statement(black_box(text)).unwrap());
        });
        let plan = || plan::plan(&schema, Some("ks"), &parsed.statement, &parsed.markers).unwrap();
        let planned = plan();
        let plan = per_second(length, || drop(black_box(plan())));
        let values = values_for(&planned);
        let bound = per_second(length, || bind(&planned, black_box(&values)));
        let bytes = prepared_bytes(&schema, text);
        println!("{name:24} {parse:>12.0} {plan:>12.0} {bound:>12.0} {bytes:>16}");
    }
    all_large(&schema);
}
