//! The handle: opening, closing, and every call.

use std::{path::Path, sync::Arc, thread::JoinHandle};

use bytes::Bytes;
use lsm_tree::{
    AnyTree, Cache, CompressionType, Config, DescriptorTable, SequenceNumberCounter,
    config::{BlockSizePolicy, CompressionPolicy},
};
use parking_lot::Mutex;

use crate::{
    batch::Batch,
    core::Core,
    directory::Directory,
    error::EngineError,
    limits::BLOCK_BYTES,
    options::Options,
    sizes::{self, Stats},
    snapshot::Snapshot,
    work,
};

/// Ordered rows on one local disk. Clones are handles to the same engine; when the last one is
/// dropped, the threads end. Rows that were not flushed are then gone: the log has them.
#[derive(Clone)]
pub struct Engine {
    handle: Arc<Handle>,
}

/// What lives as long as some handle does.
struct Handle {
    core: Arc<Core>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.core.mark_closed();
        work::stop(&self.core, std::mem::take(&mut *self.threads.lock()));
    }
}

impl Engine {
    /// Opens the engine in `dir`, or makes it. One engine at a time has a directory open, until
    /// its last handle, snapshot and scan is dropped.
    ///
    /// # Errors
    /// A directory that is open elsewhere, of a later format, damaged, or on a failing disk.
    pub fn open(dir: &Path, options: Options) -> Result<Self, EngineError> {
        let directory = Directory::open(dir)?;
        let seqno = SequenceNumberCounter::default();
        // The tree's own idea of what is visible would show half a batch whenever a flush ends
        // during one: it gets a counter nobody reads.
        let unused = SequenceNumberCounter::default();
        let config = Config::new(directory.tree(), seqno.clone(), unused)
            .use_cache(Arc::new(Cache::with_capacity_bytes(options.block_cache_bytes)))
            .use_descriptor_table(Some(Arc::new(DescriptorTable::new(options.open_files_max))))
            .data_block_size_policy(BlockSizePolicy::all(BLOCK_BYTES))
            .data_block_compression_policy(CompressionPolicy::new([
                CompressionType::None,
                CompressionType::Lz4,
            ]));
        let AnyTree::Standard(tree) = config.open().map_err(EngineError::tree("open"))? else {
            return Err(EngineError::Corrupt {
                operation: "open",
                detail: "the tree keeps values apart from keys".to_owned(),
            });
        };
        directory.seal()?;
        let core = Arc::new(Core::new(tree, options, seqno, directory));
        let threads = Mutex::new(work::start(&core)?);
        // Earlier compactions may not have finished.
        core.work.ask_compaction();
        Ok(Self { handle: Arc::new(Handle { core, threads }) })
    }

    /// Applies all changes of `batch`: readers see all or none, and so does the disk after a
    /// crash, together with all batches applied before. Durable only after [`Engine::flush`].
    ///
    /// # Errors
    /// Keys or values outside the limits: nothing was applied. A poisoned or closed engine.
    pub fn apply(&self, batch: &Batch) -> Result<(), EngineError> {
        self.handle.core.apply(batch)
    }

    /// The value of `key` after all batches applied so far.
    ///
    /// # Errors
    /// A failing disk, damaged bytes, a poisoned or closed engine.
    pub fn get(&self, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        self.handle.core.get(key)
    }

    /// All rows as they are now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(&self.handle.core)
    }

    /// Makes every batch applied before the call durable.
    ///
    /// # Errors
    /// A failing disk: the engine is poisoned then. A poisoned or closed engine.
    pub fn flush(&self) -> Result<(), EngineError> {
        self.handle.core.flush()
    }

    /// Removes every key in `start..end`, dropping whole tables where they lie inside; durable on
    /// return. Waits for running compactions.
    ///
    /// Not a batch: nobody may read or write the range meanwhile, and after a crash during the
    /// call any of its rows, even superseded ones, may be there until it is repeated. So make it
    /// durable first that the range is not in use.
    ///
    /// # Errors
    /// A failing disk: the engine is poisoned then. A poisoned or closed engine.
    pub fn drop_range(&self, start: &[u8], end: &[u8]) -> Result<(), EngineError> {
        self.handle.core.drop_range(start, end)
    }

    /// About how many bytes `start..end` takes, compressed on disk and as they are in memory.
    /// Superseded rows count until they are compacted away.
    ///
    /// # Errors
    /// A failing disk, damaged bytes, a poisoned or closed engine.
    pub fn approximate_bytes(&self, start: &[u8], end: &[u8]) -> Result<u64, EngineError> {
        self.handle.core.approximate_bytes(start, end)
    }

    /// A key about halfway through `start..end` by bytes, strictly inside; none if the range is
    /// too small to be split. The key itself need not be there.
    ///
    /// # Errors
    /// A failing disk, damaged bytes, a poisoned or closed engine.
    pub fn middle_key(&self, start: &[u8], end: &[u8]) -> Result<Option<Bytes>, EngineError> {
        sizes::middle_key(&self.handle.core, &self.snapshot(), start, end)
    }

    /// Sizes now.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.handle.core.stats()
    }

    /// Flushes, ends the threads and refuses all later calls of all handles. Closing again does
    /// nothing.
    ///
    /// # Errors
    /// What [`Engine::flush`] says; the engine is closed all the same.
    pub fn close(&self) -> Result<(), EngineError> {
        let mut threads = self.handle.threads.lock();
        let flushed = match self.handle.core.flush() {
            Err(EngineError::Closed) => Ok(()),
            other => other,
        };
        self.handle.core.mark_closed();
        work::stop(&self.handle.core, std::mem::take(&mut *threads));
        flushed
    }
}
