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
    /// Grows with every change of the range.
    pub(crate) epoch: Epoch,
    /// The nodes it began on.
    pub(crate) replicas: Vec<NodeId>,
    /// Whether it was begun here without the rows that it had elsewhere before its log began: a
    /// snapshot brings them, and replaces this record.
    #[serde(default)]
    pub(crate) lacks_rows: bool,
}

impl Descriptor {
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
        let descriptor = Descriptor {
            cell: CellId(4),
            group: GroupId(2),
            range: KeyRange { start: Position::new(TableId(20), -7), end: None },
            epoch: Epoch(3),
            replicas: vec![NodeId(1), NodeId(9)],
            lacks_rows: false,
        };
        let bytes = descriptor.encode().unwrap();
        assert_eq!(Descriptor::decode(&bytes), Ok(descriptor));
        assert!(Descriptor::decode(&[]).is_err());
        assert!(Descriptor::decode(&[2, 0xa0]).is_err());
        assert!(Descriptor::decode(&bytes[..bytes.len() - 1]).is_err());
    }
}
