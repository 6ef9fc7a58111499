//! Merging two neighbours, on the node that leads both: the right half's log freezes it, the left
//! one's takes it over, the metadata service is told. A crash at any step leaves either a right
//! half that is frozen, which asks the left one what became of the merge, or a merge that is
//! decided and still to be told.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bytes::Bytes;
use cellar_cell_api::{AdminAnswer, AdminRequest, CellError, Cells, Target};
use cellar_metadata_api::{CellId, Epoch, NodeId};
use cellar_raft::{ProposeError, ask_transfer_leader};
use futures::future::join_all;
use tokio::time::{sleep, timeout};

use super::tell::placed;
use crate::{
    apply::CellState,
    cell::{Cell, refused},
    commands::{ChangeAnswer, CommandError, Freeze, Merge, Unfreeze},
    limits::{MERGE_BYTES_MAX, MERGE_CALL_MS_MAX, METADATA_RETRY_MS},
    node::Inner,
    records::Frozen,
};

fn invalid(reason: impl ToString) -> CellError {
    CellError::Invalid { message: reason.to_string() }
}

fn unavailable(reason: impl ToString) -> CellError {
    CellError::Unavailable { reason: reason.to_string() }
}

impl Inner {
    /// Makes two neighbours one; returns once the metadata service knows.
    pub(in crate::node) async fn merge_cells(
        self: &Arc<Self>,
        left: CellId,
        right: CellId,
    ) -> Result<Epoch, CellError> {
        let _one = self.splitting.lock().await;
        let (left, right) = (self.asked(left)?, self.asked(right)?);
        if !left.group().is_leader() {
            return Err(CellError::NotLeader { leader: left.group().leader().map(NodeId) });
        }
        may_merge(&left.state(), &right.state())?;
        self.is_small(&right).await?;
        self.tell_changes().await.map_err(unavailable)?;
        self.lead(&right).await?;
        for cell in [&left, &right] {
            cell.group().read_barrier().await.map_err(|error| refused(&error))?;
        }
        let (before, going) = (left.state(), right.state());
        may_merge(&before, &going)?;
        self.is_placed(&before, &going)?;
        self.keeps_what_split_off(&going).await?;

        let by = Frozen { left: left.id(), left_epoch: before.descriptor.epoch };
        let freeze = Freeze { epoch: going.descriptor.epoch, by };
        match self.propose_step(&right, freeze.encode()).await? {
            ChangeAnswer::Done => {}
            ChangeAnswer::Refused => return Err(invalid("the right half has changed meanwhile")),
        }
        self.goes_on("merge.frozen")?;
        let merged = self.take_over(&left, &right, by).await;
        if let Err(error) = merged {
            if error.is_definite() {
                // If this fails, too, the right half's leader settles it.
                self.propose_step(&right, Unfreeze { by }.encode()).await.ok();
            }
            return Err(error);
        }
        self.retire(right.id()).await;
        self.goes_on("merge.taken-over")?;
        while let Err(error) = self.tell_changes().await {
            tracing::warn!(%error, "the merge is not known to everybody yet");
            sleep(Duration::from_millis(METADATA_RETRY_MS)).await;
        }
        Ok(left.state().descriptor.epoch)
    }

    /// Hands the frozen right half to the left one. A definite error means that it never will be.
    async fn take_over(
        self: &Arc<Self>,
        left: &Cell,
        right: &Arc<Cell>,
        by: Frozen,
    ) -> Result<(), CellError> {
        let frozen = Arc::clone(right);
        let content = self.blocking(move |_| frozen.content()).await?.map_err(unavailable)?;
        if content.len() > MERGE_BYTES_MAX {
            return Err(too_large(content.len()));
        }
        let merge = Merge { epoch: by.left_epoch, right: right.id(), content };
        match self.propose_step(left, merge.encode()).await? {
            ChangeAnswer::Done => Ok(()),
            ChangeAnswer::Refused => Err(invalid("the left half has changed meanwhile")),
        }
    }

    /// Ends the merge where a test wants it to.
    fn goes_on(&self, step: &'static str) -> Result<(), CellError> {
        match &self.options.merge_goes_on {
            Some(goes_on) if !goes_on(step) => {
                Err(CellError::Unknown { reason: format!("ended at {step}") })
            }
            _ => Ok(()),
        }
    }

    /// Proposes one step.
    pub(in crate::node) async fn propose_step(
        &self,
        cell: &Cell,
        entry: Result<Bytes, CommandError>,
    ) -> Result<ChangeAnswer, CellError> {
        let answer = cell.group().propose(entry.map_err(invalid)?).await;
        let answer = answer.map_err(|error: ProposeError| refused(&error))?;
        let unknown = |error: CommandError| CellError::Unknown { reason: error.to_string() };
        ChangeAnswer::decode(&answer).map_err(unknown)
    }

