//! The cell moves to other nodes: what its log says before its Raft group changes, and after.

use bytes::Bytes;
use cellar_metadata_api::{Epoch, NodeId};
use serde::{Deserialize, Serialize};

use super::{CommandError, MOVE, MOVED, begin};

/// The cell is to stand on other nodes. Until that has ended it neither splits nor merges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Move {
    /// The cell's epoch; refused if it has moved on.
    pub(crate) epoch: Epoch,
    /// The nodes; the same as now take a move back that is under way.
    pub(crate) target: Vec<NodeId>,
}

/// The cell's Raft group has exactly the members that it was to be moved to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Moved {
    /// The cell's epoch; refused if it has moved on.
    pub(crate) epoch: Epoch,
    /// The nodes; refused if it is moving elsewhere by now.
    pub(crate) target: Vec<NodeId>,
}

/// What became of either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MoveAnswer {
    /// So it is.
    Done,
    /// The cell has moved on; nothing changed.
    Refused,
}

impl Move {
    /// The entry.
    pub(crate) fn encode(&self) -> Result<Bytes, CommandError> {
        let bytes = cbor4ii::serde::to_vec(begin(MOVE, 64), self);
        bytes.map(Bytes::from).map_err(CommandError::new)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, CommandError> {
        cbor4ii::serde::from_slice(bytes).map_err(CommandError::new)
    }
}

impl Moved {
    /// The entry.
    pub(crate) fn encode(&self) -> Result<Bytes, CommandError> {
        let bytes = cbor4ii::serde::to_vec(begin(MOVED, 64), self);
        bytes.map(Bytes::from).map_err(CommandError::new)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, CommandError> {
        cbor4ii::serde::from_slice(bytes).map_err(CommandError::new)
    }
}

impl MoveAnswer {
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
            _ => Err(CommandError::new("no answer to a move")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Command, *};

    #[test]
    fn moves_read_back_and_cut_ones_are_errors() {
        let begun = Move { epoch: Epoch(4), target: vec![NodeId(1), NodeId(4)] };
        let ended = Moved { epoch: Epoch(4), target: vec![NodeId(1), NodeId(4)] };
        for (entry, command) in [
            (begun.encode().unwrap(), Command::Move(begun)),
            (ended.encode().unwrap(), Command::Moved(ended)),
        ] {
            assert!(Command::decode(entry.slice(..entry.len() - 1)).is_err());
            assert_eq!(Command::decode(entry), Ok(command));
        }
        for answer in [MoveAnswer::Done, MoveAnswer::Refused] {
            assert_eq!(MoveAnswer::decode(&answer.encode()), Ok(answer));
        }
        assert!(MoveAnswer::decode(&[]).is_err());
    }
}
