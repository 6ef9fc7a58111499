//! CREATE, ALTER and DROP MATERIALIZED VIEW, with the words of Cassandra where it refuses.

use std::sync::Arc;

use cellar_metadata_api::{
    Answer, MetadataError, NewView, NewViewRelation, OptionChanges, SchemaChangeKind, SchemaTarget,
};
use cellar_schema::{Column, ColumnId, ColumnKind, CqlType, Table, View, ViewRelation};

use super::{check_name, columns::has_duration};
use crate::state::{draft::Draft, keyspaces::refuse_system};

/// What Cassandra says where a view is given a TTL.
const TTL: &str = "Cannot set default_time_to_live for a materialized view. Data in a \
     materialized view always expire at the same time than the corresponding data in the parent \
     table.";

fn invalid<T>(message: impl Into<String>) -> Result<T, MetadataError> {
    Err(MetadataError::invalid(message))
}

impl Draft<'_> {
    pub(in crate::state) fn create_view(
        &mut self,
        new: &NewView,
        if_not_exists: bool,
    ) -> Result<Answer, MetadataError> {
        refuse_system(&new.keyspace)?;
        let Some(keyspace) = self.before.keyspace(&new.keyspace) else {
            return invalid(format!("Keyspace '{}' doesn't exist", new.keyspace));
        };
        let Some(base) = keyspace.tables.get(&new.base) else {
            if keyspace.view(&new.base).is_some() {
                return invalid(
                    "Materialized views cannot be created against other materialized views",
                );
            }
            return invalid(format!("Base table '{}' doesn't exist", new.base));
        };
        if keyspace.tables.contains_key(&new.name) {
            return invalid(format!(
                "Cannot create materialized view '{}' - a table with the same name already exists",
                new.name
            ));
        }
        if keyspace.view(&new.name).is_some() {
            if if_not_exists {
                return Ok(self.unchanged());
            }
            return Err(MetadataError::AlreadyExists {
                keyspace: new.keyspace.clone(),
                table: Some(new.name.clone()),
            });
        }
        check_name(&new.name)?;
        let view = define(base, new)?;
        let mut base = Table::clone(base);
        base.options.views.push(view);
        Ok(self.changed_view(base, &new.name, SchemaChangeKind::Created))
    }

    pub(in crate::state) fn alter_view(
        &mut self,
        keyspace: &str,
        name: &str,
        if_exists: bool,
        options: &OptionChanges,
    ) -> Result<Answer, MetadataError> {
        refuse_system(keyspace)?;
        let Some(mut base) = self.base_of(keyspace, name) else {
            return if if_exists { Ok(self.unchanged()) } else { absent(keyspace, name) };
        };
        if options.default_ttl_seconds.is_some_and(|seconds| seconds != 0) {
            return invalid(TTL);
        }
        if options.tiering.is_some() {
            return invalid("A materialized view is tiered as its base table is");
        }
        for view in base.options.views.iter_mut().filter(|view| view.name == name) {
            let of_view = &mut view.options;
            of_view.gc_grace_seconds = options.gc_grace_seconds.or(of_view.gc_grace_seconds);
            if let Some(comment) = &options.comment {
                of_view.comment.clone_from(comment);
            }
            of_view.text.extend(options.text.clone());
        }
        Ok(self.changed_view(base, name, SchemaChangeKind::Updated))
    }

    pub(in crate::state) fn drop_view(
        &mut self,
        keyspace: &str,
        name: &str,
        if_exists: bool,
    ) -> Result<Answer, MetadataError> {
        refuse_system(keyspace)?;
        let Some(mut base) = self.base_of(keyspace, name) else {
            return if if_exists { Ok(self.unchanged()) } else { absent(keyspace, name) };
        };
        base.options.views.retain(|view| view.name != name);
        Ok(self.changed_view(base, name, SchemaChangeKind::Dropped))
    }

    /// A copy of the table that has the view of this name.
    fn base_of(&self, keyspace: &str, name: &str) -> Option<Table> {
        let (base, _) = self.before.keyspace(keyspace)?.view(name)?;
        Some(Table::clone(base))
    }

    fn changed_view(&mut self, mut base: Table, view: &str, kind: SchemaChangeKind) -> Answer {
        base.version = base.version.saturating_add(1);
        let (keyspace, name) = (base.keyspace.clone(), base.name.clone());
        self.put_table(&keyspace, &name, Some(base));
        self.changed(kind, SchemaTarget::Table, &keyspace, Some(view))
    }

    /// Refuses what is asked of a table where the name is that of a view.
    pub(super) fn refuse_view(
        &self,
        keyspace: &str,
        name: &str,
        why: &str,
    ) -> Result<(), MetadataError> {
        let found = self.before.keyspace(keyspace).and_then(|keyspace| keyspace.view(name));
        if found.is_some() { invalid(why) } else { Ok(()) }
    }
}

fn absent<T>(keyspace: &str, name: &str) -> Result<T, MetadataError> {
    invalid(format!("Materialized view '{keyspace}.{name}' doesn't exist"))
}

/// Refuses to drop a table that is seen.
pub(super) fn refuse_drop(table: &Arc<Table>) -> Result<(), MetadataError> {
    let names: Vec<&str> = table.options.views.iter().map(|view| view.name.as_str()).collect();
    if names.is_empty() {
        return Ok(());
    }
    invalid(format!(
        "Cannot drop a table when materialized views still depend on it ({})",
        names.join(", ")
    ))
}

/// Refuses to drop a column of a table with views, whether they show it or not.
pub(super) fn refuse_drop_of_column(table: &Table, column: &Column) -> Result<(), MetadataError> {
    if !table.options.views.is_empty() {
        return invalid(format!(
            "Cannot drop column {} on base table {} with materialized views",
            column.name, table.name
        ));
    }
    Ok(())
}

