//! How much a key range holds, and the key that halves it.
//!
//! Estimates: from block indexes and memtable samples, without reading rows. Superseded rows and
//! tombstones count until compaction drops them.

pub(crate) mod outline;
pub(crate) mod samples;

use bytes::Bytes;
use lsm_tree::{AbstractTree, Table};

use crate::{
    core::Core, error::EngineError, limits::MIDDLE_SCAN_BYTES_MAX, sizes::outline::Interval,
    snapshot::Snapshot,
};

/// Sizes of an open engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Bytes in memory that are not on disk yet.
    pub memtable_bytes: u64,
    /// Bytes of all live tables on disk, compressed.
    pub disk_bytes: u64,
    /// Live tables.
    pub tables: usize,
    /// Tables per level, from level 0.
    pub levels: Vec<usize>,
    /// Overlapping runs in level 0, which every point read looks into.
    pub l0_runs: usize,
    /// Bytes in the block cache.
    pub block_cache_bytes: u64,
    /// Snapshots and reads in progress.
    pub snapshots: usize,
    /// Superseded lists of tables that snapshots or the next change still hold.
    pub superseded_versions: usize,
    /// Flushes since the engine was opened.
    pub flushes: u64,
    /// Compactions since the engine was opened.
    pub compactions: u64,
    /// Batches that waited for flush or compaction since the engine was opened.
    pub stalls: u64,
}

impl Core {
    /// Sizes now.
    pub(crate) fn stats(&self) -> Stats {
        use std::sync::atomic::Ordering::Relaxed;
        let version = self.tree.current_version();
        let active_bytes = self.gauges.active_bytes.load(Relaxed);
        Stats {
            memtable_bytes: active_bytes + self.gauges.sealed_bytes.load(Relaxed),
            disk_bytes: version.iter_tables().map(|table| table.metadata.file_size).sum(),
            tables: version.table_count(),
            levels: version.iter_levels().map(|level| level.table_count()).collect(),
            l0_runs: version.l0().run_count(),
            block_cache_bytes: self.tree.tree_config().cache.size(),
            snapshots: self.pins.count(),
            superseded_versions: self.tree.version_free_list_len(),
            flushes: self.gauges.flushes.load(Relaxed),
            compactions: self.gauges.compactions.load(Relaxed),
            stalls: self.gauges.stalls.load(Relaxed),
        }
    }

    /// About how many bytes `start..end` takes, on disk and in memory.
    pub(crate) fn approximate_bytes(&self, start: &[u8], end: &[u8]) -> Result<u64, EngineError> {
        self.check()?;
        let mut bytes = self.memtable_intervals(start, end).iter().map(|part| part.bytes).sum();
        let version = self.tree.current_version();
        for table in version.iter_tables().filter(|table| overlaps(table, start, end)) {
            bytes += if is_within(table, start, end) {
                table.metadata.file_size
            } else {
                self.outline(table)?.in_range(start, end).iter().map(|part| part.bytes).sum()
            };
        }
        Ok(bytes)
    }

    fn memtable_intervals(&self, start: &[u8], end: &[u8]) -> Vec<Interval> {
        let writes = self.writes.lock();
        let samples = writes.samples.in_range(start, end);
        samples.map(|(key, bytes)| Interval { end: key.clone(), bytes }).collect()
    }

    /// The key that halves `start..end` by its block indexes; none if they are too coarse.
    fn middle_by_index(&self, start: &[u8], end: &[u8]) -> Result<Option<Bytes>, EngineError> {
        let mut intervals = self.memtable_intervals(start, end);
        let version = self.tree.current_version();
        for table in version.iter_tables().filter(|table| overlaps(table, start, end)) {
            intervals.extend(self.outline(table)?.in_range(start, end));
        }
        intervals.sort_unstable_by(|a, b| a.end.cmp(&b.end));
        let half = intervals.iter().map(|part| part.bytes).sum::<u64>() / 2;
        let is_inside = |part: &&Interval| &*part.end > start && &*part.end < end;
        let mut bytes = 0;
        let middle = intervals.iter().find(|part| {
            bytes += part.bytes;
            bytes >= half && is_inside(part)
        });
        // Most bytes may lie before or after every key known inside.
        let middle = middle.or_else(|| intervals.iter().rfind(is_inside));
        Ok(middle.map(|part| Bytes::copy_from_slice(&part.end)))
    }
}

/// A key about halfway through `start..end` by bytes, strictly inside; none if the range has
/// fewer than two rows.
pub(crate) fn middle_key(
    core: &Core,
    snapshot: &Snapshot,
    start: &[u8],
    end: &[u8],
) -> Result<Option<Bytes>, EngineError> {
    if core.approximate_bytes(start, end)? >= MIDDLE_SCAN_BYTES_MAX
        && let Some(middle) = core.middle_by_index(start, end)?
    {
        return Ok(Some(middle));
    }
    middle_by_rows(snapshot, start, end)
}

/// The exact middle, by walking all rows.
fn middle_by_rows(
    snapshot: &Snapshot,
    start: &[u8],
    end: &[u8],
) -> Result<Option<Bytes>, EngineError> {
    let mut rows = Vec::new();
    let mut bytes = 0;
    for row in snapshot.scan(start..end, false) {
        let (key, value) = row?;
        let before = bytes;
        bytes += key.len() + value.len();
        rows.push((key, before));
    }
    // Not the first row: nothing would be left before it.
    let mut later = rows.into_iter().skip(1).peekable();
    let mut middle = None;
    while let Some((key, before)) = later.next() {
        if before >= bytes / 2 || later.peek().is_none() {
            middle = Some(key);
            break;
        }
    }
    Ok(middle)
}

/// True if the table may hold a key in `start..end`.
pub(crate) fn overlaps(table: &Table, start: &[u8], end: &[u8]) -> bool {
    let keys = &table.metadata.key_range;
    start < end && &**keys.max() >= start && &**keys.min() < end
}

/// True if all keys of the table are in `start..end`.
pub(crate) fn is_within(table: &Table, start: &[u8], end: &[u8]) -> bool {
    let keys = &table.metadata.key_range;
    &**keys.min() >= start && &**keys.max() < end
}
