//! A group's machine, as openraft wants to see it.
//!
//! The log is purged only up to what [`Machine::flush`] has made durable: the position of a
//! "snapshot" that openraft knows is always such a position, and the snapshot's bytes are made
//! only for a member that needs them.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use futures::{Stream, TryStreamExt};
use openraft::{
    EntryPayload, OptionalSend, RaftSnapshotBuilder,
    storage::{ApplyResponder, EntryResponder, RaftStateMachine},
};
use parking_lot::Mutex;
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::{self, watch},
    task,
};

use super::Content;
use crate::{
    limits::{APPLY_ENTRIES, INLINE_ENTRIES},
    machine::{Applied, Entry, Machine, MachineError},
    types::{self, Command, LogId, Snapshot, SnapshotMeta, Stored, Types},
};

/// A group's machine and how far it is, shared by apply, flush and the handle.
pub(crate) struct State {
    pub(crate) node: u64,
    /// None once the group has stopped, so that the machine's resources are free then.
    pub(super) machine: Arc<sync::Mutex<Option<Box<dyn Machine>>>>,
    /// What is applied.
    pub(super) reached: Mutex<Reached>,
    /// What is durable.
    flushed: Mutex<Reached>,
    /// Whether openraft has read its initial state.
    pub(crate) running: AtomicBool,
    /// Last entry of the log at start: what was answered is at most that, and what comes after
    /// it shows that this node leads.
    recovered: Option<u64>,
    /// Whether this node is the only voter and has applied everything that was ever answered, so
    /// that reads need no more.
    pub(super) sole: AtomicBool,
    /// Index of the last entry applied.
    pub(crate) applied: watch::Sender<Option<u64>>,
    /// Whether the machine lacks what was there before the log.
    pub(super) lacks_base: AtomicBool,
    /// Whether it has met stored bytes that cannot be read, and is not given up for it (yet).
    pub(super) suspended: AtomicBool,
    /// Index of the last entry that is decided, of a machine that lacks what was there before.
    pub(super) withheld: watch::Sender<Option<u64>>,
    /// Held by whoever changes what is applied.
    pub(super) turn: sync::Mutex<()>,
}

type HeldMachine = sync::OwnedMutexGuard<Option<Box<dyn Machine>>>;

/// A position in the log with the members there.
#[derive(Clone, Debug)]
pub(super) struct Reached {
    pub(super) last: Option<LogId>,
    pub(super) members: Stored,
    /// The members, encoded.
    encoded: Vec<u8>,
}

impl Reached {
    fn new(applied: &Applied) -> io::Result<Self> {
        let (last, members) = applied.parts()?;
        Ok(Self { last, members, encoded: applied.membership.clone() })
    }

    /// The position as a machine stores it.
    fn position(&self) -> Vec<u8> {
        let last = self.last.as_ref().map(types::position);
        Applied { last, membership: self.encoded.clone() }.encode()
    }

    fn meta(&self) -> SnapshotMeta {
        SnapshotMeta { last_log_id: self.last, last_membership: self.members.clone() }
    }
}

/// Entries taken from openraft together with those who wait for their answers.
#[derive(Default)]
struct Chunk {
    entries: Vec<Entry>,
    responders: Vec<Option<ApplyResponder<Types>>>,
}

pub(super) fn stopped() -> io::Error {
    io::Error::other("the group has stopped")
}

/// Runs what may block for long without holding up the runtime's other tasks.
pub(super) fn blocking<T>(work: impl FnOnce() -> T) -> T {
    if Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread {
        task::block_in_place(work)
    } else {
        work()
    }
}

/// Runs work that may block where it holds up nobody: on a thread of its own, unless the runtime
/// has but one.
pub(crate) async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, task::JoinError> {
    if Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread {
        task::spawn_blocking(work).await
    } else {
        Ok(work())
    }
}

impl State {
    /// The state of a machine that was just opened.
    pub(crate) fn new(
        node: u64,
        machine: Box<dyn Machine>,
        recovered: Option<u64>,
    ) -> io::Result<Self> {
        let reached = Reached::new(&machine.applied())?;
        let applied = watch::Sender::new(reached.last.map(|last| last.index));
        let lacks_base = AtomicBool::new(machine.lacks_beginning());
        let withheld = watch::Sender::new(reached.last.map(|last| last.index));
        Ok(Self {
            lacks_base,
            suspended: AtomicBool::new(false),
            withheld,
            turn: sync::Mutex::default(),
            node,
            machine: Arc::new(sync::Mutex::new(Some(machine))),
            flushed: Mutex::new(reached.clone()),
            reached: Mutex::new(reached),
            running: AtomicBool::new(false),
            recovered,
            sole: AtomicBool::new(false),
            applied,
        })
    }

