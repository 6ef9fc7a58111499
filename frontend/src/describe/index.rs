//! CREATE INDEX statements, laid out as Cassandra's, and indexes as `system_schema` has them.

use std::collections::BTreeMap;

use cellar_schema::{Index, IndexClass, Table};

use crate::system::text::{literal, quoted};

/// CREATE INDEX.
pub(super) fn create(table: &Table, index: &Index) -> String {
    let name = quoted(&index.name);
    let of = format!("{}.{} ({})", quoted(&table.keyspace), quoted(&table.name), {
        target(table, index)
    });
    match &index.class {
        IndexClass::Local => format!("CREATE INDEX {name} ON {of};"),
        IndexClass::StorageAttached(class) => {
            format!(
                "CREATE CUSTOM INDEX {name} ON {of} USING {}{};",
                literal(class),
                options(&index.options)
            )
        }
    }
}

fn options(options: &BTreeMap<String, String>) -> String {
    if options.is_empty() {
        return String::new();
    }
    let pairs: Vec<String> = options
        .iter()
        .map(|(name, value)| format!("{}: {}", literal(name), literal(value)))
        .collect();
    format!(" WITH OPTIONS = {{{}}}", pairs.join(", "))
}

/// What is indexed, as CQL writes it: `c`, `values(c)`.
fn target(table: &Table, index: &Index) -> String {
    let column = table.column_by_id(index.column).map_or("", |column| column.name.as_str());
    match index.part.word() {
        None => quoted(column),
        Some(word) => format!("{word}({})", quoted(column)),
    }
}

/// `kind` and `options` of `system_schema.indexes`.
pub(crate) fn stored(table: &Table, index: &Index) -> (&'static str, BTreeMap<String, String>) {
    let mut options = index.options.clone();
    options.insert("target".to_owned(), target(table, index));
    let kind = match &index.class {
        IndexClass::Local => "COMPOSITES",
        IndexClass::StorageAttached(class) => {
            options.insert("class_name".to_owned(), class.clone());
            "CUSTOM"
        }
    };
    (kind, options)
}
