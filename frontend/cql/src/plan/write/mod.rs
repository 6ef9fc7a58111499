//! Writes.

use super::{PlanError, Scope};
use crate::ast;

/// A planned `INSERT`, `UPDATE` or `DELETE`.
#[derive(Clone, Debug)]
pub struct Write {}

/// Plans an `INSERT`.
///
/// # Errors
/// Anything wrong with the statement.
pub fn plan_insert(scope: &mut Scope<'_>, insert: &ast::Insert) -> Result<Write, PlanError> {
    let _ = (scope, insert);
    Err(PlanError::not_built("INSERT"))
}

/// Plans an `UPDATE`.
///
/// # Errors
/// Anything wrong with the statement.
pub fn plan_update(scope: &mut Scope<'_>, update: &ast::Update) -> Result<Write, PlanError> {
    let _ = (scope, update);
    Err(PlanError::not_built("UPDATE"))
}

/// Plans a `DELETE`.
///
/// # Errors
/// Anything wrong with the statement.
pub fn plan_delete(scope: &mut Scope<'_>, delete: &ast::Delete) -> Result<Write, PlanError> {
    let _ = (scope, delete);
    Err(PlanError::not_built("DELETE"))
}

impl Write {
    /// Which variables make up the partition key, in key order.
    #[must_use]
    pub fn partition_key_variables(&self) -> Vec<u16> {
        Vec::new()
    }
}
