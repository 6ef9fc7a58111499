//! The schema as the planner needs it: lookups by name, nothing else. The frontend answers from
//! its catalog and its virtual system keyspaces.

use std::sync::Arc;

use cellar_schema::{Keyspace, Table, UserType};

/// Lookups by name, names without quotes.
pub trait SchemaView {
    /// The keyspace with all that is in it.
    fn keyspace(&self, name: &str) -> Option<Arc<Keyspace>>;

    /// Names of all keyspaces, for hints.
    fn keyspace_names(&self) -> Vec<String>;

    /// A table.
    fn table(&self, keyspace: &str, name: &str) -> Option<Arc<Table>> {
        self.keyspace(keyspace)?.tables.get(name).cloned()
    }

    /// A user-defined type.
    fn user_type(&self, keyspace: &str, name: &str) -> Option<Arc<UserType>> {
        self.keyspace(keyspace)?.types.get(name).cloned()
    }
}
