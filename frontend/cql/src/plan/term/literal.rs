//! Constants as wire bytes of the type that is expected.

use bytes::Bytes;
use cellar_schema::{CqlType, value};

use crate::ast::Literal;
use crate::plan::error::invalid;
use crate::plan::function::constant_accepts;
use crate::plan::{ColumnSpec, PlanError};

/// The type a constant has when nothing else is known.
#[must_use]
pub fn natural_type(literal: &Literal) -> CqlType {
    match literal {
        Literal::Text(_) => CqlType::Text,
        Literal::Integer(number) if i32::try_from(*number).is_ok() => CqlType::Int,
        Literal::Integer(_) => CqlType::Bigint,
        Literal::BigInteger(_) => CqlType::Varint,
        Literal::Float(text) if special(text).is_some() || is_double(text) => CqlType::Double,
        Literal::Float(_) => CqlType::Decimal,
        Literal::Boolean(_) => CqlType::Boolean,
        Literal::Uuid(_) => CqlType::Uuid,
        Literal::Blob(_) => CqlType::Blob,
        Literal::Duration(_) => CqlType::Duration,
    }
}

/// Whether a double keeps all digits of a number.
fn is_double(text: &str) -> bool {
    text.parse::<f64>()
        .is_ok_and(|number| number.is_finite() && digits(text) == digits(&format!("{number:e}")))
}

/// Digits of a number without zeros around them, and the power of ten of the last one.
fn digits(text: &str) -> (String, i64) {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = [whole.trim_start_matches('-'), fraction].concat();
    let kept = all.trim_end_matches('0');
    let moved = i64::try_from(all.len() - kept.len()).unwrap_or(0);
    let places = i64::try_from(fraction.len()).unwrap_or(0);
    let kept = kept.trim_start_matches('0');
    if kept.is_empty() {
        return (String::new(), 0);
    }
    (kept.to_owned(), exponent.parse::<i64>().unwrap_or(0) - places + moved)
}

/// The wire bytes of a constant where `receiver` expects a value.
///
/// # Errors
/// A constant of another kind, or one that the type cannot hold.
pub fn encode(literal: &Literal, receiver: &ColumnSpec) -> Result<Bytes, PlanError> {
    let expected = &receiver.cql_type;
    let tuple = matches!((literal, expected), (Literal::Text(_), CqlType::Tuple(_)));
    if !tuple && !constant_accepts(&natural_type(literal), expected) {
        return Err(mismatch(literal, receiver));
    }
    let unreadable = |reason: String| PlanError::invalid(reason);
    match (literal, expected) {
        (Literal::Integer(number), CqlType::Bigint | CqlType::Counter) => {
            Ok(value::bigint(*number))
        }
        (Literal::Integer(number), CqlType::Int) => i32::try_from(*number)
            .map(value::int)
            .map_err(|_| unreadable(format!("Unable to make int from '{number}'"))),
        (Literal::Boolean(flag), _) => Ok(value::boolean(*flag)),
        (Literal::Uuid(uuid), CqlType::Timeuuid) if uuid.get_version_num() != 1 => {
            Err(unreadable(format!("TimeUUID supports only version 1 UUIDs: {uuid}")))
        }
        (Literal::Uuid(uuid), _) => Ok(Bytes::copy_from_slice(uuid.as_bytes())),
        (Literal::Blob(bytes), _) => Ok(bytes.clone()),
        (Literal::Duration(duration), _) => {
            Ok(value::duration(duration.months, duration.days, duration.nanoseconds))
        }
        (Literal::Text(text), CqlType::Text) => Ok(Bytes::copy_from_slice(text.as_bytes())),
        (Literal::Float(text), CqlType::Double) if special(text).is_some() => {
            Ok(value::double(special(text).unwrap_or(f64::NAN)))
        }
        (Literal::Float(text), CqlType::Float) if special(text).is_some() => {
            Ok(value::float(special_float(text)))
        }
        _ => parse(expected, &written(literal)),
    }
}

fn special(text: &str) -> Option<f64> {
    Some(match text.to_ascii_lowercase().as_str() {
        "nan" | "-nan" => f64::NAN,
        "infinity" => f64::INFINITY,
        "-infinity" => f64::NEG_INFINITY,
        _ => return None,
    })
}

fn special_float(text: &str) -> f32 {
    match special(text) {
        Some(number) if number == f64::INFINITY => f32::INFINITY,
        Some(number) if number == f64::NEG_INFINITY => f32::NEG_INFINITY,
        _ => f32::NAN,
    }
}

/// The constant as it was written, without quotes.
pub(super) fn written(literal: &Literal) -> String {
    match literal {
        Literal::Text(text) | Literal::BigInteger(text) | Literal::Float(text) => text.to_string(),
        Literal::Integer(number) => number.to_string(),
        Literal::Boolean(flag) => flag.to_string(),
        Literal::Uuid(uuid) => uuid.to_string(),
        Literal::Blob(bytes) => {
            let hex = bytes.iter().map(|byte| format!("{byte:02x}"));
            std::iter::once("0x".to_owned()).chain(hex).collect()
        }
        Literal::Duration(d) => format!("{}mo{}d{}ns", d.months, d.days, d.nanoseconds),
    }
}

fn mismatch(literal: &Literal, receiver: &ColumnSpec) -> PlanError {
    let kind = match literal {
        Literal::Text(_) => "STRING",
        Literal::Integer(_) | Literal::BigInteger(_) => "INTEGER",
        Literal::Float(_) => "FLOAT",
        Literal::Boolean(_) => "BOOLEAN",
        Literal::Uuid(_) => "UUID",
        Literal::Blob(_) => "HEX",
        Literal::Duration(_) => "DURATION",
    };
    PlanError::invalid(format!(
        "Invalid {kind} constant ({}) for \"{}\" of type {}",
        written(literal),
        receiver.name,
        receiver.cql_type
    ))
}

fn parse(expected: &CqlType, text: &str) -> Result<Bytes, PlanError> {
    value::from_text(expected, text).map_err(invalid)
}
