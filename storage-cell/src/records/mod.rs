//! What a node keeps in its engine beside rows, under the reserved table 0: one file per kind of
//! record, their keys here. `FORMAT.md` gives every byte.
//!
//! The engine checks the bytes it returns, so records carry a version and no checksum of their own.

mod answer;
mod batch;
mod descriptor;
mod garbage;
mod leaving;
mod progress;
mod untold;

use bytes::Bytes;
use cellar_metadata_api::{CellId, Epoch, GroupId, KeyRange, Position, TableId};
use cellar_schema::{RequestId, keys};
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;
use uuid::Uuid;

pub(crate) use answer::RememberedAnswer;
pub(crate) use batch::BegunBatch;
pub(crate) use descriptor::{Descriptor, Frozen};
pub(crate) use garbage::Garbage;
pub(crate) use leaving::Leaving;
pub(crate) use progress::Progress;
pub(crate) use untold::Untold;

/// Version byte of every record.
const VERSION: u8 = 1;

/// Bytes that are no record of the kind expected.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("a stored {record} cannot be read: {reason}")]
pub struct RecordError {
    /// The kind of record.
    pub record: &'static str,
    /// What is wrong.
    pub reason: String,
}

impl RecordError {
    pub(crate) fn new(record: &'static str, reason: impl ToString) -> Self {
        Self { record, reason: reason.to_string() }
    }
}

/// Kinds of records, as the byte after the table in their keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What the cell is.
    Descriptor = 1,
    /// How far its log is applied.
    Progress = 2,
    /// An answer given to a request with an id.
    Answer = 3,
    /// A table that the cell may hold rows of.
    Table = 4,
    /// A cold segment the cell refers to.
    Segment = 5,
    /// A table that was dropped: writes to it are refused.
    Dropped = 6,
    /// A split the metadata service may not know yet, as it was noted once.
    Untold = 7,
    /// The name of an object that belongs to no segment (yet).
    Garbage = 8,
    /// A cell that is being removed from this node.
    Leaving = 9,
    /// A move the metadata service may not know yet.
    UntoldMove = 10,
    /// A split or merge the metadata service may not know yet.
    UntoldChange = 11,
    /// A cell that was taken over by another: its log can go.
    Gone = 12,
    /// A batch over several cells, begun here and not known to be ended.
    Batch = 13,
}

/// Start of the keys of all records of a kind.
fn of_kind(kind: Kind) -> Vec<u8> {
    let mut key = Vec::with_capacity(41);
    key.extend_from_slice(&[0, 0, 0, 0, kind as u8]);
    key
}

/// The key of a record that a cell has once, and the start of the keys of those it has many of.
pub(crate) fn cell_key(kind: Kind, cell: CellId) -> Vec<u8> {
    let mut key = of_kind(kind);
    key.extend_from_slice(&cell.0.to_be_bytes());
    key
}

/// The key of a cell's record about a table.
pub(crate) fn table_key(kind: Kind, cell: CellId, table: TableId) -> Vec<u8> {
    let mut key = cell_key(kind, cell);
    key.extend_from_slice(&table.0.to_be_bytes());
    key
}

/// The key of a cell's record about an object.
pub(crate) fn id_key(kind: Kind, cell: CellId, id: Uuid) -> Vec<u8> {
    let mut key = cell_key(kind, cell);
    key.extend_from_slice(id.as_bytes());
    key
}

/// The key of the record of a change of ranges.
pub(crate) fn untold_change_key(change: &Untold) -> Vec<u8> {
    let mut key = cell_key(Kind::UntoldChange, change.cell());
    key.extend_from_slice(&change.right().0.to_be_bytes());
    key.push(u8::from(matches!(change, Untold::Merge { .. })));
    key
}

/// The key of the record of a move that `cell` ended at `epoch`.
pub(crate) fn untold_move_key(cell: CellId, epoch: Epoch) -> Vec<u8> {
    let mut key = cell_key(Kind::UntoldMove, cell);
    key.extend_from_slice(&epoch.0.to_be_bytes());
    key
}

/// The key of a record about a request, by where the request wrote first, so that a split moves no
/// record: a remembered answer, a batch that was begun.
pub(crate) fn request_key(
    kind: Kind,
    group: GroupId,
    position: Position,
    id: RequestId,
) -> Vec<u8> {
    let mut key = of_kind(kind);
    key.extend_from_slice(&group.0.to_be_bytes());
    key.extend_from_slice(&keys::position_key(position.table, position.token));
    key.extend_from_slice(&id.0.to_be_bytes());
    key
}

