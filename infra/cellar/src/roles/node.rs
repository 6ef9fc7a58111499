//! A node of this process.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use cellar_cell_api::{AdminAnswer, AdminRequest, CellService};
use cellar_metadata_api::{Catalog, Metadata, NodeId};
use cellar_rpc::{Pool, Router};
use cellar_storage_cell::{Node, NodeOptions};
use futures::future::join_all;

use super::{Process, object_store};
use crate::config::Settings;

/// What to do with a node whose disk has not kept what was written to it.
const DAMAGED: &str = "what this node has stored is damaged, and it must not take part again as \
    the node it was; if its cells have other replicas, start it with an empty data folder: it is a \
    new node then that copies from the others; forget the old one with `cellar node remove`";

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

    /// Lets other replicas lead what this node leads, so that nobody waits for an election.
    /// `address` is where this node is heard.
    pub(crate) async fn hand_over(&self, pool: &Pool, address: &str) {
        let Ok(AdminAnswer::Cells(cells)) = self.node.admin(AdminRequest::Cells).await else {
            return;
        };
        let id = self.id();
        let client = pool.client(address);
        let led = cells.iter().filter(|c| c.leader == Some(id) && c.replicas.len() > 1);
        let handed = led.map(async |cell| {
            let handed = cellar_raft::ask_transfer_leader(&client, id.0, cell.cell.0, None).await;
            if let Err(error) = handed {
                tracing::warn!(cell = %cell.cell, %error, "leadership was not handed over");
            }
        });
        join_all(handed).await;
    }

    pub(crate) async fn stop(&self) -> anyhow::Result<()> {
        self.node.shutdown().await.context("the node did not stop cleanly")
    }
}

/// Whether a node has lived in a folder before.
pub(super) fn is_known(folder: &Path) -> bool {
    folder.join("node-id").exists()
}

/// Name of the file with the last catalog heard, in the node's folder.
pub(super) const KEPT: &str = "catalog";

/// Where a node lives.
pub(super) struct Place<'a> {
    /// Everything it keeps.
    pub(super) folder: &'a Path,
    /// How others reach it.
    pub(super) address: &'a str,
    /// The catalog that it heard last.
    pub(super) kept: Option<Arc<Catalog>>,
}

/// Starts a node and registers it.
pub(super) async fn start(
    process: &Process,
    settings: &Settings,
    place: Place<'_>,
    metadata: Arc<dyn Metadata>,
) -> anyhow::Result<Running> {
    let store = object_store(settings).await?;
    let Place { folder, address, kept } = place;
    let mut options = NodeOptions::new(folder.to_path_buf(), address.to_owned(), store);
    options.kept = kept;
    options.datacenter.clone_from(&settings.datacenter);
    options.rack.clone_from(&settings.rack);
    options.region.clone_from(&settings.region);
    options.cell_split_bytes = settings.cell_split_bytes;
    options.cell_split_requests_per_s = settings.cell_split_requests_per_s;
    options.reserve_bytes = settings.disk_reserve_bytes;
    options.stall_ms = settings.disk_stall_ms;
    options.clock = Arc::clone(&process.clock);
    let node = Node::start(options, metadata, process.pool.clone(), &process.tasks).await;
    let node = node.map_err(|error| {
        let damaged = error.is_damage();
        let error = anyhow::Error::new(error).context("cannot start the node");
        if damaged { error.context(DAMAGED) } else { error }
    })?;
    Ok(Running { node })
}
