//! A node on a temporary disk, a metadata service in memory, and a client that routes as
//! frontends do.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    unreachable_pub,
    dead_code,
    reason = "helpers of tests; each test binary uses a part and tests fail loudly"
)]

pub mod fleet;
pub mod indexed;
pub mod member;
pub mod metadata;
pub mod tables;
pub mod trio;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use cellar_cell_api::{
    AdminAnswer, AdminRequest, CellError, CellReport, CellService, Outcome, Page, Read, ReadLevel,
    ReadRequest, Write, WriteRequest,
};
use cellar_metadata_api::{Cell, CellId, Epoch, Metadata, Position, TableId};
use cellar_raft::disk::{Disk, RealDisk};
use cellar_rpc::{ClientConfig, Pool, tasks::Tasks};
use cellar_schema::{Clock, FixedClock, Mutation, Row, keys};
use cellar_storage_cell::{MergeSteps, Node, NodeOptions};
use cellar_tiering::store::{FaultPlan, FaultyStore, FileStore};

pub use metadata::FakeMetadata;
use tracing_subscriber::filter::LevelFilter;

/// 2026-01-01, in microseconds.
pub const START_US: i64 = 1_767_225_600_000_000;

/// A node that can be stopped, killed and started again.
pub struct Cluster {
    pub dir: tempfile::TempDir,
    pub disk: PathBuf,
    pub metadata: Arc<FakeMetadata>,
    pub clock: Arc<FixedClock>,
    pub split_bytes: u64,
    pub log_segment_bytes: u64,
    /// How the cold store fails, from the next start on.
    pub faults: FaultPlan,
    /// Asked before each step of a merge, from the next start on.
    pub merge_goes_on: Option<MergeSteps>,
    /// When batches are finished that their sender did not, from the next start on.
    pub batch_after_ms: u64,
    /// The disk of the log, from the next start on.
    pub log_disk: Arc<dyn Disk>,
    running: Option<(Arc<Node>, Tasks)>,
    copies: usize,
}

impl Cluster {
    /// A node that runs, and the tables of [`tables`].
    pub async fn start() -> Self {
        Self::start_with(8 << 30).await
    }

    pub async fn start_with(split_bytes: u64) -> Self {
        // What goes wrong inside is seen when a test fails.
        let _ = tracing_subscriber::fmt()
            .with_test_writer()
            .with_max_level(LevelFilter::WARN)
            .try_init();
        let dir = tempfile::tempdir().unwrap();
        let disk = dir.path().join("disk-0");
        let metadata = FakeMetadata::new();
        let clock = Arc::new(FixedClock::at_us(START_US));
        let log_segment_bytes = 4 << 20;
        let (running, copies) = (None, 0);
        let mut cluster = Self {
            dir,
            disk,
            metadata,
            clock,
            split_bytes,
            log_segment_bytes,
            faults: FaultPlan::default(),
            merge_goes_on: None,
            batch_after_ms: 5_000,
            log_disk: Arc::new(RealDisk),
            running,
            copies,
        };
        cluster.open().await;
        tables::create(&cluster.metadata);
        cluster.settle().await;
        cluster
    }

    /// Starts the node on its disk.
    pub async fn open(&mut self) {
        let tasks = Tasks::new();
        let pool = Pool::new(ClientConfig::default(), &tasks);
        let store = Arc::new(FileStore::open(self.dir.path().join("cold")).unwrap());
        let store = Arc::new(FaultyStore::new(store, self.faults));
        let mut options = NodeOptions::new(self.disk.clone(), "here:1".to_owned(), store);
        options.clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        options.cell_split_bytes = self.split_bytes;
        options.merge_goes_on.clone_from(&self.merge_goes_on);
        options.batch_after_ms = self.batch_after_ms;
        options.log_disk = Arc::clone(&self.log_disk);
        options.log_segment_bytes = self.log_segment_bytes;
        options.log_bytes = self.log_segment_bytes * 4;
        options.on_fatal = Some(Arc::new(|error| {
            // At the end of a test its folder goes before its nodes do.
            tracing::warn!(%error, "the log has failed");
        }));
        let metadata = Arc::clone(&self.metadata) as Arc<dyn Metadata>;
        let node = Node::start(options, metadata, pool, &tasks).await.unwrap();
        self.running = Some((node, tasks));
    }

    pub fn node(&self) -> &Arc<Node> {
        &self.running.as_ref().unwrap().0
    }

