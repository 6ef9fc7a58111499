//! `SELECT JSON`: a row as one JSON text.

use bytes::Bytes;
use cellar_schema::value;

use crate::plan::ResultColumn;

/// The columns as one object, in their order. A name that needs quotes in CQL has them inside
/// the JSON string too, as Cassandra writes it.
pub(super) fn object(columns: &[ResultColumn], values: &[Option<Bytes>]) -> Bytes {
    let mut object = serde_json::Map::with_capacity(columns.len());
    for (column, bytes) in columns.iter().zip(values) {
        let folded = column.name.chars().all(|c| !c.is_uppercase());
        let name = if folded { column.name.clone() } else { format!("\"{}\"", column.name) };
        let json = match bytes {
            Some(bytes) => value::to_json(&column.cql_type, bytes),
            None => serde_json::Value::Null,
        };
        object.insert(name, json);
    }
    Bytes::from(serde_json::Value::Object(object).to_string())
}
