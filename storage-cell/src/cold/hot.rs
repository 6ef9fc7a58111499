//! The hot side of a page that has cold rows, too.
//!
//! Where rows became cold the engine may be full of their tombstones, and to look for the next hot
//! row would mean to walk over all of them, for every page again. So the engine is scanned only as
//! far as the cold side has rows ready.

use bytes::Bytes;
use cellar_cell_api::Read;
use cellar_engine::{EngineError, Scan, Snapshot};

use super::merged::Merged;

/// Stored records of a span, one ahead.
pub(super) struct Hot<'s> {
    snapshot: &'s Snapshot,
    reverse: bool,
    /// What is not being scanned yet.
    start: Bytes,
    end: Bytes,
    scan: Option<Scan>,
    next: Option<(Bytes, Bytes)>,
}

impl<'s> Hot<'s> {
    pub(super) fn new(snapshot: &'s Snapshot, read: &Read) -> Self {
        let (start, end) = (read.start.clone(), read.end.clone());
        Self { snapshot, reverse: read.reverse, start, end, scan: None, next: None }
    }

    /// The next record, if it does not lie behind the next cold one.
    pub(super) fn peek(
        &mut self,
        cold: &Merged<'_>,
    ) -> Result<Option<&(Bytes, Bytes)>, EngineError> {
        while self.next.is_none() {
            if let Some(scan) = &mut self.scan {
                self.next = scan.next().transpose()?;
                if self.next.is_none() {
                    self.scan = None;
                }
            } else if self.start >= self.end || !self.widen(cold) {
                break;
            }
        }
        Ok(self.next.as_ref())
    }

    /// Takes what was peeked at.
    pub(super) fn take(&mut self) -> Option<(Bytes, Bytes)> {
        self.next.take()
    }

    /// Scans further; false if everything before the next cold key was scanned.
    fn widen(&mut self, cold: &Merged<'_>) -> bool {
        let (from, to) = match (cold.key(), cold.ready_to()) {
            (Some(key), Some(_)) if self.reverse && *key >= self.end => return false,
            (Some(key), Some(_)) if !self.reverse && *key < self.start => return false,
            (Some(_), Some(ready)) if self.reverse => {
                (ready.clone().clamp(self.start.clone(), self.end.clone()), self.end.clone())
            }
            (Some(_), Some(ready)) => {
                let behind = Bytes::from([ready.as_ref(), &[0]].concat());
                (self.start.clone(), behind.min(self.end.clone()))
            }
            _ => (self.start.clone(), self.end.clone()),
        };
        if self.reverse {
            self.end = from.clone();
        } else {
            self.start = to.clone();
        }
        self.scan = Some(self.snapshot.scan(from..to, self.reverse));
        true
    }
}
