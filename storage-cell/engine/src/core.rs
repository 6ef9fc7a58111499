//! What all handles, snapshots and threads of one engine share, and the order of its locks.
//!
//! Locks are taken in this order: the compaction gate, the tree's flush lock, the write lock, the
//! tree's own. Guarantees: the memtable is exchanged only under the write lock, which a batch
//! holds from its first row to its last, so a batch is never split between two memtables; sealed
//! memtables reach the disk all together, so what is on disk is a prefix of all batches.

use std::sync::{
    Arc, MutexGuard, OnceLock,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
};

use lsm_tree::{AbstractTree, Memtable, SequenceNumberCounter, Tree};
use parking_lot::{Mutex, RwLock};

use crate::{
    directory::Directory, error::EngineError, limits::L0_RUNS_MAX, limits::MEMTABLES_MAX,
    options::Options, pins::Pins, sizes::outline::Outlines, sizes::samples::Samples, work::Work,
};

/// The state of one open engine.
pub(crate) struct Core {
    /// The rows.
    pub(crate) tree: Tree,
    /// Sizes and threads.
    pub(crate) options: Options,
    /// Hands out sequence numbers to rows and, inside the tree, to its versions.
    pub(crate) seqno: SequenceNumberCounter,
    /// What readers see and still need.
    pub(crate) pins: Pins,
    /// The write lock with what changes under it.
    pub(crate) writes: Mutex<Writes>,
    /// Sizes read without a lock.
    pub(crate) gauges: Gauges,
    /// Held shared by a compaction, and alone by whoever needs the tables to stay as they are.
    pub(crate) compaction_gate: RwLock<()>,
    /// Where the bytes of each table lie.
    pub(crate) outlines: Mutex<Outlines>,
    /// Signals between writers and the background threads.
    pub(crate) work: Work,
    health: Health,
    /// Released after everything else is gone.
    pub(crate) directory: Directory,
    /// Last: who waits for the directory watches it.
    _alive: Arc<()>,
}

/// What the write lock guards.
pub(crate) struct Writes {
    /// The memtable being written. Kept here because asking the tree for it would wait whenever
    /// a flush writes the list of tables.
    pub(crate) memtable: Arc<Memtable>,
    /// Where its bytes lie.
    pub(crate) samples: Samples,
}

/// Sizes that decide about flushes and stalls.
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    /// Bytes in the active memtable.
    pub(crate) active_bytes: AtomicU64,
    /// Bytes in memtables being flushed.
    pub(crate) sealed_bytes: AtomicU64,
    /// Runs in level 0.
    pub(crate) l0_runs: AtomicUsize,
    /// Flushes that reached the disk.
    pub(crate) flushes: AtomicU64,
    /// Compactions that changed the tables.
    pub(crate) compactions: AtomicU64,
    /// Whether memtables wait for space on the disk.
    pub(crate) flush_waits: AtomicBool,
    /// Whether compactions do.
    pub(crate) compaction_waits: AtomicBool,
    /// Whether they wait for damage to be mended.
    pub(crate) compaction_damaged: AtomicBool,
    /// Batches that had to wait.
    pub(crate) stalls: AtomicU64,
}

/// Whether the engine can still be used.
#[derive(Debug, Default)]
struct Health {
    closed: AtomicBool,
    poison: OnceLock<Arc<str>>,
}

impl Core {
    /// Puts the state of an engine together around an open tree.
    pub(crate) fn new(
        tree: Tree,
        options: Options,
        seqno: SequenceNumberCounter,
        (directory, alive): (Directory, Arc<()>),
    ) -> Self {
        // Sequence number zero means "before everything" to the tree.
        let next = tree.get_highest_persisted_seqno().map_or(1, |highest| highest + 1);
        seqno.set(next);
        let gauges = Gauges::default();
        gauges.l0_runs.store(tree.l0_run_count(), Ordering::Relaxed);
        let writes = Writes { memtable: tree.active_memtable(), samples: Samples::default() };
        Self {
            tree,
            options,
            seqno,
            pins: Pins::new(next),
            writes: Mutex::new(writes),
            gauges,
            compaction_gate: RwLock::new(()),
            outlines: Mutex::default(),
            work: Work::default(),
            health: Health::default(),
            directory,
            _alive: alive,
        }
    }

    /// Fails if the engine is poisoned or closed.
    pub(crate) fn check(&self) -> Result<(), EngineError> {
        if let Some(reason) = self.health.poison.get() {
            return Err(EngineError::Poisoned(Arc::clone(reason)));
        }
        if self.health.closed.load(Ordering::Acquire) {
            return Err(EngineError::Closed);
        }
        Ok(())
    }

