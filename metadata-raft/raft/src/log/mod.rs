//! One write-ahead log for all groups of a disk.
//!
//! An operation is acknowledged (its `done` called with success) only when it is durable. What
//! was acknowledged is found again after any crash; what was not may be found in part, but only
//! as a prefix of what was asked for. Reads see an append at once, before it is durable.

mod error;
mod format;
mod index;
mod open;
mod pins;
mod queue;
mod recovery;
mod segment;
mod spare;
mod writer;

use std::{
    ops::Range,
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

use bytes::Bytes;
use parking_lot::{Condvar, Mutex, MutexGuard};

pub use error::LogError;
use format::{Kind, Record};
use index::{Facts, Found, GroupLog, Index, Slot};
use queue::Queue;
use writer::{Done, Operation, Writer};

use crate::{disk::Disk, limits::PAYLOAD_BYTES_MAX};

/// Told when the log is at its end: what is on disk is unknown and nothing works any more.
pub type OnFatal = Arc<dyn Fn(&LogError) + Send + Sync>;

/// Where the log is and how large its parts are.
#[derive(Clone)]
pub struct LogOptions {
    /// The file system.
    pub disk: Arc<dyn Disk>,
    /// The log's own directory.
    pub dir: PathBuf,
    /// Size of a segment in bytes.
    pub segment_bytes: u64,
    /// Payloads kept in memory in bytes.
    pub cache_bytes: usize,
    /// Told when a write or sync failed.
    pub on_fatal: OnFatal,
}

/// An entry's place in its group's log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Its index.
    pub index: u64,
    /// The term it was proposed in.
    pub term: u64,
}

impl Position {
    /// By what Raft says whose log is further: the later term, within it the longer log.
    pub(crate) const fn rank(&self) -> (u64, u64) {
        (self.term, self.index)
    }
}

/// An entry of a group's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Its index, one more than that of the entry before.
    pub index: u64,
    /// The term it was proposed in.
    pub term: u64,
    /// A note about the payload; opaque here.
    pub tag: u8,
    /// What it says; opaque here.
    pub payload: Bytes,
}

/// What the log knows of a group besides its entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogState {
    /// The last vote saved.
    pub vote: Option<Bytes>,
    /// The last committed position saved; may lag behind.
    pub committed: Option<Position>,
    /// The last position purged.
    pub purged: Option<Position>,
    /// The last entry, or the last that was purged.
    pub last: Option<Position>,
    /// The last entry that the group had on this disk before it was removed.
    pub said: Option<Position>,
}

/// What handles and the log thread share.
pub(crate) struct Shared {
    index: Mutex<Index>,
    queue: Queue,
    /// Since when a write or sync is under way. Waiting for space does not count: a leader on a
    /// full disk can still be read.
    busy: Mutex<Option<Instant>>,
    /// Whether a segment is reserved.
    spared: Arc<AtomicBool>,
    on_fatal: OnFatal,
}

/// A handle to the log; clones are the same log.
#[derive(Clone)]
pub struct Log {
    shared: Arc<Shared>,
    thread: Arc<LogThread>,
    /// Of a log that is written by a task, see [`Disk::pace`].
    by_task: Option<Arc<ByTask>>,
}

/// What a task needs to write a log.
struct ByTask {
    disk: Arc<dyn Disk>,
    writer: Mutex<Writer>,
    _lock: Box<dyn Send + Sync>,
}

/// Ends the log thread when the last handle goes.
struct LogThread {
    shared: Arc<Shared>,
    stopped: Arc<(Mutex<bool>, Condvar)>,
}

impl Drop for LogThread {
    fn drop(&mut self) {
        self.shared.queue.close();
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}

impl Shared {
    /// The end of the log: tells everyone who waits, then the owner.
    fn fail(&self, error: &LogError) {
        for operation in self.queue.fail(error) {
            (operation.done)(Err(error.clone()));
        }
        (self.on_fatal)(error);
    }
}

impl Log {
    /// The groups that the log knows and that were not removed.
    #[must_use]
    pub fn groups(&self) -> Vec<u64> {
        let index = self.shared.index.lock();
        let known = index.groups.iter().filter(|(_, log)| !log.is_removed());
        let mut groups: Vec<u64> = known.map(|(group, _)| *group).collect();
        groups.sort_unstable();
        groups
    }

