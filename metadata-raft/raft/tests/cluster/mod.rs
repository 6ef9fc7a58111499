//! A machine that remembers commands, and nodes that can be crashed and started again.

pub(crate) mod trio;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use cellar_raft::disk::SimDisk;
use cellar_raft::{
    Applied, Entry, Group, Host, HostOptions, Machine, MachineError, Peers, ProposeError,
};
use cellar_rpc::{Client, ClientConfig, Pool, Router, Server, ServerLimits, tasks::Tasks};
use parking_lot::Mutex;

/// The machine's memory: what is applied and what of it would survive a crash.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) live: Arc<Mutex<Kept>>,
    durable: Arc<Mutex<Kept>>,
    /// Entries applied by machines of this memory, over all their lives.
    pub(crate) applies: Arc<AtomicU64>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Kept {
    pub(crate) commands: Vec<Bytes>,
    position: Vec<u8>,
}

impl Memory {
    /// What a new process finds after a crash.
    pub(crate) fn crash(&self) -> Self {
        let kept = self.durable.lock().clone();
        Self {
            live: Arc::new(Mutex::new(kept.clone())),
            durable: Arc::new(Mutex::new(kept)),
            ..Self::default()
        }
    }

    pub(crate) fn commands(&self) -> Vec<Bytes> {
        self.live.lock().commands.clone()
    }

    pub(crate) fn machine(&self) -> Box<dyn Machine> {
        Box::new(self.clone())
    }
}

impl Machine for Memory {
    fn applied(&self) -> Applied {
        Applied::decode(&self.durable.lock().position).unwrap_or_default()
    }

    fn apply(
        &mut self,
        entries: Vec<Entry>,
        position: Vec<u8>,
    ) -> Result<Vec<Bytes>, MachineError> {
        let mut live = self.live.lock();
        live.position = position;
        let answers = entries.into_iter().map(|entry| {
            self.applies.fetch_add(1, Ordering::SeqCst);
            if entry.command.as_ref() == b"fail" {
                return Err(MachineError::new("asked to fail"));
            }
            if !entry.command.is_empty() {
                live.commands.push(entry.command.clone());
            }
            Ok(Bytes::from([b"done ", entry.command.as_ref()].concat()))
        });
        answers.collect()
    }

    fn flush(&mut self) -> Result<(), MachineError> {
        *self.durable.lock() = self.live.lock().clone();
        Ok(())
    }

    fn snapshot(&mut self) -> Result<Bytes, MachineError> {
        let live = self.live.lock();
        let mut bytes = Vec::new();
        for command in &live.commands {
            bytes.extend_from_slice(&u32::try_from(command.len()).unwrap().to_le_bytes());
            bytes.extend_from_slice(command);
        }
        Ok(bytes.into())
    }

    fn install(&mut self, mut snapshot: Bytes, position: Vec<u8>) -> Result<(), MachineError> {
        let mut commands = Vec::new();
        while !snapshot.is_empty() {
            let length = u32::from_le_bytes(snapshot.split_to(4).as_ref().try_into().unwrap());
            commands.push(snapshot.split_to(length as usize));
        }
        *self.live.lock() = Kept { commands, position };
        Ok(())
    }
}

/// A process: a host with its server.
pub(crate) struct Node {
    pub(crate) id: u64,
    pub(crate) host: Host,
    pub(crate) disk: SimDisk,
    pub(crate) address: SocketAddr,
    /// Nodes that this one does not reach.
    pub(crate) unreached: Arc<Mutex<BTreeSet<u64>>>,
    tasks: Tasks,
}

/// The way to other nodes, which may be cut.
struct Ways {
    pool: Pool,
    unreached: Arc<Mutex<BTreeSet<u64>>>,
}

impl Peers for Ways {
    fn client(&self, node: u64, address: &str) -> Client {
        let cut = self.unreached.lock().contains(&node);
        self.pool.client(if cut { "127.0.0.1:1" } else { address })
    }
}

