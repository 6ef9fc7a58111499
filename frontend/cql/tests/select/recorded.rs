//! Names of columns, messages and rows that Apache Cassandra 5.0.9 gave, recorded by the tests of
//! the drivers in `infra/tests`.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use cellar_cql::parse_statement;
use cellar_cql::plan::{self, BoundValue, Plan, PlanError, Planned, SchemaView, ddl};
use cellar_metadata_api::{Command, NewTable};
use cellar_schema::{
    Column, ColumnId, ColumnKind, CqlType, Frozen, Keyspace, Table, TableId, Tables, UserType,
    value,
};
use serde_json::Value;
use uuid::Uuid;

use crate::schema::ENV;
use crate::store::Store;

/// System tables and changed tables are tested where they are.
const ELSEWHERE: [&str; 2] = ["have null in it", "the row as it is now"];

/// Tables whose rows need nothing but plain statements.
const REPLAYED: [&str; 2] = ["conformance.events", "conformance.wide"];

struct Schema(Keyspace);

impl SchemaView for Schema {
    fn keyspace(&self, name: &str) -> Option<Arc<Keyspace>> {
        (name == self.0.name).then(|| Arc::new(self.0.clone()))
    }

    fn keyspace_names(&self) -> Vec<String> {
        vec![self.0.name.clone()]
    }
}

impl Schema {
    fn change(&mut self, command: Command) {
        match command {
            Command::CreateType { keyspace, name, fields, .. } => {
                let made = UserType { keyspace, name: name.clone(), fields };
                self.0.types.insert(name, Arc::new(made));
            }
            Command::CreateTable { definition, .. } => {
                let table = table(TableId(16 + self.0.tables.len() as u32), definition);
                if !self.0.tables.contains_key(&table.name) {
                    self.0.tables.insert(table.name.clone(), Arc::new(table));
                }
            }
            _ => {}
        }
    }

    fn plan(&self, text: &str) -> Result<Planned, PlanError> {
        let parsed = parse_statement(text)?;
        plan::plan(self, None, &parsed.statement, &parsed.markers)
    }
}

