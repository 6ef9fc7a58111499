//! The schema of these tests, made by the planner's own commands, and short ways to plan and bind.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use cellar_cql::parse_statement;
use cellar_cql::plan::write::BoundWrite;
use cellar_cql::plan::{self, BoundValue, Env, Plan, PlanError, Planned, SchemaView, ddl};
use cellar_metadata_api::{Command, NewTable};
use cellar_schema::{
    Change, ChangeKind, Column, ColumnId, ColumnKind, Keyspace, Mutation, Operation, RowChange,
    Table, TableId, Tables, UserType, keys, value,
};
use uuid::Uuid;

const STATEMENTS: [&str; 16] = [
    "CREATE TYPE ks.address (street text, zip int, tags frozen<set<text>>)",
    "CREATE TABLE ks.simple (k int PRIMARY KEY, v text, w bigint)",
    "CREATE TABLE ks.wide (a int, b text, c int, d text, s text static, v int, w text,
        PRIMARY KEY ((a, b), c, d)) WITH CLUSTERING ORDER BY (c DESC, d ASC)",
    "CREATE TABLE ks.log (k text, c int, s int static, v text, PRIMARY KEY (k, c))",
    "CREATE TABLE ks.counts (k text PRIMARY KEY, n counter, m counter)",
    "CREATE TABLE ks.things (k int PRIMARY KEY, l list<int>, s set<text>, m map<text, int>,
        fl frozen<list<int>>, fm frozen<map<int, text>>, fs frozen<set<int>>,
        a address, fa frozen<address>, t tuple<int, text>, e vector<float, 3>)",
    "CREATE TABLE ks.scalars (k int PRIMARY KEY, ascii ascii, bigint bigint, blob blob,
        boolean boolean, date date, decimal decimal, double double, duration duration,
        float float, inet inet, int int, smallint smallint, text text, time time,
        timestamp timestamp, timeuuid timeuuid, tinyint tinyint, uuid uuid, varint varint)",
    "CREATE TABLE ks.expiring (k int PRIMARY KEY, v text) WITH default_time_to_live = 60",
    "CREATE TABLE ks.\"Quoted\" (\"Key\" int PRIMARY KEY, \"Value\" text, plain text)",
    "CREATE TABLE ks.bytes (k blob PRIMARY KEY, v blob)",
    "CREATE TABLE ks.two (k int, c1 int, c2 int, v int, PRIMARY KEY (k, c1, c2))",
    "CREATE TABLE ks.times (k int, t timestamp, v int, PRIMARY KEY (k, t))",
    "CREATE TABLE ks.lists_of (k int PRIMARY KEY, l list<frozen<address>>)",
    "CREATE TABLE ks.compact (k int, c int, v int, PRIMARY KEY (k, c)) WITH COMPACT STORAGE",
    "CREATE TABLE ks.compact_texts (k int, c text, v int, PRIMARY KEY (k, c)) WITH COMPACT STORAGE",
    "CREATE TABLE ks.compact_keys (k int, c int, PRIMARY KEY (k, c)) WITH COMPACT STORAGE",
];

/// A schema that is made once.
pub(crate) struct Fixture {
    keyspace: Arc<Keyspace>,
}

impl SchemaView for Fixture {
    fn keyspace(&self, name: &str) -> Option<Arc<Keyspace>> {
        (name == "ks").then(|| Arc::clone(&self.keyspace))
    }

    fn keyspace_names(&self) -> Vec<String> {
        vec!["ks".to_owned()]
    }
}

pub(crate) static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let mut fixture = Fixture {
        keyspace: Arc::new(Keyspace {
            name: "ks".to_owned(),
            replication: BTreeMap::new(),
            durable_writes: true,
            tables: Tables::default(),
            types: BTreeMap::new(),
        }),
    };
    for text in STATEMENTS {
        let statement = parse_statement(text).unwrap().statement;
        let (command, _) = ddl::command(&fixture, None, &statement, Uuid::nil(), 0).expect(text);
        let mut keyspace = (*fixture.keyspace).clone();
        match command {
            Command::CreateType { keyspace: owner, name, fields, .. } => {
                let made = UserType { keyspace: owner, name: name.clone(), fields };
                keyspace.types.insert(name, Arc::new(made));
            }
            Command::CreateTable { definition, .. } => {
                let id = TableId(16 + keyspace.tables.len() as u32);
                let table = table(id, definition);
                keyspace.tables.insert(table.name.clone(), Arc::new(table));
            }
            other => panic!("{other:?}"),
        }
        fixture = Fixture { keyspace: Arc::new(keyspace) };
    }
    fixture
});

