//! One of several nodes: it listens on the loopback.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use cellar_cell_api::{AdminAnswer, AdminRequest, CellReport, CellService, routes};
use cellar_metadata_api::Metadata;
use cellar_rpc::{ClientConfig, Pool, Router, Server, ServerLimits, tasks::Tasks};
use cellar_storage_cell::{Node, NodeOptions};
use cellar_tiering::store::FileStore;

use super::{FakeMetadata, within};

/// A node that listens.
pub struct Member {
    pub node: Arc<Node>,
    tasks: Tasks,
}

impl Member {
    /// Starts one; all of a folder share the cold store there.
    pub async fn start(
        dir: &Path,
        number: usize,
        address: SocketAddr,
        metadata: &Arc<FakeMetadata>,
        choose: impl FnOnce(&mut NodeOptions),
    ) -> Self {
        let tasks = Tasks::new();
        let pool = Pool::new(ClientConfig::default(), &tasks);
        let store = Arc::new(FileStore::open(dir.join("cold")).unwrap());
        let disk = dir.join(format!("disk-{number}"));
        let mut options = NodeOptions::new(disk, address.to_string(), store);
        options.log_segment_bytes = 4 << 20;
        options.log_bytes = 8 << 20;
        options.on_fatal = Some(Arc::new(|error| {
            // At the end of a test its folder goes before its nodes do.
            tracing::warn!(%error, "the log has failed");
        }));
        choose(&mut options);
        let metadata = Arc::clone(metadata) as Arc<dyn Metadata>;
        let node = Node::start(options, metadata, pool, &tasks).await.unwrap();
        let router = node.register(Router::new().merge(routes(Arc::clone(&node) as _)));
        let limits = ServerLimits { drain_ms_max: 300, ..Default::default() };
        // A port that was free may be somebody's own end of a call for a moment.
        let mut bound = None;
        within("the address is free", async || {
            bound = Server::bind(address, None, router.clone(), limits.clone(), &tasks).await.ok();
            bound.is_some()
        })
        .await;
        let server = bound.unwrap();
        let stop = tasks.token().clone();
        tasks.spawn("server", async move { drop(server.run(stop).await) });
        Self { node, tasks }
    }

    pub async fn stop(self) {
        self.node.shutdown().await.unwrap();
        self.tasks.shutdown(Duration::from_secs(30)).await.unwrap();
    }

    pub async fn cells(&self) -> Vec<CellReport> {
        match self.node.admin(AdminRequest::Cells).await.unwrap() {
            AdminAnswer::Cells(mut cells) => {
                cells.sort_by_key(|cell| cell.range.start);
                cells
            }
            other => panic!("{other:?}"),
        }
    }
}
