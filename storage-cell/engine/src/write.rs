//! Applying a batch: all of it into one memtable, then visible at once.

use std::{
    ops::Bound::{Excluded, Included},
    sync::atomic::Ordering,
};

use lsm_tree::{AbstractTree, Guard, InternalValue, Slice, ValueType};

use crate::{
    batch::{Batch, Change},
    core::{Core, Writes},
    error::EngineError,
    snapshot::{after_shorter, before_longer, is_empty},
};

impl Core {
    /// Applies `batch`. Everything that can fail happens before its first row is written.
    pub(crate) fn apply(&self, batch: &Batch) -> Result<(), EngineError> {
        self.check()?;
        batch.check()?;
        if self.is_crowded() {
            self.gauges.stalls.fetch_add(1, Ordering::Relaxed);
            self.work.ask_flush();
            self.work.wait_for_room(self);
        }
        self.write(batch)
    }

    /// Applies a checked batch at once, room or not.
    pub(crate) fn write(&self, batch: &Batch) -> Result<(), EngineError> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut writes = self.writes.lock();
        self.check()?;
        let removed = self.expand_ranges(batch.changes())?;
        let mut removed = removed.into_iter();
        let mut bytes = 0;
        for change in batch.changes() {
            bytes += match change {
                Change::Put(key, value) => self.insert(&mut writes, key, Some(value)),
                Change::Remove(key) => self.insert(&mut writes, key, None),
                Change::RemoveRange(..) => removed
                    .next()
                    .unwrap_or_default()
                    .iter()
                    .map(|key| self.insert(&mut writes, key, None))
                    .sum(),
            };
        }
        self.pins.publish(self.seqno.get());
        let before = self.gauges.active_bytes.fetch_add(bytes, Ordering::Relaxed);
        drop(writes);
        if before + bytes >= self.options.memtable_bytes {
            self.work.ask_flush();
        }
        Ok(())
    }

    /// Writes one row or, without a value, its tombstone; gives the bytes it takes.
    fn insert(&self, writes: &mut Writes, key: &Slice, value: Option<&Slice>) -> u64 {
        // Each change has its own number, so that the last of two to one key wins.
        let seqno = self.seqno.next();
        let row = match value {
            Some(value) => {
                InternalValue::from_components(key.clone(), value.clone(), seqno, ValueType::Value)
            }
            None => InternalValue::new_tombstone(key.clone(), seqno),
        };
        let (bytes, _) = writes.memtable.insert(row);
        writes.samples.add(key, bytes);
        bytes
    }

    /// For each range that the batch removes, the keys in it: those that are there now and those
    /// that the batch puts before.
    fn expand_ranges(&self, changes: &[Change]) -> Result<Vec<Vec<Slice>>, EngineError> {
        let mut expanded = Vec::new();
        for (index, change) in changes.iter().enumerate() {
            let Change::RemoveRange(start, end) = change else { continue };
            let mut keys = Vec::new();
            let bounds = (after_shorter(Included(start)), before_longer(Excluded(end)));
            if start < end && !is_empty(bounds) {
                for row in self.tree.range::<&[u8], _>(bounds, self.seqno.get(), None) {
                    keys.push(row.key().map_err(EngineError::tree("remove range"))?);
                }
                keys.extend(changes.iter().take(index).filter_map(|earlier| match earlier {
                    Change::Put(key, _) if (start..end).contains(&key) => Some(key.clone()),
                    _ => None,
                }));
            }
            expanded.push(keys);
        }
        Ok(expanded)
    }
}