pub(crate) fn table(id: TableId, new: NewTable) -> Table {
    let mut columns = new.columns;
    columns.sort_by_key(|(name, _, kind)| match kind {
        ColumnKind::PartitionKey(at) => (0, *at, String::new()),
        ColumnKind::Clustering(at, _) => (1, *at, String::new()),
        _ => (2, 0, name.clone()),
    });
    let columns: Vec<Column> = (1..)
        .zip(columns)
        .map(|(id, (name, cql_type, kind))| Column { id: ColumnId(id), name, cql_type, kind })
        .collect();
    Table {
        id,
        uuid: new.uuid,
        keyspace: new.keyspace,
        name: new.name,
        version: 1,
        next_column: ColumnId(columns.len() as u32 + 1),
        columns,
        dropped: Vec::new(),
        options: new.options,
    }
}

pub(crate) const ENV: Env = Env { now_us: 1_000_000, default_timestamp_us: None, protocol: 4 };

pub(crate) fn try_plan(text: &str) -> Result<Planned, PlanError> {
    let parsed = parse_statement(text)?;
    plan::plan(&*FIXTURE, Some("ks"), &parsed.statement, &parsed.markers)
}

pub(crate) fn planned(text: &str) -> Planned {
    try_plan(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

pub(crate) fn try_bind(text: &str, values: &[BoundValue]) -> Result<BoundWrite, PlanError> {
    try_bind_at(text, values, &ENV)
}

pub(crate) fn try_bind_at(
    text: &str,
    values: &[BoundValue],
    env: &Env,
) -> Result<BoundWrite, PlanError> {
    match try_plan(text)?.plan {
        Plan::Write(write) => write.bind(values, env),
        Plan::Batch(batch) => Ok(batch.bind(values, env)?.expect("a batch with statements")),
        other => panic!("{text}: {other:?}"),
    }
}

pub(crate) fn bind(text: &str, values: &[BoundValue]) -> BoundWrite {
    try_bind(text, values).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// What planning or binding with these values says.
pub(crate) fn refusal_with(text: &str, values: &[BoundValue]) -> String {
    match try_bind(text, values) {
        Ok(write) => panic!("{text} is accepted: {write:?}"),
        Err(error) => error.to_string(),
    }
}

pub(crate) fn refusal(text: &str) -> String {
    match try_plan(text) {
        Ok(Planned { plan: Plan::Write(write), variables, .. }) if variables.is_empty() => {
            write.bind(&[], &ENV).map(|write| panic!("{text}: {write:?}")).unwrap_err().to_string()
        }
        Ok(planned) => panic!("{text} is accepted: {planned:?}"),
        Err(error) => error.to_string(),
    }
}

pub(crate) fn table_of(name: &str) -> Arc<Table> {
    FIXTURE.table("ks", name).unwrap()
}

pub(crate) fn id(table: &str, column: &str) -> ColumnId {
    table_of(table).column(column).unwrap().id
}

pub(crate) fn partition(table: &str, components: &[Bytes]) -> Bytes {
    let components: Vec<&[u8]> = components.iter().map(AsRef::as_ref).collect();
    keys::partition(table_of(table).id, &keys::routing(&components))
}

pub(crate) fn row(table: &str, clustering: &[Bytes]) -> Bytes {
    keys::row_suffix(&table_of(table), clustering).unwrap()
}

/// One upsert with operations on columns by name.
pub(crate) fn upsert(
    table: &str,
    suffix: Bytes,
    marker: bool,
    operations: &[(&str, Operation)],
) -> ChangeKind {
    let operations =
        operations.iter().map(|(name, operation)| (id(table, name), operation.clone())).collect();
    ChangeKind::Upsert(RowChange { suffix, marker, ttl_seconds: 0, operations })
}

/// A mutation whose changes have no time yet.
pub(crate) fn mutation(partition: Bytes, kinds: Vec<ChangeKind>) -> Mutation {
    let changes = kinds.into_iter().map(|kind| Change { timestamp_us: None, kind }).collect();
    Mutation { partition, changes }
}

pub(crate) fn some(bytes: Bytes) -> BoundValue {
    BoundValue::Bytes(bytes)
}

pub(crate) fn int(number: i32) -> Bytes {
    value::int(number)
}

pub(crate) fn text(text: &str) -> Bytes {
    value::text(text)
}