    /// From now on every call fails with [`EngineError::Closed`].
    pub(crate) fn mark_closed(&self) {
        self.health.closed.store(true, Ordering::Release);
    }

    /// From now on every call fails with [`EngineError::Poisoned`].
    pub(crate) fn poison(&self, reason: &str) {
        tracing::error!(reason, "engine poisoned");
        // Only the first reason is kept.
        let _first = self.health.poison.set(Arc::from(reason));
        self.work.wake_all();
    }

    /// Poisons the engine if the guard is dropped by a panic.
    pub(crate) fn poison_on_panic(&self, section: &'static str) -> PanicGuard<'_> {
        PanicGuard { core: self, section }
    }

    /// Whether a compaction waits because of damage.
    pub(crate) fn has_met_damage(&self) -> bool {
        self.gauges.compaction_damaged.load(Ordering::Relaxed)
    }

    /// True while writers should wait for flush or compaction. On a full disk waiting is in vain:
    /// what still comes was decided before, and its log bounds it. So it is beside damage that
    /// nobody mends: reads that cost more are better than none.
    pub(crate) fn is_crowded(&self) -> bool {
        if self.waits_for_space() || self.has_met_damage() {
            return false;
        }
        let memtable_bytes_max = self.options.memtable_bytes.saturating_mul(MEMTABLES_MAX);
        let l0_runs_max = L0_RUNS_MAX.max(2 * usize::from(self.options.l0_runs));
        self.gauges.active_bytes.load(Ordering::Relaxed) >= memtable_bytes_max
            || self.gauges.l0_runs.load(Ordering::Relaxed) >= l0_runs_max
    }

    /// Makes everything applied so far durable.
    pub(crate) fn flush(&self) -> Result<(), EngineError> {
        self.check()?;
        let _guard = self.poison_on_panic("flush");
        // A flush in progress may hold older rows: waiting for it is part of the guarantee.
        let lock = self.tree.get_flush_lock();
        self.check()?;
        self.flush_locked(&lock)
    }

    /// Seals the memtable and writes it out. A failure is fatal: nobody could say afterwards
    /// which rows the disk holds. But a disk without space never named the new tables, so the old
    /// list holds, the memtables stay, and all of it is written again later.
    pub(crate) fn flush_locked(&self, lock: &MutexGuard<'_, ()>) -> Result<(), EngineError> {
        let written = self.room_for_flush().and_then(|()| {
            self.seal();
            self.tree.flush(lock, self.pins.watermark()).map_err(EngineError::tree("flush"))
        });
        let written = written.inspect_err(|error| {
            if error.is_full() {
                self.gauges.flush_waits.store(true, Ordering::Relaxed);
                self.work.wake_all();
                self.sweep(lock);
            } else {
                self.poison(&error.to_string());
            }
        })?;
        self.gauges.flush_waits.store(false, Ordering::Relaxed);
        self.writes.lock().samples.forget_sealed();
        self.gauges.sealed_bytes.store(0, Ordering::Relaxed);
        if written.is_some() {
            self.gauges.flushes.fetch_add(1, Ordering::Relaxed);
            self.tables_changed();
        }
        Ok(())
    }

    /// Exchanges the memtable for an empty one, between two batches.
    fn seal(&self) {
        let mut writes = self.writes.lock();
        if self.tree.rotate_memtable().is_none() {
            return;
        }
        writes.memtable = self.tree.active_memtable();
        writes.samples.seal();
        let sealed = self.gauges.active_bytes.swap(0, Ordering::Relaxed);
        self.gauges.sealed_bytes.fetch_add(sealed, Ordering::Relaxed);
    }

    /// Lets go of superseded tables and tells everyone who waits for the new ones.
    pub(crate) fn tables_changed(&self) {
        {
            // The new list of tables took a sequence number; unless it is published, an idle
            // engine would read through the old list and keep its files.
            let _writes = self.writes.lock();
            self.pins.publish(self.seqno.get());
        }
        let watermark = self.pins.watermark();
        let forgotten =
            self.tree.get_version_history_lock().maintenance(&self.directory.tree(), watermark);
        if let Err(error) = forgotten {
            tracing::warn!(%error, "a superseded list of tables was not removed");
        }
        self.gauges.l0_runs.store(self.tree.l0_run_count(), Ordering::Relaxed);
        self.work.ask_compaction();
    }
}

/// Poisons the engine when a panic passes: locks may be gone and sealed rows not written.
pub(crate) struct PanicGuard<'a> {
    core: &'a Core,
    section: &'static str,
}

impl Drop for PanicGuard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.core.poison(&format!("panic during {}", self.section));
        }
    }
}
