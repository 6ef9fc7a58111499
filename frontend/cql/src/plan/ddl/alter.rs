//! `ALTER TABLE`.

use cellar_metadata_api::{Command, OptionChanges, TableChange};
use cellar_schema::{CqlType, Frozen, Table, TableOptions};

use super::create::column_type;
use super::home;
use super::options::Options;
use crate::ast::{self, AlterTable, Literal, Term};
use crate::plan::{PlanError, Scope};

pub(super) fn table(
    scope: &mut Scope<'_>,
    alter: &AlterTable,
    now_us: i64,
) -> Result<Command, PlanError> {
    let keyspace = home(scope, &alter.name)?;
    let table = scope.view().table(&keyspace, alter.name.name.as_str());
    let changes = match &alter.change {
        ast::TableChange::Add { .. } if table.as_ref().is_some_and(|table| table.is_compact()) => {
            return Err(PlanError::invalid("Cannot add new column to a COMPACT STORAGE table"));
        }
        ast::TableChange::Add { if_not_exists, columns } => columns
            .iter()
            .map(|column| {
                Ok(TableChange::Add {
                    name: column.name.as_str().to_owned(),
                    cql_type: column_type(scope, &keyspace, column)?,
                    is_static: column.is_static,
                    if_not_exists: *if_not_exists,
                })
            })
            .collect::<Result<Vec<_>, PlanError>>()?,
        ast::TableChange::Drop { if_exists, columns, timestamp } => {
            let at_us = timestamp.as_ref().map_or(Ok(now_us), dropped_at)?;
            refuse_parts(scope, &keyspace, alter, columns)?;
            let drop = |column: &ast::Ident| TableChange::Drop {
                name: column.as_str().to_owned(),
                if_exists: *if_exists,
                at_us,
            };
            columns.iter().map(drop).collect()
        }
        ast::TableChange::Rename { if_exists, columns } => columns
            .iter()
            .map(|(from, to)| TableChange::Rename {
                from: from.as_str().to_owned(),
                to: to.as_str().to_owned(),
                if_exists: *if_exists,
            })
            .collect(),
        ast::TableChange::Properties(properties) => {
            let options = Options::read(scope, properties)?;
            if options.id.is_some() {
                return Err(PlanError::config("Cannot alter table id."));
            }
            vec![TableChange::Options(options.changes)]
        }
        ast::TableChange::Retype(..) => {
            return Err(PlanError::invalid("Altering column types is no longer supported"));
        }
        ast::TableChange::Mask { .. } => {
            return Err(PlanError::not_built("dynamic data masking (MASKED WITH)"));
        }
        ast::TableChange::AddTags(_) | ast::TableChange::DropTags(_) => {
            return Err(PlanError::not_built("ALTER TABLE with TAGS"));
        }
        ast::TableChange::DropCompactStorage => {
            vec![drop_compact_storage(table.as_deref())?]
        }
    };
    Ok(Command::AlterTable {
        keyspace,
        name: alter.name.name.as_str().to_owned(),
        if_exists: alter.if_exists,
        changes,
    })
}

/// The change that makes a table one like all others.
fn drop_compact_storage(table: Option<&Table>) -> Result<TableChange, PlanError> {
    if !table.is_some_and(Table::is_compact) {
        return Err(PlanError::invalid(
            "Cannot DROP COMPACT STORAGE on table without COMPACT STORAGE",
        ));
    }
    let mut changes = OptionChanges::default();
    changes.text.insert(TableOptions::COMPACT_STORAGE.to_owned(), "false".to_owned());
    Ok(TableChange::Options(changes))
}

fn dropped_at(timestamp: &Term) -> Result<i64, PlanError> {
    match timestamp {
        Term::Literal(Literal::Integer(at_us)) => Ok(*at_us),
        Term::Marker(_) => Err(PlanError::invalid("Bind variables cannot be used in ALTER TABLE")),
        _ => Err(PlanError::invalid("Invalid timestamp of a dropped column")),
    }
}

/// What is stored field by field cannot be dropped: what is left of it would have no type.
fn refuse_parts(
    scope: &Scope<'_>,
    keyspace: &str,
    alter: &AlterTable,
    columns: &[ast::Ident],
) -> Result<(), PlanError> {
    let Some(table) = scope.view().table(keyspace, alter.name.name.as_str()) else { return Ok(()) };
    let dropped = columns.iter().filter_map(|column| table.column(column.as_str()));
    for column in dropped {
        if let CqlType::Udt(udt, Frozen::No) = &column.cql_type {
            return Err(PlanError::invalid(format!(
                "Cannot drop non-frozen column {} of user type {}",
                column.name, udt.name
            )));
        }
    }
    Ok(())
}
