//! What a result row is made of.

use std::sync::Arc;

use bytes::Bytes;
use cellar_schema::{CqlType, Table};

use super::aggregate::AggregateCall;
use super::group::GroupItem;
use super::selector::{self, Context, Sel, Selection};
use super::view::{ColumnRef, Place};
use crate::ast::{self, Selector};
use crate::plan::term::Expr;
use crate::plan::{PlanError, ResultColumn, Scope, column};

/// The selectors of a statement.
#[derive(Clone, Debug)]
pub(super) struct Output {
    pub(super) items: Vec<Sel>,
    /// What they are called and of which type, before they become one JSON text.
    pub(super) columns: Vec<ResultColumn>,
    pub(super) json: bool,
    /// Whether this is `*`.
    wildcard: bool,
    pub(super) aggregates: Vec<AggregateCall>,
    /// Terms inside selectors, computed once when values are bound.
    pub(super) terms: Vec<Expr>,
    /// Columns that the selectors read.
    pub(super) reads: Vec<ColumnRef>,
    /// Whether a selector needs the token of the partition.
    pub(super) token: bool,
    /// The entries of `GROUP BY`.
    pub(super) groups: Vec<GroupItem>,
}

impl Output {
    /// Plans the selectors.
    pub(super) fn plan(
        scope: &mut Scope<'_>,
        table: &Arc<Table>,
        select: &ast::Select,
    ) -> Result<Self, PlanError> {
        let mut selection = Selection::new(table);
        let mut items = Vec::new();
        let mut columns = Vec::new();
        match &select.clause {
            ast::SelectClause::All => {
                for column in crate::plan::select_order(table) {
                    items.push(selection.read(ColumnRef::of(column)));
                    columns.push(crate::plan::receiver(table, column));
                }
            }
            ast::SelectClause::Items(written) => {
                for wanted in written {
                    let item = selection.item(scope, &wanted.selector, None)?;
                    if !is_typed(&wanted.selector) {
                        return Err(selector::untyped(&item.name));
                    }
                    let name = match &wanted.alias {
                        Some(alias) => alias.as_str().to_owned(),
                        None => item.name,
                    };
                    items.push(item.sel);
                    columns.push(ResultColumn::of(table, name, item.cql_type));
                }
            }
        }
        let mut groups = Vec::with_capacity(select.group_by.len());
        for entry in &select.group_by {
            groups.push(group_item(&mut selection, scope, entry)?);
        }
        let Selection { aggregates, terms, reads, token, .. } = selection;
        let json = select.json;
        let wildcard = matches!(select.clause, ast::SelectClause::All);
        Ok(Self { items, columns, json, wildcard, aggregates, terms, reads, token, groups })
    }

    /// Whether static columns are read, and nothing but them and the partition key.
    pub(super) fn is_static_only(&self) -> bool {
        let is_static = |column: &ColumnRef| matches!(column.place, Place::Static(_));
        let is_key = |column: &ColumnRef| matches!(column.place, Place::Partition(_));
        !self.wildcard
            && self.reads.iter().any(is_static)
            && self.reads.iter().all(|column| is_static(column) || is_key(column))
    }

    /// Whether nothing of a single row is shown.
    pub(super) fn is_all_aggregates(&self) -> bool {
        self.items.iter().all(|item| matches!(item, Sel::Aggregate(_)))
    }

    /// The columns of the result.
    pub(super) fn result_columns(&self, table: &Table) -> Arc<[ResultColumn]> {
        if self.json {
            return Arc::from([ResultColumn::of(table, "[json]", CqlType::Text)]);
        }
        self.columns.as_slice().into()
    }

    /// The row.
    pub(super) fn row(&self, context: &Context<'_>) -> Result<Vec<Option<Bytes>>, PlanError> {
        let mut values = Vec::with_capacity(self.items.len());
        for item in &self.items {
            values.push(item.evaluate(context)?);
        }
        if self.json {
            return Ok(vec![Some(super::json::object(&self.columns, &values))]);
        }
        Ok(values)
    }
}

/// Whether a selector has a type of its own. Constants take the type that is wanted of them, and
/// Cassandra does not choose one where nothing is wanted.
fn is_typed(selector: &Selector) -> bool {
    match selector {
        Selector::Term(_) | Selector::Map(_) => false,
        Selector::Tuple(parts) => parts.len() > 1 && parts.iter().all(is_typed),
        Selector::List(parts) | Selector::Set(parts) => parts.iter().any(is_typed),
        _ => true,
    }
}

fn group_item(
    selection: &mut Selection<'_>,
    scope: &mut Scope<'_>,
    entry: &Selector,
) -> Result<GroupItem, PlanError> {
    match entry {
        Selector::Column(name) => {
            let column = ColumnRef::of(column(selection.table, name)?);
            Ok(GroupItem { column, function: None })
        }
        Selector::Function(_, arguments) => {
            let mut names = arguments.iter().filter_map(|argument| match argument {
                Selector::Column(name) => Some(name),
                _ => None,
            });
            let (Some(name), None) = (names.next(), names.next()) else {
                return Err(PlanError::invalid(
                    "GROUP BY functions must have one and only one column name as parameter",
                ));
            };
            let column = ColumnRef::of(column(selection.table, name)?);
            let aggregates = selection.aggregates.len();
            let item = selection.item(scope, entry, None)?;
            if selection.aggregates.len() > aggregates {
                return Err(PlanError::invalid(
                    "Aggregate functions are not supported within the GROUP BY clause",
                ));
            }
            Ok(GroupItem { column, function: Some(item.sel) })
        }
        _ => Err(PlanError::invalid(
            "Group by is currently only supported on the columns of the PRIMARY KEY",
        )),
    }
}
