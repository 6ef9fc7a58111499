//! The groups of one process on one disk.

mod incoming;
mod rest;
mod room;
mod rpc;
mod stall;

use std::{
    collections::{BTreeMap, HashSet},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use cellar_rpc::{Client, Pool, Router, tasks::Tasks};
use futures::future::join_all;
use incoming::Incoming;
use openraft::Config;
use parking_lot::Mutex;
use rest::Resting;
pub use room::{NoRoom, Room};
pub(crate) use stall::Stalled;
use tokio::{
    sync::{oneshot, watch},
    time,
};

use crate::{
    disk::{Disk, RealDisk},
    error::RaftError,
    group::{Group, Start, config, in_background},
    limits::{
        CACHE_BYTES, COMPACTION_CHECK_MS, ELECTION_MS_MAX, ELECTION_MS_MIN, HEARTBEAT_MS,
        LOG_BYTES, RESERVE_BYTES, REST_AFTER_MS, SEGMENT_BYTES, STALL_MS,
    },
    log::{self, Log, LogError, LogOptions, OnFatal},
    machine::Machine,
};

/// Finds the members of groups.
pub trait Peers: Send + Sync + 'static {
    /// The client for a node; `address` is what the group's members were told about it.
    fn client(&self, node: u64, address: &str) -> Client;
}

impl Peers for Pool {
    fn client(&self, _node: u64, address: &str) -> Client {
        Self::client(self, address)
    }
}

/// How a host works.
#[derive(Clone)]
pub struct HostOptions {
    /// This node; the number must never be given to another.
    pub node: u64,
    /// Directory of the log.
    pub dir: PathBuf,
    /// The disk.
    pub disk: Arc<dyn Disk>,
    /// Background work of the host is a child of this.
    pub tasks: Tasks,
    /// Size of a segment of the log, in bytes.
    pub segment_bytes: u64,
    /// Size of the log, in bytes, at which the groups that hold its oldest segment are compacted.
    pub log_bytes: u64,
    /// Newest entries kept in memory, in bytes.
    pub cache_bytes: usize,
    /// Interval of a leader's heartbeats in groups with other members, in milliseconds.
    pub heartbeat_ms: u64,
    /// Shortest silence of a leader before an election, in milliseconds.
    pub election_ms_min: u64,
    /// Longest silence of a leader before an election, in milliseconds.
    pub election_ms_max: u64,
    /// Time without anything asked after which a group rests, in milliseconds; 0 for never.
    pub rest_after_ms: u64,
    /// Room on the disk that users' writes must leave, in bytes.
    pub reserve_bytes: u64,
    /// Time that a write of the log may take until this node gives up leading, in milliseconds.
    pub stall_ms: u64,
    /// Told when the log has failed. The default ends the process: what it has told others may
    /// be lost, so it must not go on.
    pub on_fatal: OnFatal,
}

impl HostOptions {
    /// The defaults for a node with its log in `dir`.
    #[must_use]
    pub fn new(node: u64, dir: PathBuf, tasks: &Tasks) -> Self {
        Self {
            node,
            dir,
            disk: Arc::new(RealDisk),
            tasks: tasks.clone(),
            segment_bytes: SEGMENT_BYTES,
            log_bytes: LOG_BYTES,
            cache_bytes: CACHE_BYTES,
            heartbeat_ms: HEARTBEAT_MS,
            election_ms_min: ELECTION_MS_MIN,
            election_ms_max: ELECTION_MS_MAX,
            rest_after_ms: REST_AFTER_MS,
            reserve_bytes: RESERVE_BYTES,
            stall_ms: STALL_MS,
            on_fatal: Arc::new(abort),
        }
    }
}

/// Ends the process.
fn abort(error: &LogError) {
    tracing::error!(%error, "the log has failed, ending the process");
    std::process::abort();
}

/// The groups of one process on one disk; clones are the same host.
#[derive(Clone)]
pub struct Host {
    inner: Arc<Inner>,
}

struct Inner {
    node: u64,
    log: Log,
    peers: Arc<dyn Peers>,
    config: Arc<Config>,
    tasks: Tasks,
    running: Mutex<Running>,
    incoming: Incoming,
    sent_bytes: Arc<AtomicU64>,
    room: Room,
    stalled: Stalled,
    resting: Resting,
}

