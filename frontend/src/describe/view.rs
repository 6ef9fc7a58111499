//! CREATE MATERIALIZED VIEW statements, laid out as Cassandra's.

use std::fmt::Write as _;

use cellar_cql::plan::select_order;
use cellar_schema::{Order, Table, View};

use super::options;
use crate::system::text::quoted;

/// CREATE MATERIALIZED VIEW.
pub(super) fn create(base: &Table, view: &View, internals: bool) -> String {
    let table = view.as_table(base);
    let columns = match &view.columns {
        None => "*".to_owned(),
        Some(_) => {
            let all = select_order(&table);
            all.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ")
        }
    };
    let partition: Vec<String> = table.partition_key().map(|column| quoted(&column.name)).collect();
    let first = match partition.as_slice() {
        [one] => one.clone(),
        several => format!("({})", several.join(", ")),
    };
    let clustering = table.clustering().map(|(column, _)| quoted(&column.name));
    let key: Vec<String> = std::iter::once(first).chain(clustering).collect();
    let keyspace = quoted(&base.keyspace);
    let mut text = format!(
        "CREATE MATERIALIZED VIEW {keyspace}.{} AS\n    SELECT {columns}\n    \
         FROM {keyspace}.{}\n    WHERE {}\n    PRIMARY KEY ({})\n WITH ",
        quoted(&view.name),
        quoted(&base.name),
        view.filter_text(base, quoted),
        key.join(", ")
    );
    // Writing to a String cannot fail.
    if internals {
        let _ = write!(text, "ID = {}\n    AND ", view.uuid);
    }
    let order: Vec<String> = table
        .clustering()
        .map(|(column, order)| match order {
            Order::Asc => format!("{} ASC", quoted(&column.name)),
            Order::Desc => format!("{} DESC", quoted(&column.name)),
        })
        .collect();
    if !order.is_empty() {
        let _ = write!(text, "CLUSTERING ORDER BY ({})\n    AND ", order.join(", "));
    }
    text.push_str(&options::of(&table).join("\n    AND "));
    text.push(';');
    text
}
