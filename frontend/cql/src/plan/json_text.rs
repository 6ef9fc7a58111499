//! JSON with the blanks that Cassandra writes: after commas and after colons.

use std::io;

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

/// The text of a JSON value.
pub(crate) fn json_text(json: &Value) -> Bytes {
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
    use super::json_text;

    #[test]
    fn blanks_follow_commas_and_colons() {
        let json = serde_json::json!({"a": [1, 2, {}], "b": {"c": null, "d": "x\"ü"}});
        assert_eq!(json_text(&json), r#"{"a": [1, 2, {}], "b": {"c": null, "d": "x\"ü"}}"#);
    }
}
