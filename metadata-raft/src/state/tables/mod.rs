//! CREATE, DROP and TRUNCATE TABLE; ALTER is in `alter`, indexes are in `indexes`,
//! materialized views in `views`.

mod alter;
mod columns;
mod indexes;
mod options;
mod vectors;
mod views;

use std::{cmp::Ordering, sync::Arc};

use cellar_metadata_api::{Answer, MetadataError, NewTable, SchemaChangeKind, SchemaTarget};
use cellar_schema::{Column, ColumnId, ColumnKind, Keyspace, Table, TableId};

pub(super) use self::columns::check_nesting;
use super::{
    draft::{Draft, is_valid_name},
    keyspaces::refuse_system,
    types,
};
use crate::limits::{NAME_CHARACTERS_MAX, TABLES_MAX};

impl Draft<'_> {
    pub(super) fn create_table(
        &mut self,
        new: &NewTable,
        if_not_exists: bool,
    ) -> Result<Answer, MetadataError> {
        refuse_system(&new.keyspace)?;
        let keyspace = Arc::clone(self.keyspace(&new.keyspace)?);
        if keyspace.tables.contains_key(&new.name) || keyspace.view(&new.name).is_some() {
            if if_not_exists {
                return Ok(self.unchanged());
            }
            return Err(MetadataError::AlreadyExists {
                keyspace: new.keyspace.clone(),
                table: Some(new.name.clone()),
            });
        }
        check_name(&new.name)?;
        let count: usize = self.before.keyspaces.values().map(|ks| ks.tables.len()).sum();
        if count >= TABLES_MAX {
            return Err(MetadataError::invalid(format!(
                "Cannot add table {}: there are {TABLES_MAX} already, which is the most",
                new.name
            )));
        }
        let table = define(&keyspace, new, self.next_table()?)?;
        self.put_table(&new.keyspace, &new.name, Some(table));
        let (keyspace, name) = (&new.keyspace, Some(new.name.as_str()));
        Ok(self.changed(SchemaChangeKind::Created, SchemaTarget::Table, keyspace, name))
    }

    pub(super) fn drop_table(
        &mut self,
        keyspace: &str,
        name: &str,
        if_exists: bool,
    ) -> Result<Answer, MetadataError> {
        refuse_system(keyspace)?;
        let other = "Cannot use DROP TABLE on a materialized view. Please use DROP MATERIALIZED \
                     VIEW instead.";
        self.refuse_view(keyspace, name, other)?;
        if if_exists && self.before.table(keyspace, name).is_none() {
            return Ok(self.unchanged());
        }
        let table = Arc::clone(self.table(keyspace, name)?);
        views::refuse_drop(&table)?;
        self.drop_data(&table);
        self.put_table(keyspace, name, None);
        Ok(self.changed(SchemaChangeKind::Dropped, SchemaTarget::Table, keyspace, Some(name)))
    }

    /// Gives the table a new id. No row of the old id can be read under it, so that truncating is
    /// atomic and costs the same at any size.
    pub(super) fn truncate_table(
        &mut self,
        keyspace: &str,
        name: &str,
    ) -> Result<Answer, MetadataError> {
        refuse_system(keyspace)?;
        let other = "Cannot TRUNCATE materialized view directly; must truncate base table instead";
        self.refuse_view(keyspace, name, other)?;
        let old = Arc::clone(self.table(keyspace, name)?);
        let mut table = Table::clone(&old);
        table.id = self.next_table()?;
        table.version = table.version.saturating_add(1);
        self.drop_data(&old);
        self.put_table(keyspace, name, Some(table));
        Ok(self.done())
    }
}

/// Of a table or a view.
fn check_name(name: &str) -> Result<(), MetadataError> {
    if is_valid_name(name) {
        return Ok(());
    }
    Err(MetadataError::config(format!(
        "Table name must not be empty, more than {NAME_CHARACTERS_MAX} characters long, or contain \
         non-alphanumeric-underscore characters (got \"{name}\")"
    )))
}

/// The table that a definition means, checked.
fn define(keyspace: &Keyspace, new: &NewTable, id: TableId) -> Result<Table, MetadataError> {
    let mut declared: Vec<&(String, _, ColumnKind)> = new.columns.iter().collect();
    declared.sort_by(|(_, _, left), (_, _, right)| key_first(*left, *right));
    let mut next_column = ColumnId(0);
    let mut columns = Vec::new();
    for (name, cql_type, kind) in declared {
        let cql_type = types::resolve(keyspace, cql_type)?;
        columns.push(Column { id: next_column, name: name.clone(), cql_type, kind: *kind });
        next_column = ColumnId(next_column.0.saturating_add(1));
    }
    let mut table = Table {
        id,
        uuid: new.uuid,
        keyspace: new.keyspace.clone(),
        name: new.name.clone(),
        version: 1,
        columns,
        next_column,
        dropped: Vec::new(),
        options: new.options.clone(),
    };
    if let Some(policy) = &new.options.tiering {
        let policy = options::by_column(&table, policy, new.tiering_column.as_deref())?;
        table.options.tiering = Some(policy);
    }
    columns::check_table(&table)?;
    options::check(&table)?;
    Ok(table)
}

/// Key columns first, in key order; the others keep the order they were declared in.
fn key_first(left: ColumnKind, right: ColumnKind) -> Ordering {
    let rank = |kind: ColumnKind| match kind {
        ColumnKind::PartitionKey(position) => (0, position),
        ColumnKind::Clustering(position, _) => (1, position),
        ColumnKind::Static | ColumnKind::Regular => (2, 0),
    };
    rank(left).cmp(&rank(right))
}
