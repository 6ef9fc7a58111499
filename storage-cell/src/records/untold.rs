//! A change of ranges that the metadata service may not know yet. Whoever leads the cell tells it.

use cellar_metadata_api::{CellId, Epoch, SplitPlan};
use serde::{Deserialize, Serialize};

use super::{RecordError, from_record, to_record};

/// What is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Untold {
    /// The cell has split.
    Split(SplitPlan),
    /// The cell has taken over its right neighbour.
    Merge {
        /// The cell, and its epoch before.
        left: (CellId, Epoch),
        /// The neighbour, and its last epoch.
        right: (CellId, Epoch),
    },
}

impl Untold {
    /// The cell whose log decided it.
    pub(crate) const fn cell(&self) -> CellId {
        match self {
            Self::Split(plan) => plan.cell,
            Self::Merge { left, .. } => left.0,
        }
    }

    /// The other half.
    pub(crate) const fn right(&self) -> CellId {
        match self {
            Self::Split(plan) => plan.right,
            Self::Merge { right, .. } => right.0,
        }
    }

    /// The cell's epoch after it: no change that another builds on has a larger one.
    pub(crate) fn epoch(&self) -> Epoch {
        match self {
            Self::Split(plan) => plan.epoch.next(),
            Self::Merge { left, right } => left.1.max(right.1).next(),
        }
    }

    /// The stored form.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, RecordError> {
        to_record("change of ranges", self)
    }

    /// Reads the stored form.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        from_record("change of ranges", bytes)
    }
}
