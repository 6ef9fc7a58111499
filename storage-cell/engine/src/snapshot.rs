//! Reading at one point of the write order, however long it takes.

use std::{
    ops::{
        Bound::{self, Excluded, Included, Unbounded},
        Range,
    },
    sync::Arc,
};

use bytes::Bytes;
use lsm_tree::{AbstractTree, Guard, Slice};

use crate::{
    core::Core,
    error::EngineError,
    limits::{KEY_BYTES_MAX, SHARED_VALUE_BYTES_MIN},
};

/// All rows as they were when the snapshot was taken, whole batches only.
///
/// Rows that were overwritten since, and superseded tables, are kept for it: do not hold one for
/// longer than a read. Clones see the same rows.
#[derive(Clone)]
pub struct Snapshot {
    /// None if the engine was closed.
    pin: Option<Arc<Pin>>,
}

/// A pinned point of the write order.
struct Pin {
    core: Arc<Core>,
    seqno: u64,
}

impl Drop for Pin {
    fn drop(&mut self) {
        self.core.pins.unpin(self.seqno);
    }
}

impl Pin {
    fn scan(&self, bounds: (Bound<&[u8]>, Bound<&[u8]>), reverse: bool) -> Scan {
        let cut = (after_shorter(bounds.0), before_longer(bounds.1));
        let state = match self.core.check() {
            Err(error) => ScanState::Failed(error),
            Ok(()) if is_empty(bounds) || is_empty(cut) => ScanState::Done,
            Ok(()) => {
                let rows = self.core.tree.range::<&[u8], _>(cut, self.seqno, None);
                ScanState::Rows(rows)
            }
        };
        Scan { state, reverse, _core: Some(Arc::clone(&self.core)) }
    }
}

impl Snapshot {
    /// Pins what there is now of an engine that is open.
    pub(crate) fn new(core: Option<&Arc<Core>>) -> Self {
        let pin = |core: &Arc<Core>| Pin { core: Arc::clone(core), seqno: core.pins.pin() };
        Self { pin: core.map(pin).map(Arc::new) }
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// A failing disk, damaged bytes, a poisoned or closed engine.
    pub fn get(&self, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        let pin = self.pin.as_ref().ok_or(EngineError::Closed)?;
        pin.core.get_at(key, pin.seqno)
    }

    /// The rows in `range`, by ascending keys or, in `reverse`, by descending ones.
    ///
    /// An inverted range is empty. After an error the iterator ends. It outlives the snapshot,
    /// and may move to another thread.
    pub fn scan<K: AsRef<[u8]>>(&self, range: Range<K>, reverse: bool) -> Scan {
        let bounds = (Included(range.start.as_ref()), Excluded(range.end.as_ref()));
        self.scan_bounds(bounds, reverse)
    }

    /// The rows from `start` to the last one there is; with an empty `start`, all rows. See
    /// [`Snapshot::scan`].
    #[must_use]
    pub fn scan_from(&self, start: &[u8], reverse: bool) -> Scan {
        self.scan_bounds((Included(start), Unbounded), reverse)
    }

    fn scan_bounds(&self, bounds: (Bound<&[u8]>, Bound<&[u8]>), reverse: bool) -> Scan {
        let closed =
            || Scan { state: ScanState::Failed(EngineError::Closed), reverse, _core: None };
        self.pin.as_ref().map_or_else(closed, |pin| pin.scan(bounds, reverse))
    }
}

impl Core {
    /// The newest value of `key`.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        let pin = BorrowedPin { core: self, seqno: self.pins.pin() };
        self.get_at(key, pin.seqno)
    }

    fn get_at(&self, key: &[u8], seqno: u64) -> Result<Option<Bytes>, EngineError> {
        self.check()?;
        if key.len() > KEY_BYTES_MAX {
            return Ok(None);
        }
        let value = self.tree.get(key, seqno).map_err(EngineError::tree("get"))?;
        Ok(value.map(value_bytes))
    }
}

/// The longest key that a row may have of what `key` begins with, if it is longer than that. The
/// tree takes no longer ones, not even to look for.
fn cut(key: &[u8]) -> Option<&[u8]> {
    key.get(..KEY_BYTES_MAX).filter(|head| head.len() < key.len())
}

/// The same start for rows: one that is longer than a key comes after what it begins with.
pub(crate) fn after_shorter(start: Bound<&[u8]>) -> Bound<&[u8]> {
    match start {
        Included(key) | Excluded(key) => cut(key).map_or(start, Excluded),
        Unbounded => Unbounded,
    }
}

/// The same end for rows: one that is longer than a key comes after what it begins with.
pub(crate) fn before_longer(end: Bound<&[u8]>) -> Bound<&[u8]> {
    match end {
        Included(key) | Excluded(key) => cut(key).map_or(end, Included),
        Unbounded => Unbounded,
    }
}

/// A pin for the time of one call.
struct BorrowedPin<'a> {
    core: &'a Core,
    seqno: u64,
}

impl Drop for BorrowedPin<'_> {
    fn drop(&mut self) {
        self.core.pins.unpin(self.seqno);
    }
}

/// Rows of a range in order. See [`Snapshot::scan`].
pub struct Scan {
    state: ScanState,
    reverse: bool,
    /// Keeps the directory locked: a superseded table removes its file when the last scan lets go
    /// of it, and a later engine may have given the file's name away by then. Last, to go last.
    _core: Option<Arc<Core>>,
}

enum ScanState {
    Rows(Box<dyn DoubleEndedIterator<Item = lsm_tree::IterGuardImpl> + Send>),
    Failed(EngineError),
    Done,
}

impl Iterator for Scan {
    type Item = Result<(Bytes, Bytes), EngineError>;

    fn next(&mut self) -> Option<Self::Item> {
        match std::mem::replace(&mut self.state, ScanState::Done) {
            ScanState::Done => None,
            ScanState::Failed(error) => Some(Err(error)),
            ScanState::Rows(mut rows) => {
                let row = if self.reverse { rows.next_back()? } else { rows.next()? };
                let row = row.into_inner().map_err(EngineError::tree("scan"));
                if row.is_ok() {
                    self.state = ScanState::Rows(rows);
                }
                Some(row.map(|(key, value)| (Bytes::copy_from_slice(&key), value_bytes(value))))
            }
        }
    }
}

/// True if no key can lie between the bounds; the tree takes only proper ranges.
pub(crate) fn is_empty(bounds: (Bound<&[u8]>, Bound<&[u8]>)) -> bool {
    match bounds {
        (Included(start), Excluded(end)) | (Excluded(start), Included(end)) => start >= end,
        _ => false,
    }
}

/// Hands a value out: short ones as a copy, so that they do not keep their block in memory.
fn value_bytes(value: Slice) -> Bytes {
    if value.len() < SHARED_VALUE_BYTES_MIN {
        Bytes::copy_from_slice(&value)
    } else {
        Bytes::from_owner(value)
    }
}
