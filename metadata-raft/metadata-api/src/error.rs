//! Why a placement refused a change. Every refusal means that nothing changed.

use crate::{CellId, Epoch, KeyRange, NodeId, Position};

/// A change that would break the placement or came too late.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlacementError {
    /// No such cell: it was merged away, or the sender's map is from another cluster.
    #[error("{0} is not in this placement; fetch the newest placement and retry")]
    UnknownCell(CellId),
    /// The cell has moved on since the change was planned.
    #[error("{cell} is at {found}, the change was planned at {planned}; plan it again")]
    StaleEpoch {
        /// The cell the change names.
        cell: CellId,
        /// Its epoch now.
        found: Epoch,
        /// The epoch the planner saw.
        planned: Epoch,
    },
    /// A split at the edge or outside would leave an empty half.
    #[error("{at} does not lie inside {range}; a split needs a position strictly inside")]
    SplitOutside {
        /// Where the split was asked for.
        at: Position,
        /// The cell's range.
        range: KeyRange,
    },
    /// The new half's id is taken already; ids are never reused.
    #[error("{0} exists already; cell ids are never reused")]
    CellExists(CellId),
    /// Cells can be merged only with the right neighbour of the same replicas.
    #[error("{left} and {right} cannot be merged: {reason}")]
    NotMergeable {
        /// The half that would stay.
        left: CellId,
        /// The half that would go.
        right: CellId,
        /// What stands against it.
        reason: &'static str,
    },
    /// Only a replica can be preferred as the leader.
    #[error("{node} holds no replica of {cell}")]
    NotAReplica {
        /// The cell.
        cell: CellId,
        /// The node.
        node: NodeId,
    },
    /// The cells given do not tile the key space (I-16).
    #[error("I-16: the cells do not tile the key space: {0}")]
    NotTiling(String),
}
