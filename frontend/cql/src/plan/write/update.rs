//! `UPDATE`.

use std::sync::Arc;

use cellar_schema::{ColumnKind, Table};

use super::condition::Conditions;
use super::filter::{Filter, join};
use super::{Action, Attributes, Rows, Write, assign, refuse_in};
use crate::ast::Update;
use crate::plan::{PlanError, Scope};

/// Plans an `UPDATE`.
///
/// # Errors
/// Anything wrong with the statement against this schema.
pub fn plan(scope: &mut Scope<'_>, update: &Update) -> Result<Write, PlanError> {
    let table = scope.writable_table(&update.table)?;
    let attributes = Attributes::plan(scope, &table, &update.using)?;
    let conditional = update.condition.is_some();
    let (mut statics, mut regular) = (Vec::new(), Vec::new());
    for assignment in &update.assignments {
        let (column, write) = assign::assignment(scope, &table, assignment, conditional)?;
        let writes = if column.kind == ColumnKind::Static { &mut statics } else { &mut regular };
        writes.push((column.id, write));
    }
    let filter = Filter::plan(scope, &table, &update.filter, "UPDATE")?;
    let conditions = Conditions::plan(scope, &table, update.condition.as_ref())?;
    if !conditions.is_none() {
        refuse_in(&filter, "updates")?;
    }
    let statics_alone = regular.is_empty() && !needs_row(&conditions);
    let partition = filter.partition.clone();
    let rows = rows(&table, filter, statics_alone)?;
    Write {
        table: Arc::clone(&table),
        action: Action::Update,
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

/// Whether the conditions are about a row, not about static columns.
fn needs_row(conditions: &Conditions) -> bool {
    matches!(conditions, Conditions::Columns(_)) && !conditions.only_statics()
}

fn rows(table: &Table, filter: Filter, statics_alone: bool) -> Result<Rows, PlanError> {
    let columns = table.clustering().count();
    if filter.is_slice() {
        return Err(PlanError::invalid(
            "Slice restrictions are not supported on the clustering columns in UPDATE statements",
        ));
    }
    if statics_alone && columns > 0 {
        if filter.clustering_width > 0 {
            return Err(PlanError::invalid(
                "Invalid restrictions on clustering columns since the UPDATE statement modifies \
                 only static columns",
            ));
        }
        return Ok(Rows::Statics);
    }
    if filter.clustering_width < columns {
        let missing = table.clustering().skip(filter.clustering_width);
        return Err(PlanError::invalid(format!(
            "Some clustering keys are missing: {}",
            join(missing.map(|(column, _)| column.name.as_str()))
        )));
    }
    Ok(Rows::Keys(filter.clustering))
}
