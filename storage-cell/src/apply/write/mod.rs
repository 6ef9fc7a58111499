//! Writes of clients, applied: each is decided on its own, in order.

mod equal;

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use cellar_cell_api::{BatchStep, CellError, Outcome};
use cellar_metadata_api::{Position, TableId};
use cellar_schema::{
    ChangeKind, Condition, KeyError, Mutation, PartitionMarks, Row, Stamp, apply, evaluate, keys,
    limits::ENGINE_KEY_BYTES_MAX,
};

use super::{
    Applier, ApplyError, RecentAnswers,
    batches::{refusal, stamp_of},
    overlay::{Effects, Layer, Overlay, Value},
    partition::Partition,
};
use crate::{
    cold::{needs_rows, stale},
    commands::{Command, Decided, LogWrite, WriteBatch, encode_one},
    limits::CLOCK_AHEAD_US_MAX,
    records::{self, Kind, position_of},
};

/// What a write came to.
struct Done {
    decided: Decided,
    effects: Option<Effects>,
    /// The timestamp that the write was applied at, for the cell's clock.
    stamp_us: i64,
}

impl Applier {
    pub(super) fn writes(
        &mut self,
        overlay: &mut Overlay<'_>,
        batch: WriteBatch,
    ) -> Result<Bytes, ApplyError> {
        let mut answers = Vec::with_capacity(batch.writes.len() * 9);
        for write in batch.writes {
            // Each write gets a timestamp of its own, whatever order entries came in.
            let stamp_us = batch.stamp_us.max(self.progress.stamp_us.saturating_add(1));
            let stamp = Stamp {
                timestamp_us: stamp_us,
                now_seconds: write.now_seconds.unwrap_or(batch.now_seconds),
                sequence: 0,
                repeats_from_us: None,
            };
            let decided = self.write(overlay, &write, stamp)?;
            encode_one(&mut answers, &decided)?;
        }
        Ok(Bytes::from(answers))
    }

    /// The answer to an entry that comes when the cell decides nothing any more.
    pub(crate) fn refusal(&self, command: Bytes) -> Result<Bytes, ApplyError> {
        let mut answers = Vec::new();
        if !command.is_empty()
            && let Command::Writes(batch) = Command::decode(command)?
        {
            let descriptor = &self.state.descriptor;
            let (cell, epoch) = (descriptor.cell, Some(descriptor.epoch));
            for _ in &batch.writes {
                encode_one(&mut answers, &Err(CellError::WrongCell { cell, epoch }))?;
            }
        }
        Ok(Bytes::from(answers))
    }

    fn write(
        &mut self,
        overlay: &mut Overlay<'_>,
        write: &LogWrite,
        stamp: Stamp,
    ) -> Result<Decided, ApplyError> {
        let tables = match self.admit(write) {
            Ok(tables) => tables,
            Err(refused) => return Ok(Err(refused)),
        };
        let group = self.state.descriptor.group;
        let place = place(write)?;
        let known = write.id.zip(place);
        if let Some((id, position)) = known
            && let Some(decided) = RecentAnswers::recall(overlay, group, position, id)?
        {
            return Ok(decided);
        }
        if needs_rows(&write.mutations, &write.conditions, write.batch.as_ref())
            && write.cold.as_ref().map_or(0, |cold| cold.manifest) != self.progress.manifest
        {
            return Ok(Err(stale()));
        }
        let own_us = stamp.timestamp_us;
        let stamp = stamp_of(write, stamp);
        let layer = Layer::new(overlay);
        let stored = equal::to_rows_that_are_there(&layer, write)?;
        let done = Deciding { layer, stamp, read_bytes: 0 }.decide(&stored)?;
        self.progress.stamp_us = followed(own_us, done.stamp_us);
        if let Some(effects) = done.effects {
            overlay.adopt(effects);
            self.note_tables(overlay, &tables);
        }
        let mut decided = done.decided;
        if let Some(position) = place {
            decided = self.batch_step(overlay, write, (position, stamp), decided)?;
        }
        if let Some((id, position)) = known {
            let answer = (self.progress.stamp_us, &decided);
            self.answers.remember(overlay, group, (position, id), answer)?;
        }
        Ok(decided)
    }

