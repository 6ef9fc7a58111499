//! Options of a table: limits, and tiering policies that name a column.

use cellar_metadata_api::{MetadataError, OptionChanges, TieringChange};
use cellar_schema::{AgeOf, CqlType, Table, TieringPolicy};

use crate::limits::TTL_SECONDS_MAX;

/// Puts the id of the named column into a tiering policy.
pub(super) fn by_column(
    table: &Table,
    policy: &TieringPolicy,
    column: Option<&str>,
) -> Result<TieringPolicy, MetadataError> {
    let Some(name) = column else { return Ok(policy.clone()) };
    let column = table.column(name).ok_or_else(|| {
        MetadataError::invalid(format!("Unknown column '{name}' in the tiering policy"))
    })?;
    Ok(TieringPolicy { age_of: AgeOf::Column(column.id), hot_seconds: policy.hot_seconds })
}

/// Changes the options that are named.
pub(super) fn change(table: &mut Table, changes: &OptionChanges) -> Result<(), MetadataError> {
    if let Some(seconds) = changes.default_ttl_seconds {
        table.options.default_ttl_seconds = seconds;
    }
    if let Some(seconds) = changes.gc_grace_seconds {
        table.options.gc_grace_seconds = Some(seconds);
    }
    if let Some(comment) = &changes.comment {
        table.options.comment.clone_from(comment);
    }
    match &changes.tiering {
        Some(TieringChange::Off) => table.options.tiering = None,
        Some(TieringChange::Set { policy, column }) => {
            let policy = by_column(table, policy, column.as_deref())?;
            table.options.tiering = Some(policy);
        }
        None => {}
    }
    table.options.text.extend(changes.text.clone());
    Ok(())
}

/// Checks the options of a whole table, new or altered.
pub(super) fn check(table: &Table) -> Result<(), MetadataError> {
    let ttl = table.options.default_ttl_seconds;
    if ttl > TTL_SECONDS_MAX {
        return Err(MetadataError::config(format!(
            "default_time_to_live must be less than or equal to {TTL_SECONDS_MAX} (got {ttl})"
        )));
    }
    if ttl > 0 && table.is_counter() {
        return Err(MetadataError::invalid(
            "Cannot set default_time_to_live on a table with counters",
        ));
    }
    match &table.options.tiering {
        Some(policy) => check_tiering(table, policy),
        None => Ok(()),
    }
}

fn check_tiering(table: &Table, policy: &TieringPolicy) -> Result<(), MetadataError> {
    if table.is_counter() {
        return Err(MetadataError::invalid("Cannot set a tiering policy on a table with counters"));
    }
    if policy.hot_seconds == 0 {
        return Err(MetadataError::invalid("A tiering policy needs a time to stay hot above 0"));
    }
    let AgeOf::Column(id) = policy.age_of else { return Ok(()) };
    let column = table
        .column_by_id(id)
        .ok_or_else(|| MetadataError::invalid("The column of the tiering policy does not exist"))?;
    match column.cql_type {
        CqlType::Timestamp | CqlType::Date | CqlType::Timeuuid => Ok(()),
        _ => Err(MetadataError::invalid(format!(
            "The tiering policy counts age from column '{}' of type {}; it needs a timestamp, \
             date or timeuuid",
            column.name, column.cql_type
        ))),
    }
}
