//! Options of tables that do nothing in Cellar, read as Cassandra reads them: refused where it
//! refuses them, and kept in the form that it shows.

mod caching;
mod compaction;
mod compression;
mod speculative_retry;

use std::collections::BTreeMap;

use super::property;
use crate::ast::{Literal, PropertyValue};
use crate::plan::PlanError;

/// The smallest chance of a false positive that a Bloom filter can have.
const BLOOM_CHANCE_MIN: f64 = 6.71e-5;

/// Sub-options by name.
type Map = BTreeMap<String, String>;

/// The option as it is kept: what Cassandra would show of it.
pub(super) fn text(name: &str, value: &PropertyValue) -> Result<String, PlanError> {
    match name {
        "bloom_filter_fp_chance" => {
            let chance = fraction(name, value)?;
            if chance <= BLOOM_CHANCE_MIN || chance > 1.0 {
                return Err(PlanError::config(format!(
                    "{name} must be larger than {BLOOM_CHANCE_MIN:E} and less than or equal to \
                     1.0 (got {chance:?})"
                )));
            }
        }
        "crc_check_chance" => {
            let chance = fraction(name, value)?;
            if !(0.0..=1.0).contains(&chance) {
                return Err(PlanError::config(format!(
                    "{name} must be larger than or equal to 0 and smaller than or equal to 1.0 \
                     (got {chance:?})"
                )));
            }
        }
        "speculative_retry" | "additional_write_policy" => {
            speculative_retry::check(name, &property::plain(value).unwrap_or_default())?;
        }
        "compression" => {
            return map(name, value).and_then(compression::read).map(|map| shown(&map));
        }
        "caching" => caching::check(&map(name, value)?)?,
        "compaction" => return map(name, value).and_then(compaction::read).map(|map| shown(&map)),
        _ => {}
    }
    Ok(property::text(value))
}

fn fraction(name: &str, value: &PropertyValue) -> Result<f64, PlanError> {
    let written = property::plain(value).unwrap_or_default();
    written
        .trim()
        .parse()
        .map_err(|_| PlanError::syntax(format!("Invalid double value {written} for '{name}'")))
}

/// A map of constants.
fn map(name: &str, value: &PropertyValue) -> Result<Map, PlanError> {
    let invalid = || {
        PlanError::syntax(format!(
            "Invalid value for property '{name}'. It should be a map of type Map<String, String>."
        ))
    };
    let PropertyValue::Map(entries) = value else { return Err(invalid()) };
    let mut map = Map::new();
    for (key, part) in entries {
        let key = property::plain(key).ok_or_else(invalid)?;
        let part = property::plain(part).ok_or_else(invalid)?;
        if map.insert(key.clone(), part).is_some() {
            return Err(PlanError::syntax(format!("Multiple definitions for property '{key}'")));
        }
    }
    Ok(map)
}

/// A map as CQL.
fn shown(map: &Map) -> String {
    let text = |text: &String| PropertyValue::Literal(Literal::Text(text.as_str().into()));
    property::text(&PropertyValue::Map(map.iter().map(|(k, v)| (text(k), text(v))).collect()))
}

/// A class with the package it lives in, and the name without.
fn class(written: &str, package: &str) -> (String, String) {
    let short = written.strip_prefix(package).unwrap_or(written).to_owned();
    let full = if written.contains('.') { written.to_owned() } else { format!("{package}{short}") };
    (full, short)
}