    /// What the log knows of a group.
    #[must_use]
    pub fn state(&self, group: u64) -> LogState {
        let index = self.shared.index.lock();
        let Some(log) = index.groups.get(&group) else { return LogState::default() };
        let facts = log.facts.clone();
        let last = log.last();
        let Facts { vote, committed, purged, said } = facts;
        LogState { vote, committed, purged, last, said }
    }

    /// Appends entries; they can be read at once and are durable when `done` is told so.
    pub fn append(&self, group: u64, entries: Vec<LogEntry>, done: Done) {
        let mut records = Vec::with_capacity(entries.len() + 1);
        let mut index = self.shared.index.lock();
        let log = index.groups.entry(group).or_default();
        if let Err(error) = check(group, log, &entries) {
            drop(index);
            done(Err(error));
            return;
        }
        if log.committed_unwritten {
            log.committed_unwritten = false;
            let committed = log.facts.committed.unwrap_or_default();
            records.push(small(Kind::Committed, group, committed));
        }
        for LogEntry { index, term, tag, payload } in entries {
            let slot = Slot { term, tag, location: None, payload: Some(payload.clone()) };
            log.push(index, slot);
            records.push(Record { kind: Kind::Entry, group, index, term, tag, payload });
        }
        self.queue(index, Operation { records, done });
    }

    /// Queues an operation while the index is locked, so that both see operations in the same
    /// order; what must be told at once is told without the lock.
    fn queue(&self, index: MutexGuard<'_, Index>, operation: Operation) {
        let queued = self.shared.queue.put(operation);
        drop(index);
        if let Err((operation, error)) = queued {
            (operation.done)(Err(error));
        }
    }

    /// Saves the vote of a group.
    pub fn save_vote(&self, group: u64, vote: Bytes, done: Done) {
        let mut index = self.shared.index.lock();
        let log = index.groups.entry(group).or_default();
        log.facts.vote = Some(vote.clone());
        let record = Record { kind: Kind::Vote, group, index: 0, term: 0, tag: 0, payload: vote };
        self.queue(index, Operation { records: vec![record], done });
    }

    /// Notes how far a group is committed; written with its next append, so it may lag after a
    /// crash, by which nothing is lost: Raft finds out again.
    pub fn save_committed(&self, group: u64, committed: Position) {
        let mut index = self.shared.index.lock();
        let log = index.groups.entry(group).or_default();
        if log.facts.committed != Some(committed) {
            log.facts.committed = Some(committed);
            log.committed_unwritten = true;
        }
    }

    /// Drops the entries of a group from an index on.
    pub fn truncate(&self, group: u64, from: u64, done: Done) {
        let mut index = self.shared.index.lock();
        index.groups.entry(group).or_default().truncate(from);
        let record = small(Kind::Truncate, group, Position { index: from, term: 0 });
        self.queue(index, Operation { records: vec![record], done });
    }

    /// Drops the entries of a group up to and including a position, which may be past the last.
    /// If another entry is there, as a snapshot has it that ends so, what follows here was never
    /// decided and goes, too.
    pub fn purge(&self, group: u64, to: Position, done: Done) {
        let mut records = Vec::new();
        let mut index = self.shared.index.lock();
        let log = index.groups.entry(group).or_default();
        if log.slot(to.index).is_some_and(|slot| slot.term != to.term) {
            log.truncate(to.index);
            records.push(small(Kind::Truncate, group, Position { index: to.index, term: 0 }));
        }
        log.purge(to);
        records.push(small(Kind::Purge, group, to));
        self.queue(index, Operation { records, done });
    }

    /// Writes something without meaning, unless something else is being written: whether the disk
    /// still answers shows in [`Log::busy`].
    pub(crate) fn probe(&self) {
        if self.busy().is_none() {
            let done: Done = Box::new(|_| ());
            // A log that has ended says so to whoever needs it.
            drop(self.shared.queue.put(Operation { records: Vec::new(), done }));
        }
    }

    /// Whether the log has space reserved for its next segment; to be watched without keeping the
    /// log open.
    pub(crate) fn spared(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.shared.spared)
    }

    /// How long the write or sync that is under way has taken so far.
    #[must_use]
    pub fn busy(&self) -> Option<Duration> {
        self.shared.busy.lock().map(|since| since.elapsed())
    }

