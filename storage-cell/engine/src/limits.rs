//! Every limit of the engine, with its unit and the reason for it.

use std::time::Duration;

/// Longest key in bytes: a table stores key lengths in sixteen bits.
pub const KEY_BYTES_MAX: usize = u16::MAX as usize;
/// Longest value in bytes: four times the largest cell CQL clients may send (16 MiB), so that a
/// row of a few such cells still fits; a data block's length must stay far below 4 GiB.
pub const VALUE_BYTES_MAX: usize = 64 << 20;
/// Values at least this long are handed out without a copy. Below it a copy is cheaper than
/// keeping the whole block of a short value in memory.
pub(crate) const SHARED_VALUE_BYTES_MIN: usize = 1 << 10;
/// One size sample of the memtable is kept per so many bytes: 64 MiB give 16 Ki samples.
pub(crate) const SAMPLE_BYTES: u64 = 4 << 10;
/// Intervals kept of one table's block index: 64 MiB tables are known to about half a MiB.
pub(crate) const OUTLINE_INTERVALS_MAX: usize = 128;
/// A range estimated smaller than this, in bytes, is walked to find its middle: a few
/// milliseconds, and the block index is too coarse for it.
pub(crate) const MIDDLE_SCAN_BYTES_MAX: u64 = 1 << 20;
/// Tombstones per batch when a range is dropped, so that writers get their turn in between.
pub(crate) const DROP_BATCH_KEYS: usize = 4_096;
/// Writers wait while the active memtable holds so many times the flush threshold: one memtable
/// in flight and one filling is what memory is planned for.
pub(crate) const MEMTABLES_MAX: u64 = 2;
/// Runs in level 0 at which writers wait for compaction, or twice the number at which it starts:
/// each costs a point read one more filter probe.
pub(crate) const L0_RUNS_MAX: usize = 24;
/// Data block size in bytes for all levels: one page of the usual file system.
pub(crate) const BLOCK_BYTES: u32 = 4 << 10;
/// Pause between attempts of the background threads on a full disk.
pub(crate) const SPACE_RETRY: Duration = Duration::from_secs(1);
/// Pause before a compaction that met a damaged block is tried again, unless one was written over:
/// each attempt reads tables up to the block.
pub(crate) const DAMAGE_RETRY: Duration = Duration::from_secs(60);
/// Attempts at the exact length of a block that is to replace a damaged one, for each of its forms.
pub(crate) const SUBSTITUTE_TRIES: usize = 12;
/// Its forms differ in the number of zeros that they end with: these compress, other bytes do not.
pub(crate) const SUBSTITUTE_ZEROS_MAX: usize = 48;
