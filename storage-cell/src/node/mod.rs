//! A node: one disk, one engine, one log, many cells.
//!
//! It obeys the placement: a cell that stands here is started, a table that was dropped is
//! removed, a cell that has grown too large is split. Start at [`Node::start`].

mod batches;
mod cells;
mod drops;
mod error;
mod follow;
mod heal;
mod identity;
mod indexes;
mod known;
mod moves;
mod options;
mod peers;
mod ranges;
mod registration;
mod service;
mod tier;

use std::{fmt, fs, sync::Arc, time::Duration};

use cellar_engine::Engine;
use cellar_metadata_api::{CellId, Metadata, NodeId};
use cellar_raft::{Host, HostOptions};
use cellar_rpc::{Pool, Router, tasks::Tasks};
use tokio::{
    sync::{Mutex, Notify, mpsc},
    time::{sleep, timeout},
};
use uuid::Uuid;

pub use error::NodeError;
pub use options::{MergeSteps, NodeOptions};

use crate::{
    apply::Machines,
    blocking::in_background,
    cell::{Cell, Events},
    cold::Cold,
    limits::{RELEASE_LOOK_MS, RELEASE_MS_MAX, STOP_MS_MAX},
};
use cells::Cells;
use heal::Damages;
use moves::Moves;
use peers::Places;

/// A running node. It serves as `cellar_cell_api::CellService`.
pub struct Node {
    inner: Arc<Inner>,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("id", &self.inner.id).finish_non_exhaustive()
    }
}

struct Inner {
    id: NodeId,
    disk: Uuid,
    options: NodeOptions,
    engine: Engine,
    host: Host,
    /// Reaches other nodes.
    pool: Pool,
    metadata: Arc<dyn Metadata>,
    cells: Cells,
    machines: Arc<Machines>,
    events: Events,
    /// Tables may have to be removed.
    drops: Notify,
    /// Cells may have to be moved.
    moves: Moves,
    /// Cells with damaged rows.
    damages: Damages,
    /// The way to the cold tier.
    cold: Arc<Cold>,
    /// One split at a time on this disk.
    splitting: Mutex<()>,
    /// The metadata service is told of changes one after the other.
    telling: Mutex<()>,
    tasks: Tasks,
}

impl Node {
    /// Opens the node's disk, registers it, and starts the cells that are on it; their logs are
    /// replayed when this returns. Others are started as the metadata service places them.
    ///
    /// A node that has registered before starts even when the metadata service is away.
    ///
    /// # Errors
    /// See [`NodeError`].
    pub async fn start(
        options: NodeOptions,
        metadata: Arc<dyn Metadata>,
        pool: Pool,
        tasks: &Tasks,
    ) -> Result<Arc<Self>, NodeError> {
        let tasks = tasks.child();
        let dir = &options.dir;
        let failed = |source| NodeError::Io { path: dir.clone(), source };
        fs::create_dir_all(dir).map_err(failed)?;
        let known = identity::read(dir)?;
        let disk = identity::disk(dir)?;
        let (id, registered) = registration::register(&options, &*metadata, disk, known).await?;
        if known.is_none() {
            identity::write(dir, id)?;
        }
        let engine = Engine::open(&dir.join("rows"), options.engine.clone())?;
        let mut log = HostOptions::new(id.0, dir.join("log"), &tasks);
        log.segment_bytes = options.log_segment_bytes;
        log.log_bytes = options.log_bytes;
        log.rest_after_ms = options.rest_after_ms;
        log.disk = Arc::clone(&options.log_disk);
        log.reserve_bytes = options.reserve_bytes;
        log.stall_ms = options.stall_ms;
        if let Some(told) = &options.on_fatal {
            log.on_fatal = Arc::clone(told);
        }
        let host = Host::open(log, Arc::new(Places::new(pool.clone(), &*metadata)))?;
        let (events, mut heard) = mpsc::unbounded_channel();
        let kept = options.kept.clone();
        let cold = Cold::new(Arc::clone(&options.store), Arc::clone(&metadata), kept);
        let cold = Arc::new(cold);
        let inner = Arc::new(Inner {
            id,
            disk,
            options,
            engine,
            host,
            pool,
            metadata,
            cells: Cells::default(),
            machines: Arc::default(),
            events,
            drops: Notify::new(),
            moves: Moves::default(),
            damages: Damages::default(),
            cold,
            splitting: Mutex::default(),
            telling: Mutex::default(),
            tasks,
        });
        // Before any log is replayed.
        inner.machines.indexes().load(&inner.engine)?;
        inner.leave_stored().await?;
        inner.start_stored().await?;
        inner.obey_placement().await;
        inner.catch_up(&mut heard).await;
        if !registered {
            inner.spawn("node registration", Inner::register_later);
        }
        inner.spawn("node cells", |inner| inner.follow(heard));
        inner.spawn("node dropped tables", Inner::remove_dropped_tables);
        inner.spawn("node splits", Inner::split_large_cells);
        inner.spawn("node merges", Inner::settle_merges);
        inner.spawn("node load", Inner::watch_load);
        inner.spawn("node cold tier", Inner::tier_cells);
        inner.spawn("node indexes", Inner::keep_indexes);
        inner.spawn("node moves", Inner::move_cells);
        inner.spawn("node batches", Inner::finish_batches);
        inner.spawn("node damage", Inner::heal_cells);
        Ok(Arc::new(Self { inner }))
    }

    /// Its identity, the same after every restart.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.inner.id
    }

    /// Where a cell that runs here stands in its log.
    #[must_use]
    pub fn standing(&self, cell: CellId) -> Option<cellar_raft::Standing> {
        Some(self.inner.cell(cell)?.group().standing())
    }

    /// Adds what the replicas of its cells ask each other. What frontends ask is added by
    /// `cellar_cell_api::routes`.
    #[must_use]
    pub fn register(&self, router: Router) -> Router {
        self.inner.host.register(router)
    }

    /// Answers what is in flight, stops every cell, and makes everything durable in the engine,
    /// so that the next start replays nothing. Nothing of the node's disk is in use when this
    /// returns: another can be started on it at once.
    ///
    /// # Errors
    /// Something did not end in order; acknowledged writes are in the log all the same.
    pub async fn shutdown(&self) -> Result<(), NodeError> {
        let inner = &self.inner;
        let ended = inner.tasks.shutdown(Duration::from_millis(STOP_MS_MAX)).await;
        inner.host.shutdown().await;
        let engine = inner.engine.clone();
        let closed = in_background(move || engine.close()).await;
        closed.map_err(|error| NodeError::Thread(error.to_string()))??;
        // A flush for the log, or a snapshot on its way, may have outlived its group.
        let released = async {
            while !inner.engine.is_released() {
                sleep(Duration::from_millis(RELEASE_LOOK_MS)).await;
            }
        };
        if timeout(Duration::from_millis(RELEASE_MS_MAX), released).await.is_err() {
            tracing::warn!("somebody still reads the rows of a node that was stopped");
        }
        Ok(ended?)
    }
}

impl Inner {
    /// Runs background work until the node stops.
    fn spawn<F, W>(self: &Arc<Self>, name: &'static str, work: F)
    where
        F: FnOnce(Arc<Self>) -> W,
        W: Future<Output = ()> + Send + 'static,
    {
        let working = work(Arc::clone(self));
        let stop = self.tasks.token().clone();
        self.tasks.spawn(name, async move {
            stop.run_until_cancelled(working).await;
        });
    }

    /// A cell that runs here.
    fn cell(&self, id: CellId) -> Option<Arc<Cell>> {
        self.cells.get(id)
    }
}