pub(crate) fn options(id: u64, disk: &SimDisk, tasks: &Tasks) -> HostOptions {
    HostOptions {
        disk: Arc::new(disk.clone()),
        segment_bytes: 64 << 10,
        heartbeat_ms: 40,
        election_ms_min: 150,
        election_ms_max: 300,
        on_fatal: Arc::new(|error| eprintln!("fatal: {error}")),
        ..HostOptions::new(id, PathBuf::from("/log"), tasks)
    }
}

impl Node {
    /// Starts a process on a disk, listening where it is told, or anywhere.
    pub(crate) async fn start(id: u64, disk: SimDisk, address: Option<SocketAddr>) -> Self {
        let tasks = Tasks::new();
        let options = options(id, &disk, &tasks);
        Self::with(options, disk, address, tasks).await
    }

    /// A process on an empty disk whose elections by timeout take longer than any test.
    pub(crate) async fn patient(id: u64) -> Self {
        let (disk, tasks) = (SimDisk::new(), Tasks::new());
        let mut options = options(id, &disk, &tasks);
        (options.election_ms_min, options.election_ms_max) = (60_000, 90_000);
        Self::with(options, disk, None, tasks).await
    }

    /// A process on an empty disk that gives up leading after so long a write.
    pub(crate) async fn watchful(id: u64, stall_ms: u64) -> Self {
        let (disk, tasks) = (SimDisk::new(), Tasks::new());
        let options = HostOptions { stall_ms, ..options(id, &disk, &tasks) };
        Self::with(options, disk, None, tasks).await
    }

    /// A process whose groups rest soon.
    pub(crate) async fn restful(id: u64, disk: SimDisk, address: Option<SocketAddr>) -> Self {
        let tasks = Tasks::new();
        let options = HostOptions { rest_after_ms: 100, ..options(id, &disk, &tasks) };
        Self::with(options, disk, address, tasks).await
    }

    async fn with(
        options: HostOptions,
        disk: SimDisk,
        address: Option<SocketAddr>,
        tasks: Tasks,
    ) -> Self {
        let id = options.node;
        let pool = Pool::new(ClientConfig::default(), &tasks);
        let unreached = Arc::<Mutex<BTreeSet<u64>>>::default();
        let ways = Ways { pool, unreached: Arc::clone(&unreached) };
        let host = Host::open(options, Arc::new(ways)).unwrap();
        let listen = address.unwrap_or_else(|| "127.0.0.1:0".parse().unwrap());
        let router = host.register(Router::new());
        let limits = ServerLimits { drain_ms_max: 100, ..ServerLimits::default() };
        let server = Server::bind(listen, None, router, limits, &tasks).await.unwrap();
        let address = server.local_addr();
        let token = tasks.token().clone();
        tasks.spawn("server", async move { drop(server.run(token).await) });
        Self { id, host, disk, address, unreached, tasks }
    }

    /// Ends the process in the middle of whatever it does, and takes its disk out.
    pub(crate) async fn crash(self, seed: u64) -> SimDisk {
        let disk = self.disk.crash(seed);
        self.end().await;
        disk
    }

    /// Ends the process in order.
    pub(crate) async fn end(self) {
        self.host.shutdown().await;
        drop(self.tasks.shutdown(Duration::from_secs(5)).await);
    }

    pub(crate) fn member(&self) -> (u64, String) {
        (self.id, self.address.to_string())
    }
}

/// A group of one on a fresh node.
pub(crate) async fn alone() -> (Node, Group, Memory) {
    let node = Node::start(1, SimDisk::new(), None).await;
    let memory = Memory::default();
    let group = node.host.start(7, memory.machine()).await.unwrap();
    group.initialize(BTreeMap::from([node.member()])).await.unwrap();
    (node, group, memory)
}

/// Proposes until a leader among the groups takes it.
pub(crate) async fn propose(groups: &[Group], command: &str) -> Bytes {
    let proposing = async {
        loop {
            for group in groups {
                match group.propose(Bytes::from(command.to_owned())).await {
                    Ok(answer) => return answer,
                    Err(ProposeError::Fatal(reason)) => panic!("{reason}"),
                    Err(_) => {}
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), proposing).await.unwrap()
}

/// Waits until a condition holds.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not in time: {what}");
}