    /// The tables a write touches, if the cell owns all its keys and none was dropped.
    fn admit(&self, write: &LogWrite) -> Result<BTreeSet<TableId>, CellError> {
        let descriptor = &self.state.descriptor;
        let longest = write.mutations.iter().map(longest_key).max();
        if let Some(bytes) = longest.filter(|bytes| *bytes > ENGINE_KEY_BYTES_MAX) {
            return Err(invalid(&KeyError::TooLong { bytes, limit_bytes: ENGINE_KEY_BYTES_MAX }));
        }
        if let Some(refused) = refusal(write) {
            return Err(refused);
        }
        let mut tables = BTreeSet::new();
        for partition in write.partitions() {
            if !self.state.serves() || !self.state.owns(partition) {
                let (cell, epoch) = (descriptor.cell, Some(descriptor.epoch));
                return Err(CellError::WrongCell { cell, epoch });
            }
            let table = position_of(partition).map_err(|error| invalid(&error))?.table;
            if write.ended().is_some() {
                // It writes nothing, and what it ends may outlive the table.
                continue;
            }
            if !keys::split(partition).is_ok_and(|(_, suffix)| suffix.is_empty()) {
                return Err(invalid(&"a partition's key that is none"));
            }
            if self.state.dropped.contains(&table) {
                return Err(invalid(&format!(
                    "unconfigured table (id {}): it was dropped",
                    table.0
                )));
            }
            tables.insert(table);
        }
        Ok(tables)
    }

    /// Notes which tables the cell holds rows of.
    fn note_tables(&mut self, overlay: &mut Overlay<'_>, tables: &BTreeSet<TableId>) {
        if tables.is_subset(&self.state.tables) {
            return;
        }
        let cell = self.state.descriptor.cell;
        for table in tables {
            overlay.put_record(records::table_key(Kind::Table, cell, *table), vec![1]);
        }
        Arc::make_mut(&mut self.state.tables).extend(tables);
    }
}

fn invalid(reason: &dyn ToString) -> CellError {
    CellError::Invalid { message: reason.to_string() }
}

/// Bytes of the longest engine key that a mutation writes. The engine would refuse a longer one,
/// and the cell with it.
fn longest_key(mutation: &Mutation) -> usize {
    let suffixes = mutation.changes.iter().map(|change| match &change.kind {
        ChangeKind::Upsert(change) => change.suffix.len(),
        ChangeKind::DeleteRow { suffix } => suffix.len(),
        ChangeKind::DeletePartition | ChangeKind::DeleteRange { .. } => 1,
    });
    mutation.partition.len().saturating_add(suffixes.max().unwrap_or(0))
}

/// The cell's time after a write at `seen_us`, to which it would have given `own_us`: no client or
/// cell with a wrong clock can set it.
fn followed(own_us: i64, seen_us: i64) -> i64 {
    let ahead = seen_us.saturating_sub(own_us) > CLOCK_AHEAD_US_MAX;
    if ahead { own_us } else { own_us.max(seen_us) }
}

/// Where the answer to a write is remembered, and the batch that it begins or ends.
fn place(write: &LogWrite) -> Result<Option<Position>, ApplyError> {
    Ok(write.partitions().next().map(|first| position_of(first)).transpose()?)
}

/// One write on its way.
struct Deciding<'o, 'e> {
    layer: Layer<'o, 'e>,
    stamp: Stamp,
    read_bytes: u64,
}

impl Deciding<'_, '_> {
    fn decide(mut self, write: &LogWrite) -> Result<Done, ApplyError> {
        self.warm(write)?;
        let conditional = !write.conditions.is_empty();
        let mut tested = Vec::with_capacity(write.conditions.len());
        let mut holds = true;
        let mut newest_us = None;
        for condition in &write.conditions {
            let (row, row_newest_us) = self.tested(condition)?;
            newest_us = newest_us.max(row_newest_us);
            holds &= evaluate(&condition.test, row.as_ref());
            tested.push(row);
        }
        if !holds {
            let read_bytes = self.read_bytes;
            let decided = Ok(Outcome::NotApplied { current: tested, read_bytes });
            return Ok(Done { decided, effects: None, stamp_us: self.stamp.timestamp_us });
        }
        let given_us = self.stamp.timestamp_us;
        if conditional {
            let newest_us = newest_us.max(self.newest_us(write)?);
            self.stamp.timestamp_us =
                given_us.max(newest_us.map_or(given_us, |newest| newest.saturating_add(1)));
        }
        let stamp_us = self.stamp.timestamp_us;
        match self.mutate(write)? {
            Ok(written_bytes) => {
                let decided = Ok(Outcome::Applied { written_bytes, previous: tested });
                Ok(Done { decided, effects: Some(self.layer.into_effects()), stamp_us })
            }
            Err(invalid) => {
                let decided = Err(self::invalid(&invalid));
                Ok(Done { decided, effects: None, stamp_us })
            }
        }
    }

