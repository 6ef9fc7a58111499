//! Which columns cannot be compared as wholes.

use super::text::symbol;
use crate::ast::{Comparison, RelationTest};
use crate::plan::select::view::ColumnRef;
use crate::plan::{PlanError, types};
use cellar_schema::CqlType;

/// Values that are stored in parts cannot be compared as wholes.
pub(super) fn refuse_whole(target: &ColumnRef, test: &RelationTest) -> Result<(), PlanError> {
    let sliced = matches!(
        test,
        RelationTest::Compare(
            Comparison::Less
                | Comparison::LessEqual
                | Comparison::Greater
                | Comparison::GreaterEqual,
            _
        ) | RelationTest::Between(..)
    );
    if sliced && target.cql_type == CqlType::Duration {
        return Err(PlanError::invalid("Slice restrictions are not supported on duration columns"));
    }
    if sliced && let Some(what) = types::holding_durations(&target.cql_type) {
        return Err(PlanError::invalid(format!(
            "Slice restrictions are not supported on {what} containing durations"
        )));
    }
    if target.cql_type.is_multi_cell() {
        if target.cql_type.is_collection() {
            return Err(PlanError::invalid(format!(
                "Collection column '{}' ({}) cannot be restricted by a '{}' relation",
                target.name,
                target.cql_type,
                symbol(test)
            )));
        }
        return Err(PlanError::invalid(format!(
            "Non-frozen UDT column '{}' ({}) cannot be restricted by any relation",
            target.name, target.cql_type
        )));
    }
    Ok(())
}
