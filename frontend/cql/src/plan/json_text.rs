//! Values as JSON text, letter by letter as Cassandra writes it: blanks after commas and colons,
//! all digits of every number, floating point numbers in Java's form. And JSON text read without
//! losing digits of whole numbers.

use std::fmt::Write;

use bytes::Bytes;
use cellar_schema::{CqlType, value};

use super::function::{decimal_text, java_text};

/// Reads JSON. A whole number beyond 64 bits comes as the string of its digits, which the types
/// that can hold it read too.
pub(crate) fn read(text: &str) -> serde_json::Result<serde_json::Value> {
    let mut quoted = String::new();
    let (mut rest, mut copied) = (text, 0);
    while let Some(start) = rest.find(['"', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
    {
        let from = text.len() - rest.len() + start;
        let tail = text.get(from..).unwrap_or_default();
        let length = match tail.starts_with('"') {
            true => string_length(tail),
            false => tail.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c)),
        };
        let (token, after) = tail.split_at(length.unwrap_or(tail.len()));
        if is_long_integer(token) {
            quoted.push_str(text.get(copied..from).unwrap_or_default());
            quoted.push_str(&format!("\"{token}\""));
            copied = from + token.len();
        }
        rest = after;
    }
    if copied == 0 {
        return serde_json::from_str(text);
    }
    quoted.push_str(text.get(copied..).unwrap_or_default());
    serde_json::from_str(&quoted)
}

/// Bytes of a string with its quotes; nothing if it does not end.
fn string_length(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().enumerate().skip(1).find_map(|(at, byte)| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends.then_some(at + 1)
    })
}

fn is_long_integer(token: &str) -> bool {
    let digits = token.strip_prefix('-').unwrap_or(token);
    digits.len() > 18
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0')
        && token.parse::<i64>().is_err()
}

/// The JSON text of a value.
pub(crate) fn text(cql_type: &CqlType, bytes: &Bytes) -> String {
    let mut out = String::new();
    write(&mut out, cql_type, bytes);
    out
}

/// Writes the JSON text of a value.
pub(crate) fn write(out: &mut String, cql_type: &CqlType, bytes: &Bytes) {
    let length = out.len();
    if nested(out, cql_type, bytes).is_none() {
        out.truncate(length);
        scalar(out, cql_type, bytes);
    }
}

/// Writes a name and its colon. One with capital letters has quotes inside of the string too.
pub(crate) fn name(out: &mut String, name: &str) {
    match name.chars().any(char::is_uppercase) {
        true => quoted(out, &format!("\"{name}\"")),
        false => quoted(out, name),
    }
    out.push_str(": ");
}

/// Nothing for types without parts, and for bytes that are no value of the type.
fn nested(out: &mut String, cql_type: &CqlType, bytes: &Bytes) -> Option<()> {
    match cql_type {
        CqlType::List(element, _) | CqlType::Set(element, _) => {
            let parts = value::list_elements(bytes).ok()?;
            listed(out, parts.into_iter().map(|part| (&**element, Some(part))));
        }
        CqlType::Vector(element, dimensions) => {
            let parts = value::vector_elements(element, *dimensions, bytes).ok()?;
            listed(out, parts.into_iter().map(|part| (&**element, Some(part))));
        }
        CqlType::Tuple(types) => {
            let parts = value::tuple_fields(types.len(), bytes).ok()?;
            listed(out, types.iter().zip(parts));
        }
        CqlType::Map(key, of, _) => {
            out.push('{');
            for (index, (k, v)) in value::map_entries(bytes).ok()?.into_iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                let key = text(key, &k);
                match key.starts_with('"') {
                    true => out.push_str(&key),
                    false => quoted(out, &key),
                }
                out.push_str(": ");
                write(out, of, &v);
            }
            out.push('}');
        }
        CqlType::Udt(udt, _) => {
            let parts = value::tuple_fields(udt.fields.len(), bytes).ok()?;
            out.push('{');
            for (index, ((field, of), part)) in udt.fields.iter().zip(parts).enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                name(out, field);
                optional(out, of, part.as_ref());
            }
            out.push('}');
        }
        _ => return None,
    }
    Some(())
}

fn listed<'a>(out: &mut String, parts: impl Iterator<Item = (&'a CqlType, Option<Bytes>)>) {
    out.push('[');
    for (index, (of, part)) in parts.enumerate() {
        out.push_str(if index > 0 { ", " } else { "" });
        optional(out, of, part.as_ref());
    }
    out.push(']');
}

