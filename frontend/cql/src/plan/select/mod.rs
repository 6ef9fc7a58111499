//! Reads: not planned yet.

use super::{PlanError, Planned, Scope};
use crate::ast;

/// A planned `SELECT`.
#[derive(Clone, Debug)]
pub struct Select {}

/// Plans a `SELECT`.
///
/// # Errors
/// Always, until reads are planned.
pub fn plan(scope: Scope<'_>, select: &ast::Select) -> Result<Planned, PlanError> {
    let _ = (scope, select);
    Err(PlanError::not_built("SELECT"))
}