    /// Whether a read of the machine now is linearizable without asking anybody.
    pub(crate) fn is_sole(&self) -> bool {
        self.sole.load(Ordering::Acquire)
    }

    /// Whether entries cannot be applied before a snapshot has come.
    pub(crate) fn lacks_base(&self) -> bool {
        self.lacks_base.load(Ordering::Acquire)
    }

    /// From here on entries are applied.
    pub(super) fn has_base(&self) {
        self.suspended.store(false, Ordering::Release);
        self.lacks_base.store(false, Ordering::Release);
        // Whoever watches looks again.
        self.applied.send_modify(|_| ());
    }

    /// Replaces the machine's state, durably; it lacks its base until [`State::has_base`].
    pub(super) async fn replace(&self, meta: &SnapshotMeta, snapshot: Content) -> io::Result<()> {
        let encoded = types::encode(&meta.last_membership)?;
        let members = meta.last_membership.clone();
        let reached = Reached { last: meta.last_log_id, members, encoded };
        let mut machine = self.machine.lock().await;
        let machine = machine.as_mut().ok_or_else(stopped)?;
        self.sole.store(false, Ordering::Release);
        let received = snapshot.received()?;
        // Nobody reads what is half replaced.
        self.lacks_base.store(true, Ordering::Release);
        blocking(|| {
            machine.install_received(&received, reached.position())?;
            // The log forgets what the snapshot holds.
            machine.flush().map_err(io::Error::from)
        })?;
        self.applied.send_replace(reached.last.map(|last| last.index));
        *self.flushed.lock() = reached.clone();
        *self.reached.lock() = reached;
        Ok(())
    }

    /// The machine's state as it is now, to be read while it is sent.
    pub(super) async fn current_snapshot(&self) -> io::Result<Snapshot> {
        let mut machine = self.machine.lock().await;
        let machine = machine.as_mut().ok_or_else(stopped)?;
        let snapshot = Content::Pieces(blocking(|| machine.pieces())?);
        let meta = self.reached.lock().meta();
        Ok(Snapshot { meta, snapshot })
    }

    /// Drops the machine.
    pub(crate) async fn stop(&self) {
        self.sole.store(false, Ordering::Release);
        *self.machine.lock().await = None;
    }

    pub(super) fn is_sole_voter(&self, members: &Stored) -> bool {
        let mut voters = members.voter_ids();
        voters.next() == Some(self.node) && voters.next().is_none()
    }

    /// Applies a chunk and answers.
    async fn apply(&self, chunk: &mut Chunk, next: Reached) -> io::Result<()> {
        let entries = std::mem::take(&mut chunk.entries);
        let count = entries.len();
        let mut machine = self.machine.lock().await;
        let machine = machine.as_mut().ok_or_else(stopped)?;
        if !self.is_sole_voter(&next.members) {
            // From here on another leader may be elected without this node.
            self.sole.store(false, Ordering::Release);
        }
        let index = next.last.map(|last| last.index);
        let applied = if count <= INLINE_ENTRIES {
            machine.apply(entries, next.position())
        } else {
            blocking(|| machine.apply(entries, next.position()))
        };
        if applied.is_err() {
            self.withheld.send_replace(index);
        }
        let answers = applied?;
        if answers.len() != count {
            let reason = format!("{} answers to {count} entries", answers.len());
            return Err(MachineError::new(reason).into());
        }
        let sole = index > self.recovered && self.is_sole_voter(&next.members);
        *self.reached.lock() = next;
        if sole {
            self.sole.store(true, Ordering::Release);
        }
        self.applied.send_replace(index);
        for (responder, answer) in chunk.responders.drain(..).zip(answers) {
            if let Some(responder) = responder {
                responder.send(answer);
            }
        }
        Ok(())
    }

    /// Makes what is applied durable and tells up to where.
    async fn flush(self: Arc<Self>) -> io::Result<SnapshotMeta> {
        let machine = Arc::clone(&self.machine).lock_owned().await;
        let flusher = machine.as_ref().ok_or_else(stopped)?.flusher();
        let reached = self.reached.lock().clone();
        let flushed = match flusher {
            Some(flusher) => {
                drop(machine);
                in_background(flusher).await
            }
            None => in_background(move || flush_held(machine)).await,
        };
        match flushed.map_err(io::Error::other)? {
            // Nothing is lost: what is not durable in the machine stays in the log.
            Err(error) if error.is_full() => {
                tracing::warn!(%error, "the log is not made smaller");
                return Ok(self.flushed.lock().meta());
            }
            flushed => flushed?,
        }
        let meta = reached.meta();
        let mut flushed = self.flushed.lock();
        // A snapshot may have come meanwhile.
        if flushed.last < reached.last {
            *flushed = reached;
        }
        Ok(meta)
    }
}

