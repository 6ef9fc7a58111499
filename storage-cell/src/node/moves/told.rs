//! Telling the metadata service of moves that have ended. The record of each is removed once the
//! catalog has it, so a crash of the node or of the service loses none.

use std::{sync::Arc, time::Duration};

use cellar_engine::Batch;
use cellar_metadata_api::{Catalog, CellId, Command, MetadataError};
use tokio::time::Instant;

use crate::{
    commands::Moved,
    limits::UNTOLD_MS_MAX,
    node::{Inner, NodeError},
    records::{self, Kind, from_record},
};

impl Inner {
    /// Tells what is not told yet; says whether everything is.
    pub(super) async fn tell_moves(&self) -> bool {
        let untold = match self.untold_moves() {
            Ok(untold) => untold,
            Err(error) => {
                tracing::error!(%error, "records of moves cannot be read");
                return false;
            }
        };
        self.moves.waiting.lock().retain(|key, _| untold.iter().any(|(id, _)| id == key));
        let mut all = true;
        for (cell, moved) in untold {
            let told = self.tell_move(cell, &moved).await;
            let forgotten = told && self.forget_move(cell, &moved).is_ok();
            all = all && forgotten;
        }
        all
    }

    fn untold_moves(&self) -> Result<Vec<(CellId, Moved)>, NodeError> {
        let (start, end) = records::all_of(Kind::UntoldMove);
        let mut moves: Vec<(CellId, Moved)> = Vec::new();
        for entry in self.engine.snapshot().scan(start..end, false) {
            let (key, value) = entry?;
            moves.push((records::owner_in(&key)?, from_record("move", &value)?));
        }
        moves.sort_by_key(|(cell, moved)| (moved.epoch, *cell));
        Ok(moves)
    }

    /// Whether the service knows it, by now or before.
    async fn tell_move(&self, cell: CellId, moved: &Moved) -> bool {
        let catalog = Arc::clone(&self.metadata.catalog().borrow());
        if knows(&catalog, cell, moved) {
            return true;
        }
        if !self.is_to_tell(cell) {
            return false;
        }
        let replicas = moved.target.clone();
        let command = Command::ChangeReplicas { cell: (cell, moved.epoch), replicas };
        match self.metadata.submit(command).await {
            Ok(_) => true,
            // Another has told it, and more.
            Err(MetadataError::Conflict { current }) if current > moved.epoch => true,
            // The cell was merged into another after somebody had told of this.
            Err(MetadataError::Conflict { current }) if current.0 == 0 => self.cell(cell).is_none(),
            Err(error) => {
                tracing::info!(%cell, %error, "a move is not known to everybody yet");
                false
            }
        }
    }

    /// The leader tells; the others only if that takes long: it may have come by a snapshot and
    /// have no record.
    fn is_to_tell(&self, cell: CellId) -> bool {
        let since = *self.moves.waiting.lock().entry(cell).or_insert_with(Instant::now);
        self.cell(cell).is_none_or(|cell| cell.group().is_leader())
            || since.elapsed() >= Duration::from_millis(UNTOLD_MS_MAX)
    }

    fn forget_move(&self, cell: CellId, moved: &Moved) -> Result<(), NodeError> {
        let mut batch = Batch::new();
        batch.remove(&records::untold_move_key(cell, moved.epoch));
        Ok(self.engine.apply(&batch)?)
    }
}

fn knows(catalog: &Catalog, id: CellId, moved: &Moved) -> bool {
    let mut cells = catalog.placements.values().flat_map(|placement| placement.cells());
    cells.any(|cell| cell.id == id && cell.epoch > moved.epoch)
}