fn table(id: TableId, new: NewTable) -> Table {
    let mut columns = new.columns;
    columns.sort_by_key(|(_, _, kind)| match kind {
        ColumnKind::PartitionKey(at) => (0, *at),
        ColumnKind::Clustering(at, _) => (1, *at),
        _ => (2, 0),
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

fn lines(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/tests").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn script() -> Vec<Value> {
    serde_json::from_str(&lines("script.json")).unwrap()
}

fn expected() -> HashMap<String, Value> {
    lines("expected.jsonl")
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|step| (step["name"].as_str().unwrap().to_owned(), step))
        .collect()
}

fn parameter(parameter: &Value, index: usize) -> BoundValue {
    let cql_type = |name: &Value| match name.as_str().unwrap() {
        "int" => CqlType::Int,
        "bigint" => CqlType::Bigint,
        "text" => CqlType::Text,
        other => panic!("{other}"),
    };
    let (kind, content) = (&parameter[0], &parameter[1]);
    let cql_type = match kind.as_array() {
        Some(list) => CqlType::List(Box::new(cql_type(&list[1])), Frozen::Yes),
        None => cql_type(kind),
    };
    let content = match content.as_str() {
        Some("$i%10") => Value::from(index % 10),
        Some("$i") => Value::from(index),
        Some(text) => Value::from(text.replace("$i", &index.to_string())),
        None => content.clone(),
    };
    value::from_json(&cql_type, &content).unwrap().into()
}

fn parameters(step: &Value, index: usize) -> Vec<BoundValue> {
    let given = step["params"].as_array().map(Vec::as_slice).unwrap_or_default();
    given.iter().map(|given| parameter(given, index)).collect()
}

fn schema() -> Schema {
    Schema(Keyspace {
        name: "conformance".to_owned(),
        replication: BTreeMap::new(),
        durable_writes: true,
        tables: Tables::default(),
        types: BTreeMap::new(),
    })
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Goes through the script; `read` gets every `SELECT` with what Cassandra answered.
fn replay(mut read: impl FnMut(&Store, &Schema, &Value, &Value)) {
    let (mut schema, mut store, expected) = (schema(), Store::default(), expected());
    for step in script() {
        let (Some(text), Some(name)) = (step["cql"].as_str(), step["name"].as_str()) else {
            continue;
        };
        if text.starts_with("SELECT") {
            let elsewhere = ELSEWHERE.iter().any(|elsewhere| name.contains(elsewhere));
            if !elsewhere && !text.contains("FROM system") {
                read(&store, &schema, &step, &expected[name]);
            }
        } else if text.starts_with("CREATE T") && expected[name]["error"].is_null() {
            let statement = parse_statement(text).unwrap().statement;
            let made = ddl::command(&schema, None, &statement, Uuid::nil(), 0).unwrap();
            schema.change(made.0);
        } else if REPLAYED.iter().any(|table| text.contains(table)) {
            let planned = schema.plan(text).unwrap();
            for index in 0..step["repeat"].as_u64().unwrap_or(1) {
                let values = parameters(&step, index as usize);
                let bound = match &planned.plan {
                    Plan::Write(write) => Some(write.bind(&values, &ENV).unwrap()),
                    Plan::Batch(batch) => batch.bind(&values, &ENV).unwrap(),
                    _ => None,
                };
                store.apply(bound.map(|bound| bound.mutations).unwrap_or_default());
            }
        }
    }
}

#[test]
fn columns_and_messages_are_those_of_cassandra() {
    let mut compared = 0;
    replay(|_, schema, step, expected| {
        let text = step["cql"].as_str().unwrap();
        let planned = schema.plan(text);
        if let Some(message) = expected["message"].as_str() {
            assert_eq!(planned.unwrap_err().to_string(), message, "{text}");
        } else if expected["columns"].is_array() {
            let columns = planned.unwrap_or_else(|error| panic!("{text}: {error}")).columns;
            let names: Vec<String> = columns.unwrap().iter().map(|c| c.name.clone()).collect();
            assert_eq!(names, texts(&expected["columns"]), "{text}");
        } else {
            planned.unwrap_or_else(|error| panic!("{text}: {error}"));
        }
        compared += 1;
    });
    assert!(compared > 40, "{compared}");
}

#[test]
fn rows_are_those_of_cassandra() {
    let mut compared = 0;
    replay(|store, schema, step, expected| {
        let text = step["cql"].as_str().unwrap();
        if !REPLAYED.iter().any(|table| text.contains(table)) || expected["message"].is_string() {
            return;
        }
        let planned = schema.plan(text).unwrap();
        let size = step["page_size"].as_u64().map_or(usize::MAX, |size| size as usize);
        let values = parameters(step, 0);
        let rows = store.read_planned(&planned, &values, size, &ENV).unwrap();
        if let Some(count) = expected["count"].as_u64() {
            assert_eq!(rows.len() as u64, count, "{text}");
        } else {
            let columns = planned.columns.unwrap();
            let show = |row: &Vec<Option<bytes::Bytes>>| -> Vec<String> {
                let cells = row.iter().zip(columns.iter());
                let null = || "null".to_owned();
                cells
                    .map(|(cell, column)| {
                        cell.as_ref().map_or_else(null, |b| value::to_text(&column.cql_type, b))
                    })
                    .collect()
            };
            let shown: Vec<Vec<String>> = rows.iter().map(show).collect();
            let wanted: Vec<Vec<String>> =
                expected["rows"].as_array().unwrap().iter().map(texts).collect();
            assert_eq!(shown, wanted, "{text}");
        }
        compared += 1;
    });
    assert!(compared >= 25, "{compared}");
}
