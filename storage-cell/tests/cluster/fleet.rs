//! Several nodes over the loopback, and a client that asks each of them until one answers.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use cellar_cell_api::{
    AdminAnswer, AdminRequest, CellError, CellReport, CellService, Outcome, ReadLevel, ReadRequest,
    Write, WriteRequest,
};
use cellar_metadata_api::{Cell, CellId, Command, NodeId, Position};
use cellar_schema::{Clock, Elapsed, Mutation, OffsetClock, Row, SteadyClock, SystemClock, keys};
use cellar_storage_cell::NodeOptions;

use super::{FakeMetadata, member::Member, read, tables};

/// Nodes with the ids 1, 2, 3 …, and the tables of [`tables`].
pub struct Fleet {
    pub dir: tempfile::TempDir,
    pub metadata: Arc<FakeMetadata>,
    /// When batches are finished that their sender did not, from a node's next start on.
    pub batch_after_ms: u64,
    addresses: Vec<SocketAddr>,
    members: Vec<Option<Member>>,
    /// What the machine of each shows.
    walls: Vec<Arc<OffsetClock<SystemClock>>>,
    /// Whether nodes doubt their machine's clock when it jumps.
    steady: bool,
}

/// A port of an address that nobody else uses, not even as the near end of a connection.
fn free() -> SocketAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [a, b, ..] = std::process::id().to_le_bytes();
    let ip = IpAddr::V4(Ipv4Addr::new(127, 64 + b % 64, a, NEXT.fetch_add(1, Ordering::SeqCst)));
    std::net::TcpListener::bind((ip, 0)).unwrap().local_addr().unwrap()
}

impl Fleet {
    pub async fn start(nodes: usize, copies: usize) -> Self {
        Self::start_as(nodes, copies, 5_000, false).await
    }

    /// Nodes that leave batches to their senders for some time.
    pub async fn start_leaving_batches(nodes: usize, copies: usize, batch_after_ms: u64) -> Self {
        Self::start_as(nodes, copies, batch_after_ms, false).await
    }

    /// Nodes that doubt the clocks of their machines when they jump.
    pub async fn start_steady(nodes: usize, copies: usize) -> Self {
        Self::start_as(nodes, copies, 5_000, true).await
    }

    async fn start_as(nodes: usize, copies: usize, batch_after_ms: u64, steady: bool) -> Self {
        let _ = tracing_subscriber::fmt()
            .with_test_writer()
            .with_max_level(super::LevelFilter::INFO)
            .try_init();
        let dir = tempfile::tempdir().unwrap();
        let metadata = FakeMetadata::new();
        let addresses: Vec<SocketAddr> = (0..nodes).map(|_| free()).collect();
        let members = (0..nodes).map(|_| None).collect();
        let wall = || OffsetClock::starting_at_us(SystemClock, SystemClock.now_us());
        let walls = (0..nodes).map(|_| Arc::new(wall())).collect();
        let mut fleet = Self { dir, metadata, batch_after_ms, addresses, members, walls, steady };
        for number in 1..=nodes {
            fleet.open(number).await;
        }
        tables::create_on(&fleet.metadata, copies);
        fleet
    }

    pub fn disk(&self, number: usize) -> PathBuf {
        self.dir.path().join(format!("disk-{number}"))
    }

    pub fn address(&self, number: usize) -> String {
        self.addresses[number - 1].to_string()
    }

    /// The clock of a node's machine, to be set.
    pub fn wall(&self, number: usize) -> &OffsetClock<SystemClock> {
        &self.walls[number - 1]
    }

    pub async fn open(&mut self, number: usize) {
        let wall = Arc::clone(&self.walls[number - 1]);
        let clock: Arc<dyn Clock> = match self.steady {
            true => Arc::new(SteadyClock::new(wall, Elapsed::default())),
            false => wall,
        };
        let (dir, address) = (self.dir.path(), self.addresses[number - 1]);
        let choose = |options: &mut NodeOptions| {
            options.clock = clock;
            options.batch_after_ms = self.batch_after_ms;
        };
        let member = Member::start(dir, number, address, &self.metadata, choose).await;
        self.members[number - 1] = Some(member);
    }

    pub async fn stop(&mut self, number: usize) {
        self.members[number - 1].take().unwrap().stop().await;
    }

    pub fn member(&self, number: usize) -> &Member {
        self.members[number - 1].as_ref().unwrap()
    }

    pub fn running(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().flatten()
    }

    /// The cells of the catalog, in key order.
    pub fn placed(&self) -> Vec<Cell> {
        let catalog = self.metadata.now();
        catalog.placements.values().flat_map(|placement| placement.cells().cloned()).collect()
    }

    pub fn cell(&self, id: CellId) -> Cell {
        self.placed().into_iter().find(|cell| cell.id == id).unwrap()
    }

