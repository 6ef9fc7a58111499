//! Why a cell did not do what it was asked, and whether it may have done it all the same.

use cellar_metadata_api::{CellId, Epoch, NodeId};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A request to a cell that failed.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum CellError {
    /// The cell does not own the keys (any more), or not at this epoch. Not applied.
    #[error("{cell} does not own these keys at the epoch asked for; it is at {epoch:?}")]
    WrongCell {
        /// The cell asked.
        cell: CellId,
        /// Its epoch on this node, when it lives here.
        epoch: Option<Epoch>,
    },
    /// Another replica leads. Not applied.
    #[error("this replica does not lead; leader: {leader:?}")]
    NotLeader {
        /// Who leads, when known.
        leader: Option<NodeId>,
    },
    /// Too much waits already. Not applied.
    #[error("overloaded: {reason}; retry after {retry_after_ms} ms")]
    Overloaded {
        /// Which queue or limit.
        reason: String,
        /// When to try again.
        retry_after_ms: u32,
    },
    /// The request cannot be done with the data as it is. Not applied.
    #[error("{message}")]
    Invalid {
        /// For the user.
        message: String,
    },
    /// Nobody could be asked, or the replica cannot serve now. Not applied.
    #[error("unavailable: {reason}")]
    Unavailable {
        /// Why.
        reason: String,
    },
    /// The answer was lost: it may have been applied.
    #[error("outcome unknown: {reason}")]
    Unknown {
        /// Why.
        reason: String,
    },
    /// Stored bytes failed their check; nothing wrong was served. For a write: not applied.
    #[error("stored data is damaged: {reason}")]
    Damaged {
        /// What was found.
        reason: String,
    },
}

impl CellError {
    /// Whether the request was certainly not applied and never will be (invariant I-19).
    #[must_use]
    pub const fn is_definite(&self) -> bool {
        !matches!(self, Self::Unknown { .. })
    }
}
