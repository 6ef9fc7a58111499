//! `DROP` of everything that has a name only.

use crate::ast::QualifiedName;

/// `DROP kind [IF EXISTS] name`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropObject {
    /// The kind.
    pub kind: ObjectKind,
    /// Its name; a keyspace has no keyspace.
    pub name: QualifiedName,
    /// `IF EXISTS`
    pub if_exists: bool,
}

/// What can be dropped by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// `KEYSPACE`
    Keyspace,
    /// `TABLE`
    Table,
    /// `TYPE`
    Type,
    /// `INDEX`
    Index,
    /// `MATERIALIZED VIEW`
    View,
}
