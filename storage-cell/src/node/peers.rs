//! Where the other members of a cell's group are: where the catalog says that their node is now,
//! else where it was when they came into the group.

use std::sync::Arc;

use cellar_metadata_api::{Catalog, Metadata, NodeId};
use cellar_raft::Peers;
use cellar_rpc::{Client, Pool};
use tokio::sync::watch;

/// Finds nodes by their ids.
pub(super) struct Places {
    pool: Pool,
    catalog: watch::Receiver<Arc<Catalog>>,
}

impl Places {
    pub(super) fn new(pool: Pool, metadata: &dyn Metadata) -> Self {
        Self { pool, catalog: metadata.catalog() }
    }
}

impl Peers for Places {
    fn client(&self, node: u64, address: &str) -> Client {
        let catalog = self.catalog.borrow();
        let known = catalog.nodes.get(&NodeId(node)).map(|node| node.address.as_str());
        self.pool.client(known.filter(|known| !known.is_empty()).unwrap_or(address))
    }
}