/// The view that a definition means, checked.
fn define(base: &Table, new: &NewView) -> Result<View, MetadataError> {
    if base.is_counter() {
        return invalid("Materialized views are not supported on counter tables");
    }
    let columns = match &new.columns {
        None => None,
        Some(names) => {
            let found = names.iter().map(|name| Ok(column(base, name)?.id));
            Some(found.collect::<Result<Vec<ColumnId>, MetadataError>>()?)
        }
    };
    let is_selected = |column: &Column| columns.as_ref().is_none_or(|ids| ids.contains(&column.id));
    let is_static = |column: &&Column| column.kind == ColumnKind::Static;
    if let Some(found) = base.columns.iter().filter(is_static).find(|column| is_selected(column)) {
        return invalid(format!(
            "Cannot include static column '{}' in materialized view '{}'",
            found.name, new.name
        ));
    }
    let mut key: Vec<(ColumnId, ColumnKind)> = Vec::with_capacity(new.key.len());
    for (name, kind) in &new.key {
        let Some(column) = base.column(name).filter(|column| is_selected(column)) else {
            return invalid(format!(
                "Unknown column '{name}' referenced in PRIMARY KEY for materialized view '{}'",
                new.name
            ));
        };
        if key.iter().any(|(id, _)| *id == column.id) {
            return invalid(format!(
                "Duplicate column '{name}' in PRIMARY KEY clause for materialized view '{}'",
                new.name
            ));
        }
        check_key_column(column)?;
        key.push((column.id, *kind));
    }
    check_key(base, &new.name, &key)?;
    let filter = new.filter.iter().map(|relation| defined(base, relation));
    let filter = filter.collect::<Result<Vec<ViewRelation>, MetadataError>>()?;
    check_filter(base, &key, &filter)?;
    if new.options.default_ttl_seconds != 0 {
        return invalid(TTL);
    }
    if new.options.tiering.is_some() {
        return invalid("A materialized view is tiered as its base table is");
    }
    let (name, uuid, options) = (new.name.clone(), new.uuid, new.options.clone());
    Ok(View { name, uuid, key, columns, filter, options })
}

fn column<'t>(base: &'t Table, name: &str) -> Result<&'t Column, MetadataError> {
    let undefined = || {
        MetadataError::invalid(format!(
            "Undefined column name {name} in table {}.{}",
            base.keyspace, base.name
        ))
    };
    base.column(name).ok_or_else(undefined)
}

fn check_key_column(column: &Column) -> Result<(), MetadataError> {
    let (name, cql_type) = (&column.name, &column.cql_type);
    if cql_type.is_multi_cell() {
        let sort = if cql_type.is_collection() { "collection" } else { "user-defined" };
        return invalid(format!(
            "Invalid non-frozen {sort} type '{cql_type}' for PRIMARY KEY column '{name}'"
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

/// The key holds the base's, so that no two rows become one, and at most one column more.
fn check_key(
    base: &Table,
    name: &str,
    key: &[(ColumnId, ColumnKind)],
) -> Result<(), MetadataError> {
    if !key.iter().any(|(_, kind)| matches!(kind, ColumnKind::PartitionKey(_))) {
        return invalid(format!(
            "Must provide at least one partition key column for materialized view '{name}'"
        ));
    }
    let has = |id: ColumnId| key.iter().any(|(of, _)| *of == id);
    let names = |columns: Vec<&Column>| {
        columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let missing: Vec<&Column> =
        base.columns.iter().filter(|column| is_key(column) && !has(column.id)).collect();
    if !missing.is_empty() {
        return invalid(format!(
            "Cannot create materialized view '{name}' without primary key columns {} from base \
             table '{}'",
            names(missing),
            base.name
        ));
    }
    let more: Vec<&Column> =
        base.columns.iter().filter(|column| !is_key(column) && has(column.id)).collect();
    if more.len() > 1 {
        return invalid(format!(
            "Cannot include more than one non-primary key column in materialized view primary key \
             (got {})",
            names(more)
        ));
    }
    Ok(())
}

fn is_key(column: &Column) -> bool {
    matches!(column.kind, ColumnKind::PartitionKey(_) | ColumnKind::Clustering(..))
}

fn defined(base: &Table, relation: &NewViewRelation) -> Result<ViewRelation, MetadataError> {
    let columns = relation.columns.iter().map(|name| Ok(column(base, name)?.id));
    Ok(ViewRelation {
        columns: columns.collect::<Result<_, MetadataError>>()?,
        tuple: relation.tuple,
        element: relation.element.clone(),
        test: relation.test.clone(),
    })
}

fn check_filter(
    base: &Table,
    key: &[(ColumnId, ColumnKind)],
    filter: &[ViewRelation],
) -> Result<(), MetadataError> {
    let restricted = |id: &ColumnId| filter.iter().any(|relation| relation.columns.contains(id));
    let free: Vec<&str> = key
        .iter()
        .filter(|(id, _)| !restricted(id))
        .filter_map(|(id, _)| base.column_by_id(*id))
        .map(|column| column.name.as_str())
        .collect();
    if !free.is_empty() {
        return invalid(format!(
            "Primary key columns {} must be restricted with 'IS NOT NULL' or otherwise",
            free.join(", ")
        ));
    }
    let statics = base.columns.iter().filter(|column| column.kind == ColumnKind::Static);
    match statics.into_iter().find(|column| restricted(&column.id)) {
        Some(column) => invalid(format!(
            "Non-primary key columns can only be restricted with 'IS NOT NULL' (got: {} restricted \
             illegally)",
            column.name
        )),
        None => Ok(()),
    }
}