fn optional(out: &mut String, of: &CqlType, part: Option<&Bytes>) {
    match part {
        Some(bytes) => write(out, of, bytes),
        None => out.push_str("null"),
    }
}

fn scalar(out: &mut String, cql_type: &CqlType, bytes: &Bytes) {
    let real = match cql_type {
        CqlType::Float => value::as_f32(bytes).map(|n| (f64::from(n), format!("{n:e}"))),
        CqlType::Double => value::as_f64(bytes).map(|n| (n, format!("{n:e}"))),
        _ => None,
    };
    match (cql_type, real) {
        (_, Some((number, shortest))) if number.is_finite() => {
            out.push_str(&java_text(number, &shortest));
        }
        (CqlType::Varint, _) if !bytes.is_empty() => {
            out.push_str(&value::to_text(cql_type, bytes));
        }
        (CqlType::Decimal, _) if !bytes.is_empty() => {
            let decimal = value::as_decimal(bytes);
            let text = decimal.map(|(unscaled, scale)| decimal_text(&unscaled, scale));
            out.push_str(&text.unwrap_or_default());
        }
        // Writing to memory cannot fail.
        _ => drop(write!(out, "{}", value::to_json(cql_type, bytes))),
    }
}

fn quoted(out: &mut String, text: &str) {
    // Writing to memory cannot fail.
    let _ = write!(out, "{}", serde_json::Value::from(text));
}

#[cfg(test)]
mod tests {
    use cellar_schema::{Frozen, value};
    use num_bigint::BigInt;

    use super::*;

    #[test]
    fn blanks_follow_commas_and_colons() {
        let list = CqlType::List(Box::new(CqlType::Int), Frozen::Yes);
        let bytes = value::build_list(&[value::int(1), value::int(2)]);
        assert_eq!(text(&list, &bytes), "[1, 2]");
        let map = CqlType::Map(Box::new(CqlType::Int), Box::new(CqlType::Text), Frozen::Yes);
        let pairs = [(value::int(1), value::text("x\"ü")), (value::int(2), value::text(""))];
        assert_eq!(text(&map, &value::build_map(&pairs)), r#"{"1": "x\"ü", "2": ""}"#);
    }

    #[test]
    fn numbers_keep_all_digits_and_have_the_form_of_java() {
        assert_eq!(text(&CqlType::Double, &value::double(1e10)), "1.0E10");
        assert_eq!(text(&CqlType::Float, &value::float(0.1)), "0.1");
        assert_eq!(text(&CqlType::Double, &value::double(f64::NAN)), "null");
        let long = BigInt::from(1_u128 << 70);
        assert_eq!(text(&CqlType::Varint, &value::varint(&long)), "1180591620717411303424");
        assert_eq!(text(&CqlType::Decimal, &value::decimal(&BigInt::from(15), 1)), "1.5");
        for (unscaled, scale, expected) in [
            (1, -3, "1E+3"),
            (1, 7, "1E-7"),
            (1, 6, "0.000001"),
            (-12345, 12, "-1.2345E-8"),
            (0, -5, "0E+5"),
            (0, 2, "0.00"),
            (-225, 2, "-2.25"),
            (12, 0, "12"),
        ] {
            let decimal = value::decimal(&BigInt::from(unscaled), scale);
            assert_eq!(text(&CqlType::Decimal, &decimal), expected);
        }
        assert_eq!(text(&CqlType::Varint, &Bytes::new()), "\"\"");
    }

    #[test]
    fn long_integers_keep_their_digits() {
        let text = r#"{"a": -1180591620717411303424, "b\"1180591620717411303424": [1.5, 12]}"#;
        let json = read(text).unwrap();
        assert_eq!(json["a"], "-1180591620717411303424");
        assert_eq!(json["b\"1180591620717411303424"], serde_json::json!([1.5, 12]));
        assert_eq!(read("9223372036854775807").unwrap(), serde_json::json!(i64::MAX));
        assert_eq!(read("9223372036854775808").unwrap(), "9223372036854775808");
        for wrong in ["", "\"", "-", "1180591620717411303424x", "{\"a", "\"\\"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_with_capital_letters_have_quotes_inside() {
        let mut out = String::new();
        name(&mut out, "aB");
        assert_eq!(out, r#""\"aB\"": "#);
    }
}
