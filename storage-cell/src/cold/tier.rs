//! Moving rows to the cold tier: note the name in the log, write the segment, see that it is there,
//! commit it in the log; only then do the hot rows go, those that did not change meanwhile. A
//! crash at any step loses nothing: an object that was not committed is removed by its name.

use std::sync::Arc;

use cellar_cell_api::CellError;
use cellar_metadata_api::{Epoch, NodeId};
use cellar_schema::Table;
use cellar_tiering::SegmentName;

use super::{
    failed,
    pick::{Picked, pick},
};
use crate::{
    cell::{Cell, refused},
    commands::{ChangeSegments, SegmentsAnswer},
};

/// What was moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tiered {
    /// Rows that are cold now.
    pub(crate) rows: u64,
    /// Segments written.
    pub(crate) segments: u64,
    /// Their size.
    pub(crate) bytes: u64,
}

impl Tiered {
    /// Adds what was moved elsewhere.
    pub(crate) fn add(&mut self, other: Self) {
        self.rows = self.rows.saturating_add(other.rows);
        self.segments = self.segments.saturating_add(other.segments);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

impl Cell {
    /// Moves every row that is past its table's policy. Fewer than `rows_min` rows of a table
    /// stay where they are: many small segments make reads slow.
    pub(crate) async fn tier(self: &Arc<Self>, rows_min: usize) -> Result<Tiered, CellError> {
        let _one = self.tiering().lock().await;
        if !self.group().is_leader() {
            return Err(CellError::NotLeader { leader: self.group().leader().map(NodeId) });
        }
        self.group().read_barrier().await.map_err(|error| refused(&error))?;
        let mut tiered = Tiered::default();
        let state = self.state();
        for id in state.tables.iter().filter(|id| !state.dropped.contains(id)) {
            // A table that is being dropped, or not known here yet, waits.
            let Ok(table) = self.cold().table(*id) else { continue };
            if table.options.tiering.is_some() {
                self.tier_table(&table, rows_min, &mut tiered).await?;
            }
        }
        self.fold_segments().await?;
        self.remove_garbage().await?;
        Ok(tiered)
    }

    async fn tier_table(
        self: &Arc<Self>,
        table: &Arc<Table>,
        rows_min: usize,
        tiered: &mut Tiered,
    ) -> Result<(), CellError> {
        let Some((mut start, _)) = self.state().span_of(table.id) else { return Ok(()) };
        loop {
            // A split takes the end of the span away.
            let state = self.state();
            let Some((_, end)) = state.span_of(table.id) else { return Ok(()) };
            let (of, now) = (Arc::clone(table), self.now_seconds());
            let snapshot = self.engine().snapshot();
            let span = (start.clone(), end);
            let picking = crate::blocking::in_background(move || pick(&snapshot, &of, span, now));
            let unavailable = |reason: String| CellError::Unavailable { reason };
            let picked = picking.await.map_err(|error| unavailable(error.to_string()))?;
            let mut picked = picked.map_err(|error| unavailable(error.to_string()))?;
            let rest = picked.rest.take();
            let too_few = rest.is_none() && picked.rows.len() < rows_min.max(1);
            if !too_few || tiered.rows > 0 && !picked.rows.is_empty() {
                match self.move_rows(table, picked, tiered).await {
                    // A split came between: what is left here is picked again.
                    Err(CellError::WrongCell { .. })
                        if self.state().descriptor.epoch > state.descriptor.epoch =>
                    {
                        continue;
                    }
                    moved => moved?,
                }
            }
            match rest {
                Some(rest) => start = rest,
                None => return Ok(()),
            }
        }
    }

    async fn move_rows(
        &self,
        table: &Arc<Table>,
        picked: Picked,
        tiered: &mut Tiered,
    ) -> Result<(), CellError> {
        let Picked { rows, stored, .. } = picked;
        let epoch = self.state().descriptor.epoch;
        let name = SegmentName::random(table.id, epoch.0);
        let intend = ChangeSegments { intend: vec![name], ..self.no_change(epoch) };
        self.change_segments(&intend).await?;
        let put = self.cold().store.put_named(table, rows, name).await;
        let meta = put.map_err(|error| failed(&error))?;
        let bytes = meta.bytes;
        let add = ChangeSegments { add: vec![meta], rows: stored, ..self.no_change(epoch) };
        let removed = self.change_segments(&add).await?;
        tiered.rows = tiered.rows.saturating_add(removed);
        tiered.segments = tiered.segments.saturating_add(1);
        tiered.bytes = tiered.bytes.saturating_add(bytes);
        Ok(())
    }

    /// A change of nothing, as of now.
    pub(super) fn no_change(&self, epoch: Epoch) -> ChangeSegments {
        ChangeSegments::of(epoch, self.now_seconds().saturating_mul(1_000_000))
    }

    /// Proposes a change of the manifest; says how many hot rows went.
    pub(super) async fn change_segments(&self, change: &ChangeSegments) -> Result<u64, CellError> {
        let invalid = |error: &dyn ToString| CellError::Invalid { message: error.to_string() };
        let entry = change.encode().map_err(|error| invalid(&error))?;
        let answer = self.group().propose(entry).await.map_err(|error| refused(&error))?;
        match SegmentsAnswer::decode(&answer).map_err(|error| invalid(&error))? {
            SegmentsAnswer::Done { removed } => Ok(removed),
            SegmentsAnswer::Refused => {
                let descriptor = &self.state().descriptor;
                let (cell, epoch) = (descriptor.cell, Some(descriptor.epoch));
                Err(CellError::WrongCell { cell, epoch })
            }
        }
    }
}