    /// Stops in order and starts again.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.open().await;
        self.settle().await;
    }

    pub async fn stop(&mut self) {
        let (node, _tasks) = self.running.take().unwrap();
        node.shutdown().await.unwrap();
    }

    /// As if the process had been killed at this moment: what is on the disk now is all there is.
    pub async fn crash(&mut self) {
        self.crash_alone().await;
        self.settle().await;
    }

    /// The same, where the catalog names cells that do not run any more.
    pub async fn crash_alone(&mut self) {
        self.copies += 1;
        let copy = self.dir.path().join(format!("disk-{}", self.copies));
        copy_at_rest(&self.disk, &copy).await;
        self.stop().await;
        std::fs::remove_dir_all(&self.disk).unwrap();
        self.disk = copy;
        self.open().await;
    }

    /// Waits until every cell of the catalog runs.
    pub async fn settle(&self) {
        within("the cells of the catalog run", async || {
            let running: Vec<CellId> = self.cells().await.iter().map(|cell| cell.cell).collect();
            self.placed().iter().all(|cell| running.contains(&cell.id))
        })
        .await;
    }

    /// The cells of the catalog, in key order.
    pub fn placed(&self) -> Vec<Cell> {
        let catalog = self.metadata.now();
        catalog.placements.values().flat_map(|placement| placement.cells().cloned()).collect()
    }

    pub async fn cells(&self) -> Vec<CellReport> {
        match self.node().admin(AdminRequest::Cells).await.unwrap() {
            AdminAnswer::Cells(cells) => cells,
            other => panic!("{other:?}"),
        }
    }

    pub async fn split(&self, cell: CellId, at: Option<Position>) -> Result<CellId, CellError> {
        match self.node().admin(AdminRequest::Split { cell, at }).await? {
            AdminAnswer::Split(right) => Ok(right),
            other => panic!("{other:?}"),
        }
    }

    pub async fn merge(&self, left: CellId, right: CellId) -> Result<Epoch, CellError> {
        match self.node().admin(AdminRequest::Merge { left, right }).await? {
            AdminAnswer::Merged(epoch) => Ok(epoch),
            other => panic!("{other:?}"),
        }
    }

    /// The cell that owns a key, by the catalog.
    pub fn cell_of(&self, key: &[u8]) -> Cell {
        let table = keys::table_of(key).unwrap();
        let token = keys::token_of(key).unwrap();
        let catalog = self.metadata.now();
        let placement = catalog.placement_of(table).unwrap();
        placement.lookup(Position::new(table, token)).unwrap().clone()
    }

    /// Sends one write to the cell of its first key, again when the cell was split meanwhile.
    pub async fn write(&self, write: Write) -> Result<Outcome, CellError> {
        for _ in 0..5_000 {
            let cell = self.cell_of(&write.mutations[0].partition);
            let writes = vec![write.clone()];
            let request = WriteRequest { cell: cell.id, epoch: cell.epoch, writes };
            let outcome = match self.node().write(request).await {
                Ok(mut reply) => reply.outcomes.remove(0),
                Err(error) => Err(error),
            };
            match outcome {
                Err(CellError::WrongCell { .. }) => {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                other => return other,
            }
        }
        panic!("nobody owns the key")
    }

    /// One plain mutation, which must be applied.
    pub async fn put(&self, mutation: Mutation) {
        let write = Write { id: None, mutations: vec![mutation], ..Write::default() };
        match self.write(write).await {
            Ok(Outcome::Applied { .. }) => {}
            other => panic!("{other:?}"),
        }
    }

    /// One page, of one cell.
    pub async fn page(&self, read: Read) -> Result<Page, CellError> {
        for _ in 0..5_000 {
            let cell = self.cell_of(if read.reverse { &read.end } else { &read.start });
            let mut cut = read.clone();
            if let Some(end) = cell.range.end {
                cut.end = cut.end.min(keys::position_key(end.table, end.token));
            }
            let request = ReadRequest {
                cell: cell.id,
                epoch: cell.epoch,
                level: ReadLevel::Leader,
                reads: vec![cut.clone()],
                now_seconds: None,
            };
            let page = match self.node().read(request).await {
                Ok(mut reply) => reply.pages.remove(0),
                Err(error) => Err(error),
            };
            match page {
                // It may have been started again just now.
                Err(CellError::WrongCell { .. } | CellError::NotLeader { .. }) => {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                Ok(mut page) => {
                    // What is left of the span is in the next cell.
                    if page.resume.is_none() && cut.end < read.end {
                        page.resume = Some(cut.end);
                    }
                    return Ok(page);
                }
                other => return other,
            }
        }
        panic!("nobody owns the key")
    }

    /// One page of one partition.
    pub async fn page_of(&self, partition: &Bytes, read: Read) -> Page {
        let cell = self.cell_of(partition);
        let (cell, epoch, level) = (cell.id, cell.epoch, ReadLevel::Leader);
        let request = ReadRequest { cell, epoch, level, reads: vec![read], now_seconds: None };
        self.node().read(request).await.unwrap().pages.remove(0).unwrap()
    }

    /// Everything in a span, page by page.
    pub async fn span(&self, start: Bytes, end: Bytes, rows_max: u32) -> Vec<(Bytes, Row)> {
        let mut read = read(start, end);
        read.rows_max = rows_max;
        let mut rows = Vec::new();
        loop {
            let page = self.page(read.clone()).await.unwrap();
            rows.extend(page.rows);
            match page.resume {
                Some(resume) => read.start = resume,
                None => return rows,
            }
        }
    }

    /// Everything in a table.
    pub async fn table(&self, table: TableId) -> Vec<(Bytes, Row)> {
        let (start, end) = keys::table_range(table);
        // Tokens are as long as positions; the first key of a table has none.
        let start = keys::position_key(keys::table_of(&start).unwrap(), i64::MIN);
        self.span(start, end, 1_000).await
    }
}

/// A read of a whole span.
pub fn read(start: Bytes, end: Bytes) -> Read {
    Read {
        start,
        end,
        reverse: false,
        rows_max: 1_000,
        bytes_max: 1 << 20,
        columns: None,
        probe: None,
    }
}

/// Waits until something holds.
pub async fn within(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..2_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("not within 10 s: {what}");
}

/// Copies a folder as it is at one moment: again, while files come or go or change meanwhile, as
/// they do when the engine flushes or the log lets go of a segment.
async fn copy_at_rest(from: &Path, to: &Path) {
    within("the disk is at rest", async || {
        let before = files(from);
        drop(std::fs::remove_dir_all(to));
        let copied = copy_folder(from, to);
        copied.is_ok() && before.is_ok_and(|before| files(from).is_ok_and(|now| now == before))
    })
    .await;
}

/// Every file below a folder, with its size and when it was written last.
fn files(dir: &Path) -> std::io::Result<BTreeMap<PathBuf, (u64, SystemTime)>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let about = entry.metadata()?;
        if about.is_dir() {
            found.extend(files(&entry.path())?);
        } else {
            found.insert(entry.path(), (about.len(), about.modified()?));
        }
    }
    Ok(found)
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
