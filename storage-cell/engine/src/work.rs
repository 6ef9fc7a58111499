//! The engine's own threads: one flushes, the others compact; and the signals they wait for.
//!
//! Requests are remembered, so none is lost between a check and a wait. Everything that ends a
//! wait (room, failure, closing) wakes under the same lock.

use std::{
    io,
    sync::{Arc, atomic::Ordering},
    thread::{Builder, JoinHandle},
    time::Instant,
};

use lsm_tree::{AbstractTree, compaction::Leveled};
use parking_lot::{Condvar, Mutex};

use crate::{
    core::Core,
    error::EngineError,
    limits::{DAMAGE_RETRY, SPACE_RETRY},
};

/// Requests to the threads, and the conditions they and the writers wait on.
#[derive(Debug, Default)]
pub(crate) struct Work {
    requests: Mutex<Requests>,
    flush: Condvar,
    compact: Condvar,
    room: Condvar,
}

#[derive(Debug, Default)]
struct Requests {
    flush: bool,
    /// Counts changes of the tables; a compactor that has seen all of them sleeps.
    tables: u64,
    /// Counts damage that was written over.
    mended: u64,
    stop: bool,
}

impl Work {
    /// Asks for a flush in the background.
    pub(crate) fn ask_flush(&self) {
        self.requests.lock().flush = true;
        self.flush.notify_one();
    }

    /// Tells compactors and waiting writers that the tables changed.
    pub(crate) fn ask_compaction(&self) {
        self.requests.lock().tables += 1;
        self.compact.notify_all();
        self.room.notify_all();
    }

    /// Has compactions that met damage tried again.
    pub(crate) fn mended(&self) {
        self.requests.lock().mended += 1;
        self.ask_compaction();
    }

    /// Lets everyone look again, after a failure.
    pub(crate) fn wake_all(&self) {
        let _requests = self.requests.lock();
        self.flush.notify_all();
        self.compact.notify_all();
        self.room.notify_all();
    }

    /// Asks the threads to end after what they are doing.
    pub(crate) fn stop(&self) {
        self.requests.lock().stop = true;
        self.wake_all();
    }

    /// Waits until there is room, the engine fails, or the time is up.
    pub(crate) fn wait_for_room(&self, core: &Core) {
        let deadline = Instant::now() + core.options.stall_max;
        let mut requests = self.requests.lock();
        while core.is_crowded() && core.check().is_ok() && !requests.stop {
            if self.room.wait_until(&mut requests, deadline).timed_out() {
                return;
            }
        }
    }

    /// Waits for a request to flush, or a while if one is to be tried again; false means stop.
    fn next_flush(&self, again: bool) -> bool {
        let until = Instant::now() + SPACE_RETRY;
        let mut requests = self.requests.lock();
        if again && !requests.stop {
            while !requests.stop && !self.flush.wait_until(&mut requests, until).timed_out() {}
        }
        while !again && !requests.flush && !requests.stop {
            self.flush.wait(&mut requests);
        }
        requests.flush = false;
        !requests.stop
    }

    /// Waits for tables that `seen` does not count, or until what was in the way may be gone; none
    /// means stop.
    fn next_compaction(&self, seen: u64, obstacle: Option<Obstacle>) -> Option<u64> {
        let pause = if obstacle == Some(Obstacle::Damage) { DAMAGE_RETRY } else { SPACE_RETRY };
        let until = Instant::now() + pause;
        let mut requests = self.requests.lock();
        let mended = requests.mended;
        if obstacle.is_some() {
            while !requests.stop && requests.mended == mended {
                if self.compact.wait_until(&mut requests, until).timed_out() {
                    break;
                }
            }
        }
        while obstacle.is_none() && requests.tables == seen && !requests.stop {
            self.compact.wait(&mut requests);
        }
        (!requests.stop).then_some(requests.tables)
    }

    fn is_stopping(&self) -> bool {
        self.requests.lock().stop
    }
}

