//! What the entries that change a cell itself have in common: splits, moves and merges are CBOR
//! after the head of an entry, and took place or were refused.

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use super::{CommandError, begin};

/// What became of a change of the cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChangeAnswer {
    /// It was done.
    Done,
    /// The cell has changed meanwhile, or something stands against it; nothing changed.
    Refused,
}

impl ChangeAnswer {
    /// The answer as the log returns it.
    pub(crate) fn encode(self) -> Bytes {
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
            _ => Err(CommandError::new("no answer to a change of the cell")),
        }
    }
}

/// An entry of a kind.
pub(super) fn encode(kind: u8, change: &impl Serialize) -> Result<Bytes, CommandError> {
    let bytes = cbor4ii::serde::to_vec(begin(kind, 64), change);
    bytes.map(Bytes::from).map_err(CommandError::new)
}

/// What follows the head of an entry.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CommandError> {
    cbor4ii::serde::from_slice(bytes).map_err(CommandError::new)
}
