//! Taking over a whole cell that came as a snapshot: read twice, held in memory never as a whole.
//!
//! First it is checked, so that nothing is touched for one that is damaged. Then the cell says that
//! it lacks its rows, in the batch that removes those it had; rows follow in bounded batches; the
//! last batch says what the cell is. The engine keeps the order of batches, so after a crash the
//! cell is what it was, or lacks its rows, or is complete.

use std::collections::BTreeSet;

use bytes::{Buf, Bytes, BytesMut};
use cellar_engine::{Batch, Engine};
use cellar_metadata_api::{CellId, KeyRange, TableId};
use cellar_raft::{MachineError, Pieces, Received};
use cellar_schema::keys;

use super::snapshot::{VERSION, ranges};
use crate::{
    apply::{ApplyError, CellState, Machines, Overlay, clear_rows, further, others, take_over},
    commands::CommandError,
    index::Changes,
    limits::INSTALL_BATCH_BYTES,
    records::{self, Descriptor, Kind, Progress},
};

/// Bytes at the end of a snapshot.
const CHECKSUM_BYTES: usize = 4;

fn wrong(reason: impl ToString) -> ApplyError {
    let reason = format!("snapshot: {}", reason.to_string());
    CommandError { reason }.into()
}

/// What a snapshot holds, one after the other.
struct Entries {
    pieces: Pieces,
    read: BytesMut,
    checksum: crc32fast::Hasher,
    progress: Bytes,
}

impl Entries {
    /// Reads up to the first entry.
    fn begin(snapshot: &Received) -> Result<Self, ApplyError> {
        let (pieces, read) = (snapshot.pieces(), BytesMut::new());
        let (checksum, progress) = (crc32fast::Hasher::new(), Bytes::new());
        let mut entries = Self { pieces, read, checksum, progress };
        if entries.bytes(1)?.first() != Some(&VERSION) {
            return Err(wrong("of another version"));
        }
        entries.progress = entries.string()?.ok_or_else(|| wrong("it ends early"))?;
        Ok(entries)
    }

    /// How far the cell was.
    fn progress(&self) -> Result<Progress, ApplyError> {
        match self.progress.is_empty() {
            true => Ok(Progress::default()),
            false => Ok(Progress::decode(&self.progress)?),
        }
    }

    /// Reads on until there are so many bytes, if there are; says how many there are.
    fn fill(&mut self, bytes: usize) -> Result<usize, ApplyError> {
        while self.read.len() < bytes {
            let failed = |error: MachineError| wrong(error);
            let Some(piece) = self.pieces.next().transpose().map_err(failed)? else { break };
            self.read.extend_from_slice(&piece);
        }
        Ok(self.read.len())
    }

    fn bytes(&mut self, count: usize) -> Result<Bytes, ApplyError> {
        if self.fill(count)? < count {
            return Err(wrong("it ends early"));
        }
        let bytes = self.read.split_to(count).freeze();
        self.checksum.update(&bytes);
        Ok(bytes)
    }

    /// The next string; none at the end, whose checksum is right then.
    fn string(&mut self) -> Result<Option<Bytes>, ApplyError> {
        if self.fill(CHECKSUM_BYTES + 1)? <= CHECKSUM_BYTES {
            let found = self.read.split().freeze().try_get_u32_le().map_err(CommandError::from)?;
            let expected = self.checksum.clone().finalize();
            return if found == expected { Ok(None) } else { Err(wrong("its checksum differs")) };
        }
        let mut length = self.bytes(4)?;
        let length = length.try_get_u32_le().map_err(CommandError::from)?;
        let length = usize::try_from(length).map_err(wrong)?;
        self.bytes(length).map(Some)
    }

    /// The next entry.
    fn next(&mut self) -> Result<Option<(Bytes, Bytes)>, ApplyError> {
        let Some(key) = self.string()? else { return Ok(None) };
        let value = self.string()?.ok_or_else(|| wrong("a key without a value"))?;
        Ok(Some((key, value)))
    }
}

/// What a cell becomes by a snapshot.
pub(super) struct Next {
    pub(super) descriptor: Descriptor,
    tables: BTreeSet<TableId>,
}

