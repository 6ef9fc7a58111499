//! `SELECT JSON`: a row as one JSON text, with the blanks that Cassandra writes.

use bytes::Bytes;
use cellar_schema::value;
use serde_json::Value;

use crate::plan::ResultColumn;
use crate::plan::json_text::json_text;

/// The columns as one object, in their order. A name that needs quotes in CQL has them inside
/// the JSON string too, as Cassandra writes it.
pub(super) fn object(columns: &[ResultColumn], values: &[Option<Bytes>]) -> Bytes {
    let mut object = serde_json::Map::with_capacity(columns.len());
    for (column, bytes) in columns.iter().zip(values) {
        let folded = column.name.chars().all(|c| !c.is_uppercase());
        let name = if folded { column.name.clone() } else { format!("\"{}\"", column.name) };
        let json = match bytes {
            Some(bytes) => value::to_json(&column.cql_type, bytes),
            None => Value::Null,
        };
        object.insert(name, json);
    }
    json_text(&Value::Object(object))
}
