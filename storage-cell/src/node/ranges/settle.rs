//! What becomes of a merge that was begun and not ended: the frozen right half's leader asks the
//! left one's, which either has done it or sees to it that it never comes. And what is left of a
//! cell that was taken over is removed.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use cellar_cell_api::{AdminAnswer, AdminRequest, CellError};
use cellar_engine::Batch;
use cellar_metadata_api::{CellId, Epoch, NodeId};
use cellar_raft::RaftError;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::{
    cell::Cell,
    commands::{ChangeAnswer, Touch, Unfreeze},
    limits::{MERGED_KEPT, SETTLE_AFTER_MS, SETTLE_CHECK_MS},
    node::{Inner, NodeError},
    records::{self, Frozen, Kind},
};

impl Inner {
    /// Settles merges that take too long, and removes the logs of cells that were taken over.
    pub(in crate::node) async fn settle_merges(self: Arc<Self>) {
        let mut ticks = interval(Duration::from_millis(SETTLE_CHECK_MS));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut since = BTreeMap::new();
        loop {
            ticks.tick().await;
            if let Err(error) = self.remove_gone().await {
                tracing::warn!(%error, "the logs of cells that are gone stay for now");
            }
            // Hardly any cell is frozen: which of them are led here need not be asked of all.
            let all = self.cells.all().into_iter();
            let frozen = all.filter_map(|cell| Some((cell.state().descriptor.frozen?, cell)));
            let led = frozen.filter(|(_, cell)| cell.group().is_leader());
            let frozen: BTreeMap<CellId, _> =
                led.map(|(by, cell)| (cell.id(), (by, cell))).collect();
            since.retain(|cell, (by, _)| frozen.get(cell).is_some_and(|(now, _)| now == by));
            for (id, (by, cell)) in frozen {
                let (_, first) = since.entry(id).or_insert((by, Instant::now()));
                if first.elapsed() < Duration::from_millis(SETTLE_AFTER_MS) {
                    continue;
                }
                match self.settle(&cell, by).await {
                    Ok(()) => {}
                    Err(error) => tracing::warn!(cell = %id, %error, "waits to be merged"),
                }
            }
        }
    }

    /// Ends the wait of a frozen cell, unless it was taken over: then this replica will learn of
    /// it by the other's log.
    async fn settle(&self, cell: &Cell, by: Frozen) -> Result<(), CellError> {
        let Frozen { left, left_epoch } = by;
        let leader = self.cell(left).map(|left| left.group().leader().map(NodeId));
        let answer = match leader {
            Some(Some(leader)) if leader == self.id => {
                self.settle_merge(left, cell.id(), left_epoch).await?
            }
            Some(Some(leader)) => {
                let right = cell.id();
                self.ask(leader, AdminRequest::SettleMerge { left, right, left_epoch }).await?
            }
            Some(None) => return Ok(()),
            // The left half was taken over itself, before it could do the same.
            None => AdminAnswer::Settled { merged: !self.borders(cell) },
        };
        if answer == (AdminAnswer::Settled { merged: false }) {
            self.propose_step(cell, Unfreeze { by }.encode()).await?;
            tracing::info!(cell = %cell.id(), "serves again: it was not merged");
        }
        Ok(())
    }

    /// Whether a cell here ends where this one begins.
    fn borders(&self, cell: &Cell) -> bool {
        let this = cell.state();
        let (group, start) = (this.descriptor.group, this.descriptor.range.start);
        self.cells.all().iter().any(|other| {
            let other = &other.state().descriptor;
            other.group == group && other.range.end == Some(start)
        })
    }

    /// Says whether a merge was done; if not, the left half moves on so that it never will be.
    pub(in crate::node) async fn settle_merge(
        &self,
        left: CellId,
        right: CellId,
        left_epoch: Epoch,
    ) -> Result<AdminAnswer, CellError> {
        let cell = self.asked(left)?;
        let touch = Touch { epoch: left_epoch };
        if self.propose_step(&cell, touch.encode()).await? == ChangeAnswer::Done {
            return Ok(AdminAnswer::Settled { merged: false });
        }
        let state = cell.state();
        let descriptor = &state.descriptor;
        if descriptor.epoch <= left_epoch {
            return Err(CellError::Unavailable { reason: format!("{left} is behind") });
        }
        let merged = descriptor.merged.contains(&right);
        if !merged && descriptor.merged.len() >= MERGED_KEPT {
            let reason = format!("{left} does not remember whether it took over {right}");
            return Err(CellError::Unavailable { reason });
        }
        Ok(AdminAnswer::Settled { merged })
    }

    /// Stops what runs of a cell that another has taken over here.
    pub(in crate::node) async fn retire(self: &Arc<Self>, id: CellId) {
        let found = self.cells.remove(id).await;
        let Some(cell) = found else { return };
        self.spawn("cell taken over", move |inner| async move {
            cell.close().await;
            if let Err(error) = inner.host.stop(id.0).await {
                tracing::warn!(cell = %id, %error, "cannot stop a cell that was taken over");
            }
        });
    }

    /// Removes the logs of cells that were taken over, once the engine has that on the disk.
    async fn remove_gone(self: &Arc<Self>) -> Result<(), NodeError> {
        let (start, end) = records::all_of(Kind::Gone);
        let found = self.engine.snapshot().scan(start..end, false);
        let keys: Result<Vec<_>, _> = found.map(|entry| entry.map(|(key, _)| key)).collect();
        let mut keys = keys?;
        // It stops first, in order.
        keys.retain(|key| self.host.group(records::cell_in(key).0).is_none());
        if keys.is_empty() {
            return Ok(());
        }
        let failed = |error: CellError| NodeError::Thread(error.to_string());
        self.blocking(|inner| inner.engine.flush()).await.map_err(failed)??;
        for key in keys {
            match self.host.remove(records::cell_in(&key).0).await {
                Ok(()) => {}
                Err(RaftError::Running(_)) => continue,
                Err(error) => return Err(error.into()),
            }
            let mut batch = Batch::new();
            batch.remove(&key);
            self.engine.apply(&batch)?;
        }
        Ok(())
    }
}