    /// Forgets a group, but for its vote and its last position: if it comes back to this disk,
    /// others may still count on both.
    pub fn remove(&self, group: u64, done: Done) {
        let mut records = Vec::new();
        let mut index = self.shared.index.lock();
        if let Some(log) = index.groups.get_mut(&group)
            && let Some(said) = log.said()
        {
            log.facts.said = Some(said);
            records.push(small(Kind::Said, group, said));
        }
        index.remove(group);
        // In this order: whatever a crash leaves of it, nothing that was said is forgotten.
        records.push(small(Kind::Remove, group, Position::default()));
        self.queue(index, Operation { records, done });
    }

    /// The entries of a group that exist in a range, from its start on; fewer once they exceed
    /// `bytes_max` together, but at least one.
    ///
    /// # Errors
    /// A segment cannot be read.
    pub fn read(
        &self,
        group: u64,
        range: Range<u64>,
        bytes_max: usize,
    ) -> Result<Vec<LogEntry>, LogError> {
        let found = self.shared.index.lock().find(group, range.start, range.end, bytes_max);
        let read = found.into_iter().map(|found| match found {
            Found::Cached(entry) => Ok(entry),
            Found::OnDisk { index, term, tag, location, file } => {
                let payload = file.read_at(location.offset, location.length).map_err(|error| {
                    LogError::io("read", segment::name(location.segment).as_ref(), error)
                })?;
                Ok(LogEntry { index, term, tag, payload: payload.into() })
            }
        });
        read.collect()
    }

    /// The term of an entry that exists.
    #[must_use]
    pub fn term(&self, group: u64, index: u64) -> Option<u64> {
        let mut shared = self.shared.index.lock();
        let log = shared.groups.get_mut(&group)?;
        log.slot(index).map(|slot| slot.term)
    }

    /// Size of all segments in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.shared.index.lock().segments.iter().map(|segment| segment.bytes).sum()
    }

    /// The groups whose entries keep the oldest segment from being removed, if it is not the
    /// current one.
    #[must_use]
    pub fn holding_oldest(&self) -> Vec<u64> {
        let index = self.shared.index.lock();
        match index.segments.front() {
            Some(oldest) if index.segments.len() > 1 => index.holding(oldest.number),
            _ => Vec::new(),
        }
    }

    /// Writes what is queued, ends the thread and waits for it; later operations fail.
    pub fn close(&self) {
        self.shared.queue.close();
        if let Some(by_task) = &self.by_task {
            return by_task.write(&self.shared);
        }
        let (stopped, ended) = &*self.thread.stopped;
        let mut stopped = stopped.lock();
        while !*stopped {
            ended.wait(&mut stopped);
        }
    }
}

impl ByTask {
    fn write(&self, shared: &Shared) {
        self.writer.lock().write(shared.queue.take_now());
    }
}

/// Writes a log whose disk keeps the runtime's time, until the log is closed; nothing to do for
/// one that has a thread. Holds no handle, so that the last one still closes the log.
pub(crate) fn writing(log: &Log) -> Option<impl Future<Output = ()> + Send + 'static> {
    let by_task = Arc::clone(log.by_task.as_ref()?);
    let shared = Arc::clone(&log.shared);
    Some(async move {
        while shared.queue.stirred().await {
            if let Some(takes) = by_task.disk.pace() {
                tokio::time::sleep(takes).await;
            }
            by_task.write(&shared);
        }
    })
}

fn small(kind: Kind, group: u64, at: Position) -> Record {
    Record { kind, group, index: at.index, term: at.term, tag: 0, payload: Bytes::new() }
}

/// Checks that entries go on from the last and fit into records.
fn check(group: u64, log: &GroupLog, entries: &[LogEntry]) -> Result<(), LogError> {
    let first = log.last().map_or(0, |last| last.index + 1);
    for (expected, entry) in (first..).zip(entries) {
        if entry.index != expected {
            return Err(LogError::Hole { group, expected, index: entry.index });
        }
        let (bytes, bytes_max) = (entry.payload.len(), PAYLOAD_BYTES_MAX);
        if bytes > bytes_max {
            return Err(LogError::TooLarge { group, bytes, bytes_max });
        }
    }
    Ok(())
}