fn flush_held(mut machine: HeldMachine) -> Result<(), MachineError> {
    machine.as_mut().ok_or_else(stopped)?.flush()
}

/// The handle that openraft owns, and its builder of snapshots.
#[derive(Clone)]
pub(crate) struct StateHandle(pub(crate) Arc<State>);

impl StateHandle {
    /// Passes over entries that cannot be applied yet; they stay in the log.
    async fn withhold<S>(&self, mut entries: S) -> io::Result<()>
    where
        S: Stream<Item = io::Result<EntryResponder<Types>>> + Unpin + OptionalSend,
    {
        while let Some((entry, _)) = entries.try_next().await? {
            self.0.withheld.send_replace(Some(entry.log_id.index));
        }
        Ok(())
    }

    /// Applies entries chunk by chunk.
    ///
    /// # Errors
    /// Those of the last chunk were not applied; [`State::withheld`] says which was the last.
    pub(super) async fn apply_all<S>(&self, mut entries: S) -> io::Result<()>
    where
        S: Stream<Item = io::Result<EntryResponder<Types>>> + Unpin + OptionalSend,
    {
        let mut next = self.0.reached.lock().clone();
        let mut chunk = Chunk::default();
        while let Some((entry, responder)) = entries.try_next().await? {
            next.last = Some(entry.log_id);
            let command = match entry.payload {
                EntryPayload::Normal(Command(command)) => command,
                EntryPayload::Blank => Bytes::new(),
                EntryPayload::Membership(members) => {
                    next.members = Stored::new(Some(entry.log_id), members);
                    next.encoded = types::encode(&next.members)?;
                    Bytes::new()
                }
            };
            chunk.entries.push(Entry { index: entry.log_id.index, command });
            chunk.responders.push(responder);
            if chunk.entries.len() == APPLY_ENTRIES {
                self.0.apply(&mut chunk, next.clone()).await?;
            }
        }
        if chunk.entries.is_empty() { Ok(()) } else { self.0.apply(&mut chunk, next).await }
    }
}

impl RaftStateMachine<Types> for StateHandle {
    type SnapshotData = Content;
    type SnapshotBuilder = Self;

    async fn applied_state(&mut self) -> io::Result<(Option<LogId>, Stored)> {
        let reached = self.0.reached.lock();
        Ok((reached.last, reached.members.clone()))
    }

    async fn apply<S>(&mut self, entries: S) -> io::Result<()>
    where
        S: Stream<Item = io::Result<EntryResponder<Types>>> + Unpin + OptionalSend,
    {
        let _turn = self.0.turn.lock().await;
        let mut entries = entries;
        if self.0.lacks_base() {
            return self.withhold(entries).await;
        }
        let applied = self.apply_all(&mut entries).await;
        if applied.is_err() {
            self.0.sole.store(false, Ordering::Release);
        }
        match applied {
            Err(error) if self.0.suspend(&error) => self.withhold(entries).await,
            applied => applied,
        }
    }

    async fn get_snapshot_builder(&mut self) -> Self {
        self.clone()
    }

    async fn install_snapshot(&mut self, meta: &SnapshotMeta, snapshot: Content) -> io::Result<()> {
        let _turn = self.0.turn.lock().await;
        self.0.replace(meta, snapshot).await?;
        self.0.has_base();
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> io::Result<Option<Snapshot>> {
        if !self.0.running.load(Ordering::Acquire) {
            // Start only asks up to where the log may be purged.
            let meta = self.0.flushed.lock().meta();
            let known = meta.last_log_id.is_some();
            return Ok(known.then(|| Snapshot { meta, snapshot: Content::Nothing }));
        }
        self.0.current_snapshot().await.map(Some)
    }
}

impl RaftSnapshotBuilder<Types> for StateHandle {
    type SnapshotData = Content;

    async fn build_snapshot(&mut self) -> io::Result<Snapshot> {
        let meta = Arc::clone(&self.0).flush().await?;
        Ok(Snapshot { meta, snapshot: Content::Nothing })
    }
}
