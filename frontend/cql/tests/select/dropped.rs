//! What is left of rows when columns are dropped.

use std::sync::Arc;

use cellar_cql::parse_statement;
use cellar_cql::plan::{self, SchemaView};
use cellar_schema::{DroppedColumn, Keyspace, Table, value};

use crate::schema::{ENV, FIXTURE};
use crate::store::Store;

/// The schema of the other tests without the column `v` of the table `log`.
struct Without(Keyspace);

impl SchemaView for Without {
    fn keyspace(&self, name: &str) -> Option<Arc<Keyspace>> {
        (name == "ks").then(|| Arc::new(self.0.clone()))
    }

    fn keyspace_names(&self) -> Vec<String> {
        vec!["ks".to_owned()]
    }
}

fn without_v() -> Without {
    let mut keyspace = (*FIXTURE.keyspace("ks").unwrap()).clone();
    let mut table = Table::clone(keyspace.tables.get("log").unwrap());
    let at = table.columns.iter().position(|column| column.name == "v").unwrap();
    let column = table.columns.remove(at);
    table.dropped.push(DroppedColumn {
        id: column.id,
        name: column.name,
        cql_type: column.cql_type,
        is_static: false,
        dropped_at_us: ENV.now_us,
    });
    keyspace.tables.insert("log".to_owned(), Arc::new(table));
    Without(keyspace)
}

#[test]
fn a_row_that_had_only_the_dropped_column_is_gone() {
    let store = Store::of(&[
        "UPDATE log SET v = 'updated' WHERE k = 'a' AND c = 1",
        "INSERT INTO log (k, c, v) VALUES ('a', 2, 'inserted')",
        "INSERT INTO log (k, c) VALUES ('a', 3)",
    ]);
    for text in ["SELECT c FROM log", "SELECT c, s FROM log WHERE k = 'a'"] {
        let parsed = parse_statement(text).unwrap();
        let planned = plan::plan(&without_v(), Some("ks"), &parsed.statement, &parsed.markers);
        let rows = store.read_planned(&planned.unwrap(), &[], 2, &ENV).unwrap();
        let first = rows.iter().map(|row| row[0].as_ref().and_then(|c| value::as_i32(c)));
        let found: Vec<_> = first.collect();
        assert_eq!(found, [Some(2), Some(3)], "{text}");
    }
}
