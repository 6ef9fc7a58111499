//! A split, applied: both halves exist in one batch, with the same rows by reference.

use bytes::Bytes;
use cellar_metadata_api::{KeyRange, Position, TableId};

use super::{Applier, ApplyError, Event, overlay::Overlay};
use crate::{
    commands::{ChangeAnswer, Split},
    records::{self, Descriptor, Kind, Progress, Untold},
};

impl Applier {
    pub(super) fn split(
        &mut self,
        overlay: &mut Overlay<'_>,
        split: &Split,
        events: &mut Vec<Event>,
    ) -> Result<Bytes, ApplyError> {
        let plan = split.plan;
        let left = &self.state.descriptor;
        // A plan with a later epoch was made after the metadata service moved the cell.
        let fits = plan.cell == left.cell && plan.epoch >= left.epoch;
        #[cfg(feature = "sabotage")]
        let fits = fits || cellar_raft::sabotage::is(cellar_raft::sabotage::Sabotage::SkipEpoch);
        // The halves of a cell that is being moved would not know where they stand.
        if !fits || left.moving.is_some() || left.frozen.is_some() || !left.range.splits_at(plan.at)
        {
            return Ok(ChangeAnswer::Refused.encode());
        }
        let epoch = plan.epoch.next();
        let right = Descriptor {
            cell: plan.right,
            range: KeyRange { start: plan.at, end: left.range.end },
            epoch,
            merged: Vec::new(),
            ..Descriptor::clone(left)
        };
        let range = KeyRange { start: left.range.start, end: Some(plan.at) };
        let left = Descriptor { range, epoch, ..Descriptor::clone(left) };
        overlay.put_record(records::cell_key(Kind::Descriptor, left.cell), left.encode()?);
        // It may have come here from elsewhere before this log did, and is further then.
        let (cell, range, epoch) = (left.cell, left.range, left.epoch);
        tracing::info!(%cell, %range, %epoch, right = %right.cell, "splits");
        let is_here = overlay.record(&records::cell_key(Kind::Descriptor, right.cell))?.is_some();
        if !is_here {
            self.begin_right(overlay, &right)?;
        }
        let untold = Untold::Split(plan);
        overlay.put_record(records::untold_change_key(&untold), untold.encode()?);
        self.split_segments(overlay, &left, &right, !is_here)?;
        self.answers.keep(left.range);
        self.state.batches.keep(left.range);
        self.state.set_descriptor(left);
        events.push(Event::Split(plan));
        Ok(ChangeAnswer::Done.encode())
    }

    /// The records of the right half, but for its segments.
    fn begin_right(&self, overlay: &mut Overlay<'_>, right: &Descriptor) -> Result<(), ApplyError> {
        overlay.put_record(records::cell_key(Kind::Descriptor, right.cell), right.encode()?);
        // The right half goes on in time where the left is, in a log of its own.
        let progress = Progress {
            stamp_us: self.progress.stamp_us,
            manifest: self.progress.manifest,
            position: Vec::new(),
        };
        overlay.put_record(records::cell_key(Kind::Progress, right.cell), progress.encode());
        for table in self.state.tables.iter().filter(|table| reaches(**table, right.range)) {
            overlay.put_record(records::table_key(Kind::Table, right.cell, *table), vec![1]);
        }
        let indexes = self.machines.indexes().now();
        for (here, there) in indexes.inherited(self.state.descriptor.cell, right.cell) {
            if let Some(note) = overlay.record(&here)? {
                overlay.put_record(there, note.to_vec());
            }
        }
        for table in self.state.dropped.iter() {
            overlay.put_record(records::table_key(Kind::Dropped, right.cell, *table), vec![1]);
        }
        Ok(())
    }
}

/// Whether a range has room for rows of a table.
fn reaches(table: TableId, range: KeyRange) -> bool {
    let first = Position::new(table, i64::MIN);
    let last = Position::new(table, i64::MAX);
    last >= range.start && range.end.is_none_or(|end| first < end)
}
