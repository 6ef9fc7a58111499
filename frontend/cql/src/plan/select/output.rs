//! What a result row is made of.

use std::sync::Arc;

use bytes::Bytes;
use cellar_schema::{CqlType, Table};

use super::selector::{AggregateCall, Context, Sel, Selection};
use super::view::ColumnRef;
use crate::ast;
use crate::plan::term::Expr;
use crate::plan::{PlanError, ResultColumn, Scope};

/// The selectors of a statement.
#[derive(Clone, Debug)]
pub(super) struct Output {
    pub(super) items: Vec<Sel>,
    /// What they are called and of which type, before they become one JSON text.
    pub(super) columns: Vec<ResultColumn>,
    pub(super) json: bool,
    pub(super) aggregates: Vec<AggregateCall>,
    /// Terms inside selectors, computed once when values are bound.
    pub(super) terms: Vec<Expr>,
    /// Columns that the selectors read.
    pub(super) reads: Vec<ColumnRef>,
    /// Whether a selector needs the token of the partition.
    pub(super) token: bool,
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
                for item in written {
                    let (sel, cql_type) = selection.item(scope, &item.selector)?;
                    let name = match &item.alias {
                        Some(alias) => alias.as_str().to_owned(),
                        None => super::selector::column_name(&item.selector),
                    };
                    items.push(sel);
                    columns.push(ResultColumn::of(table, name, cql_type));
                }
            }
        }
        let Selection { aggregates, terms, reads, token, .. } = selection;
        Ok(Self { items, columns, json: select.json, aggregates, terms, reads, token })
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
        let values = self.items.iter().map(|item| item.evaluate(context));
        let values = values.collect::<Result<Vec<_>, _>>()?;
        if self.json { Ok(vec![Some(super::json::object(&self.columns, &values))]) } else { Ok(values) }
    }
}
