//! `DESCRIBE` in all its forms.

use super::{Ident, QualifiedName};

/// `DESCRIBE target [WITH INTERNALS]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Describe {
    /// What to describe.
    pub target: DescribeTarget,
    /// Show ids and dropped columns too.
    pub with_internals: bool,
}

/// What is described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DescribeTarget {
    /// `CLUSTER`
    Cluster,
    /// `[FULL] SCHEMA`
    Schema {
        /// The system keyspaces too.
        full: bool,
    },
    /// `KEYSPACES`
    Keyspaces,
    /// `[ONLY] KEYSPACE [name]`; without a name the current one.
    Keyspace {
        /// The keyspace alone, without what is in it.
        only: bool,
        /// Its name.
        name: Option<Ident>,
    },
    /// `TABLES`
    Tables,
    /// `TABLE name`
    Table(QualifiedName),
    /// `INDEX name`
    Index(QualifiedName),
    /// `MATERIALIZED VIEW name`
    View(QualifiedName),
    /// `TYPES`
    Types,
    /// `TYPE name`
    Type(QualifiedName),
    /// `FUNCTIONS`
    Functions,
    /// `FUNCTION name`
    Function(QualifiedName),
    /// `AGGREGATES`
    Aggregates,
    /// `AGGREGATE name`
    Aggregate(QualifiedName),
    /// `DESCRIBE name`: a keyspace, table, view or index of this name.
    Anything(QualifiedName),
}