    async fn is_small(self: &Arc<Self>, right: &Arc<Cell>) -> Result<(), CellError> {
        let asked = Arc::clone(right);
        let bytes = self.blocking(move |_| asked.hot_bytes()).await?.map_err(unavailable)?;
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        if bytes > MERGE_BYTES_MAX { Err(too_large(bytes)) } else { Ok(()) }
    }

    /// Whether the metadata service knows both as they are: it is told of the merge by what it
    /// knows.
    fn is_placed(&self, left: &CellState, right: &CellState) -> Result<(), CellError> {
        let catalog = Arc::clone(&self.metadata.catalog().borrow());
        let known = |state: &CellState| {
            let found = placed(&catalog, state.descriptor.cell);
            found.is_some_and(|cell| cell.range == state.descriptor.range && cell.target.is_none())
        };
        if known(left) && known(right) {
            return Ok(());
        }
        Err(unavailable("the metadata service does not know both halves as they are yet"))
    }

    /// Takes over the lead of the right half from another node.
    async fn lead(&self, cell: &Cell) -> Result<(), CellError> {
        let group = cell.group();
        if group.is_leader() {
            return Ok(());
        }
        let leader = group.leader().map(NodeId).filter(|leader| *leader != self.id);
        let leader = leader.ok_or_else(|| unavailable("nobody leads the right half now"))?;
        let catalog = Arc::clone(&self.metadata.catalog().borrow());
        let node = catalog.nodes.get(&leader).ok_or_else(|| unavailable("an unknown node"))?;
        let client = self.pool.client(&node.address);
        let asked = ask_transfer_leader(&client, leader.0, group.id(), Some(self.id.0));
        asked.await.map_err(unavailable)?;
        let mut changes = group.changes();
        let leads = changes.wait_for(|now| now.leader == Some(self.id.0));
        match timeout(Duration::from_millis(MERGE_CALL_MS_MAX), leads).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(unavailable("the right half is led elsewhere")),
        }
    }

    /// Sees to it that a majority has on its disk what split off from the right half before.
    /// Whoever has not loses it by the merge: after a crash that is replayed before the right
    /// half's log has made those cells again, and without that log they begin without rows.
    async fn keeps_what_split_off(self: &Arc<Self>, right: &CellState) -> Result<(), CellError> {
        let flushed = self.blocking(|inner| inner.engine.flush()).await?;
        flushed.map_err(unavailable)?;
        let descriptor = &right.descriptor;
        let (cell, epoch) = (descriptor.cell, descriptor.epoch);
        let others = descriptor.replicas.iter().filter(|node| **node != self.id);
        let asked = others.map(|node| async move {
            let answer = self.ask(*node, AdminRequest::Cells).await;
            let Ok(AdminAnswer::Cells(cells)) = answer else { return false };
            cells.iter().any(|report| report.cell == cell && report.epoch == epoch)
                && self.ask(*node, AdminRequest::Flush).await.is_ok()
        });
        let have = join_all(asked).await.into_iter().filter(|has| *has).count();
        let replicas = descriptor.replicas.iter().collect::<BTreeSet<_>>().len();
        if have.saturating_add(1) > replicas.div_euclid(2) {
            return Ok(());
        }
        Err(unavailable("too few replicas have the right half as it is"))
    }

    /// Asks another node.
    pub(in crate::node) async fn ask(
        &self,
        node: NodeId,
        request: AdminRequest,
    ) -> Result<AdminAnswer, CellError> {
        let catalog = Arc::clone(&self.metadata.catalog().borrow());
        let known = catalog.nodes.get(&node);
        let address = &known.ok_or_else(|| unavailable("an unknown node"))?.address;
        let cells = Cells::remote(self.pool.clone());
        let patience = Duration::from_millis(MERGE_CALL_MS_MAX);
        cells.admin(Target { node, address }, request, patience).await
    }
}

/// Whether two cells could be one, as far as they know.
fn may_merge(left: &CellState, right: &CellState) -> Result<(), CellError> {
    let (left, right) = (&left.descriptor, &right.descriptor);
    let on = |nodes: &[NodeId]| nodes.iter().copied().collect::<BTreeSet<_>>();
    let against = if left.group != right.group || left.range.end != Some(right.range.start) {
        "they are not neighbours"
    } else if on(&left.replicas) != on(&right.replicas) {
        "their replicas stand on different nodes"
    } else if left.moving.is_some() || right.moving.is_some() {
        "one of them is being moved"
    } else if left.frozen.is_some() || right.frozen.is_some() {
        "one of them is being merged"
    } else if left.lacks_rows || right.lacks_rows {
        "one of them has no rows here yet"
    } else {
        return Ok(());
    };
    let (left, right) = (left.cell, right.cell);
    Err(invalid(format!("{left} and {right} cannot be merged: {against}")))
}

fn too_large(bytes: usize) -> CellError {
    invalid(format!(
        "the right half has {bytes} bytes; at most {MERGE_BYTES_MAX} can be taken over"
    ))
}
