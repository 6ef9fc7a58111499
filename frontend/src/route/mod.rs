//! Finds the cell for every key and brings requests to it: groups by cell, follows moved ranges
//! and leaders, and retries by itself what is safe to retry, until the request's deadline.
//!
//! Guarantees: a write is sent again only when it certainly was not applied, or when it carries a
//! request id or is idempotent; an error that says "not applied" is true (invariant I-19).

mod batch;
mod elements;
mod ends;
mod leaders;
mod read;
mod turns;
mod window;
mod write;

use std::{sync::Arc, time::Duration};

use cellar_cell_api::{CellError, Cells, Target};
use cellar_metadata_api::{Catalog, Cell, NodeId, Position};
use cellar_rpc::tasks::Tasks;
use cellar_schema::{Table, keys};
use tokio::{sync::watch, time::Instant};
use xxhash_rust::xxh3::xxh3_64;

pub(crate) use read::key_after;
pub use read::{Answer, Cursor, ReadSpan};
pub use write::{RoutedWrite, WriteDone};

use crate::error::RequestError;
use ends::Ends;
use leaders::Leaders;
use turns::{NoTurn, Turn, Turns};

/// How often a request looks again while nothing is pushed.
const RETRY_PAUSE_MS_MAX: u64 = 200;
/// The first pause between two attempts.
const RETRY_PAUSE_MS_MIN: u64 = 2;

/// How long the first attempt waits for an answer before another replica is asked, if asking twice
/// is safe. Doubled per attempt, so that a slow cluster is not asked more and more.
const ATTEMPT_MS_MIN: u64 = 2_000;
/// How long a replica that did not answer is left alone while others may take over: an election
/// takes up to 2 s.
const SILENT_MS: u64 = 3_000;
/// What a request that waits too long for its turn is told to wait, in milliseconds.
const RETRY_AFTER_MS: u32 = 100;

/// Brings requests to cells. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Route {
    catalog: watch::Receiver<Arc<Catalog>>,
    cells: Cells,
    leaders: Leaders,
    turns: Turns,
    ends: Ends,
}

impl Route {
    /// Routes by the newest catalog of `catalog`. What it does behind the answers ends with
    /// `tasks`.
    #[must_use]
    pub fn new(catalog: watch::Receiver<Arc<Catalog>>, cells: Cells, tasks: &Tasks) -> Self {
        let leaders = Leaders::default();
        let ends = Ends::send(catalog.clone(), cells.clone(), leaders.clone(), tasks);
        Self { catalog, cells, leaders, turns: Turns::default(), ends }
    }

    /// The newest catalog.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog.borrow())
    }

    /// Waits until the replica may be asked. Requests take turns by keyspace.
    async fn turn(&self, to: &Addressed, attempt: &mut Attempt) -> Result<Turn, CellError> {
        let keyspace = to.table.as_ref().map_or("", |table| table.keyspace.as_str());
        let tenant = xxh3_64(keyspace.as_bytes());
        match self.turns.enter(to.node, tenant, attempt.left()).await {
            Ok(turn) => Ok(turn),
            Err(NoTurn::Silent) => {
                attempt.is_silent(to.node);
                let reason = format!("{} does not answer", to.node);
                Err(CellError::Unavailable { reason })
            }
            Err(NoTurn::Late { waiting, running, tenants }) => {
                let reason = format!(
                    "{waiting} requests of keyspace {keyspace} wait at this frontend for their \
                     turn at {}, which is busy with {running} requests of {tenants} keyspaces",
                    to.node
                );
                Err(CellError::Overloaded { reason, retry_after_ms: RETRY_AFTER_MS })
            }
        }
    }
}

/// A cell as one attempt addresses it.
#[derive(Clone, Debug)]
struct Addressed {
    cell: Cell,
    node: NodeId,
    address: String,
    /// The table of the key, unless it was dropped.
    table: Option<Arc<Table>>,
}

impl Addressed {
    /// The cell that owns the key, and the replica to ask in this attempt.
    fn find(
        catalog: &Catalog,
        leaders: &Leaders,
        key: &[u8],
        attempt: &mut Attempt,
    ) -> Result<Self, RequestError> {
        let cell = owner(catalog, key)?;
        let node = attempt.replica(cell, leaders);
        let node = node.ok_or_else(|| RequestError::unavailable("the cell has no replica"))?;
        let address = catalog
            .nodes
            .get(&node)
            .map(|node| node.address.clone())
            .ok_or_else(|| RequestError::unavailable("the replica's address is not known"))?;
        attempt.asked = Some(node);
        let table = catalog.table_by_id(position(key)?.table).cloned();
        Ok(Self { cell: cell.clone(), node, address, table })
    }

    fn target(&self) -> Target<'_> {
        Target { node: self.node, address: &self.address }
    }
}

