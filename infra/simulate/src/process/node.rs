//! A node on its machine: the log on a simulated disk, the engine in a folder in memory.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Result;
use cellar_cell_api::{AdminAnswer, AdminRequest, CellReport, CellService, routes};
use cellar_metadata_api::{Client, Metadata, protocol::Identity};
use cellar_schema::Clock;
use cellar_storage_cell::{Node, NodeOptions};
use cellar_tiering::store::FileStore;
use tokio::time::timeout;

use super::{End, Life, Surroundings};
use crate::world::{clock::WallClock, disk::HeldDisk};

/// Bytes of a segment of the log: small, so that rolling, flushing and purging are part of every
/// run.
const SEGMENT_BYTES: u64 = 32 << 10;
/// How long a node that was here before waits for the metadata service.
const METADATA_PATIENCE: Duration = Duration::from_secs(3);

/// A machine with its disk and its clock.
pub(crate) struct NodeMachine {
    pub(crate) address: String,
    pub(crate) clock: WallClock,
    metadata: Vec<String>,
    disk: HeldDisk,
    root: PathBuf,
    /// Counts the processes that have run here; each has its own copy of the folder.
    lives: u32,
    pub(crate) running: Option<Running>,
}

/// A node that runs.
pub(crate) struct Running {
    pub(crate) life: Life,
    pub(crate) node: Arc<Node>,
    /// What the node itself knows of the metadata.
    pub(crate) metadata: Client,
}

impl NodeMachine {
    pub(crate) fn new(
        address: String,
        metadata: Vec<String>,
        disk: HeldDisk,
        clock: WallClock,
        root: PathBuf,
    ) -> Self {
        Self { address, clock, metadata, disk, root, lives: 0, running: None }
    }

    fn folder(&self) -> PathBuf {
        self.root.join(format!("life-{}", self.lives))
    }

    /// The process, as it starts.
    pub(crate) fn starting(
        &self,
        surroundings: Surroundings,
    ) -> Result<impl Future<Output = Result<Running>> + Send + 'static> {
        let life = surroundings.begin(&self.address);
        let (folder, address, members) =
            (self.folder(), self.address.clone(), self.metadata.clone());
        let store = Arc::new(FileStore::open(self.root.join("cold"))?);
        let mut options = NodeOptions::new(folder.clone(), address.clone(), store);
        options.clock = Arc::new(self.clock.clone()) as Arc<dyn Clock>;
        options.log_disk = Arc::new(self.disk.clone());
        options.on_fatal = Some(surroundings.on_fatal(&self.address, &life));
        options.log_segment_bytes = SEGMENT_BYTES;
        options.log_bytes = 4 * SEGMENT_BYTES;
        // Short, so that cells rest and wake up often in a run.
        options.rest_after_ms = 500;
        // Compactions run on threads of their own, at times that no seed decides.
        options.engine.l0_runs = u8::MAX;
        options.engine.compaction_threads = 1;
        Ok(async move {
            let connect = |identity| Client::connect(&life.pool, &members, identity, &life.tasks);
            let client = connect(Identity::Observer(format!("node at {address}")));
            if folder.join("node-id").exists() {
                // Serves what it has even when the metadata service is away.
                drop(timeout(METADATA_PATIENCE, client.ready()).await);
            } else {
                client.ready().await;
            }
            let metadata: Arc<dyn Metadata> = Arc::new(client.clone());
            let node = Node::start(options, metadata, life.pool.clone(), &life.tasks).await?;
            let router = node.register(routes(Arc::clone(&node) as Arc<dyn CellService>));
            surroundings.listen(&address, &life, router);
            // From now on the service sees that the node is in touch.
            drop(connect(Identity::Node(node.id())));
            Ok(Running { life, node, metadata: client })
        })
    }

    /// Ends the process in the middle of whatever it does. The engine is left with what it had
    /// flushed: it has no other way to the disk.
    pub(crate) fn end(&mut self, surroundings: &Surroundings, end: End) -> Result<()> {
        surroundings.network.hang_up(&self.address);
        self.disk = match end {
            End::Kill => self.disk.after_kill(),
            End::PowerLoss => self.disk.after_power_loss(),
        };
        let before = self.folder();
        self.lives = self.lives.saturating_add(1);
        copy(&before, &self.folder())?;
        if let Some(running) = self.running.take() {
            let node = Arc::clone(&running.node);
            running.life.bury(surroundings, async move { drop(node.shutdown().await) });
        }
        Ok(())
    }

    pub(crate) fn disk(&self) -> &HeldDisk {
        &self.disk
    }
}

impl Running {
    /// The cells of the node as it sees them, asked inside the process.
    pub(crate) async fn cells(&self) -> Vec<CellReport> {
        match self.node.admin(AdminRequest::Cells).await {
            Ok(AdminAnswer::Cells(mut cells)) => {
                cells.sort_by_key(|cell| cell.cell);
                cells
            }
            _ => Vec::new(),
        }
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if !from.exists() {
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
