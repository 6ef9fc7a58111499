//! `CREATE KEYSPACE`, `ALTER KEYSPACE`.

use crate::ast::{Ident, Properties, PropertyValue};

/// `CREATE KEYSPACE name WITH ...`
#[derive(Debug, Clone, PartialEq)]
pub struct CreateKeyspace {
    /// The keyspace.
    pub name: Ident,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// Replication, durable writes, tags.
    pub properties: Properties,
}

/// `ALTER KEYSPACE name ...`
#[derive(Debug, Clone, PartialEq)]
pub struct AlterKeyspace {
    /// The keyspace.
    pub name: Ident,
    /// `IF EXISTS`
    pub if_exists: bool,
    /// The change.
    pub change: KeyspaceChange,
}

/// What `ALTER KEYSPACE` changes.
#[derive(Debug, Clone, PartialEq)]
pub enum KeyspaceChange {
    /// `WITH ...`
    Properties(Properties),
    /// `ADD TAGS {...}`
    AddTags(PropertyValue),
    /// `DROP TAGS {...}`
    DropTags(PropertyValue),
}
