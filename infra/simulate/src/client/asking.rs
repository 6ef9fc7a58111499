//! Asking a cell until there is an answer: again where that is safe, elsewhere where that helps.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use cellar_cell_api::{
    AdminAnswer, AdminRequest, CellError, Cells, Outcome, Page, Read, ReadLevel, ReadRequest,
    Target, Write, WriteRequest,
};
use cellar_metadata_api::{
    Cell, CellId, Client, Command, Metadata, NodeId, Position, protocol::Identity,
};
use cellar_rpc::{ClientConfig, Pool, tasks::Tasks};
use cellar_schema::keys;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep, timeout};

use crate::{chance::Chance, world::network::Network};

/// Time for one attempt.
const ATTEMPT: Duration = Duration::from_millis(1_500);
/// Time for a request with all its attempts.
const PATIENCE: Duration = Duration::from_secs(4);

/// A request that was not answered.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// It was certainly not done.
    Failed,
    /// It may have been done.
    Unknown,
}

/// A way into the cluster.
pub(crate) struct Asking {
    cells: Cells,
    pub(crate) metadata: Client,
    /// Who led a cell when last heard of.
    leaders: Mutex<BTreeMap<CellId, NodeId>>,
    chance: Mutex<Chance>,
}

impl Asking {
    /// A client at an address of its own.
    pub(crate) fn new(
        network: &Network,
        address: &str,
        members: &[String],
        chance: Chance,
        tasks: &Tasks,
    ) -> Arc<Self> {
        let pool = Pool::over(network.door(address), ClientConfig::default(), tasks);
        let identity = Identity::Observer(address.to_owned());
        let metadata = Client::connect(&pool, members, identity, tasks);
        let (leaders, chance) = (Mutex::default(), Mutex::new(chance));
        Arc::new(Self { cells: Cells::remote(pool), metadata, leaders, chance })
    }

    /// The cell that owns a key, as the catalog has it.
    pub(crate) fn owner(&self, key: &[u8]) -> Option<Cell> {
        let (table, token) = (keys::table_of(key).ok()?, keys::token_of(key).ok()?);
        let catalog = Arc::clone(&self.metadata.catalog().borrow());
        let placement = catalog.placement_of(table)?;
        placement.lookup(Position::new(table, token)).cloned()
    }

    /// A node to ask about a cell, with its address.
    fn node(&self, cell: &Cell) -> Option<(NodeId, String)> {
        let known = self.leaders.lock().get(&cell.id).copied();
        let node = known.or_else(|| self.chance.lock().pick(&cell.replicas).copied())?;
        let catalog = Arc::clone(&self.metadata.catalog().borrow());
        Some((node, catalog.nodes.get(&node)?.address.clone()))
    }

    /// Takes in an error; says how long to wait before the next attempt, if one makes sense.
    fn learn(&self, cell: CellId, error: &CellError) -> Option<Duration> {
        let mut leaders = self.leaders.lock();
        match error {
            CellError::NotLeader { leader: Some(leader) } => {
                leaders.insert(cell, *leader);
                Some(Duration::from_millis(10))
            }
            CellError::Invalid { .. } | CellError::Damaged { .. } => None,
            _ => {
                leaders.remove(&cell);
                Some(Duration::from_millis(50))
            }
        }
    }

    /// Writes; again after an unknown outcome only if the write has an id.
    pub(crate) async fn write(&self, write: Write) -> Result<Outcome, Unanswered> {
        let (began, key) = (Instant::now(), first_key(&write));
        let mut maybe = false;
        while began.elapsed() < PATIENCE {
            let Some((cell, (node, address))) =
                self.owner(&key).and_then(|cell| Some((cell.clone(), self.node(&cell)?)))
            else {
                sleep(Duration::from_millis(50)).await;
                continue;
            };
            let writes = vec![write.clone()];
            let request = WriteRequest { cell: cell.id, epoch: cell.epoch, writes };
            let target = Target { node, address: &address };
            let error = match self.cells.write(target, request, ATTEMPT).await {
                Ok(mut reply) => match reply.outcomes.pop() {
                    Some(Ok(outcome)) => return Ok(outcome),
                    Some(Err(error)) => error,
                    None => CellError::Unknown { reason: "no outcome".to_owned() },
                },
                Err(error) => error,
            };
            maybe |= !error.is_definite();
            if maybe && write.id.is_none() {
                return Err(Unanswered::Unknown);
            }
            let pause = self.learn(cell.id, &error);
            match pause {
                Some(pause) => sleep(pause).await,
                None => break,
            }
        }
        Err(if maybe { Unanswered::Unknown } else { Unanswered::Failed })
    }

    /// Reads a span of one cell, linearizably.
    pub(crate) async fn read(&self, read: Read) -> Result<Page, Unanswered> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let Some((cell, (node, address))) =
                self.owner(&read.start).and_then(|cell| Some((cell.clone(), self.node(&cell)?)))
            else {
                sleep(Duration::from_millis(50)).await;
                continue;
            };
            let (reads, level) = (vec![read.clone()], ReadLevel::Leader);
            let request =
                ReadRequest { cell: cell.id, epoch: cell.epoch, level, reads, now_seconds: None };
            let target = Target { node, address: &address };
            let error = match self.cells.read(target, request, ATTEMPT).await {
                Ok(mut reply) => match reply.pages.pop() {
                    Some(Ok(page)) => return Ok(page),
                    Some(Err(error)) => error,
                    None => CellError::Unknown { reason: "no page".to_owned() },
                },
                Err(error) => error,
            };
            let pause = self.learn(cell.id, &error);
            match pause {
                Some(pause) => sleep(pause).await,
                None => break,
            }
        }
        Err(Unanswered::Failed)
    }

    /// Asks a node to split a cell.
    pub(crate) async fn split(
        &self,
        node: NodeId,
        cell: CellId,
        at: Position,
    ) -> Result<AdminAnswer, CellError> {
        self.admin(node, AdminRequest::Split { cell, at: Some(at) }).await
    }

    /// Asks a node to merge two cells.
    pub(crate) async fn merge(
        &self,
        node: NodeId,
        left: CellId,
        right: CellId,
    ) -> Result<AdminAnswer, CellError> {
        self.admin(node, AdminRequest::Merge { left, right }).await
    }

    async fn admin(&self, node: NodeId, request: AdminRequest) -> Result<AdminAnswer, CellError> {
        let catalog = Arc::clone(&self.metadata.catalog().borrow());
        let known = catalog.nodes.get(&node).map(|node| node.address.clone());
        let address = known.unwrap_or_default();
        self.cells.admin(Target { node, address: &address }, request, ATTEMPT).await
    }

    /// Has the metadata service plan a cell, as it is known now, onto nodes; it may not come to it.
    pub(crate) async fn plan(&self, cell: CellId, target: Vec<NodeId>) {
        let catalog = Arc::clone(&self.metadata.catalog().borrow());
        let all = catalog.placements.values().flat_map(|all| all.cells());
        let Some(epoch) = all.into_iter().find(|one| one.id == cell).map(|one| one.epoch) else {
            return;
        };
        let command = Command::PlanReplicas { cell: (cell, epoch), target };
        drop(timeout(ATTEMPT, self.metadata.submit(command)).await);
    }
}

fn first_key(write: &Write) -> bytes::Bytes {
    write.partitions().next().cloned().unwrap_or_default()
}
