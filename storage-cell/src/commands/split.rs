//! The cell becomes two at a position.

use bytes::Bytes;
use cellar_metadata_api::SplitPlan;
use serde::{Deserialize, Serialize};

use super::{CommandError, SPLIT, change};

/// A split, decided before anybody outside the cell knows of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Split {
    /// What is split where; refused if the cell has moved on from the plan's epoch.
    pub(crate) plan: SplitPlan,
}

impl Split {
    /// The entry.
    pub(crate) fn encode(&self) -> Result<Bytes, CommandError> {
        change::encode(SPLIT, self)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, CommandError> {
        change::decode(bytes)
    }
}