#[derive(Default)]
struct Running {
    groups: BTreeMap<u64, Group>,
    /// Groups that are being started or stopped.
    busy: HashSet<u64>,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("node", &self.inner.node).finish_non_exhaustive()
    }
}

/// Marks a group as busy while something is done to it.
struct Busy<'a> {
    host: &'a Inner,
    group: u64,
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.host.running.lock().busy.remove(&self.group);
    }
}

impl Inner {
    /// Watches the room on the disk, and whether it answers. A disk that keeps the runtime's time
    /// has no other trouble than it is told to have.
    fn watch_disk(self: &Arc<Self>, disk: Arc<dyn Disk>, dir: PathBuf, stall_ms: u64) {
        if disk.pace().is_some() {
            return;
        }
        let stall = Duration::from_millis(stall_ms);
        let stalls = stall::watch_writes(Arc::downgrade(self), stall);
        let token = self.tasks.token().clone();
        self.tasks.spawn("stalls of the raft log", async move {
            token.run_until_cancelled(stalls).await;
        });
        let (room, token) = (self.room.clone().watch(disk, dir), self.tasks.token().clone());
        self.tasks.spawn("room for the raft log", async move {
            token.run_until_cancelled(room).await;
        });
    }

    fn group(&self, group: u64) -> Option<Group> {
        self.running.lock().groups.get(&group).cloned()
    }
}

impl Host {
    /// Opens the log of a disk, or begins one. To be called within a tokio runtime.
    ///
    /// # Errors
    /// The log cannot be opened, or the options make no sense.
    pub fn open(options: HostOptions, peers: Arc<dyn Peers>) -> Result<Self, RaftError> {
        let config = config(&options)?;
        let (disk, dir) = (Arc::clone(&options.disk), options.dir.clone());
        let log = Log::open(LogOptions {
            disk: options.disk,
            dir: options.dir,
            segment_bytes: options.segment_bytes,
            cache_bytes: options.cache_bytes,
            on_fatal: options.on_fatal,
        })?;
        let incoming = Incoming::open(Arc::clone(&disk), dir.clone());
        let incoming = incoming.map_err(|error| LogError::io("tidy", &dir, error))?;
        let room = Room::new(options.reserve_bytes, log.spared());
        let inner = Arc::new(Inner {
            node: options.node,
            log,
            peers,
            config,
            tasks: options.tasks.child(),
            running: Mutex::default(),
            incoming,
            sent_bytes: Arc::default(),
            room,
            stalled: Arc::new(watch::Sender::new(false)),
            resting: Resting::default(),
        });
        inner.let_rest(options.rest_after_ms);
        inner.watch_disk(disk, dir, options.stall_ms);
        let compacting = keep_small(Arc::clone(&inner), options.log_bytes);
        let token = inner.tasks.token().clone();
        if let Some(writing) = log::writing(&inner.log) {
            let token = inner.tasks.token().clone();
            inner.tasks.spawn("raft log writer", async move {
                token.run_until_cancelled(writing).await;
            });
        }
        inner.tasks.spawn("raft log compaction", async move {
            token.run_until_cancelled(compacting).await;
        });
        Ok(Self { inner })
    }

    /// This node.
    #[must_use]
    pub fn node(&self) -> u64 {
        self.inner.node
    }

    /// The groups found in the log, running or not.
    #[must_use]
    pub fn groups(&self) -> Vec<u64> {
        self.inner.log.groups()
    }

    /// A group that runs.
    #[must_use]
    pub fn group(&self, group: u64) -> Option<Group> {
        self.inner.group(group)
    }

    /// How many groups rest on this node.
    #[must_use]
    pub fn resting(&self) -> usize {
        let running = self.inner.running.lock();
        running.groups.values().filter(|group| group.is_resting()).count()
    }

    /// Size of the log in bytes.
    #[must_use]
    pub fn log_bytes(&self) -> u64 {
        self.inner.log.bytes()
    }

    /// What is known of the room on the disk.
    #[must_use]
    pub fn room(&self) -> Room {
        self.inner.room.clone()
    }

    /// Bytes of snapshots that this host has sent to other nodes since it was opened.
    #[must_use]
    pub fn sent_snapshot_bytes(&self) -> u64 {
        self.inner.sent_bytes.load(Ordering::Relaxed)
    }

