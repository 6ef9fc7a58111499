//! ALTER TABLE: all changes of a statement or none.

use std::sync::Arc;

use cellar_metadata_api::{Answer, MetadataError, SchemaChangeKind, SchemaTarget, TableChange};
use cellar_schema::{AgeOf, Column, ColumnId, ColumnKind, CqlType, DroppedColumn, Keyspace, Table};

use super::{columns, indexes, options, views};
use crate::state::{draft::Draft, keyspaces::refuse_system, types};

impl Draft<'_> {
    pub(in crate::state) fn alter_table(
        &mut self,
        keyspace: &str,
        name: &str,
        if_exists: bool,
        changes: &[TableChange],
    ) -> Result<Answer, MetadataError> {
        refuse_system(keyspace)?;
        let other = "Cannot use ALTER TABLE on a materialized view; use ALTER MATERIALIZED VIEW \
                     instead";
        self.refuse_view(keyspace, name, other)?;
        if if_exists && self.before.table(keyspace, name).is_none() {
            return Ok(self.unchanged());
        }
        let before = self.table(keyspace, name)?;
        let inside = Arc::clone(self.keyspace(keyspace)?);
        let mut table = Table::clone(before);
        for change in changes {
            match change {
                TableChange::Add { name, cql_type, is_static, if_not_exists } => {
                    if table.column(name).is_none() || !*if_not_exists {
                        add(&inside, &mut table, name, cql_type, *is_static)?;
                    }
                }
                TableChange::Drop { name, if_exists, at_us } => {
                    if table.column(name).is_some() || !*if_exists {
                        drop_column(&mut table, name, *at_us)?;
                    }
                }
                TableChange::Rename { from, to, if_exists } => {
                    if table.column(from).is_some() || !*if_exists {
                        rename(&mut table, from, to)?;
                    }
                }
                TableChange::Options(changes) => options::change(&mut table, changes)?,
            }
        }
        if table == **before {
            return Ok(self.unchanged());
        }
        columns::check_table(&table)?;
        options::check(&table)?;
        table.version = table.version.saturating_add(1);
        self.put_table(keyspace, name, Some(table));
        Ok(self.changed(SchemaChangeKind::Updated, SchemaTarget::Table, keyspace, Some(name)))
    }
}

fn add(
    keyspace: &Keyspace,
    table: &mut Table,
    name: &str,
    cql_type: &CqlType,
    is_static: bool,
) -> Result<(), MetadataError> {
    if table.column(name).is_some() {
        return Err(MetadataError::invalid(format!("Column with name '{name}' already exists")));
    }
    let cql_type = types::resolve(keyspace, cql_type)?;
    if cql_type == CqlType::Counter && !table.is_counter() {
        return Err(MetadataError::config(format!(
            "{}.{}: Cannot have a counter column (\"{name}\") in a non counter table",
            table.keyspace, table.name
        )));
    }
    // The column dropped last under this name is the one that clients remember.
    if let Some(dropped) = table.dropped.iter().rev().find(|dropped| dropped.name == name) {
        check_again(dropped, &cql_type, is_static, table.is_counter())?;
    }
    let kind = if is_static { ColumnKind::Static } else { ColumnKind::Regular };
    let id = table.next_column;
    table.next_column = ColumnId(id.0.saturating_add(1));
    table.columns.push(Column { id, name: name.to_owned(), cql_type, kind });
    Ok(())
}

/// Whether a column may come back under the name of one that was dropped. Its old values never
/// come back, because it has a new id; clients that still write the old type must not be misread.
fn check_again(
    dropped: &DroppedColumn,
    cql_type: &CqlType,
    is_static: bool,
    in_counter_table: bool,
) -> Result<(), MetadataError> {
    let name = &dropped.name;
    if !is_compatible(cql_type, &dropped.cql_type) {
        return Err(MetadataError::invalid(format!(
            "Cannot re-add previously dropped column '{name}' of type {cql_type}, incompatible \
             with previous type {}",
            dropped.cql_type
        )));
    }
    let kind = |is_static| if is_static { "STATIC" } else { "REGULAR" };
    if dropped.is_static != is_static {
        return Err(MetadataError::invalid(format!(
            "Cannot re-add previously dropped column '{name}' of kind {}, incompatible with \
             previous kind {}",
            kind(is_static),
            kind(dropped.is_static)
        )));
    }
    if in_counter_table {
        return Err(MetadataError::invalid(format!(
            "Cannot re-add previously dropped counter column {name}"
        )));
    }
    Ok(())
}

/// Whether every value of the old type is one of the new type.
fn is_compatible(new: &CqlType, old: &CqlType) -> bool {
    match (new, old) {
        (CqlType::Blob, old) => !old.is_multi_cell() && *old != CqlType::Counter,
        (CqlType::Text, CqlType::Ascii)
        | (CqlType::Varint, CqlType::Int | CqlType::Bigint)
        | (CqlType::Bigint, CqlType::Timestamp)
        | (CqlType::Uuid, CqlType::Timeuuid) => true,
        (CqlType::Udt(new, frozen), CqlType::Udt(old, was_frozen)) => {
            new.name == old.name && frozen == was_frozen
        }
        (new, old) => new == old,
    }
}

fn drop_column(table: &mut Table, name: &str, at_us: i64) -> Result<(), MetadataError> {
    let Some(column) = table.column(name).cloned() else { return Err(not_found(table, name)) };
    if matches!(column.kind, ColumnKind::PartitionKey(_) | ColumnKind::Clustering(..)) {
        return Err(MetadataError::invalid(format!("Cannot drop PRIMARY KEY column {name}")));
    }
    indexes::refuse_change(table, &column, "Cannot drop")?;
    views::refuse_drop_of_column(table, &column)?;
    let ages = table.options.tiering.as_ref().map(|policy| policy.age_of);
    if ages == Some(AgeOf::Column(column.id)) {
        return Err(MetadataError::invalid(format!(
            "Cannot drop column {name}: the tiering policy counts the age of rows from it"
        )));
    }
    table.columns.retain(|other| other.id != column.id);
    table.dropped.push(DroppedColumn {
        id: column.id,
        name: column.name,
        cql_type: column.cql_type,
        is_static: column.kind == ColumnKind::Static,
        dropped_at_us: at_us,
    });
    Ok(())
}

fn rename(table: &mut Table, from: &str, to: &str) -> Result<(), MetadataError> {
    let Some(column) = table.column(from) else { return Err(not_found(table, from)) };
    if !matches!(column.kind, ColumnKind::PartitionKey(_) | ColumnKind::Clustering(..)) {
        return Err(MetadataError::invalid(format!("Cannot rename non PRIMARY KEY column {from}")));
    }
    if table.column(to).is_some() {
        return Err(MetadataError::invalid(format!(
            "Cannot rename column {from} to {to} in table '{}.{}'; another column with that name \
             already exists",
            table.keyspace, table.name
        )));
    }
    indexes::refuse_change(table, column, "Can't rename")?;
    for column in table.columns.iter_mut().filter(|column| column.name == from) {
        to.clone_into(&mut column.name);
    }
    Ok(())
}

fn not_found(table: &Table, name: &str) -> MetadataError {
    MetadataError::invalid(format!(
        "Column {name} was not found in table '{}.{}'",
        table.keyspace, table.name
    ))
}
