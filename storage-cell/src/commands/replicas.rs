//! The cell moves to other nodes: what its log says before its Raft group changes, and after.

use bytes::Bytes;
use cellar_metadata_api::{Epoch, NodeId};
use serde::{Deserialize, Serialize};

use super::{CommandError, MOVE, MOVED, change};

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

impl Move {
    /// The entry.
    pub(crate) fn encode(&self) -> Result<Bytes, CommandError> {
        change::encode(MOVE, self)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, CommandError> {
        change::decode(bytes)
    }
}

impl Moved {
    /// The entry.
    pub(crate) fn encode(&self) -> Result<Bytes, CommandError> {
        change::encode(MOVED, self)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, CommandError> {
        change::decode(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{ChangeAnswer, Command},
        *,
    };

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
        for answer in [ChangeAnswer::Done, ChangeAnswer::Refused] {
            assert_eq!(ChangeAnswer::decode(&answer.encode()), Ok(answer));
        }
        assert!(ChangeAnswer::decode(&[]).is_err());
    }
}
