//! `UPDATE`, and the conditions it shares with `DELETE`.

use super::Using;
use crate::ast::{Ident, QualifiedName, Relation, Term};

/// `UPDATE table SET ... WHERE ...`
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// The table.
    pub table: QualifiedName,
    /// Attributes.
    pub using: Using,
    /// Assignments in order.
    pub assignments: Vec<Assignment>,
    /// The relations of `WHERE`.
    pub filter: Vec<Relation>,
    /// `IF`
    pub condition: Option<Condition>,
}

/// One assignment; where a column appears on the right it is the assigned one.
#[derive(Debug, Clone, PartialEq)]
pub enum Assignment {
    /// `c = v`
    Set(Ident, Term),
    /// `c = c + v`, `c += v`
    Add(Ident, Term),
    /// `c = c - v`, `c -= v`
    Subtract(Ident, Term),
    /// `c = v + c`
    Prepend(Ident, Term),
    /// `c[key] = v`
    SetElement(Ident, Term, Term),
    /// `c.field = v`
    SetField(Ident, Ident, Term),
}

impl Assignment {
    /// The assigned column.
    #[must_use]
    pub fn column(&self) -> &Ident {
        match self {
            Self::Set(name, _)
            | Self::Add(name, _)
            | Self::Subtract(name, _)
            | Self::Prepend(name, _)
            | Self::SetElement(name, _, _)
            | Self::SetField(name, _, _) => name,
        }
    }
}

/// `IF EXISTS` or `IF condition AND condition`.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// `IF EXISTS`
    Exists,
    /// Every relation must hold; never empty.
    Holds(Vec<Relation>),
}
