//! Reads of a cell: a barrier, a snapshot of the engine, pages.

use std::time::Duration;

use cellar_cell_api::{CellError, Read, ReadLevel, ReadReply, ReadRequest};
use cellar_engine::Snapshot;
use cellar_metadata_api::NodeId;
use cellar_raft::ProposeError;
use cellar_schema::keys;

use super::{Cell, refused, wrong_cell};
use crate::{apply::CellState, limits::ANY_BEHIND_MS_MAX, read};

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
        let now_seconds = self.shared.clock.clock().now_seconds();
        let mut pages = Vec::with_capacity(request.reads.len());
        for read in &request.reads {
            pages.push(self.page(&state, &snapshot, read, now_seconds).await);
        }
        self.load.read(&request.reads);
        Ok(ReadReply { pages, now_seconds })
    }

    async fn page(
        &self,
        state: &CellState,
        snapshot: &Snapshot,
        read: &Read,
        now_seconds: i64,
    ) -> Result<cellar_cell_api::Page, CellError> {
        may_read(state, read)?;
        match self.cold.page(snapshot, &state.manifest, read, now_seconds).await? {
            Some(page) => Ok(page),
            None => read::hot(snapshot, read, now_seconds).map_err(read::failed),
        }
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
