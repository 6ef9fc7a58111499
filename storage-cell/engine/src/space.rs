//! Room on the disk: looked at before it is used, so that a full disk is met before a table is
//! half-written; and what a half-written one leaves behind is removed.

use std::{
    collections::HashSet,
    fs, io,
    sync::{MutexGuard, atomic::Ordering},
};

use lsm_tree::AbstractTree;

use crate::{core::Core, error::EngineError};

impl Core {
    /// Whether flushes or compactions wait for room.
    pub(crate) fn waits_for_space(&self) -> bool {
        self.gauges.flush_waits.load(Ordering::Relaxed)
            || self.gauges.compaction_waits.load(Ordering::Relaxed)
    }

    /// Fails unless there is room for everything in memory.
    pub(crate) fn room_for_flush(&self) -> Result<(), EngineError> {
        let sealed = self.gauges.sealed_bytes.load(Ordering::Relaxed);
        let active = self.gauges.active_bytes.load(Ordering::Relaxed);
        self.room_for("flush", sealed.saturating_add(active))
    }

    /// Fails unless there is room for a compaction of usual size: it writes all it reads anew
    /// before what it read can go.
    pub(crate) fn room_for_compaction(&self) -> Result<(), EngineError> {
        let usual = self.options.table_bytes.saturating_mul(2);
        let version = self.tree.current_version();
        let all = version.iter_tables().map(|table| table.metadata.file_size).sum();
        self.room_for("compaction", usual.min(all))
    }

    fn room_for(&self, operation: &'static str, bytes: u64) -> Result<(), EngineError> {
        let needed = bytes.saturating_add(self.options.reserve_bytes);
        // A disk that does not say may still have room.
        let Ok(disk) = rustix::fs::statvfs(self.directory.path()) else { return Ok(()) };
        if bytes == 0 || disk.f_bavail.saturating_mul(disk.f_frsize) >= needed {
            return Ok(());
        }
        Err(EngineError::Io { operation, source: io::ErrorKind::StorageFull.into() })
    }

    /// After a compaction that was not done.
    pub(crate) fn after_failed_compaction(&self) {
        let lock = self.tree.get_flush_lock();
        self.sweep(&lock);
    }

    /// Removes tables that were begun and never named, if nobody can be writing or reading one:
    /// otherwise they stay until the next time, or until the engine is opened again.
    pub(crate) fn sweep(&self, _flush: &MutexGuard<'_, ()>) {
        let Some(_gate) = self.compaction_gate.try_write() else { return };
        if self.pins.count() > 0 || self.tree.version_free_list_len() > 0 {
            return;
        }
        let version = self.tree.current_version();
        let named: HashSet<u64> = version.iter_tables().map(|table| table.metadata.id).collect();
        let Ok(files) = fs::read_dir(self.directory.tree().join("tables")) else { return };
        for file in files.flatten() {
            let id = file.file_name().to_str().and_then(|name| name.parse::<u64>().ok());
            let is_left_over = id.is_some_and(|id| !named.contains(&id));
            if is_left_over && let Err(error) = fs::remove_file(file.path()) {
                tracing::warn!(%error, "a half-written table was not removed");
            }
        }
    }
}