    /// Merges in the rows of the cold tier that the leader found.
    fn warm(&mut self, write: &LogWrite) -> Result<(), ApplyError> {
        for (key, cold) in write.cold.iter().flat_map(|cold| &cold.rows) {
            let mut row = self.layer.row(key)?.unwrap_or_default();
            row.merge(cold.clone());
            self.layer.set(key.clone(), Value::Row(row));
        }
        Ok(())
    }

    /// The row a condition is about: what a reader sees, and the newest time in it.
    fn tested(&mut self, condition: &Condition) -> Result<(Option<Row>, Option<i64>), ApplyError> {
        let row = self.stored(&condition.partition, &condition.suffix)?;
        let marks = self.marks(&condition.partition)?;
        let Some(row) = row else { return Ok((None, marks.covering(&condition.suffix))) };
        let bytes = u64::try_from(row.estimated_bytes()).unwrap_or(u64::MAX);
        self.read_bytes = self.read_bytes.saturating_add(bytes);
        let newest_us = row.newest_us().max(marks.covering(&condition.suffix));
        Ok((marks.view(&condition.suffix, row, self.stamp.now_seconds), newest_us))
    }

    /// The newest time in the rows that a write changes: a conditional write must be newer, else
    /// it would be confirmed and not be seen.
    fn newest_us(&self, write: &LogWrite) -> Result<Option<i64>, ApplyError> {
        let mut newest_us = None;
        for mutation in &write.mutations {
            let marks = self.marks(&mutation.partition)?;
            for change in &mutation.changes {
                let suffix = match &change.kind {
                    ChangeKind::Upsert(change) => &change.suffix,
                    ChangeKind::DeleteRow { suffix } => suffix,
                    ChangeKind::DeletePartition | ChangeKind::DeleteRange { .. } => continue,
                };
                let row = self.stored(&mutation.partition, suffix)?;
                let row_newest_us = row.and_then(|row| row.newest_us());
                newest_us = newest_us.max(row_newest_us).max(marks.covering(suffix));
            }
        }
        Ok(newest_us)
    }

    fn stored(&self, partition: &[u8], suffix: &[u8]) -> Result<Option<Row>, ApplyError> {
        self.layer.row(&[partition, suffix].concat())
    }

    fn marks(&self, partition: &[u8]) -> Result<PartitionMarks, ApplyError> {
        self.layer.marks(&[partition, &*keys::marks_suffix()].concat())
    }

    /// Applies all mutations, or says why the write is invalid; the layer is then of no use.
    fn mutate(&mut self, write: &LogWrite) -> Result<Result<u64, apply::ApplyError>, ApplyError> {
        let mut written_bytes = 0_u64;
        let mut stamp = self.stamp;
        // Parts of a batch may be cut elsewhere when they come again.
        let alone = matches!(write.batch, Some(BatchStep::Part { .. }));
        for mutation in &write.mutations {
            let mut partition = Partition::new(&mut self.layer, &mutation.partition);
            match apply::mutate(&mut partition, mutation, stamp) {
                Ok(()) => written_bytes = written_bytes.saturating_add(partition.written_bytes),
                Err(apply::MutateError::Apply(invalid)) => return Ok(Err(invalid)),
                Err(apply::MutateError::Store(error)) => return Err(error),
            }
            if !alone {
                stamp.sequence = stamp.sequence.saturating_add(operations(mutation));
            }
        }
        Ok(Ok(written_bytes))
    }
}

/// How many numbers the list operations of a mutation use up.
fn operations(mutation: &Mutation) -> u32 {
    let count = mutation.changes.iter().map(|change| match &change.kind {
        ChangeKind::Upsert(change) => change.operations.len(),
        _ => 0,
    });
    u32::try_from(count.sum::<usize>()).unwrap_or(u32::MAX)
}
