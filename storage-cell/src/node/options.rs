//! How a node is set up.

use std::{fmt, path::PathBuf, sync::Arc};

use cellar_metadata_api::Catalog;
use cellar_raft::{
    disk::{Disk, RealDisk},
    log::OnFatal,
};
use cellar_schema::{Clock, SystemClock};
use cellar_tiering::store::ObjectStore;

use crate::limits::{BATCH_AFTER_MS, CELL_SPLIT_BYTES, CELL_SPLIT_REQUESTS_PER_S};

/// Asked before each step of a merge, by its name; a no ends the merge there, as the end of the
/// process would. For tests.
pub type MergeSteps = Arc<dyn Fn(&'static str) -> bool + Send + Sync>;

/// What a node needs to know of its surroundings.
#[derive(Clone)]
pub struct NodeOptions {
    /// Folder of everything the node keeps; one disk.
    pub dir: PathBuf,
    /// Where others reach its internal calls, "host:port".
    pub address: String,
    /// Where cold segments live.
    pub store: Arc<dyn ObjectStore>,
    /// Data centre, as `NetworkTopologyStrategy` names it.
    pub datacenter: String,
    /// Rack or availability zone.
    pub rack: String,
    /// Region, for keyspaces that must stay in one.
    pub region: String,
    /// Hot bytes of one cell at which it splits.
    pub cell_split_bytes: u64,
    /// Requests per second to one cell at which it splits.
    pub cell_split_requests_per_s: u64,
    /// Says at which step merges end; without it they go on.
    pub merge_goes_on: Option<MergeSteps>,
    /// Time in milliseconds after which batches over several cells are finished here that whoever
    /// sent them did not finish.
    pub batch_after_ms: u64,
    /// Tells the time: write times and expiry.
    pub clock: Arc<dyn Clock>,
    /// Sizes of the engine.
    pub engine: cellar_engine::Options,
    /// Size of a segment of the log, in bytes.
    pub log_segment_bytes: u64,
    /// Size of the log, in bytes, at which the rows it holds are flushed so that it can shrink.
    pub log_bytes: u64,
    /// Time without anything asked after which a cell's group rests, in milliseconds: without
    /// heartbeats; 0 for never.
    pub rest_after_ms: u64,
    /// Room on the disk that users' writes must leave, in bytes.
    pub reserve_bytes: u64,
    /// Time that a write of the log may take until the node gives up leading, in milliseconds.
    pub stall_ms: u64,
    /// The disk of the log; the engine is always on the real one.
    pub log_disk: Arc<dyn Disk>,
    /// The catalog that the process before this one heard last: tables of cold rows are read by it
    /// until the metadata service is heard. Nothing is begun or removed by it.
    pub kept: Option<Arc<Catalog>>,
    /// Told when the log has failed; without anybody to tell, the process ends.
    pub on_fatal: Option<OnFatal>,
}

impl NodeOptions {
    /// The defaults for a node that keeps its data in `dir`, is reached at `address` and has its
    /// cold segments in `store`.
    #[must_use]
    pub fn new(dir: PathBuf, address: String, store: Arc<dyn ObjectStore>) -> Self {
        Self {
            dir,
            address,
            store,
            datacenter: "datacenter1".to_owned(),
            rack: "rack1".to_owned(),
            region: "region1".to_owned(),
            cell_split_bytes: CELL_SPLIT_BYTES,
            cell_split_requests_per_s: CELL_SPLIT_REQUESTS_PER_S,
            merge_goes_on: None,
            batch_after_ms: BATCH_AFTER_MS,
            clock: Arc::new(SystemClock),
            engine: cellar_engine::Options::default(),
            log_segment_bytes: cellar_raft::limits::SEGMENT_BYTES,
            log_bytes: cellar_raft::limits::LOG_BYTES,
            rest_after_ms: cellar_raft::limits::REST_AFTER_MS,
            reserve_bytes: cellar_raft::limits::RESERVE_BYTES,
            stall_ms: cellar_raft::limits::STALL_MS,
            log_disk: Arc::new(RealDisk),
            kept: None,
            on_fatal: None,
        }
    }
}

impl fmt::Debug for NodeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeOptions")
            .field("dir", &self.dir)
            .field("address", &self.address)
            .field("cell_split_bytes", &self.cell_split_bytes)
            .finish_non_exhaustive()
    }
}
