//! Selectors computed for a row.

use bytes::Bytes;

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
}

/// An aggregate over the rows of a group.
#[derive(Clone, Debug)]
pub(crate) struct AggregateCall {}

impl Sel {
    /// The value for one row.
    pub(crate) fn evaluate(&self, context: &Context<'_>) -> Result<Option<Bytes>, PlanError> {
        match self {
            Self::Column(column) => Ok(context.row.value(column)),
        }
    }
}
