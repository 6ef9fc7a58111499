//! `DELETE`: partitions, ranges, rows, columns and elements.

use std::sync::Arc;

use cellar_schema::{ColumnKind, Table};

use super::condition::Conditions;
use super::filter::Filter;
use super::{Action, Attributes, Rows, Write, assign, refuse_in};
use crate::ast::Delete;
use crate::plan::{PlanError, Scope};

/// Plans a `DELETE`.
///
/// # Errors
/// Anything wrong with the statement against this schema.
pub fn plan(scope: &mut Scope<'_>, delete: &Delete) -> Result<Write, PlanError> {
    let table = scope.writable_table(&delete.table)?;
    let (mut statics, mut regular) = (Vec::new(), Vec::new());
    for deletion in &delete.columns {
        let (column, write) = assign::deletion(scope, &table, deletion)?;
        let writes = if column.kind == ColumnKind::Static { &mut statics } else { &mut regular };
        writes.push((column.id, write));
    }
    let attributes = Attributes::plan(scope, &table, &delete.using)?;
    let filter = Filter::plan(scope, &table, &delete.filter, "DELETE")?;
    let conditions = Conditions::plan(scope, &table, delete.condition.as_ref())?;
    let whole = delete.columns.is_empty();
    if !conditions.is_none() {
        refuse_in(&filter, "deletions")?;
        refuse_ranges(&table, &filter, &conditions, whole || !regular.is_empty())?;
    }
    let partition = filter.partition.clone();
    let rows = if whole {
        whole_rows(&table, filter, conditions.is_none())
    } else {
        column_rows(&table, filter, regular.is_empty(), &conditions)?
    };
    Write {
        table: Arc::clone(&table),
        action: if whole { Action::DeleteRows } else { Action::DeleteColumns },
        partition,
        rows,
        statics,
        regular,
        attributes,
        conditions,
        document: None,
        markers: scope.marker_count(),
        idempotent: false,
    }
    .checked()
}

/// A condition needs the whole key, unless everything is about static columns.
fn refuse_ranges(
    table: &Table,
    filter: &Filter,
    conditions: &Conditions,
    deletes_rows: bool,
) -> Result<(), PlanError> {
    if filter.clustering_width == table.clustering().count() {
        return Ok(());
    }
    const MUST: &str =
        "DELETE statements must restrict all PRIMARY KEY columns with equality relations in order";
    if deletes_rows || filter.is_slice() {
        return Err(PlanError::invalid(format!("{MUST} to delete non static columns")));
    }
    if !matches!(conditions, Conditions::Exists) && !conditions.only_statics() {
        return Err(PlanError::invalid(format!(
            "{MUST} to use IF condition on non static columns"
        )));
    }
    Ok(())
}

/// What `DELETE FROM` without columns deletes.
fn whole_rows(table: &Table, filter: Filter, unconditional: bool) -> Rows {
    let columns = table.clustering().count();
    if columns == 0 && !unconditional {
        return Rows::Keys(Vec::new());
    }
    if filter.clustering_width == 0 && !filter.is_slice() {
        return Rows::Partition;
    }
    if filter.clustering_width == columns {
        return Rows::Keys(filter.clustering);
    }
    Rows::Range { prefix: filter.clustering, lower: filter.lower, upper: filter.upper }
}

/// The rows whose columns are deleted.
fn column_rows(
    table: &Table,
    filter: Filter,
    only_statics: bool,
    conditions: &Conditions,
) -> Result<Rows, PlanError> {
    let columns = table.clustering().count();
    let row_tested = matches!(conditions, Conditions::Columns(_)) && !conditions.only_statics();
    if only_statics && columns > 0 && !row_tested {
        if filter.clustering_width > 0 || filter.is_slice() {
            return Err(PlanError::invalid(
                "Invalid restrictions on clustering columns since the DELETE statement modifies \
                 only static columns",
            ));
        }
        return Ok(Rows::Statics);
    }
    if filter.clustering_width < columns || filter.is_slice() {
        return Err(range_of_columns());
    }
    Ok(Rows::Keys(filter.clustering))
}

fn range_of_columns() -> PlanError {
    PlanError::invalid("Range deletions are not supported for specific columns")
}
