//! Selectors: expressions over the columns of a row. Planning chooses functions by the types of
//! their arguments and names the result as Cassandra does.

mod access;
mod call;
mod construct;
mod eval;
mod known;
mod name;
mod part;
mod times;
mod token;

use std::sync::Arc;

use cellar_schema::{CqlType, Table};

use super::aggregate::AggregateCall;
use super::view::ColumnRef;
use crate::ast::{Ident, Selector, Term};
use crate::plan::term::{Expr, infer, prepare};
use crate::plan::types::{self, Fit};
use crate::plan::{PlanError, Scope, column, pseudo};

pub(super) use eval::{Context, Sel};
pub(in crate::plan) use name::term as term_name;
use times::TimesKind;
pub(in crate::plan) use token::{function as token_function, is_token};

/// The selectors of one statement while they are planned.
pub(super) struct Selection<'t> {
    pub(super) table: &'t Arc<Table>,
    pub(super) aggregates: Vec<AggregateCall>,
    pub(super) terms: Vec<Expr>,
    pub(super) reads: Vec<ColumnRef>,
    pub(super) token: bool,
}

/// A planned selector with its type and with what its column is called.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) sel: Sel,
    pub(super) cql_type: CqlType,
    pub(super) name: String,
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

    /// A selector where a value of `expected` is wanted, if it is known what is wanted.
    pub(super) fn item(
        &mut self,
        scope: &mut Scope<'_>,
        selector: &Selector,
        expected: Option<&CqlType>,
    ) -> Result<Item, PlanError> {
        match selector {
            Selector::Column(name) => self.column(name),
            Selector::Term(term) => self.term(scope, term, expected),
            Selector::CountRows => Ok(self.aggregate(AggregateCall::rows(), "count".to_owned())),
            Selector::Function(name, arguments) => self.function(scope, name, arguments, expected),
            Selector::Cast(inner, written) => {
                let target = types::resolve(scope, Some(&self.table.keyspace), written)?;
                self.cast(scope, inner, &target)
            }
            Selector::TypeHint(written, inner) => {
                let hinted = types::resolve(scope, Some(&self.table.keyspace), written)?;
                let item = self.item(scope, inner, Some(&hinted))?;
                if types::fit(&hinted, &item.cql_type) == Fit::No {
                    return Err(PlanError::invalid(format!(
                        "Cannot assign value {} of type {} to {hinted}",
                        item.name, item.cql_type
                    )));
                }
                let name = format!("({}){}", name::hint(&self.table.keyspace, written), item.name);
                Ok(Item { cql_type: hinted, name, ..item })
            }
            Selector::WriteTime(inner) => self.times(scope, TimesKind::Write, inner),
            Selector::MaxWriteTime(inner) => self.times(scope, TimesKind::MaxWrite, inner),
            Selector::Ttl(inner) => self.times(scope, TimesKind::Ttl, inner),
            Selector::Field(inner, field) => self.field(scope, inner, field),
            Selector::Element(inner, key) => self.element(scope, inner, key),
            Selector::Slice(inner, from, to) => {
                self.slice(scope, inner, from.as_ref(), to.as_ref())
            }
            Selector::Tuple(parts) => self.tuple(scope, parts, expected),
            Selector::List(parts) => self.list(scope, parts, expected),
            Selector::Set(parts) => self.set(scope, parts, expected),
            Selector::Map(entries) => self.map(scope, entries, expected),
            Selector::Negate(inner) => self.negation(scope, inner, expected),
            Selector::Arithmetic(chain) => self.arithmetic(scope, chain, expected),
        }
    }

    fn column(&mut self, name: &Ident) -> Result<Item, PlanError> {
        let found = ColumnRef::of(column(self.table, name)?);
        let (cql_type, name) = (found.cql_type.clone(), found.name.clone());
        Ok(Item { sel: self.read(found), cql_type, name })
    }

    /// A term without columns: computed once for each execution.
    fn term(
        &mut self,
        scope: &mut Scope<'_>,
        term: &Term,
        expected: Option<&CqlType>,
    ) -> Result<Item, PlanError> {
        let name = name::term(term);
        let cql_type = match expected {
            Some(expected) => expected.clone(),
            None => infer(scope, term)?.ok_or_else(|| untyped(&name))?,
        };
        let index = self.bound_term(scope, term, "[selection]", cql_type.clone())?;
        Ok(Item { sel: Sel::Term(index), cql_type, name })
    }

    /// Remembers a term; its number.
    fn bound_term(
        &mut self,
        scope: &mut Scope<'_>,
        term: &Term,
        receiver: &str,
        cql_type: CqlType,
    ) -> Result<usize, PlanError> {
        let expr = prepare(scope, term, &pseudo(self.table, receiver, cql_type))?;
        self.terms.push(expr);
        Ok(self.terms.len().saturating_sub(1))
    }
}

/// The error that a selector has no type of its own.
pub(super) fn untyped(name: &str) -> PlanError {
    PlanError::invalid(format!(
        "Cannot infer type for term {name} in selection clause (try using a cast to force a type)"
    ))
}
