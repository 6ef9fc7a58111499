//! `CREATE TABLE`.

use cellar_metadata_api::{Command, NewTable};
use cellar_schema::{ColumnKind, CqlType, Order, TableOptions};
use uuid::Uuid;

use super::home;
use super::options::Options;
use crate::ast::{self, ColumnDef, CreateTable, Ident, PrimaryKey};
use crate::plan::{PlanError, Scope, types};

pub(super) fn table(
    scope: &mut Scope<'_>,
    create: &CreateTable,
    new_id: Uuid,
) -> Result<Command, PlanError> {
    let keyspace = home(scope, &create.name)?;
    let name = create.name.name.as_str();
    let [key] = create.primary_keys.as_slice() else {
        let found = if create.primary_keys.is_empty() { "No" } else { "Multiple" };
        return Err(PlanError::invalid(format!(
            "{found} PRIMARY KEY specified for table '{name}' (exactly one required)"
        )));
    };
    check_key(create, key)?;
    let orders = orders(create, key)?;
    let mut columns: Vec<(String, CqlType, ColumnKind)> = Vec::with_capacity(create.columns.len());
    for column in &create.columns {
        if columns.iter().any(|(earlier, _, _)| earlier == column.name.as_str()) {
            return Err(PlanError::invalid(format!(
                "Duplicate column '{}' declaration for table '{name}'",
                column.name
            )));
        }
        let cql_type = column_type(scope, &keyspace, column)?;
        columns.push((column.name.as_str().to_owned(), cql_type, kind(column, key, &orders)?));
    }
    let options = Options::read(scope, &create.properties)?;
    // That the table is there already is the first thing to be said.
    if mixes_counters(&columns) && scope.view().table(&keyspace, name).is_none() {
        return Err(PlanError::invalid(
            "Cannot mix counter and non counter columns in the same table",
        ));
    }
    let uuid = options.id.unwrap_or(new_id);
    let (mut options, tiering_column) = options.of_new_table();
    if create.compact_storage {
        refuse_compact(&columns)?;
        options.text.insert(TableOptions::COMPACT_STORAGE.to_owned(), "true".to_owned());
    }
    let definition =
        NewTable { keyspace, name: name.to_owned(), uuid, columns, options, tiering_column };
    Ok(Command::CreateTable { definition, if_not_exists: create.if_not_exists })
}

/// Refuses what `COMPACT STORAGE` has no place for.
fn refuse_compact(columns: &[(String, CqlType, ColumnKind)]) -> Result<(), PlanError> {
    let of = |wanted: fn(&ColumnKind) -> bool| {
        columns.iter().filter(move |(_, _, kind)| wanted(kind)).collect::<Vec<_>>()
    };
    if columns.iter().any(|(_, cql_type, _)| cql_type.is_multi_cell()) {
        return Err(PlanError::invalid(
            "Non-frozen collections and UDTs are not supported with COMPACT STORAGE",
        ));
    }
    if !of(|kind| matches!(kind, ColumnKind::Static)).is_empty() {
        return Err(PlanError::invalid(
            "Static columns are not supported in COMPACT STORAGE tables",
        ));
    }
    let clustered = !of(|kind| matches!(kind, ColumnKind::Clustering(..))).is_empty();
    let regular = of(|kind| matches!(kind, ColumnKind::Regular));
    if !clustered && regular.is_empty() {
        return Err(PlanError::invalid("No definition found that is not part of the PRIMARY KEY"));
    }
    if clustered && regular.len() > 1 {
        let names: Vec<&str> = regular.iter().map(|(name, _, _)| name.as_str()).collect();
        return Err(PlanError::invalid(format!(
            "COMPACT STORAGE with composite PRIMARY KEY allows no more than one column not part \
             of the PRIMARY KEY (got: {})",
            names.join(", ")
        )));
    }
    Ok(())
}

/// Whether some columns outside of the key are counters and some are not.
fn mixes_counters(columns: &[(String, CqlType, ColumnKind)]) -> bool {
    let in_rows = columns
        .iter()
        .filter(|(_, _, kind)| matches!(kind, ColumnKind::Regular | ColumnKind::Static));
    let mut counters = in_rows.map(|(_, cql_type, _)| *cql_type == CqlType::Counter);
    let first = counters.next();
    counters.any(|counter| Some(counter) != first)
}

