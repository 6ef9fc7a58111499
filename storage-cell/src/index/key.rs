//! Where indexes are in a node's engine: the reserved table 1. `FORMAT.md` gives every byte.
//!
//! An entry's key is the entries' space, a term, and what the row's key has after its table; so
//! the entries of one term are in the order of their rows.

use bytes::Bytes;
use cellar_engine::KEY_BYTES_MAX;
use cellar_metadata_api::{CellId, TableId};
use cellar_schema::keys;

/// The number of the next space.
const NEXT: u8 = 0;
/// What a space is of.
const SPACE: u8 = 1;
/// That every row of a cell has its entries in a space.
const BUILT: u8 = 2;
/// That a row has none, because its key would be too long.
const FLAWED: u8 = 3;
/// An entry.
const ENTRY: u8 = 4;

/// Bytes of an entry's key before the term.
const ENTRY_HEAD_BYTES: usize = 13;
/// Bytes of a row's key that name its table.
const TABLE_BYTES: usize = 4;

/// The entries of one target of one table on one node; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SpaceId(pub(super) u64);

fn of_kind(kind: u8) -> Vec<u8> {
    let mut key = Vec::with_capacity(32);
    key.extend_from_slice(&[0, 0, 0, 1, kind]);
    key
}

fn of_space(kind: u8, space: SpaceId) -> Vec<u8> {
    let mut key = of_kind(kind);
    key.extend_from_slice(&space.0.to_be_bytes());
    key
}

/// The key of the number of the next space.
pub(super) fn next_key() -> Vec<u8> {
    of_kind(NEXT)
}

/// The key of the record of a space.
pub(super) fn space_key(space: SpaceId) -> Vec<u8> {
    of_space(SPACE, space)
}

/// Start and end of the records of all spaces.
pub(super) fn all_spaces() -> (Bytes, Bytes) {
    under(&of_kind(SPACE))
}

/// The key of the note that a cell has all its entries.
pub(super) fn built_key(space: SpaceId, cell: CellId) -> Vec<u8> {
    let mut key = of_space(BUILT, space);
    key.extend_from_slice(&cell.0.to_be_bytes());
    key
}

/// The key of the note that a row has no entry.
pub(super) fn flawed_key(space: SpaceId) -> Vec<u8> {
    of_space(FLAWED, space)
}

/// Start and end of what belongs to spaces, kind by kind, but for their records.
pub(super) fn contents() -> [(Bytes, Bytes); 3] {
    [BUILT, FLAWED, ENTRY].map(|kind| under(&of_kind(kind)))
}

/// The first key of the same kind and of a later space.
pub(super) fn after_space(key: &[u8]) -> Bytes {
    keys::after(key.get(..ENTRY_HEAD_BYTES).unwrap_or(key))
}

/// The space in the key of a record or of an entry.
pub(super) fn space_in(key: &[u8]) -> Option<SpaceId> {
    let number = key.get(TABLE_BYTES + 1..)?.first_chunk()?;
    Some(SpaceId(u64::from_be_bytes(*number)))
}

/// What the keys of all entries of a term begin with.
pub(super) fn term_prefix(space: SpaceId, term: &[u8]) -> Vec<u8> {
    let mut key = of_space(ENTRY, space);
    for byte in term {
        key.push(*byte);
        if *byte == 0 {
            key.push(0xff);
        }
    }
    key.extend_from_slice(&[0, 1]);
    key
}

/// An entry's key, unless it would be too long.
pub(super) fn entry_key(space: SpaceId, term: &[u8], row: &[u8]) -> Option<Bytes> {
    let mut key = term_prefix(space, term);
    key.extend_from_slice(rest(row));
    (key.len() <= KEY_BYTES_MAX).then(|| Bytes::from(key))
}

/// What a row's key has after its table.
pub(super) fn rest(row: &[u8]) -> &[u8] {
    row.get(TABLE_BYTES..).unwrap_or_default()
}

/// The row's key in the key of an entry.
pub(super) fn row_in(table: TableId, entry: &[u8]) -> Option<Bytes> {
    let after_head = entry.get(ENTRY_HEAD_BYTES..)?;
    // The only 0x00 0x01: within a term 0xFF follows every 0x00.
    let ends = after_head.windows(2).position(|pair| pair == [0, 1])?;
    let rest = after_head.get(ends + 2..)?;
    Some(Bytes::from([&table.0.to_be_bytes(), rest].concat()))
}

fn under(prefix: &[u8]) -> (Bytes, Bytes) {
    (Bytes::copy_from_slice(prefix), keys::after(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_a_term_are_in_row_order_and_none_of_another_term_is_between() {
        let (table, space) = (TableId(20), SpaceId(3));
        let row = |n: u8| Bytes::from(vec![0, 0, 0, 20, n, 0, 1, n]);
        let terms: [&[u8]; 5] = [b"", b"\0", b"\0\xff", b"a", b"a\0"];
        let mut keys = Vec::new();
        for term in terms {
            for n in [0, 1, 255] {
                let key = entry_key(space, term, &row(n)).unwrap();
                assert_eq!(row_in(table, &key), Some(row(n)));
                assert_eq!(space_in(&key), Some(space));
                assert!(key.starts_with(&term_prefix(space, term)));
                keys.push(key);
            }
        }
        assert!(keys.is_sorted(), "{keys:?}");
        assert_eq!(entry_key(space, b"a", &vec![0; KEY_BYTES_MAX]), None);
    }
}
