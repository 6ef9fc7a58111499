//! `INSERT`.

use super::Using;
use crate::ast::{Ident, QualifiedName, Term};

/// `INSERT INTO table ...`
#[derive(Debug, Clone, PartialEq)]
pub struct Insert {
    /// The table.
    pub table: QualifiedName,
    /// What is inserted.
    pub values: InsertValues,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// Attributes.
    pub using: Using,
}

/// The two forms of `INSERT`.
#[derive(Debug, Clone, PartialEq)]
pub enum InsertValues {
    /// `(a, b) VALUES (1, 2)`: as many columns as terms.
    Columns(Vec<(Ident, Term)>),
    /// `(a, b) VALUES (1)`: not as many columns as terms, which no schema makes right.
    Unmatched,
    /// `JSON '...'`
    Json {
        /// A text literal or a marker.
        document: Term,
        /// What happens to columns that the document leaves out.
        default: JsonDefault,
    },
}

/// `DEFAULT NULL` or `DEFAULT UNSET`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonDefault {
    /// Missing columns are deleted; also without a `DEFAULT` clause.
    Null,
    /// Missing columns are left alone.
    Unset,
}
