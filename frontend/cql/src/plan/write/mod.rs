//! `INSERT`, `UPDATE` and `DELETE`: planned once, then bound to values to become mutations.
//!
//! Start at [`Write`]. Column ids, types, element shapes and the places of markers are settled by
//! the planner; [`Write::bind`] checks values, builds keys and copies bytes.

mod assign;
mod attributes;
mod bind;
mod bound;
mod condition;
mod delete;
mod filter;
mod indexed;
mod insert;
mod json;
mod key;
mod operation;
mod update;

pub(crate) use attributes::Attributes;
pub(crate) use bound::is_looked_at;
pub use bound::{BoundWrite, CasResult};
pub use delete::plan as plan_delete;
pub use insert::plan as plan_insert;
pub use update::plan as plan_update;

use std::sync::Arc;

use cellar_schema::{ColumnId, Table};

use super::PlanError;
use condition::Conditions;
use filter::Filter;
use json::Document;
use key::{Bound, KeyPart};
use operation::ColumnWrite;

/// A planned `INSERT`, `UPDATE` or `DELETE`.
#[derive(Clone, Debug)]
pub struct Write {
    table: Arc<Table>,
    action: Action,
    /// One part for each partition key column, in key order.
    partition: Vec<KeyPart>,
    rows: Rows,
    statics: Vec<(ColumnId, ColumnWrite)>,
    regular: Vec<(ColumnId, ColumnWrite)>,
    attributes: Attributes,
    conditions: Conditions,
    document: Option<Document>,
    /// Markers of the whole statement.
    markers: usize,
    idempotent: bool,
}

/// What the statement does to its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    /// Write columns and the row marker.
    Insert,
    /// Write columns.
    Update,
    /// Delete columns.
    DeleteColumns,
    /// Delete all that is named.
    DeleteRows,
}

/// The rows of each partition that a statement is about.
#[derive(Clone, Debug)]
enum Rows {
    /// The partition as a whole.
    Partition,
    /// Its static columns only.
    Statics,
    /// Rows by all their clustering columns.
    Keys(Vec<KeyPart>),
    /// Rows by the first clustering columns and a range of the next.
    Range { prefix: Vec<KeyPart>, lower: Option<Bound>, upper: Option<Bound> },
}

impl Write {
    /// The table written to.
    #[must_use]
    pub fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// Whether there is an `IF`.
    #[must_use]
    pub fn is_conditional(&self) -> bool {
        !self.conditions.is_none()
    }

    /// Whether the statement has its own timestamp.
    #[must_use]
    pub fn has_timestamp(&self) -> bool {
        self.attributes.timestamp.is_some()
    }

    /// Whether the statement has its own TTL.
    #[must_use]
    pub fn has_ttl(&self) -> bool {
        self.attributes.ttl.is_some()
    }

    /// Which variables make up the partition key, in key order; empty unless all of it is bound.
    #[must_use]
    pub fn partition_key_variables(&self) -> Vec<u16> {
        let markers: Option<Vec<u16>> = self.partition.iter().map(KeyPart::marker_index).collect();
        markers.unwrap_or_default()
    }

    /// Refuses what cannot go together, and settles whether the write is idempotent.
    fn checked(mut self) -> Result<Self, PlanError> {
        let counter = self.table.is_counter();
        if counter && self.is_conditional() {
            return Err(PlanError::invalid(
                "Conditional updates are not supported on counter tables",
            ));
        }
        if counter && self.has_timestamp() {
            return Err(PlanError::invalid("Cannot provide custom timestamp for counter updates"));
        }
        if counter && self.has_ttl() {
            return Err(PlanError::invalid("Cannot provide custom TTL for counter updates"));
        }
        if self.is_conditional() && self.has_timestamp() {
            return Err(PlanError::invalid(
                "Cannot provide custom timestamp for conditional updates",
            ));
        }
        let columns = self.statics.iter().chain(&self.regular);
        let parts = match &self.rows {
            Rows::Keys(parts) | Rows::Range { prefix: parts, .. } => parts.as_slice(),
            Rows::Partition | Rows::Statics => &[],
        };
        self.idempotent = self.conditions.is_none()
            && columns.into_iter().all(|(_, write)| write.is_idempotent())
            && self.partition.iter().chain(parts).all(KeyPart::is_pure);
        Ok(self)
    }
}

/// Refuses `IN` where a condition needs one row.
fn refuse_in(filter: &Filter, what: &str) -> Result<(), PlanError> {
    if filter.partition.iter().any(KeyPart::is_in) {
        return Err(PlanError::invalid(format!(
            "IN on the partition key is not supported with conditional {what}"
        )));
    }
    if filter.clustering.iter().any(KeyPart::is_in) {
        return Err(PlanError::invalid(format!(
            "IN on the clustering key columns is not supported with conditional {what}"
        )));
    }
    Ok(())
}
