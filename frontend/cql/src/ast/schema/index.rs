//! `CREATE INDEX`.

use crate::ast::{Ident, Properties, QualifiedName};

/// `CREATE [CUSTOM] INDEX [name] ON table (target, ...) [USING class] [WITH ...]`
#[derive(Debug, Clone, PartialEq)]
pub struct CreateIndex {
    /// `CUSTOM`
    pub custom: bool,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// The name, if given.
    pub name: Option<QualifiedName>,
    /// The table.
    pub table: QualifiedName,
    /// What is indexed.
    pub targets: Vec<IndexTarget>,
    /// `USING 'class'`
    pub class: Option<Box<str>>,
    /// `WITH OPTIONS = {...}` and others.
    pub properties: Properties,
}

/// What is indexed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexTarget {
    /// `c`
    Column(Ident),
    /// `VALUES(c)`
    Values(Ident),
    /// `KEYS(c)`
    Keys(Ident),
    /// `ENTRIES(c)`
    Entries(Ident),
    /// `FULL(c)`
    Full(Ident),
    /// `(a, b)`: the partition key of a local index.
    PartitionKey(Vec<Ident>),
}
