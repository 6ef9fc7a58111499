//! `CREATE TABLE`, `ALTER TABLE`.

use crate::ast::{CqlType, Ident, Properties, PropertyValue, QualifiedName, Term};

/// `CREATE TABLE name (...) WITH ...`
#[derive(Debug, Clone, PartialEq)]
pub struct CreateTable {
    /// The table.
    pub name: QualifiedName,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// Columns in order.
    pub columns: Vec<ColumnDef>,
    /// Every key, wherever it was written; exactly one makes sense.
    pub primary_keys: Vec<PrimaryKey>,
    /// `CLUSTERING ORDER BY`: column and whether it is descending.
    pub clustering_order: Vec<(Ident, bool)>,
    /// `COMPACT STORAGE`
    pub compact_storage: bool,
    /// Options.
    pub properties: Properties,
}

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnDef {
    /// Its name.
    pub name: Ident,
    /// Its type.
    pub cql_type: CqlType,
    /// `STATIC`
    pub is_static: bool,
    /// `MASKED WITH ...`
    pub masking: Option<Masking>,
}

/// How a column is hidden from roles without `UNMASK`.
#[derive(Debug, Clone, PartialEq)]
pub enum Masking {
    /// `MASKED WITH DEFAULT`
    Default,
    /// `MASKED WITH function(args)`
    Function(QualifiedName, Vec<Term>),
}

/// `PRIMARY KEY ((partition), clustering)`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrimaryKey {
    /// Never empty.
    pub partition: Vec<Ident>,
    /// May be empty.
    pub clustering: Vec<Ident>,
}

/// `ALTER TABLE name ...`
#[derive(Debug, Clone, PartialEq)]
pub struct AlterTable {
    /// The table.
    pub name: QualifiedName,
    /// `IF EXISTS`
    pub if_exists: bool,
    /// The change.
    pub change: TableChange,
}

/// What `ALTER TABLE` changes.
#[derive(Debug, Clone, PartialEq)]
pub enum TableChange {
    /// `ADD [IF NOT EXISTS] column type, ...`
    Add {
        /// `IF NOT EXISTS`
        if_not_exists: bool,
        /// New columns.
        columns: Vec<ColumnDef>,
    },
    /// `DROP [IF EXISTS] column, ... [USING TIMESTAMP n]`
    Drop {
        /// `IF EXISTS`
        if_exists: bool,
        /// Column names.
        columns: Vec<Ident>,
        /// Microseconds.
        timestamp: Option<Term>,
    },
    /// `RENAME [IF EXISTS] a TO b AND ...`
    Rename {
        /// `IF EXISTS`
        if_exists: bool,
        /// Old and new names.
        columns: Vec<(Ident, Ident)>,
    },
    /// `ALTER column TYPE type`
    Retype(Ident, CqlType),
    /// `ALTER [IF EXISTS] column MASKED WITH ...` or `DROP MASKED`
    Mask {
        /// `IF EXISTS`
        if_exists: bool,
        /// The column.
        column: Ident,
        /// `None` for `DROP MASKED`.
        masking: Option<Masking>,
    },
    /// `WITH ...`
    Properties(Properties),
    /// `ADD TAGS {...}`
    AddTags(PropertyValue),
    /// `DROP TAGS {...}`
    DropTags(PropertyValue),
    /// `DROP COMPACT STORAGE`
    DropCompactStorage,
}
