//! The handle: opening, closing, and every call.

use std::{
    path::Path,
    sync::{Arc, Weak},
    thread::JoinHandle,
};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use lsm_tree::{
    AnyTree, Cache, CompressionType, Config, DescriptorTable, SequenceNumberCounter,
    config::{BlockSizePolicy, CompressionPolicy},
};
use parking_lot::Mutex;

use crate::{
    batch::Batch,
    core::Core,
    damage::Damage,
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
    /// None once closed: handles that are still about keep nobody from opening the directory.
    core: ArcSwapOption<Core>,
    /// Gone after everything of the engine.
    alive: Weak<()>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Handle {
    /// Takes the engine out of all handles; none if that was done.
    fn end(&self) -> Option<Arc<Core>> {
        let core = self.core.swap(None)?;
        core.mark_closed();
        work::stop(&core, std::mem::take(&mut *self.threads.lock()));
        Some(core)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        drop(self.end());
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
        let alive = Arc::new(());
        let gone = Arc::downgrade(&alive);
        let core = Arc::new(Core::new(tree, options, seqno, (directory, alive)));
        let threads = Mutex::new(work::start(&core)?);
        // Earlier compactions may not have finished.
        core.work.ask_compaction();
        let core = ArcSwapOption::new(Some(core));
        Ok(Self { handle: Arc::new(Handle { core, alive: gone, threads }) })
    }

    /// Applies all changes of `batch`: readers see all or none, and so does the disk after a
    /// crash, together with all batches applied before. Durable only after [`Engine::flush`].
    ///
    /// # Errors
    /// Keys or values outside the limits: nothing was applied. A poisoned or closed engine.
    pub fn apply(&self, batch: &Batch) -> Result<(), EngineError> {
        let core = self.handle.core.load();
        core.as_ref().ok_or(EngineError::Closed)?.apply(batch)
    }

    /// The value of `key` after all batches applied so far.
    ///
    /// # Errors
    /// A failing disk, damaged bytes, a poisoned or closed engine.
    pub fn get(&self, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        let core = self.handle.core.load();
        core.as_ref().ok_or(EngineError::Closed)?.get(key)
    }

    /// All rows as they are now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.handle.core.load_full().as_ref())
    }

    /// Makes every batch applied before the call durable.
    ///
    /// # Errors
    /// A failing disk: the engine is poisoned then. A poisoned or closed engine.
    pub fn flush(&self) -> Result<(), EngineError> {
        self.core()?.flush()
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
        self.core()?.drop_range(start, end)
    }

    /// About how many bytes `start..end` takes, compressed on disk and as they are in memory.
    /// Superseded rows count until they are compacted away.
    ///
    /// # Errors
    /// A failing disk, damaged bytes, a poisoned or closed engine.
    pub fn approximate_bytes(&self, start: &[u8], end: &[u8]) -> Result<u64, EngineError> {
        self.core()?.approximate_bytes(start, end)
    }

    /// A key about halfway through `start..end` by bytes, strictly inside; none if the range is
    /// too small to be split. The key itself need not be there.
    ///
    /// # Errors
    /// A failing disk, damaged bytes, a poisoned or closed engine.
    pub fn middle_key(&self, start: &[u8], end: &[u8]) -> Result<Option<Bytes>, EngineError> {
        let core = self.core()?;
        sizes::middle_key(&core, &self.snapshot(), start, end)
    }

    /// The stored blocks that cannot be read and may hold keys from `start` up to and without
    /// `end`. Reads every block of that range.
    ///
    /// # Errors
    /// A failing disk, damage outside of the rows, a poisoned or closed engine.
    pub fn find_damage(&self, start: &[u8], end: &[u8]) -> Result<Vec<Damage>, EngineError> {
        self.core()?.find_damage(start, end)
    }

    /// Removes every key that these blocks may have held, in all tables, and writes over them, so
    /// that the keys can be written anew; durable on return. Nobody may read or write these keys
    /// meanwhile: after a crash during the call, or an error, any of them may be there or not.
    ///
    /// # Errors
    /// A failing disk, damage outside of the rows, a poisoned or closed engine.
    pub fn overwrite(&self, damage: &[Damage]) -> Result<(), EngineError> {
        self.core()?.overwrite(damage)
    }

    /// Whether a compaction waits because it has met a damaged block.
    #[must_use]
    pub fn has_met_damage(&self) -> bool {
        self.core().is_ok_and(|core| core.has_met_damage())
    }

    /// Sizes now.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.core().map(|core| core.stats()).unwrap_or_default()
    }

    /// Flushes, ends the threads and refuses all later calls of all handles. Closing again does
    /// nothing. Whoever reads or flushes meanwhile keeps the directory until that has ended, see
    /// [`Engine::is_released`].
    ///
    /// # Errors
    /// What [`Engine::flush`] says; the engine is closed all the same.
    pub fn close(&self) -> Result<(), EngineError> {
        let flushed = match self.flush() {
            Err(EngineError::Closed) => Ok(()),
            other => other,
        };
        drop(self.handle.end());
        flushed
    }

    /// Whether nothing is left of an engine that was closed: calls that were under way have ended,
    /// every snapshot and scan is dropped, and the directory can be opened.
    #[must_use]
    pub fn is_released(&self) -> bool {
        self.handle.alive.strong_count() == 0
    }

    fn core(&self) -> Result<Arc<Core>, EngineError> {
        self.handle.core.load_full().ok_or(EngineError::Closed)
    }
}