/// The type of a column of a table in `keyspace`.
pub(super) fn column_type(
    scope: &Scope<'_>,
    keyspace: &str,
    column: &ColumnDef,
) -> Result<CqlType, PlanError> {
    if column.masking.is_some() {
        return Err(PlanError::not_built("dynamic data masking (MASKED WITH)"));
    }
    types::resolve(scope, Some(keyspace), &column.cql_type)
}

fn check_key(create: &CreateTable, key: &PrimaryKey) -> Result<(), PlanError> {
    let name = &create.name.name;
    let all: Vec<&Ident> = key.partition.iter().chain(&key.clustering).collect();
    for (position, part) in all.iter().enumerate() {
        let Some(column) = create.columns.iter().find(|column| column.name == **part) else {
            return Err(PlanError::invalid(format!(
                "Unknown column '{part}' referenced in PRIMARY KEY for table '{name}'"
            )));
        };
        if column.is_static {
            return Err(PlanError::invalid(format!(
                "Static column '{part}' cannot be part of the PRIMARY KEY"
            )));
        }
        if all.iter().take(position).any(|earlier| earlier == part) {
            return Err(PlanError::invalid(format!(
                "Duplicate column '{part}' in PRIMARY KEY clause for table '{name}'"
            )));
        }
    }
    Ok(())
}

/// The order of each clustering column.
fn orders(create: &CreateTable, key: &PrimaryKey) -> Result<Vec<Order>, PlanError> {
    if create.clustering_order.is_empty() {
        return Ok(vec![Order::Asc; key.clustering.len()]);
    }
    let mut orders = Vec::with_capacity(key.clustering.len());
    for (name, _) in &create.clustering_order {
        if !key.clustering.contains(name) {
            return Err(PlanError::invalid(format!(
                "Only clustering columns can be defined in CLUSTERING ORDER directive: {name} are \
                 not clustering columns"
            )));
        }
    }
    let mut given = create.clustering_order.iter();
    for column in &key.clustering {
        match given.next() {
            Some((name, descending)) if name == column => {
                orders.push(if *descending { Order::Desc } else { Order::Asc });
            }
            Some(_) if create.clustering_order.iter().any(|(name, _)| name == column) => {
                return Err(PlanError::invalid(
                    "The order of columns in the CLUSTERING ORDER directive must be the one of \
                     the clustering key",
                ));
            }
            Some(_) => {
                return Err(PlanError::invalid(format!(
                    "Missing CLUSTERING ORDER for column {column}"
                )));
            }
            // The last columns may be left out.
            None => orders.push(Order::Asc),
        }
    }
    if given.next().is_some() {
        return Err(PlanError::invalid(
            "The order of columns in the CLUSTERING ORDER directive must be the one of the \
             clustering key",
        ));
    }
    Ok(orders)
}

fn kind(column: &ColumnDef, key: &PrimaryKey, orders: &[Order]) -> Result<ColumnKind, PlanError> {
    let position = |names: &[Ident]| {
        names.iter().position(|name| *name == column.name).map(u16::try_from).transpose()
    };
    let too_many = |_| PlanError::invalid("too many key columns");
    if let Some(at) = position(&key.partition).map_err(too_many)? {
        return Ok(ColumnKind::PartitionKey(at));
    }
    if let Some(at) = position(&key.clustering).map_err(too_many)? {
        let order = match &column.cql_type {
            ast::CqlType::Custom(class) if types::class::is_reversed(class) => Order::Desc,
            _ => orders.get(usize::from(at)).copied().unwrap_or(Order::Asc),
        };
        return Ok(ColumnKind::Clustering(at, order));
    }
    if column.is_static && key.clustering.is_empty() {
        return Err(PlanError::invalid(
            "Static columns are only useful (and thus allowed) if the table has at least one \
             clustering column",
        ));
    }
    Ok(if column.is_static { ColumnKind::Static } else { ColumnKind::Regular })
}
