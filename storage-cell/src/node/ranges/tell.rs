//! Telling the metadata service of splits and merges.
//!
//! The cell's own log has decided; a record says what is still to be told, on every replica and in
//! its snapshots. Whoever leads the cell tells it, in order: a replica that is behind could tell of
//! a split that a merge has undone since.

use std::sync::Arc;

use cellar_engine::Batch;
use cellar_metadata_api::{
    Catalog, Cell as Placed, CellId, Command, Epoch, MetadataError, SplitPlan,
};

use crate::{
    apply::CellState,
    cell::Cell,
    node::{Inner, NodeError, registration::is_away},
    records::{self, Kind, Untold, from_record},
};

impl Inner {
    /// Tells the metadata service of every change that it may not know yet and that a cell led
    /// here has decided, oldest first.
    pub(in crate::node) async fn tell_changes(&self) -> Result<(), NodeError> {
        let _one = self.telling.lock().await;
        let mut all = self.untold()?;
        all.sort_by_key(|(_, change)| (change.epoch(), change.right()));
        for (key, change) in all {
            let catalog = Arc::clone(&self.metadata.catalog().borrow());
            let done = if is_known(&catalog, &change) {
                true
            } else if let Some(cell) = self.cell(change.cell()) {
                if !cell.group().is_leader() || cell.group().read_barrier().await.is_err() {
                    continue;
                }
                is_undone(&change, &cell.state()) || self.tell(&cell, change).await?
            } else {
                // The cell is part of another by now, which is told only after this.
                placed(&catalog, change.cell()).is_none()
            };
            if done {
                let mut batch = Batch::new();
                batch.remove(&key);
                self.engine.apply(&batch)?;
            }
        }
        Ok(())
    }

    /// What is noted here, with the keys of the records.
    fn untold(&self) -> Result<Vec<(Vec<u8>, Untold)>, NodeError> {
        let mut all = Vec::new();
        let snapshot = self.engine.snapshot();
        let (start, end) = records::all_of(Kind::Untold);
        for entry in snapshot.scan(start..end, false) {
            let (key, record) = entry?;
            let plan: SplitPlan = from_record("split", &record)?;
            all.push((key.to_vec(), Untold::Split(plan)));
        }
        let (start, end) = records::all_of(Kind::UntoldChange);
        for entry in snapshot.scan(start..end, false) {
            let (key, record) = entry?;
            all.push((key.to_vec(), Untold::decode(&record)?));
        }
        Ok(all)
    }

    /// Says whether it is known now.
    async fn tell(&self, cell: &Cell, change: Untold) -> Result<bool, MetadataError> {
        match change {
            Untold::Split(plan) => self.tell_split(cell, plan).await,
            Untold::Merge { left, right } => self.tell_merge(left, right).await.map(|()| true),
        }
    }

    async fn tell_split(&self, cell: &Cell, mut plan: SplitPlan) -> Result<bool, MetadataError> {
        loop {
            match self.metadata.submit(Command::Split(plan)).await {
                Ok(_) => return Ok(true),
                // Either only the epoch differs, by a move; or it was told, and undone since.
                Err(MetadataError::Conflict { current }) if current > plan.epoch => {
                    plan.epoch = current;
                    // Whatever the service knew by then, this replica knows after the barrier.
                    if cell.group().read_barrier().await.is_err() {
                        return Ok(false);
                    }
                    if is_undone(&Untold::Split(plan), &cell.state()) {
                        return Ok(true);
                    }
                }
                // Something before it is still to be told, perhaps by another node.
                Err(error @ MetadataError::Conflict { .. }) => return Err(error),
                Err(error) if is_away(&error) => return Err(error),
                Err(error) => {
                    // It was told before, and the right half has been merged away since.
                    tracing::warn!(%error, right = %plan.right, "the split is refused");
                    return Ok(true);
                }
            }
        }
    }

    async fn tell_merge(
        &self,
        left: (CellId, Epoch),
        right: (CellId, Epoch),
    ) -> Result<(), MetadataError> {
        let told = self.metadata.submit(Command::MergeCells { left, right }).await;
        let Err(MetadataError::Conflict { current }) = told else { return told.map(|_| ()) };
        if current == Epoch(0) {
            // The service knew both before the merge was decided: it was told.
            return Ok(());
        }
        // The service counts a move differently: the merge is decided all the same.
        let catalog = Arc::clone(&self.metadata.catalog().borrow());
        let epoch = |id: CellId| placed(&catalog, id).map(|cell| cell.epoch);
        if let (Some(left_epoch), Some(right_epoch)) = (epoch(left.0), epoch(right.0)) {
            let (left, right) = ((left.0, left_epoch), (right.0, right_epoch));
            let told = self.metadata.submit(Command::MergeCells { left, right }).await;
            return told.map(|_| ());
        }
        told.map(|_| ())
    }
}

/// A cell as the catalog has it.
pub(super) fn placed(catalog: &Catalog, id: CellId) -> Option<&Placed> {
    let mut cells = catalog.placements.values().flat_map(|placement| placement.cells());
    cells.find(|cell| cell.id == id)
}

/// Whether the catalog shows that the change was told.
fn is_known(catalog: &Catalog, change: &Untold) -> bool {
    let right = placed(catalog, change.right());
    match change {
        Untold::Split(_) => right.is_some(),
        Untold::Merge { left, .. } => {
            let left = placed(catalog, left.0);
            right.is_none() && left.is_some_and(|left| left.epoch >= change.epoch())
        }
    }
}

/// Whether the cell has the right half's keys again: the split was told, as a merge comes only
/// after that.
fn is_undone(change: &Untold, state: &CellState) -> bool {
    match change {
        Untold::Split(plan) => {
            let descriptor = &state.descriptor;
            descriptor.range.contains(plan.at) || descriptor.merged.contains(&plan.right)
        }
        Untold::Merge { .. } => false,
    }
}
