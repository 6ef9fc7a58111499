//! What nodes tell of themselves again and again: the load of their cells. It is not replicated,
//! and whoever leads the metadata service has it again a moment after it took over.

use serde::{Deserialize, Serialize};

use crate::{CellId, Epoch, Node, NodeId, TableId};

/// One node at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeReport {
    /// The node.
    pub node: NodeId,
    /// Each cell that runs there.
    pub cells: Vec<CellLoad>,
    /// Partitions that take a large part of their cell's requests, the hottest first.
    pub hot_partitions: Vec<HotPartition>,
    /// Room left on its disk.
    pub disk_free_bytes: u64,
    /// Size of its disk.
    pub disk_total_bytes: u64,
    /// Bytes of cells that have come here from other nodes since it started.
    pub moved_bytes: u64,
    /// Cells of which something stored there cannot be read, until other replicas have replaced it.
    #[serde(default)]
    pub damaged_cells: Vec<CellId>,
    /// How many cells were healed in that way since the node started.
    #[serde(default)]
    pub healed_cells: u64,
    /// The same, counted in stored blocks.
    #[serde(default)]
    pub damaged_blocks: DamagedBlocks,
}

/// Stored blocks of a node that could not be read, since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DamagedBlocks {
    /// How many were found.
    pub found: u64,
    /// How many of them were replaced by another replica's rows, or have gone with their cell.
    pub healed: u64,
    /// How many still are to be, or cannot because no other replica has the rows.
    pub waiting: u64,
}

/// One replica of a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellLoad {
    /// The cell.
    pub cell: CellId,
    /// Its epoch there.
    pub epoch: Epoch,
    /// Whether this replica leads.
    pub leads: bool,
    /// The voters of its Raft group.
    pub voters: Vec<NodeId>,
    /// Highest log index applied there.
    pub applied_index: u64,
    /// Bytes of hot rows, estimated.
    pub hot_bytes: u64,
    /// Bytes of its cold segments.
    pub cold_bytes: u64,
    /// Reads answered per second, of late.
    pub reads_per_second: u64,
    /// Writes applied per second, of late.
    pub writes_per_second: u64,
}

/// A partition that takes a large part of its cell's requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HotPartition {
    /// The cell it is in.
    pub cell: CellId,
    /// Its table.
    pub table: TableId,
    /// Its token.
    pub token: i64,
    /// The bytes of its partition key as CQL drivers route by.
    pub key: Vec<u8>,
    /// Requests per second, estimated from a sample.
    pub per_second: u64,
}

/// Something that happened to the cluster, for operators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When, in milliseconds since the epoch.
    pub at_ms: i64,
    /// Which kind, for example `split.commit`, `move.begin`, `node.down`, `leader`.
    pub kind: String,
    /// The cell, if it is about one.
    pub cell: Option<CellId>,
    /// The cell's epoch then.
    pub epoch: Option<Epoch>,
    /// The node, if it is about one.
    pub node: Option<NodeId>,
    /// The rest, for people.
    pub detail: String,
}

/// The whole cluster as the leader of the metadata service sees it now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// Every node, with what it said last and how many milliseconds ago.
    pub nodes: Vec<(Node, Option<(NodeReport, u64)>)>,
    /// The latest events, the newest last.
    pub events: Vec<Event>,
}
