//! How an engine is sized. Every value may differ from one opening to the next.

use std::time::Duration;

/// Sizes and threads of an engine.
#[derive(Clone, Debug)]
pub struct Options {
    /// The memtable is flushed in the background when it holds so many bytes.
    pub memtable_bytes: u64,
    /// Memory for blocks read from tables, in bytes.
    pub block_cache_bytes: u64,
    /// A compaction starts a new table after so many stored bytes. Smaller tables make dropping
    /// a range and finding its middle finer, and cost more open files.
    pub table_bytes: u64,
    /// Threads that compact; at least one runs.
    pub compaction_threads: usize,
    /// Runs in level 0 at which they are merged into the next level.
    pub l0_runs: u8,
    /// Longest wait of one batch for flush and compaction to catch up.
    pub stall_max: Duration,
    /// Room that flushes and compactions leave on the disk, in bytes; without it they wait.
    pub reserve_bytes: u64,
    /// Files held open for reading.
    pub open_files_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            memtable_bytes: 64 << 20,
            block_cache_bytes: 128 << 20,
            table_bytes: 64 << 20,
            compaction_threads: 2,
            l0_runs: 4,
            stall_max: Duration::from_secs(1),
            reserve_bytes: 8 << 20,
            open_files_max: 1_024,
        }
    }
}