/// Starts the threads. If one cannot start, those that did are ended again.
pub(crate) fn start(core: &Arc<Core>) -> Result<Vec<JoinHandle<()>>, EngineError> {
    let mut threads = Vec::new();
    let mut spawn = |name: String, body: fn(&Core)| -> io::Result<()> {
        let core = Arc::clone(core);
        threads.push(Builder::new().name(name).spawn(move || body(&core))?);
        Ok(())
    };
    let mut started = spawn("engine-flush".to_owned(), flush_loop);
    for number in 0..core.options.compaction_threads.max(1) {
        started = started.and_then(|()| spawn(format!("engine-compact-{number}"), compact_loop));
    }
    match started {
        Ok(()) => Ok(threads),
        Err(error) => {
            stop(core, threads);
            Err(EngineError::io("start a thread")(error))
        }
    }
}

/// Ends the threads and waits for them. A compaction in progress runs to its end.
pub(crate) fn stop(core: &Core, threads: Vec<JoinHandle<()>>) {
    core.work.stop();
    for thread in threads {
        if thread.join().is_err() {
            tracing::error!("an engine thread had panicked");
        }
    }
}

fn flush_loop(core: &Core) {
    loop {
        let again = core.gauges.flush_waits.load(Ordering::Relaxed);
        if !core.work.next_flush(again) {
            return;
        }
        let bytes = core.gauges.active_bytes.load(Ordering::Relaxed);
        let waits = core.gauges.flush_waits.load(Ordering::Relaxed);
        // A flush that the caller asked for may have come first.
        if !waits && bytes < core.options.memtable_bytes {
            continue;
        }
        match core.flush() {
            Err(error) if !error.is_full() => {
                // The engine is poisoned now, with the reason logged.
                return;
            }
            Err(error) if !again => tracing::error!(%error, "memtables wait for space"),
            _ => {}
        }
    }
}

fn compact_loop(core: &Core) {
    let strategy = Arc::new(
        Leveled::default()
            .with_l0_threshold(core.options.l0_runs)
            .with_table_target_size(core.options.table_bytes),
    );
    let (mut seen, mut obstacle) = (0, None);
    while let Some(tables) = core.work.next_compaction(seen, obstacle) {
        (seen, obstacle) = (tables, None);
        while !core.work.is_stopping() {
            match compact_once(core, &strategy) {
                Ok(true) => {}
                Ok(false) => break,
                Err(Ended::Met(met)) => {
                    obstacle = Some(met);
                    core.after_failed_compaction();
                    break;
                }
                Err(Ended::Unusable) => return,
            }
        }
        let is = |met| obstacle == Some(met);
        core.gauges.compaction_waits.store(is(Obstacle::Space), Ordering::Relaxed);
        core.gauges.compaction_damaged.store(is(Obstacle::Damage), Ordering::Relaxed);
    }
}

/// Why a compaction was not done, but may be later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Obstacle {
    /// There was no room.
    Space,
    /// A block cannot be read.
    Damage,
}

/// How a compaction ended.
enum Ended {
    /// It can be tried again.
    Met(Obstacle),
    /// The engine is closed or poisoned.
    Unusable,
}

/// Runs the most useful compaction; false if there is none. A failure to write is fatal:
/// without compaction reads slow down without end, and its cause is a disk that fails or lies.
/// Damage is not: what lies beside it serves on, and may be all there is.
fn compact_once(core: &Core, strategy: &Arc<Leveled>) -> Result<bool, Ended> {
    let _gate = core.compaction_gate.read();
    if core.check().is_err() {
        return Err(Ended::Unusable);
    }
    if core.room_for_compaction().is_err() {
        return Err(Ended::Met(Obstacle::Space));
    }
    let _guard = core.poison_on_panic("compaction");
    let before = core.tree.current_version().id();
    let strategy: Arc<Leveled> = Arc::clone(strategy);
    if let Err(error) = core.tree.compact(strategy, core.pins.watermark()) {
        let error = EngineError::tree("compaction")(error);
        if error.is_full() {
            return Err(Ended::Met(Obstacle::Space));
        }
        if matches!(error, EngineError::Corrupt { .. }) {
            tracing::error!(%error, "compactions wait for damage to be mended");
            return Err(Ended::Met(Obstacle::Damage));
        }
        core.poison(&error.to_string());
        return Err(Ended::Unusable);
    }
    let changed = core.tree.current_version().id() != before;
    if changed {
        core.gauges.compactions.fetch_add(1, Ordering::Relaxed);
        core.tables_changed();
    }
    Ok(changed)
}
