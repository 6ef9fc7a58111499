//! `SELECT JSON`: a row as one JSON text, with the blanks that Cassandra writes.

use bytes::Bytes;

use crate::plan::ResultColumn;
use crate::plan::json_text;

/// The columns as one object, in their order. A name that needs quotes in CQL has them inside
/// the JSON string too, as Cassandra writes it.
pub(super) fn object(columns: &[ResultColumn], values: &[Option<Bytes>]) -> Bytes {
    let mut text = String::from("{");
    for (index, (column, bytes)) in columns.iter().zip(values).enumerate() {
        if index > 0 {
            text.push_str(", ");
        }
        json_text::name(&mut text, &column.name);
        match bytes {
            Some(bytes) => json_text::write(&mut text, &column.cql_type, bytes),
            None => text.push_str("null"),
        }
    }
    text.push('}');
    Bytes::from(text)
}
