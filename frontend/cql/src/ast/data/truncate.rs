//! `TRUNCATE`.

use super::Using;
use crate::ast::QualifiedName;

/// `TRUNCATE [TABLE] name`
#[derive(Debug, Clone, PartialEq)]
pub struct Truncate {
    /// The table.
    pub table: QualifiedName,
    /// Only a timeout is possible.
    pub using: Using,
}