    /// Bytes of snapshots that other nodes have sent to this host since it was opened.
    #[must_use]
    pub fn received_snapshot_bytes(&self) -> u64 {
        self.inner.incoming.received_bytes()
    }

    /// Starts a group that the log knows, or a new one, which then waits for
    /// [`Group::initialize`] or for a leader to call. If this node is its only voter, it leads
    /// and has applied its whole log when this returns.
    ///
    /// # Errors
    /// The group runs already, or its log and its machine do not fit together.
    pub async fn start(&self, group: u64, machine: Box<dyn Machine>) -> Result<Group, RaftError> {
        let _busy = self.busy(group)?;
        if self.inner.group(group).is_some() {
            return Err(RaftError::Running(group));
        }
        let Inner { node, log, peers, config, tasks, sent_bytes, stalled, .. } = &*self.inner;
        let start = Start { node: *node, log, peers, config, tasks, sent_bytes, stalled };
        let started = start.start(group, machine).await?;
        self.inner.running.lock().groups.insert(group, started.clone());
        Ok(started)
    }

    /// Stops a group on this node; it can be started again.
    ///
    /// # Errors
    /// It does not run.
    pub async fn stop(&self, group: u64) -> Result<(), RaftError> {
        let _busy = self.busy(group)?;
        let found = self.inner.running.lock().groups.remove(&group);
        found.ok_or(RaftError::NotRunning(group))?.stop().await;
        Ok(())
    }

    /// Stops a group if it runs and forgets its log, durably. Its vote and how far its log went
    /// stay known: if the group comes back here, a member that takes this node for what it was
    /// does not lead by its help without what it had.
    ///
    /// # Errors
    /// The log failed.
    pub async fn remove(&self, group: u64) -> Result<(), RaftError> {
        let _busy = self.busy(group)?;
        let found = self.inner.running.lock().groups.remove(&group);
        if let Some(running) = found {
            running.stop().await;
        }
        let (tell, told) = oneshot::channel();
        self.inner.log.remove(group, Box::new(|removed| drop(tell.send(removed))));
        told.await.unwrap_or(Err(LogError::Closed))?;
        Ok(())
    }

    fn busy(&self, group: u64) -> Result<Busy<'_>, RaftError> {
        if self.inner.running.lock().busy.insert(group) {
            Ok(Busy { host: &self.inner, group })
        } else {
            Err(RaftError::Running(group))
        }
    }

    /// Hands over every group that this node leads, so that others serve on without waiting for
    /// an election. What cannot be handed over stays; that is logged.
    pub async fn hand_over(&self) {
        let groups: Vec<Group> = self.inner.running.lock().groups.values().cloned().collect();
        let led = groups.iter().filter(|group| group.has_successor());
        let handed = led.map(async |group| (group.id(), group.transfer_leader(None).await));
        for (group, handed) in join_all(handed).await {
            if let Err(error) = handed {
                tracing::warn!(group, %error, "leadership was not handed over");
            }
        }
    }

    /// Stops every group and closes the log.
    pub async fn shutdown(&self) {
        let groups = std::mem::take(&mut self.inner.running.lock().groups);
        join_all(groups.values().map(Group::stop)).await;
        self.inner.tasks.token().cancel();
        let log = self.inner.log.clone();
        if let Err(error) = in_background(move || log.close()).await {
            tracing::error!(%error, "closing the log");
        }
    }

    /// Adds the calls between members to a router.
    #[must_use]
    pub fn register(&self, router: Router) -> Router {
        rest::register(&self.inner, rpc::register(&self.inner, router))
    }
}

/// Compacts the groups that hold the oldest segment whenever the log is too large.
async fn keep_small(host: Arc<Inner>, log_bytes: u64) {
    let mut ticks = time::interval(Duration::from_millis(COMPACTION_CHECK_MS));
    ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if host.log.bytes() <= log_bytes {
            continue;
        }
        let holding = host.log.holding_oldest();
        let groups: Vec<Group> = holding.into_iter().filter_map(|id| host.group(id)).collect();
        for compacted in join_all(groups.iter().map(Group::compact)).await {
            if let Err(error) = compacted {
                tracing::warn!(%error, "compaction");
            }
        }
    }
}
