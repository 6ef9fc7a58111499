//! `DELETE`.

use super::{Condition, Using};
use crate::ast::{Ident, QualifiedName, Relation, Term};

/// `DELETE [columns] FROM table WHERE ...`
#[derive(Debug, Clone, PartialEq)]
pub struct Delete {
    /// What to delete; empty means whole rows.
    pub columns: Vec<Deletion>,
    /// The table.
    pub table: QualifiedName,
    /// Attributes; a TTL is impossible.
    pub using: Using,
    /// The relations of `WHERE`.
    pub filter: Vec<Relation>,
    /// `IF`
    pub condition: Option<Condition>,
}

/// A part of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Deletion {
    /// `c`
    Column(Ident),
    /// `c[key]`
    Element(Ident, Term),
    /// `c.field`
    Field(Ident, Ident),
}
