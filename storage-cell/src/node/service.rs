//! What the node answers to frontends and operators.

use std::sync::Arc;

use cellar_cell_api::{
    AdminAnswer, AdminRequest, CellError, CellReport, CellService, ReadReply, ReadRequest,
    WriteReply, WriteRequest,
};
use cellar_metadata_api::{CellId, NodeId};
use futures::{FutureExt, future::BoxFuture};

use super::{Inner, Node};
use crate::{blocking::in_background, cell::Cell};

impl CellService for Node {
    fn node(&self) -> Option<NodeId> {
        Some(self.id())
    }

    fn write(&self, request: WriteRequest) -> BoxFuture<'static, Result<WriteReply, CellError>> {
        let cell = self.inner.asked(request.cell);
        async move { cell?.write(request).await }.boxed()
    }

    fn read(&self, request: ReadRequest) -> BoxFuture<'static, Result<ReadReply, CellError>> {
        let cell = self.inner.asked(request.cell);
        async move { cell?.read(request).await }.boxed()
    }

    fn admin(&self, request: AdminRequest) -> BoxFuture<'static, Result<AdminAnswer, CellError>> {
        let inner = Arc::clone(&self.inner);
        async move { inner.admin(request).await }.boxed()
    }
}

impl Inner {
    pub(super) fn asked(&self, id: CellId) -> Result<Arc<Cell>, CellError> {
        self.cell(id).ok_or(CellError::WrongCell { cell: id, epoch: None })
    }

    async fn admin(self: Arc<Self>, request: AdminRequest) -> Result<AdminAnswer, CellError> {
        match request {
            AdminRequest::Cells => self.blocking(Self::report).await.map(AdminAnswer::Cells),
            AdminRequest::Split { cell, at } => {
                self.asked(cell)?;
                self.split_cell(cell, at).await.map(AdminAnswer::Split)
            }
            AdminRequest::Merge { left, right } => {
                self.merge_cells(left, right).await.map(AdminAnswer::Merged)
            }
            AdminRequest::SettleMerge { left, right, left_epoch } => {
                self.settle_merge(left, right, left_epoch).await
            }
            AdminRequest::Tier { cell } => self.tier_now(cell).await,
            AdminRequest::Flush => {
                let flushed = self.blocking(|inner| inner.engine.flush()).await?;
                let failed = |error| CellError::Unavailable { reason: format!("{error}") };
                flushed.map(|()| AdminAnswer::Done).map_err(failed)
            }
        }
    }

    /// Runs what reads the disk on a thread that may wait for it.
    pub(super) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, CellError> {
        let inner = Arc::clone(self);
        in_background(move || work(&inner))
            .await
            .map_err(|error| CellError::Unavailable { reason: error.to_string() })
    }

    fn report(&self) -> Vec<CellReport> {
        self.cells.all().iter().map(|cell| report(cell)).collect()
    }
}

fn report(cell: &Cell) -> CellReport {
    let state = cell.state();
    let changes = cell.group().changes();
    let members: Vec<NodeId> = changes.borrow().members.keys().copied().map(NodeId).collect();
    let descriptor = &state.descriptor;
    let (cold_rows, cold_bytes) = state.manifest.size();
    CellReport {
        cell: descriptor.cell,
        range: descriptor.range,
        epoch: descriptor.epoch,
        leader: cell.group().leader().map(NodeId),
        replicas: if members.is_empty() { descriptor.replicas.clone() } else { members },
        applied_index: cell.group().applied().borrow().unwrap_or(0),
        hot_bytes: cell.hot_bytes().unwrap_or(0),
        cold_bytes,
        cold_rows,
    }
}
