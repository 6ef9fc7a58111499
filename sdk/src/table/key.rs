//! Keys as path segments: text of scalars, `0x…` of blobs, JSON of collections.

use serde::Serialize;

use crate::value::{Value, ValueError, scalar_text, to_value};

/// The path of the rows with this key or key prefix.
pub(super) fn path<K: Serialize + ?Sized>(table: &str, key: &K) -> Result<String, ValueError> {
    let columns = match to_value(key)? {
        Value::List(columns) => columns,
        Value::Null => return Err(ValueError::new("the key is empty")),
        Value::Map(_) => {
            return Err(ValueError::new("a key is a tuple in the order of the primary key"));
        }
        column => vec![column],
    };
    if columns.is_empty() {
        return Err(ValueError::new("the key is empty"));
    }
    let texts = columns.iter().map(segment).collect::<Result<Vec<_>, _>>()?;
    if texts.iter().any(String::is_empty) {
        // A path cannot end in an empty segment.
        let json = columns.iter().map(json).collect::<Result<serde_json::Value, _>>()?;
        return Ok(format!("{table}?key={}", percent_encode(&json.to_string())));
    }
    let segments = texts.iter().map(|text| format!("/{}", percent_encode(text)));
    Ok(segments.fold(table.to_owned(), |path, segment| path + &segment))
}

fn segment(column: &Value) -> Result<String, ValueError> {
    if let Some(text) = scalar_text(column) {
        return Ok(text);
    }
    match column {
        Value::Null => Err(ValueError::new("a column of the key is null")),
        Value::Blob(bytes) => Ok(format!("0x{}", hex(bytes))),
        nested => serde_json::to_string(nested).map_err(|error| wrong(&error)),
    }
}

fn json(column: &Value) -> Result<serde_json::Value, ValueError> {
    match column {
        Value::Blob(bytes) => Ok(serde_json::json!({ "$hex": hex(bytes) })),
        other => serde_json::to_value(other).map_err(|error| wrong(&error)),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn wrong(error: &serde_json::Error) -> ValueError {
    ValueError::new(format!("the key has no JSON form: {error}"))
}

/// Everything but unreserved characters of RFC 3986; a segment of dots alone would be taken for a
/// step in the path.
pub(super) fn percent_encode(text: &str) -> String {
    let dots = text == "." || text == "..";
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'.' if dots => encoded.push_str("%2E"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte));
            }
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(key: impl Serialize) -> String {
        path("/t", &key).unwrap()
    }

    #[test]
    fn keys_become_segments_in_the_order_of_the_tuple() {
        assert_eq!(of("a1"), "/t/a1");
        assert_eq!(of(("a/b c", -7_i64, true)), "/t/a%2Fb%20c/-7/true");
        assert_eq!(of(("é", ".", "..", "a.b")), "/t/%C3%A9/%2E/%2E%2E/a.b");
        assert_eq!(of((uuid::Uuid::nil(),)), "/t/00000000-0000-0000-0000-000000000000");
        assert_eq!(of(Value::Blob(vec![0xca, 0xfe])), "/t/0xcafe");
        assert_eq!(of((Value::Timestamp(0), 1)), "/t/1970-01-01T00%3A00%3A00.000Z/1");
        assert_eq!(of((vec![1, 2], "x")), "/t/%5B1%2C2%5D/x");
    }

    #[test]
    fn an_empty_text_goes_as_json_because_no_path_can_hold_it() {
        assert_eq!(of(("", 7)), "/t?key=%5B%22%22%2C7%5D");
        assert_eq!(of(""), "/t?key=%5B%22%22%5D");
        let blob = ("", Value::Blob(vec![0xca, 0xfe]));
        assert_eq!(of(blob), format!("/t?key={}", percent_encode(r#"["",{"$hex":"cafe"}]"#)));
    }

    #[test]
    fn keys_without_a_value_are_refused() {
        assert!(path("/t", &()).is_err());
        assert!(path("/t", &(1, None::<i32>)).is_err());
        assert!(path("/t", &Vec::<i32>::new()).is_err());
    }
}
