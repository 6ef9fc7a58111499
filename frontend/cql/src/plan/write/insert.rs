//! `INSERT`, with values or with JSON.

use std::sync::Arc;

use cellar_schema::{Column, ColumnKind, CqlType, Table};

use super::condition::Conditions;
use super::filter::join;
use super::json::Document;
use super::key::KeyPart;
use super::operation::ColumnWrite;
use super::{Action, Attributes, Rows, Write};
use crate::ast::{Ident, Insert, InsertValues, Term};
use crate::plan::term::{Expr, prepare};
use crate::plan::{ColumnSpec, PlanError, Scope, column, receiver};

/// Plans an `INSERT`.
///
/// # Errors
/// Anything wrong with the statement against this schema.
pub fn plan(scope: &mut Scope<'_>, insert: &Insert) -> Result<Write, PlanError> {
    let table = scope.writable_table(&insert.table)?;
    if table.is_counter() {
        return Err(PlanError::invalid(
            "INSERT statements are not allowed on counter tables, use UPDATE instead",
        ));
    }
    let (values, document) = match &insert.values {
        InsertValues::Columns(values) => (given(scope, &table, values)?, None),
        InsertValues::Unmatched => {
            return Err(PlanError::invalid("Unmatched column names/values"));
        }
        InsertValues::Json { document, default } => {
            let spec = ColumnSpec::of(&table, "[json]", CqlType::Text);
            let text = prepare(scope, document, &spec)?;
            let values = (0_u16..).zip(&table.columns).map(|(at, c)| (c, Expr::Json(at))).collect();
            (values, Some(Document { text, default: *default }))
        }
    };
    let attributes = Attributes::plan(scope, &table, &insert.using)?;
    let split = Split::of(&table, values)?;
    let regular = table.columns.iter().find(|column| column.kind == ColumnKind::Regular);
    if let Some(column) = regular.filter(|_| table.is_compact() && split.regular.is_empty()) {
        let clustered = table.clustering().next().is_some();
        let name = if clustered { column.name.as_str() } else { "value" };
        return Err(PlanError::invalid(format!(
            "Column {name} is mandatory for this COMPACT STORAGE table"
        )));
    }
    let conditions = if insert.if_not_exists { Conditions::NotExists } else { Conditions::None };
    Write {
        table: Arc::clone(&table),
        action: Action::Insert,
        partition: split.partition,
        rows: split.rows,
        statics: split.statics,
        regular: split.regular,
        attributes,
        conditions,
        document,
        markers: scope.marker_count(),
        idempotent: false,
    }
    .checked()
}

fn given<'t>(
    scope: &mut Scope<'_>,
    table: &'t Table,
    values: &[(Ident, Term)],
) -> Result<Vec<(&'t Column, Expr)>, PlanError> {
    let mut out: Vec<(&Column, Expr)> = Vec::with_capacity(values.len());
    for (name, term) in values {
        let column = column(table, name)?;
        if out.iter().any(|(earlier, _)| earlier.id == column.id) {
            return Err(PlanError::invalid("The column names contains duplicates"));
        }
        out.push((column, prepare(scope, term, &receiver(table, column))?));
    }
    Ok(out)
}

/// The values by what their columns are for.
struct Split {
    partition: Vec<KeyPart>,
    rows: Rows,
    statics: Vec<(cellar_schema::ColumnId, ColumnWrite)>,
    regular: Vec<(cellar_schema::ColumnId, ColumnWrite)>,
}

impl Split {
    fn of(table: &Table, values: Vec<(&Column, Expr)>) -> Result<Self, PlanError> {
        let mut partition = vec![None; table.partition_key().count()];
        let mut clustering = vec![None; table.clustering().count()];
        let (mut statics, mut regular) = (Vec::new(), Vec::new());
        for (column, expr) in values {
            let slot = match column.kind {
                ColumnKind::PartitionKey(at) => partition.get_mut(usize::from(at)),
                ColumnKind::Clustering(at, _) => clustering.get_mut(usize::from(at)),
                ColumnKind::Static => {
                    statics.push((column.id, ColumnWrite::replace(column, expr)));
                    continue;
                }
                ColumnKind::Regular => {
                    regular.push((column.id, ColumnWrite::replace(column, expr)));
                    continue;
                }
            };
            if let Some(slot) = slot {
                *slot = Some(KeyPart::single(column.name.as_str(), expr));
            }
        }
        let missing = missing(table.partition_key(), &partition);
        if !missing.is_empty() {
            return Err(PlanError::invalid(format!(
                "Some partition key parts are missing: {missing}"
            )));
        }
        let only_statics =
            !statics.is_empty() && regular.is_empty() && clustering.iter().all(Option::is_none);
        let rows = if only_statics && !clustering.is_empty() {
            Rows::Statics
        } else {
            let missing = self::missing(table.clustering().map(|(column, _)| column), &clustering);
            if !missing.is_empty() {
                return Err(PlanError::invalid(format!(
                    "Some clustering keys are missing: {missing}"
                )));
            }
            Rows::Keys(clustering.into_iter().flatten().collect())
        };
        Ok(Self { partition: partition.into_iter().flatten().collect(), rows, statics, regular })
    }
}

fn missing<'t>(columns: impl Iterator<Item = &'t Column>, parts: &[Option<KeyPart>]) -> String {
    join(
        columns
            .zip(parts)
            .filter(|(_, part)| part.is_none())
            .map(|(column, _)| column.name.as_str()),
    )
}
