//! Selectors: expressions over the columns of a row.

mod eval;
mod name;

use std::sync::Arc;

use cellar_schema::{CqlType, Table};

use super::view::ColumnRef;
use crate::ast::Selector;
use crate::plan::term::Expr;
use crate::plan::{PlanError, Scope, column};

pub(super) use eval::{AggregateCall, Context, Sel};
pub(super) use name::column_name;

/// The selectors of one statement while they are planned.
pub(super) struct Selection<'t> {
    pub(super) table: &'t Arc<Table>,
    pub(super) aggregates: Vec<AggregateCall>,
    pub(super) terms: Vec<Expr>,
    pub(super) reads: Vec<ColumnRef>,
    pub(super) token: bool,
}

impl<'t> Selection<'t> {
    pub(super) fn new(table: &'t Arc<Table>) -> Self {
        Self { table, aggregates: Vec::new(), terms: Vec::new(), reads: Vec::new(), token: false }
    }

    /// A column, which is read from now on.
    pub(super) fn read(&mut self, column: ColumnRef) -> Sel {
        if !self.reads.iter().any(|read| read.place == column.place) {
            self.reads.push(column.clone());
        }
        Sel::Column(column)
    }

    /// A selector with its type.
    pub(super) fn item(
        &mut self,
        _scope: &mut Scope<'_>,
        selector: &Selector,
    ) -> Result<(Sel, CqlType), PlanError> {
        match selector {
            Selector::Column(name) => {
                let found = ColumnRef::of(column(self.table, name)?);
                let cql_type = found.cql_type.clone();
                Ok((self.read(found), cql_type))
            }
            _ => Err(PlanError::not_built("this selector")),
        }
    }
}