/// The cell that owns the key.
fn owner<'c>(catalog: &'c Catalog, key: &[u8]) -> Result<&'c Cell, RequestError> {
    let position = position(key)?;
    let placement = catalog
        .placement_of(position.table)
        .ok_or_else(|| RequestError::unavailable("the table has no cells (yet)"))?;
    placement.lookup(position).ok_or_else(|| RequestError::unavailable("no cell owns the key"))
}

/// The position of an engine key in the key space. The begin of a table has no token.
fn position(key: &[u8]) -> Result<Position, RequestError> {
    let table =
        keys::table_of(key).map_err(|_| RequestError::internal("an engine key without a table"))?;
    Ok(Position::new(table, keys::token_of(key).unwrap_or(i64::MIN)))
}

/// What a request has learnt from its failed attempts.
#[derive(Debug)]
struct Attempt {
    deadline: Instant,
    pause_ms: u64,
    failures: usize,
    /// Failures without an answer.
    silences: usize,
    leader: Option<NodeId>,
    /// The replica of this attempt.
    asked: Option<NodeId>,
    /// The last one that did not answer, and until when it is left alone.
    silent: Option<(NodeId, Instant)>,
}

impl Attempt {
    fn first(deadline: Instant) -> Self {
        Self {
            deadline,
            pause_ms: RETRY_PAUSE_MS_MIN,
            failures: 0,
            silences: 0,
            leader: None,
            asked: None,
            silent: None,
        }
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// The replica has not answered.
    fn is_silent(&mut self, node: NodeId) {
        self.silent = Some((node, Instant::now() + Duration::from_millis(SILENT_MS)));
    }

    /// How long to wait for the answer of this attempt.
    fn patience(&self, safe_twice: bool) -> Duration {
        if !safe_twice {
            return self.left();
        }
        let doublings = u32::try_from(self.silences.min(16)).unwrap_or(16);
        self.left().min(Duration::from_millis(ATTEMPT_MS_MIN.saturating_mul(1 << doublings)))
    }

    /// The replica that should lead: the one named by the last answer, the one that led when last
    /// heard of, else each in turn; not one that was silent just now.
    fn replica(&self, cell: &Cell, leaders: &Leaders) -> Option<NodeId> {
        let silent = self.silent.filter(|(_, until)| Instant::now() < *until);
        let answers = |node: &NodeId| silent.is_none_or(|(silent, _)| silent != *node);
        let hint = if self.failures == 0 { leaders.of(cell) } else { self.leader };
        // While the cell is being moved, one that joins it may lead before everybody knows.
        let joins = |leader: &NodeId| cell.target.iter().flatten().any(|node| node == leader);
        let holds = |leader: &NodeId| cell.replicas.contains(leader) || joins(leader);
        if let Some(leader) = hint.filter(|leader| holds(leader) && answers(leader)) {
            return Some(leader);
        }
        let others: Vec<NodeId> = cell.replicas.iter().copied().filter(answers).collect();
        let candidates = if others.is_empty() { &cell.replicas } else { &others };
        candidates.get(self.failures.checked_rem(candidates.len())?).copied()
    }

    /// Waits before the next attempt, or says that the deadline leaves no room for one. A pushed
    /// catalog ends the wait.
    async fn again(&mut self, error: &CellError, catalog: &watch::Receiver<Arc<Catalog>>) -> bool {
        self.failures = self.failures.saturating_add(1);
        if matches!(error, CellError::Unknown { .. }) {
            self.silences = self.silences.saturating_add(1);
            if let Some(asked) = self.asked {
                self.is_silent(asked);
            }
        }
        self.leader = match error {
            CellError::NotLeader { leader } => *leader,
            _ => None,
        };
        let at_once = self.leader.is_some() && self.failures < 3;
        if self.left().is_zero() {
            return false;
        }
        if !at_once {
            let pause = Duration::from_millis(self.pause_ms).min(self.left());
            let mut catalog = catalog.clone();
            catalog.mark_unchanged();
            // Whether the wait ended by a push or by time makes no difference.
            let _ = tokio::time::timeout(pause, catalog.changed()).await;
            self.pause_ms = self.pause_ms.saturating_mul(2).min(RETRY_PAUSE_MS_MAX);
        }
        true
    }
}

/// Whether another attempt can help at all, given that it is safe.
fn may_pass(error: &CellError) -> bool {
    match error {
        CellError::WrongCell { .. }
        | CellError::NotLeader { .. }
        | CellError::Unavailable { .. }
        | CellError::Unknown { .. } => true,
        CellError::Overloaded { .. } | CellError::Invalid { .. } | CellError::Damaged { .. } => {
            false
        }
    }
}

#[cfg(test)]
mod tests;
