//! What operators and tests ask of a node, beside the data path.

use cellar_metadata_api::{CellId, Epoch, KeyRange, NodeId, Position};
use serde::{Deserialize, Serialize};

/// One administrative request to a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AdminRequest {
    /// Every cell of this node.
    Cells,
    /// Split a cell here (or in its middle).
    Split {
        /// The cell.
        cell: CellId,
        /// First position of the right half.
        at: Option<Position>,
    },
    /// Make two neighbours one; the left one stays. Asked of the node that leads the left one. It
    /// may take some seconds if the right one is led elsewhere.
    Merge {
        /// The half that stays.
        left: CellId,
        /// The half that goes: its right neighbour on the same nodes, small, none of them moving.
        right: CellId,
    },
    /// Says whether a merge was done, or sees to it that it never will be. Asked by the leader of
    /// a right half that waits for the merge, of the node that leads the left one.
    SettleMerge {
        /// The half that stays.
        left: CellId,
        /// The half that waits.
        right: CellId,
        /// The left one's epoch that the merge was planned at.
        left_epoch: Epoch,
    },
    /// Look for rows that are past their table's tiering policy now and move them to the cold
    /// tier; returns when it is done.
    Tier {
        /// One cell, or all that this node leads.
        cell: Option<CellId>,
    },
    /// Make everything applied durable in the engine.
    Flush,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AdminAnswer {
    /// For [`AdminRequest::Cells`].
    Cells(Vec<CellReport>),
    /// The id of the new right half.
    Split(CellId),
    /// For [`AdminRequest::Merge`]: the epoch of the cell that is left.
    Merged(Epoch),
    /// For [`AdminRequest::SettleMerge`].
    Settled {
        /// Whether the merge was done; if not, it never will be.
        merged: bool,
    },
    /// What was moved.
    Tiered {
        /// Rows that are cold now.
        rows: u64,
        /// Segments written.
        segments: u64,
        /// Their size.
        bytes: u64,
    },
    /// Done.
    Done,
}

/// One cell as its node sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellReport {
    /// The cell.
    pub cell: CellId,
    /// The keys it owns.
    pub range: KeyRange,
    /// Its epoch here.
    pub epoch: Epoch,
    /// Who leads.
    pub leader: Option<NodeId>,
    /// Its replicas.
    pub replicas: Vec<NodeId>,
    /// Highest log index applied here.
    pub applied_index: u64,
    /// Bytes in the engine, estimated.
    pub hot_bytes: u64,
    /// Bytes of its cold segments.
    pub cold_bytes: u64,
    /// Rows in its cold segments.
    pub cold_rows: u64,
}
