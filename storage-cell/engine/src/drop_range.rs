//! Removing everything in a key range without reading it: whole tables go at once.
//!
//! A table that lies in the range may hold the newest state of a key of which another table, that
//! reaches beyond the range, holds an older one. So tombstones for all keys of such other tables
//! are written first, and stay in memory, out of the dropped tables, until the tables are gone.

use lsm_tree::{AbstractTree, Slice};

use crate::{
    batch::Batch,
    core::Core,
    error::EngineError,
    limits::DROP_BATCH_KEYS,
    sizes::{is_within, overlaps},
};

impl Core {
    /// Removes every key in `start..end`; durable on return.
    pub(crate) fn drop_range(&self, start: &[u8], end: &[u8]) -> Result<(), EngineError> {
        self.check()?;
        if start >= end {
            return Ok(());
        }
        // A compaction would carry rows of the range into tables that are not looked at.
        let _gate = self.compaction_gate.write();
        let _guard = self.poison_on_panic("drop range");
        let lock = self.tree.get_flush_lock();
        self.check()?;
        // Everything in tables, so that only tables need to be looked at.
        self.flush_locked(&lock)?;
        self.bury_partial_tables(start, end)?;
        self.tree.drop_range(start..end).map_err(|error| {
            let error = EngineError::tree("drop range")(error);
            // Without space the tables are all still there: it can be done again.
            if !error.is_full() {
                self.poison(&error.to_string());
            }
            error
        })?;
        self.flush_locked(&lock)?;
        self.tables_changed();
        Ok(())
    }

    /// Writes tombstones for the keys in the range of all tables that reach beyond it.
    fn bury_partial_tables(&self, start: &[u8], end: &[u8]) -> Result<(), EngineError> {
        let version = self.tree.current_version();
        let mut batch = Batch::with_capacity(DROP_BATCH_KEYS);
        for table in version.iter_tables() {
            if !overlaps(table, start, end) || is_within(table, start, end) {
                continue;
            }
            let mut last: Option<Slice> = None;
            for row in table.range(Slice::from(start)..Slice::from(end)) {
                let key = row.map_err(EngineError::tree("drop range"))?.key.user_key;
                if last.as_ref() == Some(&key) {
                    continue;
                }
                batch.remove(&key);
                last = Some(key);
                if batch.len() >= DROP_BATCH_KEYS {
                    self.write(&batch)?;
                    batch.clear();
                }
            }
        }
        self.write(&batch)
    }
}
