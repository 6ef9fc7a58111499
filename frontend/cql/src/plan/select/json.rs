//! `SELECT JSON`: a row as one JSON text, with the blanks that Cassandra writes.

use std::io;

use bytes::Bytes;
use cellar_schema::value;
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

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
            None => Value::Null,
        };
        object.insert(name, json);
    }
    text(&Value::Object(object))
}

/// The text of a JSON value.
pub(crate) fn text(json: &Value) -> Bytes {
    let mut out = Vec::new();
    // Writing values to memory cannot fail.
    let _ = json.serialize(&mut Serializer::with_formatter(&mut out, Spaced));
    Bytes::from(out)
}

struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn blanks_follow_commas_and_colons() {
        let json = serde_json::json!({"a": [1, 2, {}], "b": {"c": null, "d": "x\"ü"}});
        assert_eq!(text(&json), r#"{"a": [1, 2, {}], "b": {"c": null, "d": "x\"ü"}}"#);
    }
}
