//! The cell becomes two at a position.

use bytes::Bytes;
use cellar_metadata_api::SplitPlan;
use serde::{Deserialize, Serialize};

use super::{CommandError, SPLIT, begin};

/// A split, decided before anybody outside the cell knows of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Split {
    /// What is split where; refused if the cell has moved on from the plan's epoch.
    pub(crate) plan: SplitPlan,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SplitAnswer {
    /// Both halves exist.
    Done,
    /// The cell's range or epoch is another by now; nothing changed.
    Refused,
}

impl Split {
    /// The entry.
    pub(crate) fn encode(&self) -> Result<Bytes, CommandError> {
        let bytes = cbor4ii::serde::to_vec(begin(SPLIT, 128), self);
        bytes.map(Bytes::from).map_err(CommandError::new)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, CommandError> {
        cbor4ii::serde::from_slice(bytes).map_err(CommandError::new)
    }
}

impl SplitAnswer {
    /// The answer as the log returns it.
    pub(crate) fn encode(&self) -> Bytes {
        Bytes::from_static(match self {
            Self::Done => &[1],
            Self::Refused => &[0],
        })
    }

    /// Reads the answer.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, CommandError> {
        match bytes {
            [1] => Ok(Self::Done),
            [0] => Ok(Self::Refused),
            _ => Err(CommandError::new("no answer to a split")),
        }
    }
}
