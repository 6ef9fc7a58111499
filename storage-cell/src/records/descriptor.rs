//! What a cell is: its keys, its epoch, and who holds it.

use bytes::Bytes;
use cellar_metadata_api::{CellId, Epoch, GroupId, KeyRange, NodeId, Position};
use cellar_schema::keys;
use serde::{Deserialize, Serialize};

use super::{RecordError, from_record, to_record};

/// A cell as its own log has made it. The metadata service follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Descriptor {
    /// Its identity, and the number of its Raft group.
    pub(crate) cell: CellId,
    /// The placement group whose tables it holds.
    pub(crate) group: GroupId,
    /// The keys it owns.
    pub(crate) range: KeyRange,
    /// Grows with every change of the range or the replicas.
    pub(crate) epoch: Epoch,
    /// The nodes that hold it, as of the last move that ended: those that vote in its Raft group,
    /// while it is not being moved.
    pub(crate) replicas: Vec<NodeId>,
    /// Where it is being moved to. Until that is done, or taken back, its range stays.
    #[serde(default)]
    pub(crate) moving: Option<Vec<NodeId>>,
    /// Whether it was begun here without the rows that it had elsewhere before its log began: a
    /// snapshot brings them, and replaces this record.
    #[serde(default)]
    pub(crate) lacks_rows: bool,
    /// Set while its left neighbour is about to take it over: it serves nothing.
    #[serde(default)]
    pub(crate) frozen: Option<Frozen>,
    /// The cells that it has taken over, the latest last; no more than
    /// [`crate::limits::MERGED_KEPT`].
    #[serde(default)]
    pub(crate) merged: Vec<CellId>,
}

/// For which merge a cell is frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Frozen {
    /// The half that is to stay.
    pub(crate) left: CellId,
    /// Its epoch that the merge was planned at: at any other the merge does not fit.
    pub(crate) left_epoch: Epoch,
}

impl Descriptor {
    /// A cell with all its rows, of which nothing special is to be said.
    pub(crate) fn new(
        (cell, group): (CellId, GroupId),
        range: KeyRange,
        epoch: Epoch,
        replicas: Vec<NodeId>,
    ) -> Self {
        let (moving, lacks_rows, frozen, merged) = (None, false, None, Vec::new());
        Self { cell, group, range, epoch, replicas, moving, lacks_rows, frozen, merged }
    }

    /// The stored form.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, RecordError> {
        to_record("cell descriptor", self)
    }

    /// Reads the stored form.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        from_record("cell descriptor", bytes)
    }

    /// Start and end of the engine keys of rows it owns; never Cellar's own records.
    pub(crate) fn span(&self) -> (Bytes, Bytes) {
        let first = Position::new(keys::FIRST_USER_TABLE, i64::MIN);
        let start = self.range.start.max(first);
        let end = self.range.end.map_or_else(
            || Bytes::from_static(&[0xff; 16]),
            |end| keys::position_key(end.table, end.token),
        );
        (keys::position_key(start.table, start.token), end)
    }
}

#[cfg(test)]
mod tests {
    use cellar_metadata_api::TableId;

    use super::*;

    #[test]
    fn a_descriptor_reads_back_and_damage_is_an_error() {
        let range = KeyRange { start: Position::new(TableId(20), -7), end: None };
        let replicas = vec![NodeId(1), NodeId(9)];
        let descriptor = Descriptor {
            moving: Some(vec![NodeId(9), NodeId(2)]),
            frozen: Some(Frozen { left: CellId(3), left_epoch: Epoch(8) }),
            merged: vec![CellId(5)],
            ..Descriptor::new((CellId(4), GroupId(2)), range, Epoch(3), replicas)
        };
        let bytes = descriptor.encode().unwrap();
        assert_eq!(Descriptor::decode(&bytes), Ok(descriptor));
        assert!(Descriptor::decode(&[]).is_err());
        assert!(Descriptor::decode(&[2, 0xa0]).is_err());
        assert!(Descriptor::decode(&bytes[..bytes.len() - 1]).is_err());
    }
}
