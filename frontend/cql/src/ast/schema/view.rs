//! `CREATE MATERIALIZED VIEW`, `ALTER MATERIALIZED VIEW`.

use super::PrimaryKey;
use crate::ast::{Ident, Properties, QualifiedName, Relation, SelectClause};

/// `CREATE MATERIALIZED VIEW name AS SELECT ... PRIMARY KEY (...)`
#[derive(Debug, Clone, PartialEq)]
pub struct CreateView {
    /// The view.
    pub name: QualifiedName,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// What is selected.
    pub clause: SelectClause,
    /// The base table.
    pub base: QualifiedName,
    /// The relations of `WHERE`.
    pub filter: Vec<Relation>,
    /// The key of the view.
    pub primary_key: PrimaryKey,
    /// `CLUSTERING ORDER BY`: column and whether it is descending.
    pub clustering_order: Vec<(Ident, bool)>,
    /// `COMPACT STORAGE`
    pub compact_storage: bool,
    /// Options.
    pub properties: Properties,
}

/// `ALTER MATERIALIZED VIEW name WITH ...`
#[derive(Debug, Clone, PartialEq)]
pub struct AlterView {
    /// The view.
    pub name: QualifiedName,
    /// `IF EXISTS`
    pub if_exists: bool,
    /// Options.
    pub properties: Properties,
}
