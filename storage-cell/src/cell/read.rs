//! Reads of a cell: a barrier, a snapshot of the engine, pages.

use std::time::Duration;

use cellar_cell_api::{CellError, Read, ReadLevel, ReadReply, ReadRequest};
use cellar_engine::Snapshot;
use cellar_metadata_api::{CellId, NodeId};
use cellar_raft::ProposeError;
use cellar_schema::keys;

use super::{Cell, refused, wrong_cell};
use crate::{
    apply::{CellState, Event},
    index::{self, Definitions},
    limits::ANY_BEHIND_MS_MAX,
    read,
};

impl Cell {
    /// Reads spans, all at one point of the write order.
    pub(crate) async fn read(&self, request: ReadRequest) -> Result<ReadReply, CellError> {
        // A caller that only reads what is in memory would never let others run.
        tokio::task::coop::consume_budget().await;
        if request.level == ReadLevel::Leader || self.group.is_leader() {
            self.group.read_barrier().await.map_err(|error| not_read(&error))?;
        } else if !self.group.is_current(Duration::from_millis(ANY_BEHIND_MS_MAX)) {
            let leader = self.group.leader().map(NodeId);
            return Err(CellError::NotLeader { leader });
        }
        let snapshot = self.engine.snapshot();
        // After the snapshot, see `Shared::state`.
        let state = self.state();
        if request.level == ReadLevel::Any && request.epoch > state.descriptor.epoch {
            // This replica has not heard of a change that the sender knows.
            return Err(wrong_cell(&state));
        }
        // After the snapshot, too: what it has of an index that was dropped meanwhile is not used.
        let indexes = self.machines.indexes().now();
        let clock = self.shared.clock.clock();
        let now_seconds = request.now_seconds.unwrap_or_else(|| clock.now_seconds());
        let mut pages = Vec::with_capacity(request.reads.len());
        for read in &request.reads {
            pages.push(self.page((&state, &indexes), &snapshot, read, now_seconds).await);
        }
        if pages.iter().any(is_damaged) {
            let _ = self.events.send((self.id, Event::Damaged(self.id)));
            if let Some(elsewhere) = self.turn_away().await {
                return Err(elsewhere);
            }
        }
        self.load.read(&request.reads);
        Ok(ReadReply { pages, now_seconds })
    }

    /// Where to read instead of this replica, whose stored bytes are damaged; none if it is the
    /// only one. A leader hands the lead over first, to one whose bytes may be whole.
    async fn turn_away(&self) -> Option<CellError> {
        if self.group.changes().borrow().members.len() < 2 {
            return None;
        }
        let leader = match self.group.is_leader() {
            true => match self.group.transfer_leader(None).await {
                Ok(leader) => Some(leader),
                Err(error) => {
                    tracing::error!(cell = %self.id, %error, "a damaged replica leads on");
                    return None;
                }
            },
            false => self.group.leader(),
        };
        tracing::error!(cell = %self.id, leader, "this replica is damaged; others are read");
        Some(CellError::NotLeader { leader: leader.map(NodeId) })
    }

    async fn page(
        &self,
        (state, indexes): (&CellState, &Definitions),
        snapshot: &Snapshot,
        read: &Read,
        now_seconds: i64,
    ) -> Result<cellar_cell_api::Page, CellError> {
        may_read(state, read)?;
        match self.cold.page(snapshot, &state.manifest, read, now_seconds).await? {
            Some(page) => Ok(page),
            None => {
                let by_index = index::page(indexes, state, snapshot, read, now_seconds);
                let page = match by_index.transpose() {
                    Some(Err(error)) if error.is_damage() => {
                        // The rows may be whole: no index is needed to find them.
                        tracing::error!(cell = %self.id, %error, "an index or its rows are damaged");
                        read::hot(snapshot, read, now_seconds)
                    }
                    Some(page) => page,
                    None => read::hot(snapshot, read, now_seconds),
                };
                page.map_err(|error| name_damaged(self.id(), read::failed(error)))
            }
        }
    }
}

fn is_damaged(page: &Result<cellar_cell_api::Page, CellError>) -> bool {
    matches!(page, Err(CellError::Damaged { .. }))
}

/// Says in which cell the damage is.
fn name_damaged(cell: CellId, error: CellError) -> CellError {
    match error {
        CellError::Damaged { reason } => {
            let reason = format!("{cell}: {reason}");
            tracing::error!(reason, "stored bytes are damaged");
            CellError::Damaged { reason }
        }
        other => other,
    }
}

fn may_read(state: &CellState, read: &Read) -> Result<(), CellError> {
    if !state.serves() || !state.owns_span(&read.start, &read.end) {
        return Err(wrong_cell(state));
    }
    if !state.dropped.is_empty()
        && let Ok(table) = keys::table_of(&read.start)
        && state.dropped.contains(&table)
    {
        // Its rows are being removed, in no order.
        let message = format!("unconfigured table (id {}): it was dropped", table.0);
        return Err(CellError::Invalid { message });
    }
    Ok(())
}

/// What a failed barrier says of a read: it never changes anything.
fn not_read(error: &ProposeError) -> CellError {
    match refused(error) {
        CellError::Unknown { reason } => CellError::Unavailable { reason },
        other => other,
    }
}
