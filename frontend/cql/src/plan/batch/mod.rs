//! Batches.

use super::{PlanError, Scope};
use crate::ast;

/// A planned batch.
#[derive(Clone, Debug)]
pub struct Batch {}

/// Plans `BEGIN BATCH ... APPLY BATCH`.
///
/// # Errors
/// Anything wrong with one of its statements.
pub fn plan(scope: &mut Scope<'_>, batch: &ast::Batch) -> Result<Batch, PlanError> {
    let _ = (scope, batch);
    Err(PlanError::not_built("BATCH"))
}

impl Batch {
    /// Which variables make up the partition key, in key order.
    #[must_use]
    pub fn partition_key_variables(&self) -> Vec<u16> {
        Vec::new()
    }
}
