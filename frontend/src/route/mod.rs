//! Finds the cell for every key and brings requests to it: groups by cell, follows moved ranges
//! and leaders, and retries by itself what is safe to retry, until the request's deadline.
//!
//! Guarantees: a write is sent again only when it certainly was not applied, or when it carries a
//! request id or is idempotent; an error that says "not applied" is true (invariant I-19).

mod read;
mod write;

use std::{sync::Arc, time::Duration};

use cellar_cell_api::{CellError, Cells, Target};
use cellar_metadata_api::{Catalog, Cell, NodeId, Position};
use cellar_schema::keys;
use tokio::{sync::watch, time::Instant};

pub(crate) use read::key_after;
pub use read::{Answer, Cursor, ReadSpan};
pub use write::{RoutedWrite, WriteDone};

use crate::error::RequestError;

/// How often a request looks again while nothing is pushed.
const RETRY_PAUSE_MS_MAX: u64 = 200;
/// The first pause between two attempts.
const RETRY_PAUSE_MS_MIN: u64 = 2;

/// Brings requests to cells. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Route {
    catalog: watch::Receiver<Arc<Catalog>>,
    cells: Cells,
}

impl Route {
    /// Routes by the newest catalog of `catalog`.
    #[must_use]
    pub fn new(catalog: watch::Receiver<Arc<Catalog>>, cells: Cells) -> Self {
        Self { catalog, cells }
    }

    /// The newest catalog.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog.borrow())
    }
}

/// A cell as one attempt addresses it.
#[derive(Clone, Debug)]
struct Addressed {
    cell: Cell,
    node: NodeId,
    address: String,
}

impl Addressed {
    /// The cell that owns the key, and the replica to ask in this attempt.
    fn find(catalog: &Catalog, key: &[u8], attempt: &Attempt) -> Result<Self, RequestError> {
        let position = position(key)?;
        let placement = catalog
            .placement_of(position.table)
            .ok_or_else(|| RequestError::unavailable("the table has no cells (yet)"))?;
        let cell = placement
            .lookup(position)
            .ok_or_else(|| RequestError::unavailable("no cell owns the key"))?;
        let node = attempt.replica(cell);
        let node = node.ok_or_else(|| RequestError::unavailable("the cell has no replica"))?;
        let address = catalog
            .nodes
            .get(&node)
            .map(|node| node.address.clone())
            .ok_or_else(|| RequestError::unavailable("the replica's address is not known"))?;
        Ok(Self { cell: cell.clone(), node, address })
    }

    fn target(&self) -> Target<'_> {
        Target { node: self.node, address: &self.address }
    }
}

/// The position of an engine key in the key space. The begin of a table has no token.
fn position(key: &[u8]) -> Result<Position, RequestError> {
    let table = keys::table_of(key)
        .map_err(|_| RequestError::internal("an engine key without a table"))?;
    Ok(Position::new(table, keys::token_of(key).unwrap_or(i64::MIN)))
}

/// What a request has learnt from its failed attempts.
#[derive(Debug)]
struct Attempt {
    deadline: Instant,
    pause_ms: u64,
    failures: usize,
    leader: Option<NodeId>,
}

impl Attempt {
    fn first(deadline: Instant) -> Self {
        Self { deadline, pause_ms: RETRY_PAUSE_MS_MIN, failures: 0, leader: None }
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// The replica that should lead: the one named by the last answer, else each in turn.
    fn replica(&self, cell: &Cell) -> Option<NodeId> {
        if let Some(leader) = self.leader.filter(|leader| cell.replicas.contains(leader)) {
            return Some(leader);
        }
        let turn = self.failures.checked_rem(cell.replicas.len())?;
        cell.replicas.get(turn).copied()
    }

    /// Waits before the next attempt, or says that the deadline leaves no room for one. A pushed
    /// catalog ends the wait.
    async fn again(&mut self, error: &CellError, catalog: &watch::Receiver<Arc<Catalog>>) -> bool {
        self.failures = self.failures.saturating_add(1);
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
