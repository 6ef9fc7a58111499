//! Splitting cells: where, and in which order everybody learns of it.
//!
//! The cell's own log decides. From then on the left half refuses the keys of the right one, the
//! right one runs, and the metadata service is told until it knows. A crash at any step leaves a
//! record that says what is still to do.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use cellar_cell_api::CellError;
use cellar_metadata_api::{Answer, CellId, Command, Position, SplitPlan};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::{
    cell::{Cell, refused},
    commands::{ChangeAnswer, Split},
    limits::{METADATA_RETRY_MS, SPLIT_CHECK_MS},
    load::after,
    node::{Inner, NodeError},
    records::position_of,
};

impl Inner {
    /// Tells what is not told yet and splits what has grown too large, from time to time.
    pub(in crate::node) async fn split_large_cells(self: Arc<Self>) {
        let mut ticks = interval(Duration::from_millis(SPLIT_CHECK_MS));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = self.tell_changes().await {
                tracing::warn!(%error, "splits are not known to everybody yet");
                continue;
            }
            for cell in self.too_large().await {
                match self.split_cell(cell, None).await {
                    Ok(right) => tracing::info!(%cell, %right, "split by size"),
                    // A single partition that is larger than a cell should be cannot be split.
                    Err(CellError::Invalid { message }) => tracing::debug!(%cell, message),
                    Err(error) => tracing::warn!(%cell, %error, "cannot split"),
                }
            }
        }
    }

    async fn too_large(self: &Arc<Self>) -> Vec<CellId> {
        let most = self.options.cell_split_bytes;
        let found = self.blocking(move |inner| {
            let led = inner.cells.all().into_iter().filter(|cell| cell.group().is_leader());
            let large = led.filter(|cell| cell.hot_bytes_lately().is_ok_and(|bytes| bytes > most));
            large.map(|cell| cell.id()).collect()
        });
        found.await.unwrap_or_default()
    }

    /// Splits a cell at a position or in its middle; returns once the metadata service knows.
    pub(in crate::node) async fn split_cell(
        self: &Arc<Self>,
        id: CellId,
        at: Option<Position>,
    ) -> Result<CellId, CellError> {
        let _one = self.splitting.lock().await;
        let cell = self.cell(id).ok_or(CellError::WrongCell { cell: id, epoch: None })?;
        let at = match at {
            Some(at) => at,
            None => {
                let asked = Arc::clone(&cell);
                self.blocking(move |_| middle(&asked)).await??
            }
        };
        if !cell.state().descriptor.range.splits_at(at) {
            let range = cell.state().descriptor.range;
            let message = format!("{at} does not lie inside {range}");
            return Err(CellError::Invalid { message });
        }
        let right = self.new_cell_id().await?;
        let plan = SplitPlan { cell: id, epoch: cell.state().descriptor.epoch, at, right };
        let invalid = |error: &dyn ToString| CellError::Invalid { message: error.to_string() };
        let entry = Split { plan }.encode().map_err(|error| invalid(&error))?;
        let answer = cell.group().propose(entry).await.map_err(|error| refused(&error))?;
        if ChangeAnswer::decode(&answer).map_err(|error| invalid(&error))? == ChangeAnswer::Refused
        {
            return Err(invalid(&format!("{id} has changed meanwhile; try again")));
        }
        let unknown = |error: NodeError| CellError::Unknown { reason: error.to_string() };
        self.start_cell(right).await.map_err(unknown)?;
        while let Err(error) = self.tell_changes().await {
            tracing::warn!(%error, "the split is not known to everybody yet");
            sleep(Duration::from_millis(METADATA_RETRY_MS)).await;
        }
        Ok(right)
    }

    async fn new_cell_id(&self) -> Result<CellId, CellError> {
        let answer = self.metadata.submit(Command::AllocateCells { count: 1 }).await;
        let reason = match answer {
            Ok(Answer::Cells(id)) => return Ok(id),
            Ok(_) => "an answer of another kind".to_owned(),
            Err(error) => error.to_string(),
        };
        Err(CellError::Unavailable { reason })
    }
}

/// The position that halves a cell by bytes.
fn middle(cell: &Cell) -> Result<Position, CellError> {
    let unavailable = |error: &dyn ToString| CellError::Unavailable { reason: error.to_string() };
    let found = middle_of(cell).map_err(|error| unavailable(&error))?;
    found.ok_or_else(|| CellError::Invalid {
        message: format!("{} holds less than two partitions, or one that is most of it", cell.id()),
    })
}

fn middle_of(cell: &Cell) -> Result<Option<Position>, NodeError> {
    let engine = cell.engine();
    let mut sizes = Vec::new();
    for (start, end) in cell.state().spans() {
        if engine.snapshot().scan(start.clone()..end.clone(), false).next().is_some() {
            // Few rows are not sampled.
            let bytes = engine.approximate_bytes(&start, &end)?.max(1);
            sizes.push((start, end, bytes));
        }
    }
    let half = sizes.iter().map(|(_, _, bytes)| bytes).sum::<u64>().div_ceil(2);
    let mut before = 0_u64;
    let in_middle = sizes.iter().find(|(_, _, bytes)| {
        before = before.saturating_add(*bytes);
        before >= half
    });
    let Some((start, end, _)) = in_middle else {
        return Ok(None);
    };
    let key = engine.middle_key(start, end)?.unwrap_or_else(|| start.clone());
    let Some(first) = first_position(cell)? else {
        return Ok(None);
    };
    let mut at = position_of(&key).map_err(crate::apply::ApplyError::from)?;
    if at <= first {
        // The first partition reaches over the middle: it becomes a cell of its own.
        at = after(first);
    }
    // Something must be on either side.
    let range = cell.state().descriptor.range;
    Ok((range.splits_at(at) && has_rows_from(cell, at)?).then_some(at))
}

/// Where the cell's first row is.
fn first_position(cell: &Cell) -> Result<Option<Position>, NodeError> {
    let key = first_key(cell, &Bytes::new())?;
    Ok(key.map(|key| position_of(&key)).transpose().map_err(crate::apply::ApplyError::from)?)
}

fn has_rows_from(cell: &Cell, at: Position) -> Result<bool, NodeError> {
    let from = cellar_schema::keys::position_key(at.table, at.token);
    Ok(first_key(cell, &from)?.is_some())
}

/// The first key of the cell that is not before `from`.
fn first_key(cell: &Cell, from: &Bytes) -> Result<Option<Bytes>, NodeError> {
    let snapshot = cell.engine().snapshot();
    for (start, end) in cell.state().spans() {
        let start = start.max(from.clone());
        if let Some(entry) = snapshot.scan(start..end, false).next() {
            return Ok(Some(entry?.0));
        }
    }
    Ok(None)
}
