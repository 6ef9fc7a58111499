//! One cell's entry in the placement.

use serde::{Deserialize, Serialize};

use crate::{CellId, Epoch, KeyRange, NodeId, Position};

/// A cell as frontends and nodes know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// Its identity, never reused.
    pub id: CellId,
    /// The keys it owns.
    pub range: KeyRange,
    /// Grows with every change of range or replicas.
    pub epoch: Epoch,
    /// The nodes that hold it; the first is the preferred leader.
    pub replicas: Vec<NodeId>,
    /// Where it is to stand instead, while it is being moved there. Its leader brings that about
    /// and then sends [`crate::Command::ChangeReplicas`].
    #[serde(default)]
    pub target: Option<Vec<NodeId>>,
}

/// A split as it is proposed in the cell's log and then told to the metadata service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitPlan {
    /// The cell to split; it keeps the left half.
    pub cell: CellId,
    /// The epoch the planner saw: a compare-and-set.
    pub epoch: Epoch,
    /// First position of the right half.
    pub at: Position,
    /// The id of the right half, handed out beforehand by the metadata service.
    pub right: CellId,
}
