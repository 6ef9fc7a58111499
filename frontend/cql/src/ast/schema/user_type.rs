//! `CREATE TYPE`, `ALTER TYPE`.

use crate::ast::{CqlType, Ident, QualifiedName};

/// `CREATE TYPE name (field type, ...)`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateType {
    /// The type.
    pub name: QualifiedName,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// Fields in order.
    pub fields: Vec<(Ident, CqlType)>,
}

/// `ALTER TYPE name ...`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlterType {
    /// The type.
    pub name: QualifiedName,
    /// `IF EXISTS`
    pub if_exists: bool,
    /// The change.
    pub change: TypeChange,
}

/// What `ALTER TYPE` changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypeChange {
    /// `ADD [IF NOT EXISTS] field type, ...`
    Add {
        /// `IF NOT EXISTS`
        if_not_exists: bool,
        /// New fields.
        fields: Vec<(Ident, CqlType)>,
    },
    /// `RENAME [IF EXISTS] a TO b AND ...`
    Rename {
        /// `IF EXISTS`
        if_exists: bool,
        /// Old and new names.
        fields: Vec<(Ident, Ident)>,
    },
    /// `ALTER field TYPE type`
    Retype(Ident, CqlType),
}