    /// Has a cell moved; the metadata service may have to be asked again.
    pub fn plan(&self, id: CellId, target: &[u64]) {
        for _ in 0..100 {
            let target = target.iter().copied().map(NodeId).collect();
            let command = Command::PlanReplicas { cell: (id, self.cell(id).epoch), target };
            if self.metadata.run(&command).is_ok() {
                return;
            }
        }
        panic!("the cell changes faster than it can be moved");
    }

    /// Waits until a cell stands where it is to, as everybody sees it, and nowhere else.
    pub async fn stands(&self, id: CellId, nodes: &[u64]) {
        let expected: Vec<NodeId> = nodes.iter().copied().map(NodeId).collect();
        soon(&format!("{id} stands on {nodes:?}"), async || {
            let placed = self.cell(id);
            if placed.replicas != expected || placed.target.is_some() {
                return false;
            }
            for member in self.running() {
                let here = member.cells().await.into_iter().find(|cell| cell.cell == id);
                let wanted = expected.contains(&member.node.id());
                let fits = |cell: &CellReport| {
                    let mut members = expected.clone();
                    members.sort();
                    cell.epoch == placed.epoch && cell.replicas == members
                };
                if here.as_ref().map_or(wanted, |cell| !wanted || !fits(cell)) {
                    return false;
                }
            }
            true
        })
        .await;
    }

    /// Which node leads a cell.
    pub async fn leader(&self, id: CellId) -> usize {
        let mut leader = 0;
        soon(&format!("{id} has a leader"), async || {
            for member in self.running() {
                let node = member.node.id();
                let cells = member.cells().await;
                if cells.iter().any(|cell| cell.cell == id && cell.leader == Some(node)) {
                    leader = node.0 as usize;
                    return true;
                }
            }
            false
        })
        .await;
        leader
    }

    /// Splits a cell wherever it is led.
    pub async fn split(&self, cell: CellId, at: Option<Position>) -> Result<CellId, CellError> {
        let mut last = CellError::Unavailable { reason: "nobody was asked".to_owned() };
        for member in self.running() {
            match member.node.admin(AdminRequest::Split { cell, at }).await {
                Ok(AdminAnswer::Split(right)) => return Ok(right),
                Ok(other) => panic!("{other:?}"),
                Err(CellError::NotLeader { .. } | CellError::WrongCell { .. }) => {}
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Writes once; the same row again when nobody knows what became of it, which is harmless.
    pub async fn put(&self, mutation: Mutation) {
        let write = Write { mutations: vec![mutation], ..Write::default() };
        self.write(write, |outcome| matches!(outcome, Outcome::Applied { .. })).await;
    }

    /// Writes until there is an answer, which must be as expected.
    pub async fn write(&self, write: Write, expected: impl Fn(&Outcome) -> bool) {
        soon("the write is taken", async || {
            let key = &write.mutations[0].partition;
            let (table, token) = (keys::table_of(key).unwrap(), keys::token_of(key).unwrap());
            let cell = self.metadata.now().cell_of(table, token).unwrap().clone();
            for member in self.running() {
                let writes = vec![write.clone()];
                let request = WriteRequest { cell: cell.id, epoch: cell.epoch, writes };
                let outcome = match member.node.write(request).await {
                    Ok(mut reply) => reply.outcomes.remove(0),
                    Err(error) => Err(error),
                };
                match outcome {
                    Ok(outcome) if expected(&outcome) => return true,
                    Err(CellError::Invalid { message }) => panic!("{message}"),
                    Ok(other) => panic!("{other:?}"),
                    Err(_) => {}
                }
            }
            false
        })
        .await;
    }

    /// How many rows a partition has, as its leader reads it.
    pub async fn rows(&self, table: &tables::Known, k: i32) -> usize {
        self.partition(table, k).await.len()
    }

    /// The rows of a partition, as its leader reads them.
    pub async fn partition(&self, table: &tables::Known, k: i32) -> Vec<Row> {
        let partition = table.partition(k);
        let token = keys::token_of(&partition).unwrap();
        let mut found = Vec::new();
        soon("the partition is read", async || {
            let cell = self.metadata.now().cell_of(table.0.id, token).unwrap().clone();
            for member in self.running() {
                let reads = vec![read(partition.clone(), keys::after(&partition))];
                let level = ReadLevel::Leader;
                let request = ReadRequest {
                    cell: cell.id,
                    epoch: cell.epoch,
                    level,
                    reads,
                    now_seconds: None,
                };
                if let Ok(mut reply) = member.node.read(request).await
                    && let Ok(page) = reply.pages.remove(0)
                {
                    found = page.rows.into_iter().map(|(_, row)| row).collect();
                    return true;
                }
            }
            false
        })
        .await;
        found
    }
}

/// Waits until something holds, however busy the machine is.
pub async fn soon(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..12_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("not within a minute: {what}");
}
