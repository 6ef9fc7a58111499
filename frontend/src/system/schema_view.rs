//! The schema as the planner sees it: the catalog's keyspaces and the virtual ones.

use std::{collections::BTreeMap, sync::Arc};

use cellar_cql::plan::SchemaView;
use cellar_metadata_api::Catalog;
use cellar_schema::Keyspace;

/// One version of the schema.
#[derive(Clone, Debug)]
pub struct View {
    catalog: Arc<Catalog>,
    virtual_keyspaces: Arc<BTreeMap<String, Arc<Keyspace>>>,
}

impl View {
    pub(super) fn new(
        catalog: Arc<Catalog>,
        virtual_keyspaces: Arc<BTreeMap<String, Arc<Keyspace>>>,
    ) -> Self {
        Self { catalog, virtual_keyspaces }
    }

    /// Keyspaces that users made, by name.
    #[must_use]
    pub fn stored(&self) -> &BTreeMap<String, Arc<Keyspace>> {
        &self.catalog.keyspaces
    }

    /// Keyspaces that are made up, by name.
    #[must_use]
    pub fn made_up(&self) -> &BTreeMap<String, Arc<Keyspace>> {
        &self.virtual_keyspaces
    }

    /// How a keyspace is replicated, with a number for each data centre.
    #[must_use]
    pub(crate) fn replication(&self, keyspace: &Keyspace) -> BTreeMap<String, String> {
        super::schema::by_datacenter(&self.catalog, &keyspace.replication)
    }
}

impl SchemaView for View {
    fn keyspace(&self, name: &str) -> Option<Arc<Keyspace>> {
        self.catalog.keyspace(name).or_else(|| self.virtual_keyspaces.get(name)).cloned()
    }

    fn keyspace_names(&self) -> Vec<String> {
        self.catalog.keyspaces.keys().chain(self.virtual_keyspaces.keys()).cloned().collect()
    }
}
