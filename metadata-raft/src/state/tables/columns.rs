//! Which columns and types a table may have, with the words of Cassandra where it refuses.

use cellar_metadata_api::MetadataError;
use cellar_schema::{Column, ColumnKind, CqlType, Frozen, Table};

use crate::{limits::COLUMNS_MAX, state::draft::duplicate};

fn invalid<T>(message: String) -> Result<T, MetadataError> {
    Err(MetadataError::Invalid { message })
}

/// Checks a whole table, new or altered.
pub(super) fn check_table(table: &Table) -> Result<(), MetadataError> {
    let full_name = format!("{}.{}", table.keyspace, table.name);
    let names = table.columns.iter().map(|column| column.name.as_str());
    if let Some(name) = duplicate(names) {
        return invalid(format!(
            "Duplicate column '{name}' declaration for table '{}'",
            table.name
        ));
    }
    if table.columns.len() > COLUMNS_MAX {
        return invalid(format!(
            "Cannot have more than {COLUMNS_MAX} columns in table {full_name}"
        ));
    }
    check_key(table)?;
    for column in &table.columns {
        if column.name.is_empty() {
            return invalid(format!("A column of table {full_name} has no name"));
        }
        check_nesting(&column.cql_type)?;
        match column.kind {
            ColumnKind::PartitionKey(_) | ColumnKind::Clustering(..) => check_key_type(column)?,
            ColumnKind::Static | ColumnKind::Regular => {}
        }
    }
    check_counters(table)
}

/// Key columns come first, in key order without gaps, and statics need a clustering key.
fn check_key(table: &Table) -> Result<(), MetadataError> {
    let partition: Vec<u16> = table.columns.iter().filter_map(partition_position).collect();
    let clustering: Vec<u16> = table.columns.iter().filter_map(clustering_position).collect();
    if partition.is_empty() {
        return invalid(format!(
            "No PRIMARY KEY specified for table '{}' (exactly one required)",
            table.name
        ));
    }
    let counts_up = |positions: &[u16]| {
        positions.iter().zip(0_u16..).all(|(position, expected)| *position == expected)
    };
    if !counts_up(&partition) || !counts_up(&clustering) {
        return invalid(format!("The PRIMARY KEY of table '{}' has gaps", table.name));
    }
    let has_static = table.columns.iter().any(|column| column.kind == ColumnKind::Static);
    if has_static && clustering.is_empty() {
        return invalid(
            "Static columns are only useful (and thus allowed) if the table has at least one \
             clustering column"
                .to_owned(),
        );
    }
    Ok(())
}

fn partition_position(column: &Column) -> Option<u16> {
    match column.kind {
        ColumnKind::PartitionKey(position) => Some(position),
        _ => None,
    }
}

fn clustering_position(column: &Column) -> Option<u16> {
    match column.kind {
        ColumnKind::Clustering(position, _) => Some(position),
        _ => None,
    }
}

fn check_key_type(column: &Column) -> Result<(), MetadataError> {
    let (name, cql_type) = (&column.name, &column.cql_type);
    if cql_type.is_multi_cell() {
        let sort = if cql_type.is_collection() { "collection" } else { "user-defined type" };
        return invalid(format!(
            "Invalid non-frozen {sort} type {cql_type} for PRIMARY KEY column '{name}'"
        ));
    }
    if *cql_type == CqlType::Counter {
        return invalid(format!("counter type is not supported for PRIMARY KEY column '{name}'"));
    }
    if has_duration(cql_type) {
        return invalid(format!("duration type is not supported for PRIMARY KEY column '{name}'"));
    }
    Ok(())
}

/// Counters stand only beside counters and the key.
fn check_counters(table: &Table) -> Result<(), MetadataError> {
    if !table.is_counter() {
        return Ok(());
    }
    let value = |column: &&Column| matches!(column.kind, ColumnKind::Static | ColumnKind::Regular);
    let other = |column: &&Column| column.cql_type != CqlType::Counter;
    match table.columns.iter().filter(value).find(other) {
        Some(column) => Err(MetadataError::config(format!(
            "{}.{}: Cannot have a non counter column (\"{}\") in a counter table",
            table.keyspace, table.name, column.name
        ))),
        None => Ok(()),
    }
}

pub(super) fn has_duration(cql_type: &CqlType) -> bool {
    match cql_type {
        CqlType::Duration => true,
        CqlType::List(element, _) | CqlType::Set(element, _) | CqlType::Vector(element, _) => {
            has_duration(element)
        }
        CqlType::Map(key, value, _) => has_duration(key) || has_duration(value),
        CqlType::Tuple(fields) => fields.iter().any(has_duration),
        CqlType::Udt(used, _) => used.fields.iter().any(|(_, field)| has_duration(field)),
        _ => false,
    }
}

/// Refuses types inside types that no value can have.
pub(in crate::state) fn check_nesting(cql_type: &CqlType) -> Result<(), MetadataError> {
    nesting(cql_type, false)
}

fn nesting(outer: &CqlType, in_frozen: bool) -> Result<(), MetadataError> {
    match outer {
        CqlType::List(element, frozen) => element_of(outer, element, in_frozen, *frozen),
        CqlType::Set(element, frozen) => {
            // As in Cassandra, one in a tuple or a user type is none: bytes have an order.
            if **element == CqlType::Duration {
                return invalid(format!("Durations are not allowed inside sets: {outer}"));
            }
            element_of(outer, element, in_frozen, *frozen)
        }
        CqlType::Map(key, value, frozen) => {
            if **key == CqlType::Duration {
                return invalid(format!("Durations are not allowed as map keys: {outer}"));
            }
            element_of(outer, key, in_frozen, *frozen)?;
            element_of(outer, value, in_frozen, *frozen)
        }
        CqlType::Tuple(fields) => {
            if fields.contains(&CqlType::Counter) {
                return invalid("Counters are not allowed inside tuples".to_owned());
            }
            fields.iter().try_for_each(|field| nesting(field, true))
        }
        CqlType::Vector(element, dimensions) => {
            if *dimensions == 0 {
                return invalid("vectors may only have positive dimensions; given 0".to_owned());
            }
            if **element == CqlType::Counter {
                return invalid("Counters are not allowed inside vectors".to_owned());
            }
            nesting(element, true)
        }
        CqlType::Udt(used, Frozen::No) if !in_frozen => {
            let mut fields = used.fields.iter().map(|(_, field)| field);
            if fields.any(|field| field.is_multi_cell() && field.is_collection()) {
                return invalid(
                    "Non-frozen UDTs with nested non-frozen collections are not supported"
                        .to_owned(),
                );
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Checks the element of a collection.
fn element_of(
    outer: &CqlType,
    element: &CqlType,
    in_frozen: bool,
    frozen: Frozen,
) -> Result<(), MetadataError> {
    if *element == CqlType::Counter {
        return invalid(format!("Counters are not allowed inside collections: {outer}"));
    }
    let in_frozen = in_frozen || frozen == Frozen::Yes;
    if !in_frozen && element.is_multi_cell() {
        let sort = if element.is_collection() { "collections" } else { "UDTs" };
        return invalid(format!("Non-frozen {sort} are not allowed inside collections: {outer}"));
    }
    nesting(element, in_frozen)
}