/// Reads a snapshot to its end; says what the cell is.
pub(super) fn check(snapshot: &Received, cell: CellId) -> Result<Next, ApplyError> {
    let key = records::cell_key(Kind::Descriptor, cell);
    let table = records::cell_key(Kind::Table, cell);
    let (mut found, mut tables) = (None, BTreeSet::new());
    let mut entries = Entries::begin(snapshot)?;
    while let Some((entry, value)) = entries.next()? {
        if entry == key {
            found = Some(Descriptor::decode(&value)?);
        } else if entry.starts_with(&table) {
            tables.insert(records::table_in(&entry)?);
        }
    }
    let descriptor = found.ok_or_else(|| wrong(format!("it is not of {cell}")))?;
    Ok(Next { descriptor, tables })
}

/// Replaces what the cell has by what the snapshot holds, which makes it `next`. The caller has
/// claimed the range of that, or everything where damage is to be mended. Says which cells it has
/// taken over since it was last heard of here.
pub(super) fn install(
    engine: &Engine,
    machines: &Machines,
    next: &Next,
    snapshot: &Received,
    position: Vec<u8>,
) -> Result<Vec<CellId>, ApplyError> {
    let (ended, further) = clear(engine, machines, next)?;
    let next = &next.descriptor;
    let (cell, range, epoch) = (next.cell, next.range, next.epoch);
    tracing::info!(%cell, %range, %epoch, ?ended, "rows come as a snapshot");
    let key = records::cell_key(Kind::Descriptor, next.cell);
    let indexes = machines.indexes().now();

    let mut entries = Entries::begin(snapshot)?;
    let progress = Progress { position, ..entries.progress()? };
    let (mut batch, mut bytes) = (Batch::new(), 0_usize);
    let mut added = Changes::new(&indexes);
    while let Some((entry, value)) = entries.next()? {
        if entry == key || is_in(&entry, &further)? {
            continue;
        }
        batch.put(&entry, &value);
        added.add_stored(&entry, &value)?;
        bytes = bytes.saturating_add(entry.len()).saturating_add(value.len());
        if bytes >= INSTALL_BATCH_BYTES {
            added.finish(&mut batch);
            engine.apply(&batch)?;
            (batch, bytes, added) = (Batch::new(), 0, Changes::new(&indexes));
        }
    }
    added.finish(&mut batch);
    indexes.mark_built(next.cell, &mut batch);
    batch.put(&key, &next.encode()?);
    batch.put(&records::cell_key(Kind::Progress, next.cell), &progress.encode());
    engine.apply(&batch)?;
    Ok(ended)
}

/// Whether an entry of a snapshot, of a row or a request, lies in one of these ranges.
fn is_in(key: &Bytes, ranges: &[KeyRange]) -> Result<bool, ApplyError> {
    if ranges.is_empty() {
        return Ok(false);
    }
    let of_kind = |kind| {
        let (start, end) = records::all_of(kind);
        start <= *key && *key < end
    };
    let at = if keys::table_of(key)? >= keys::FIRST_USER_TABLE {
        records::position_of(key)?
    } else if records::REQUEST_KINDS.into_iter().any(of_kind) {
        records::request_of(key)?.0
    } else {
        return Ok(false);
    };
    Ok(ranges.iter().any(|range| range.contains(at)))
}

/// Removes what the cell had, and says that it lacks its rows. Says which cells it has taken over,
/// and the ranges of those that are further than it will be.
fn clear(
    engine: &Engine,
    machines: &Machines,
    Next { descriptor: next, tables }: &Next,
) -> Result<(Vec<CellId>, Vec<KeyRange>), ApplyError> {
    let mut overlay = Overlay::new(engine);
    let ended = take_over(&mut overlay, machines, next)?;
    // Without those that were just taken over.
    let others = others(&overlay, next, |other| !other.lacks_rows)?;
    let further = further(&overlay, next)?;
    // As stored: an earlier attempt may have ended in the middle.
    for (start, end) in ranges(&CellState::load(engine, next.cell)?, &others) {
        overlay.clear(start, end);
    }
    // Nor does anything stay of those that had these keys before.
    clear_rows(&mut overlay, next, tables, &others);
    let partial = Descriptor { lacks_rows: true, ..next.clone() };
    overlay.put_record(records::cell_key(Kind::Descriptor, next.cell), partial.encode()?);
    let indexes = machines.indexes().now();
    indexes.notes_of(next.cell).for_each(|note| overlay.remove(note));
    engine.apply(&overlay.into_batch(&indexes)?)?;
    Ok((ended, further))
}