/// Where the records about the requests of a range are.
pub(crate) fn requests_of(kind: Kind, group: GroupId, range: KeyRange) -> (Bytes, Bytes) {
    let mut prefix = of_kind(kind);
    prefix.extend_from_slice(&group.0.to_be_bytes());
    let at = |position: Position| {
        Bytes::from([&prefix, &*keys::position_key(position.table, position.token)].concat())
    };
    (at(range.start), range.end.map_or_else(|| keys::after(&prefix), at))
}

/// The kinds of records about requests.
pub(crate) const REQUEST_KINDS: [Kind; 2] = [Kind::Answer, Kind::Batch];

/// The place and the id that a key of a record about a request names.
pub(crate) fn request_of(key: &[u8]) -> Result<(Position, RequestId), RecordError> {
    let wrong = |reason: &str| RecordError::new("request's key", reason);
    let place = key.get(13..).ok_or_else(|| wrong("too short"))?;
    let id = place.get(12..).and_then(|id| id.first_chunk()).ok_or_else(|| wrong("no id"))?;
    let position = position_of(place).map_err(|error| wrong(&error.to_string()))?;
    Ok((position, RequestId(u128::from_be_bytes(*id))))
}

/// The position of an engine key.
pub(crate) fn position_of(key: &[u8]) -> Result<Position, keys::KeyError> {
    Ok(Position::new(keys::table_of(key)?, keys::token_of(key)?))
}

/// Start and end of all keys with this prefix.
pub(crate) fn under(prefix: &[u8]) -> (Bytes, Bytes) {
    (Bytes::copy_from_slice(prefix), keys::after(prefix))
}

/// Start and end of the keys of all records of a kind.
pub(crate) fn all_of(kind: Kind) -> (Bytes, Bytes) {
    under(&of_kind(kind))
}

/// The last number of a key that ends with a table.
pub(crate) fn table_in(key: &[u8]) -> Result<TableId, RecordError> {
    let table = key.last_chunk::<4>().ok_or_else(|| RecordError::new("table key", "too short"))?;
    Ok(TableId(u32::from_be_bytes(*table)))
}

/// The number of the cell in the key of a record that a cell has once.
pub(crate) fn cell_in(key: &[u8]) -> CellId {
    CellId(key.last_chunk().map_or(0, |id| u64::from_be_bytes(*id)))
}

/// The number of the cell that a key of one of its many records begins with.
pub(crate) fn owner_in(key: &[u8]) -> Result<CellId, RecordError> {
    let cell = key.get(5..).and_then(|rest| rest.first_chunk());
    let cell = cell.ok_or_else(|| RecordError::new("record's key", "too short"))?;
    Ok(CellId(u64::from_be_bytes(*cell)))
}

/// A record as version and CBOR: for those that are few.
pub(crate) fn to_record<T: Serialize>(
    record: &'static str,
    value: &T,
) -> Result<Vec<u8>, RecordError> {
    cbor4ii::serde::to_vec(vec![VERSION], value).map_err(|error| RecordError::new(record, error))
}

/// Reads what [`to_record`] wrote.
pub(crate) fn from_record<T: DeserializeOwned>(
    record: &'static str,
    bytes: &[u8],
) -> Result<T, RecordError> {
    match bytes.split_first() {
        Some((&VERSION, body)) => {
            cbor4ii::serde::from_slice(body).map_err(|error| RecordError::new(record, error))
        }
        Some((version, _)) => {
            Err(RecordError::new(record, format!("version {version} is unknown")))
        }
        None => Err(RecordError::new(record, "it is empty")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_a_range_are_those_whose_position_lies_inside() {
        let group = GroupId(3);
        let (table, id) = (TableId(16), RequestId(0xfeed));
        let left = KeyRange { end: Some(Position::new(table, 5)), ..KeyRange::ALL };
        let right = KeyRange { start: Position::new(table, 5), end: None };
        for (token, inside) in [(i64::MIN, left), (4, left), (5, right), (i64::MAX, right)] {
            for kind in REQUEST_KINDS {
                let key = request_key(kind, group, Position::new(table, token), id);
                for range in [left, right] {
                    let (start, end) = requests_of(kind, group, range);
                    assert_eq!(start <= key && key < end, range == inside, "{token} in {range}");
                }
                assert_eq!(request_of(&key), Ok((Position::new(table, token), id)));
            }
        }
    }
}
