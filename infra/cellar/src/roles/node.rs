//! A node of this process.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use cellar_cell_api::CellService;
use cellar_metadata_api::{Metadata, NodeId};
use cellar_rpc::Router;
use cellar_storage_cell::{Node, NodeOptions};

use super::{Process, object_store};
use crate::config::Settings;

/// A running node.
pub(crate) struct Running {
    node: Arc<Node>,
}

impl Running {
    pub(crate) fn id(&self) -> NodeId {
        self.node.id()
    }

    pub(crate) fn service(&self) -> Arc<dyn CellService> {
        Arc::clone(&self.node) as Arc<dyn CellService>
    }

    /// Adds what other processes may ask of it.
    pub(crate) fn register(&self, router: Router) -> Router {
        self.node.register(router.merge(cellar_cell_api::routes(self.service())))
    }

    pub(crate) async fn stop(&self) -> anyhow::Result<()> {
        self.node.shutdown().await.context("the node did not stop cleanly")
    }
}

/// Starts a node in a folder and registers it. `address` is how others reach it.
pub(crate) async fn start(
    process: &Process,
    settings: &Settings,
    folder: &Path,
    address: &str,
    metadata: Arc<dyn Metadata>,
) -> anyhow::Result<Running> {
    let store = object_store(settings).await?;
    let mut options = NodeOptions::new(folder.to_path_buf(), address.to_owned(), store);
    options.datacenter.clone_from(&settings.datacenter);
    options.rack.clone_from(&settings.rack);
    options.region.clone_from(&settings.region);
    options.cell_split_bytes = settings.cell_split_bytes;
    options.clock = Arc::clone(&process.clock);
    let node = Node::start(options, metadata, process.pool.clone(), &process.tasks)
        .await
        .context("cannot start the node")?;
    Ok(Running { node })
}
