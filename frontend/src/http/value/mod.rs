//! Values of CQL types in the documents of the HTTP API. Wire bytes go in and come out; JSON and
//! CBOR each have a writer and a reader, and path segments a reader of their own.
//!
//! | CQL type | JSON (also read) | CBOR (also read: text as in JSON) |
//! |---|---|---|
//! | int, smallint, tinyint | number | integer |
//! | float, double | number; `"NaN"`, `"Infinity"`, `"-Infinity"` | float (integer) |
//! | bigint, counter, varint, decimal | string (number) | integer, tags 2 and 3; decimal tag 4 |
//! | text, ascii, boolean | string, boolean | text, boolean |
//! | blob | base64 (`{"$hex": "…"}`) | bytes |
//! | uuid, timeuuid | string | tag 37 (bytes) |
//! | inet | string | tags 52 and 54 (bytes) |
//! | timestamp | RFC 3339 (milliseconds) | tag 1, with milliseconds tag 1001 (tag 0, integer ms) |
//! | date | `YYYY-MM-DD` (days, 2^31 is 1970-01-01) | tag 100 (tag 1004) |
//! | time | `HH:MM:SS.nnnnnnnnn` (nanoseconds) | integer ns |
//! | duration | `1mo2d3h` | array of months, days, nanoseconds |
//! | list, vector, tuple | array | array |
//! | set | array | tag 258 of an array (array) |
//! | map | object if its keys are strings in JSON, else array of pairs (both) | map |
//! | user-defined type | object | map |
//!
//! Null is null. The empty value that all types have from Cassandra's past is an empty string.

mod read_cbor;
mod read_json;
mod write_cbor;
mod write_json;

use bytes::Bytes;
use cellar_schema::{CqlType, ValueError, value};

pub(super) use read_cbor::read_cbor;
pub(super) use read_json::{read_json, read_segment};
pub(super) use write_cbor::{CborOut, cbor_document, write_cbor};
pub(super) use write_json::{Numbers, json_text, write_json};

/// Whether the type's JSON form is always a string that reads well as a name.
fn is_name(cql_type: &CqlType) -> bool {
    matches!(
        cql_type,
        CqlType::Ascii
            | CqlType::Text
            | CqlType::Uuid
            | CqlType::Timeuuid
            | CqlType::Inet
            | CqlType::Date
            | CqlType::Time
            | CqlType::Timestamp
    )
}

fn is_nested(cql_type: &CqlType) -> bool {
    matches!(
        cql_type,
        CqlType::List(..)
            | CqlType::Set(..)
            | CqlType::Map(..)
            | CqlType::Tuple(_)
            | CqlType::Udt(..)
            | CqlType::Vector(..)
    )
}

/// Wire bytes of a list, or of a set from elements in any order.
fn build_elements(cql_type: &CqlType, mut parts: Vec<Bytes>) -> Result<Bytes, ValueError> {
    match cql_type {
        CqlType::Set(element, _) => {
            parts.sort_by(|left, right| value::compare(element, left, right));
            parts.dedup_by(|left, right| value::compare(element, left, right).is_eq());
            Ok(value::build_list(&parts))
        }
        CqlType::Vector(element, dimensions) => {
            let expected = usize::from(*dimensions);
            if parts.len() != expected {
                return Err(ValueError::Dimensions { expected, got: parts.len() });
            }
            Ok(value::build_vector(element, &parts))
        }
        _ => Ok(value::build_list(&parts)),
    }
}

/// Wire bytes of a map from entries in any order; of equal keys the last counts.
fn build_entries(key: &CqlType, mut entries: Vec<(Bytes, Bytes)>) -> Bytes {
    entries.reverse();
    entries.sort_by(|left, right| value::compare(key, &left.0, &right.0));
    entries.dedup_by(|left, right| value::compare(key, &left.0, &right.0).is_eq());
    value::build_map(&entries)
}

#[cfg(test)]
mod tests;
