//! Values to JSON text, written straight from wire bytes.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use cellar_schema::{CqlType, ValueError, value};
use serde::Serialize;

use super::is_name;

/// How numbers that a JSON reader may round are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::http) enum Numbers {
    /// As strings.
    #[default]
    Strings,
    /// As JSON numbers with all their digits.
    Native,
}

/// Writes a value; none is null.
pub(in crate::http) fn write_json(
    out: &mut Vec<u8>,
    cql_type: &CqlType,
    value: Option<&Bytes>,
    numbers: Numbers,
) {
    let Some(bytes) = value else { return out.extend_from_slice(b"null") };
    let start = out.len();
    let written = if super::is_nested(cql_type) {
        nested(out, cql_type, bytes, numbers).is_ok()
    } else {
        scalar(out, cql_type, bytes, numbers).is_some()
    };
    if !written {
        out.truncate(start);
        match bytes.is_empty() {
            true => json_text(out, ""),
            false => json_text(out, &format!("0x{}", hex::encode(bytes))),
        }
    }
}

/// Writes a JSON string.
pub(in crate::http) fn json_text(out: &mut Vec<u8>, text: &str) {
    number(out, &text);
}

/// Writes what has a JSON form by itself; memory does not fail.
fn number(out: &mut Vec<u8>, value: &impl Serialize) {
    if serde_json::to_writer(&mut *out, value).is_err() {
        out.extend_from_slice(b"null");
    }
}

fn scalar(out: &mut Vec<u8>, cql_type: &CqlType, bytes: &Bytes, numbers: Numbers) -> Option<()> {
    match cql_type {
        CqlType::Boolean => number(out, &value::as_bool(bytes)?),
        CqlType::Tinyint => number(out, &value::as_i8(bytes)?),
        CqlType::Smallint => number(out, &value::as_i16(bytes)?),
        CqlType::Int => number(out, &value::as_i32(bytes)?),
        CqlType::Bigint | CqlType::Counter => {
            value::as_i64(bytes)?;
            digits(out, &value::to_text(cql_type, bytes), numbers);
        }
        CqlType::Varint => {
            value::as_varint(bytes)?;
            digits(out, &value::to_text(cql_type, bytes), numbers);
        }
        CqlType::Decimal => {
            value::as_decimal(bytes)?;
            digits(out, &value::to_text(cql_type, bytes), numbers);
        }
        CqlType::Float => {
            let float = value::as_f32(bytes)?;
            let finite = float.is_finite();
            if finite { number(out, &float) } else { json_text(out, special(float.into())) }
        }
        CqlType::Double => {
            let float = value::as_f64(bytes)?;
            if float.is_finite() { number(out, &float) } else { json_text(out, special(float)) }
        }
        CqlType::Text | CqlType::Ascii => json_text(out, value::as_str(bytes)?),
        CqlType::Blob => json_text(out, &BASE64_STANDARD.encode(bytes)),
        CqlType::Inet => json_text(out, &value::as_inet(bytes)?.to_string()),
        CqlType::Uuid | CqlType::Timeuuid => json_text(out, &value::as_uuid(bytes)?.to_string()),
        other => {
            value::validate(other, bytes).ok().filter(|()| !bytes.is_empty())?;
            json_text(out, value::to_text(other, bytes).trim_matches('\''));
        }
    }
    Some(())
}

fn digits(out: &mut Vec<u8>, digits: &str, numbers: Numbers) {
    match numbers {
        Numbers::Native => out.extend_from_slice(digits.as_bytes()),
        Numbers::Strings => json_text(out, digits),
    }
}

/// What JSON has no number for.
pub(super) fn special(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

fn nested(
    out: &mut Vec<u8>,
    cql_type: &CqlType,
    bytes: &Bytes,
    numbers: Numbers,
) -> Result<(), ValueError> {
    match cql_type {
        CqlType::List(element, _) | CqlType::Set(element, _) => {
            let parts = value::list_elements(bytes)?;
            between(out, b"[]", &parts, |out, part| write_json(out, element, Some(part), numbers));
        }
        CqlType::Vector(element, dimensions) => {
            let parts = value::vector_elements(element, *dimensions, bytes)?;
            between(out, b"[]", &parts, |out, part| write_json(out, element, Some(part), numbers));
        }
        CqlType::Map(key, value, _) => {
            let entries = value::map_entries(bytes)?;
            let named = is_name(key);
            between(out, if named { b"{}" } else { b"[]" }, &entries, |out, (k, v)| {
                if !named {
                    out.push(b'[');
                }
                write_json(out, key, Some(k), numbers);
                out.push(if named { b':' } else { b',' });
                write_json(out, value, Some(v), numbers);
                if !named {
                    out.push(b']');
                }
            });
        }
        CqlType::Tuple(types) => {
            let fields = value::tuple_fields(types.len(), bytes)?;
            let fields: Vec<_> = types.iter().zip(fields).collect();
            between(out, b"[]", &fields, |out, (kind, field)| {
                write_json(out, kind, field.as_ref(), numbers);
            });
        }
        CqlType::Udt(udt, _) => {
            let fields = value::tuple_fields(udt.fields.len(), bytes)?;
            let fields: Vec<_> = udt.fields.iter().zip(fields).collect();
            between(out, b"{}", &fields, |out, ((name, kind), field)| {
                json_text(out, name);
                out.push(b':');
                write_json(out, kind, field.as_ref(), numbers);
            });
        }
        _ => out.extend_from_slice(b"null"),
    }
    Ok(())
}

/// Items between brackets, with commas.
fn between<T>(
    out: &mut Vec<u8>,
    [open, close]: &[u8; 2],
    items: &[T],
    write: impl Fn(&mut Vec<u8>, &T),
) {
    out.push(*open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(*close);
}
