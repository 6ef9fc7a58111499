//! A list of changes that become visible, and durable, all together.
//!
//! Later changes of a batch win over earlier ones to the same key. A batch owns its bytes, so it
//! can be built once and handed to another thread.

use lsm_tree::Slice;

use crate::{
    error::{EngineError, RowPart},
    limits::{KEY_BYTES_MAX, VALUE_BYTES_MAX},
};

/// One change of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Sets the value of a key.
    Put(Slice, Slice),
    /// Removes a key, present or not.
    Remove(Slice),
    /// Removes every key from the first, included, to the second, excluded.
    RemoveRange(Slice, Slice),
}

/// Changes that are applied as one.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    changes: Vec<Change>,
    bytes: usize,
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty batch with room for so many changes.
    #[must_use]
    pub fn with_capacity(changes: usize) -> Self {
        Self { changes: Vec::with_capacity(changes), bytes: 0 }
    }

    /// Sets the value of `key`.
    pub fn put(&mut self, key: &[u8], value: &[u8]) {
        self.bytes += key.len() + value.len();
        self.changes.push(Change::Put(Slice::from(key), Slice::from(value)));
    }

    /// Removes `key`, whether it is there or not.
    pub fn remove(&mut self, key: &[u8]) {
        self.bytes += key.len();
        self.changes.push(Change::Remove(Slice::from(key)));
    }

    /// Removes every key in `start..end` that is there when the batch is applied, including what
    /// the batch itself put before. Costs one tombstone per key: [`crate::Engine::drop_range`] is
    /// for large ranges.
    pub fn remove_range(&mut self, start: &[u8], end: &[u8]) {
        self.bytes += start.len() + end.len();
        self.changes.push(Change::RemoveRange(Slice::from(start), Slice::from(end)));
    }

    /// The number of changes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// True if the batch changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The bytes of all keys and values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Forgets all changes and keeps the memory.
    pub fn clear(&mut self) {
        self.changes.clear();
        self.bytes = 0;
    }

    /// The changes in order.
    pub(crate) fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Checks all lengths, so that nothing can fail half-way through the batch.
    pub(crate) fn check(&self) -> Result<(), EngineError> {
        for change in &self.changes {
            match change {
                Change::Put(key, value) => {
                    check_key(key)?;
                    check_size(RowPart::Value, value.len(), 0, VALUE_BYTES_MAX)?;
                }
                Change::Remove(key) => check_key(key)?,
                // Bounds need not be keys.
                Change::RemoveRange(..) => {}
            }
        }
        Ok(())
    }
}

fn check_key(key: &[u8]) -> Result<(), EngineError> {
    check_size(RowPart::Key, key.len(), 1, KEY_BYTES_MAX)
}

fn check_size(
    what: RowPart,
    bytes: usize,
    bytes_min: usize,
    bytes_max: usize,
) -> Result<(), EngineError> {
    if (bytes_min..=bytes_max).contains(&bytes) {
        return Ok(());
    }
    Err(EngineError::Size { what, bytes, bytes_min, bytes_max })
}