#[cfg(test)]
mod tests {
    use cellar_engine::Options;
    use cellar_metadata_api::{Epoch, GroupId, NodeId, Position};
    use cellar_raft::Applied;

    use super::*;
    use crate::cell::content_of;

    const CELL: CellId = CellId(7);
    const TABLE: TableId = TableId(20);

    struct Disk {
        engine: Engine,
        _dir: tempfile::TempDir,
    }

    impl Disk {
        /// A cell with rows at these tokens.
        fn with(lacks_rows: bool, tokens: &[i64], value: &[u8]) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let engine = Engine::open(dir.path(), Options::default()).unwrap();
            let descriptor =
                Descriptor::new((CELL, GroupId(1)), KeyRange::ALL, Epoch(2), vec![NodeId(1)]);
            let descriptor = Descriptor { lacks_rows, ..descriptor };
            let mut batch = Batch::new();
            let key = records::cell_key(Kind::Descriptor, CELL);
            batch.put(&key, &descriptor.encode().unwrap());
            batch.put(&records::table_key(Kind::Table, CELL, TABLE), &[1]);
            for token in tokens {
                batch.put(&keys::position_key(TABLE, *token), value);
            }
            engine.apply(&batch).unwrap();
            Self { engine, _dir: dir }
        }

        fn state(&self) -> CellState {
            CellState::load(&self.engine, CELL).unwrap()
        }

        fn tokens(&self) -> Vec<i64> {
            let (start, end) = keys::table_range(TABLE);
            let rows = self.engine.snapshot().scan(start..end, false);
            rows.map(|row| keys::token_of(&row.unwrap().0).unwrap()).collect()
        }

        fn install(&self, snapshot: Bytes) -> Result<(), ApplyError> {
            let position = Applied::default().encode();
            let (machines, from) = (Machines::default(), Received::from(snapshot));
            let next = check(&from, CELL)?;
            install(&self.engine, &machines, &next, &from, position).map(|_| ())
        }
    }

    #[test]
    fn a_snapshot_of_several_batches_replaces_what_an_earlier_attempt_has_left() {
        let value = vec![b'x'; INSTALL_BATCH_BYTES / 2 + 1];
        let from = Disk::with(false, &[-5, 1, 2, 3, 9], &value);
        let to = Disk::with(true, &[-6, 1, 10], b"stale");
        to.install(content_of(&from.engine, &from.state()).unwrap()).unwrap();
        assert_eq!(to.tokens(), [-5, 1, 2, 3, 9]);
        assert_eq!(to.state().descriptor, from.state().descriptor);
    }

    #[test]
    fn a_snapshot_that_is_damaged_anywhere_changes_nothing() {
        let from = Disk::with(false, &[1, 2], b"row");
        let to = Disk::with(false, &[3], b"row");
        let whole = content_of(&from.engine, &from.state()).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.to_vec();
            damaged[at] ^= 1;
            assert!(to.install(damaged.into()).is_err(), "byte {at}");
            assert!(to.install(whole.slice(..at)).is_err(), "{at} bytes");
        }
        assert_eq!(to.tokens(), [3]);
    }

    #[test]
    fn a_snapshot_of_before_a_split_leaves_the_right_half_as_it_is_here() {
        let from = Disk::with(false, &[1, 2, 7, 8], b"old");
        let to = Disk::with(true, &[3, 7, 9], b"new");
        let start = Position::new(TABLE, 5);
        let right = Descriptor::new(
            (CellId(8), GroupId(1)),
            KeyRange { start, end: None },
            Epoch(3),
            vec![NodeId(1)],
        );
        let mut batch = Batch::new();
        batch.put(&records::cell_key(Kind::Descriptor, CellId(8)), &right.encode().unwrap());
        to.engine.apply(&batch).unwrap();
        to.install(content_of(&from.engine, &from.state()).unwrap()).unwrap();
        assert_eq!(to.tokens(), [1, 2, 7, 9]);
        let row = to.engine.get(&keys::position_key(TABLE, 7)).unwrap();
        assert_eq!(row.as_deref(), Some(&b"new"[..]));
    }
}
