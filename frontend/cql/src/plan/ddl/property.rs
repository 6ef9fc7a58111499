//! Options after `WITH` as text and as the values that Cellar acts on.

use crate::ast::{Literal, Properties, PropertyValue};
use crate::plan::PlanError;

/// The option as CQL that reads back to the same value, for DESCRIBE and the system tables.
pub(super) fn text(value: &PropertyValue) -> String {
    let list = |items: &[PropertyValue]| items.iter().map(text).collect::<Vec<_>>().join(", ");
    match value {
        PropertyValue::Literal(literal) => literal_text(literal),
        PropertyValue::Word(word) => word.to_string(),
        PropertyValue::Map(entries) => {
            let entries = entries.iter().map(|(k, v)| format!("{}: {}", text(k), text(v)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        PropertyValue::Set(items) => format!("{{{}}}", list(items)),
        PropertyValue::List(items) => format!("[{}]", list(items)),
    }
}

pub(super) fn literal_text(literal: &Literal) -> String {
    match literal {
        Literal::Text(text) => format!("'{}'", text.replace('\'', "''")),
        other => plain_literal(other),
    }
}

/// A constant without quotes, as maps of options take numbers and text alike.
pub(super) fn plain(value: &PropertyValue) -> Option<String> {
    match value {
        PropertyValue::Literal(literal) => Some(plain_literal(literal)),
        PropertyValue::Word(word) => Some(word.as_str().to_owned()),
        _ => None,
    }
}

fn plain_literal(literal: &Literal) -> String {
    match literal {
        Literal::Text(text) | Literal::BigInteger(text) | Literal::Float(text) => text.to_string(),
        Literal::Integer(number) => number.to_string(),
        Literal::Boolean(flag) => flag.to_string(),
        Literal::Uuid(uuid) => uuid.to_string(),
        Literal::Blob(bytes) => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("0x{digits}")
        }
        Literal::Duration(d) => format!("{}mo{}d{}ns", d.months, d.days, d.nanoseconds),
    }
}

/// A whole number of seconds within `0..=max`.
pub(super) fn seconds(name: &str, value: &PropertyValue, max: u32) -> Result<u32, PlanError> {
    let written = plain(value).unwrap_or_default();
    let number: i64 = written
        .trim()
        .parse()
        .map_err(|_| PlanError::syntax(format!("Invalid integer value {written} for '{name}'")))?;
    if number < 0 {
        return Err(PlanError::config(format!(
            "{name} must be greater than or equal to 0 (got {number})"
        )));
    }
    u32::try_from(number).ok().filter(|number| *number <= max).ok_or_else(|| {
        PlanError::config(format!("{name} must be less than or equal to {max} (got {number})"))
    })
}

/// `true` or `false`, in quotes or not.
pub(super) fn flag(name: &str, value: &PropertyValue) -> Result<bool, PlanError> {
    match plain(value).unwrap_or_default().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Ok(true),
        "false" | "0" | "no" => Ok(false),
        _ => Err(PlanError::config(format!("Invalid boolean value {} for '{name}'", text(value)))),
    }
}

/// Refuses options given twice.
pub(super) fn refuse_duplicates(properties: &Properties) -> Result<(), PlanError> {
    for (position, (name, _)) in properties.iter().enumerate() {
        if properties.iter().take(position).any(|(earlier, _)| earlier == name) {
            return Err(PlanError::syntax(format!(
                "Multiple definitions for property '{}'",
                name.as_str()
            )));
        }
    }
    Ok(())
}
