//! `SELECT`: which parts of the key space are read, in which order, and how the rows found there
//! become rows of the result. Start at [`plan`]; [`Select::bind`] gives the reads, and the
//! [`RowReader`] turns what they bring into the result.

mod aggregate;
mod bound;
mod group;
mod json;
mod materialized;
mod nearest;
mod order;
mod output;
mod planned;
mod reader;
mod restrict;
mod selector;
mod sink;
mod view;

pub use materialized::BoundView;
pub(crate) use materialized::check_filter as check_view_filter;
pub(crate) use restrict::symbol;

pub use bound::{BoundSelect, PartitionRead, Reads};
pub use planned::{Select, plan};
pub use reader::{Flow, Progress, RowReader};
pub(super) use selector::{is_token, term_name, token_function};

/// Whether a function of this name is computed over rows.
pub(super) fn is_aggregate(name: &crate::ast::QualifiedName) -> bool {
    aggregate::AggregateCall::is_named(name)
}
