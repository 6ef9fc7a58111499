//! Selectors computed for a row.

use std::sync::Arc;

use bytes::Bytes;
use cellar_schema::{CqlType, value};

use super::part;
use super::times::Times;
use crate::plan::error::invalid;
use crate::plan::function::ScalarFn;
use crate::plan::select::view::{ColumnRef, RowView};
use crate::plan::{Env, PlanError};

/// What a selector may look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    pub(crate) row: RowView<'a>,
    /// Values of the terms inside selectors.
    pub(crate) terms: &'a [Option<Bytes>],
    /// Results of aggregates, when the group is complete.
    pub(crate) aggregates: &'a [Option<Bytes>],
    pub(crate) env: &'a Env,
}

/// A planned selector.
#[derive(Clone, Debug)]
pub(crate) enum Sel {
    /// A column.
    Column(ColumnRef),
    /// A term without columns, by its number.
    Term(usize),
    /// The token of the partition.
    Token,
    /// A function of other selectors.
    Call(Arc<ScalarFn>, Vec<Sel>),
    /// The field of this number of so many.
    Field(Box<Sel>, usize, usize),
    /// The element of a set or map of this type whose key is a term.
    Element(Box<Sel>, CqlType, usize),
    /// The elements of a set or map of this type between two terms.
    Slice(Box<Sel>, CqlType, Option<usize>, Option<usize>),
    /// A tuple or user-defined type.
    Tuple(Vec<Sel>),
    /// A list.
    List(Vec<Sel>),
    /// A vector of elements of this type.
    Vector(CqlType, Vec<Sel>),
    /// A set of elements of this type.
    Set(CqlType, Vec<Sel>),
    /// A map with keys of this type.
    Map(CqlType, Vec<(Sel, Sel)>),
    /// When something was written, or how long it lives.
    Times(Times),
    /// The result of an aggregate, by its number.
    Aggregate(usize),
}

impl Context<'_> {
    /// The value of a term.
    pub(super) fn term(&self, index: usize) -> Option<&Bytes> {
        self.terms.get(index)?.as_ref()
    }
}

impl Sel {
    /// The value for one row.
    pub(crate) fn evaluate(&self, context: &Context<'_>) -> Result<Option<Bytes>, PlanError> {
        Ok(match self {
            Self::Column(column) => context.row.value(column),
            Self::Term(index) => context.term(*index).cloned(),
            Self::Token => context.row.token.map(value::bigint),
            Self::Call(function, arguments) => {
                return (function.compute)(context.env, &all(arguments, context)?);
            }
            Self::Field(inner, index, count) => {
                let Some(bytes) = inner.evaluate(context)? else { return Ok(None) };
                let fields = value::tuple_fields(*count, &bytes).map_err(invalid)?;
                fields.into_iter().nth(*index).flatten()
            }
            Self::Element(inner, cql_type, key) => {
                let (Some(bytes), Some(key)) = (inner.evaluate(context)?, context.term(*key))
                else {
                    return Ok(None);
                };
                part::element(cql_type, &bytes, key)?
            }
            Self::Slice(inner, cql_type, from, to) => {
                let Some(bytes) = inner.evaluate(context)? else { return Ok(None) };
                let bound = |index: &Option<usize>| index.and_then(|index| context.term(index));
                part::slice(cql_type, &bytes, bound(from), bound(to))?
            }
            Self::Tuple(parts) => Some(value::build_tuple(&all(parts, context)?)),
            Self::List(parts) => Some(value::build_list(&present(parts, context)?)),
            Self::Vector(element, parts) => {
                Some(value::build_vector(element, &present(parts, context)?))
            }
            Self::Set(element, parts) => Some(part::set(element, present(parts, context)?)),
            Self::Map(key, entries) => {
                let mut pairs = Vec::with_capacity(entries.len());
                for (k, v) in entries {
                    pairs.push((some(k.evaluate(context)?)?, some(v.evaluate(context)?)?));
                }
                Some(part::map(key, pairs))
            }
            Self::Times(times) => times.evaluate(context),
            Self::Aggregate(index) => context.aggregates.get(*index).cloned().flatten(),
        })
    }
}

fn all(parts: &[Sel], context: &Context<'_>) -> Result<Vec<Option<Bytes>>, PlanError> {
    parts.iter().map(|part| part.evaluate(context)).collect()
}

fn present(parts: &[Sel], context: &Context<'_>) -> Result<Vec<Bytes>, PlanError> {
    parts.iter().map(|part| some(part.evaluate(context)?)).collect()
}

fn some(value: Option<Bytes>) -> Result<Bytes, PlanError> {
    value.ok_or_else(|| PlanError::invalid("null is not supported inside collections"))
}
