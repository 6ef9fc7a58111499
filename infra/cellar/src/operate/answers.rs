//! What the admin endpoint answers, as far as the verbs read it.

use serde::{Deserialize, Serialize};

/// One node's word about its cells.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct NodeCells {
    pub(super) node: u64,
    #[serde(default)]
    pub(super) answer: Vec<Cell>,
    pub(super) error: Option<String>,
}

/// A cell as one node sees it.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Cell {
    pub(super) cell: u64,
    pub(super) range: String,
    pub(super) epoch: u64,
    pub(super) leader: Option<u64>,
    pub(super) replicas: Vec<u64>,
    pub(super) applied_index: u64,
    pub(super) hot_bytes: u64,
    pub(super) cold_bytes: u64,
}

/// A node.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Node {
    pub(super) node: u64,
    pub(super) address: String,
    pub(super) datacenter: String,
    pub(super) rack: String,
    pub(super) state: String,
    pub(super) cells: Option<u64>,
    pub(super) leads: Option<u64>,
    pub(super) hot_bytes: Option<u64>,
    pub(super) cold_bytes: Option<u64>,
    pub(super) reads_per_second: Option<u64>,
    pub(super) writes_per_second: Option<u64>,
    pub(super) moved_bytes: Option<u64>,
    pub(super) disk_free_bytes: Option<u64>,
    #[serde(default)]
    pub(super) damaged_blocks: Blocks,
    pub(super) error: Option<String>,
}

/// Stored blocks that could not be read since the node started.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct Blocks {
    pub(super) found: u64,
    pub(super) healed: u64,
    pub(super) waiting: u64,
}

/// A member of the metadata service.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Member {
    pub(super) member: u64,
    pub(super) address: String,
    pub(super) votes: bool,
    pub(super) leads: bool,
}

/// Something that happened.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Event {
    pub(super) at_ms: i64,
    pub(super) kind: String,
    pub(super) cell: Option<u64>,
    pub(super) epoch: Option<u64>,
    pub(super) node: Option<u64>,
    pub(super) detail: String,
}

/// A cell at work.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Busy {
    pub(super) cell: u64,
    pub(super) leader: u64,
    /// Log entries per second, each of them a batch of writes; reads leave no trace there.
    pub(super) entries_per_second: f64,
    pub(super) hot_bytes: u64,
    /// Change of the hot bytes per second, as the engine estimates them.
    pub(super) hot_bytes_per_second: f64,
    pub(super) range: String,
}
