//! The steps of a merge, applied. What the left half becomes depends on its own state and on the
//! entry alone; what this replica had of the right half, complete or not, is removed.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use cellar_metadata_api::{KeyRange, NodeId, Position, TableId};
use cellar_tiering::SegmentMeta;

use super::{
    Applier, ApplyError, Event,
    overlay::Overlay,
    take_over::{clear_rows, further, take_over},
};
use crate::{
    cell::Content,
    commands::{ChangeAnswer, CommandError, Freeze, Merge, Moved, Touch, Unfreeze},
    limits::MERGED_KEPT,
    records::{
        self, Descriptor, Frozen, Garbage, Kind, RememberedAnswer, Untold, from_record, to_record,
    },
};

/// A cell's content, by kind of record.
#[derive(Default)]
struct Parts {
    tables: BTreeSet<TableId>,
    dropped: BTreeSet<TableId>,
    segments: Vec<SegmentMeta>,
    garbage: Vec<Garbage>,
    answers: Vec<(Bytes, Bytes)>,
    batches: Vec<(Bytes, Bytes)>,
    rows: Vec<(Bytes, Bytes)>,
}

impl Applier {
    pub(super) fn freeze(
        &mut self,
        overlay: &mut Overlay<'_>,
        freeze: Freeze,
    ) -> Result<Bytes, ApplyError> {
        let now = &self.state.descriptor;
        let free = now.frozen.is_none_or(|frozen| frozen == freeze.by);
        if freeze.epoch != now.epoch || now.moving.is_some() || !free {
            return Ok(ChangeAnswer::Refused.encode());
        }
        self.describe(overlay, Descriptor { frozen: Some(freeze.by), ..Descriptor::clone(now) })
    }

    pub(super) fn unfreeze(
        &mut self,
        overlay: &mut Overlay<'_>,
        unfreeze: Unfreeze,
    ) -> Result<Bytes, ApplyError> {
        let now = &self.state.descriptor;
        if now.frozen != Some(unfreeze.by) {
            return Ok(ChangeAnswer::Refused.encode());
        }
        self.describe(overlay, Descriptor { frozen: None, ..Descriptor::clone(now) })
    }

    /// The metadata service learns of the new epoch as of a move to where the cell is.
    pub(super) fn touch(
        &mut self,
        overlay: &mut Overlay<'_>,
        touch: Touch,
        events: &mut Vec<Event>,
    ) -> Result<Bytes, ApplyError> {
        let now = &self.state.descriptor;
        if touch.epoch != now.epoch {
            return Ok(ChangeAnswer::Refused.encode());
        }
        let stays = Moved { epoch: now.epoch, target: now.replicas.clone() };
        let key = records::untold_move_key(now.cell, now.epoch);
        overlay.put_record(key, to_record("move", &stays)?);
        events.push(Event::Moved);
        self.describe(overlay, Descriptor { epoch: now.epoch.next(), ..Descriptor::clone(now) })
    }

    fn describe(
        &mut self,
        overlay: &mut Overlay<'_>,
        next: Descriptor,
    ) -> Result<Bytes, ApplyError> {
        overlay.put_record(records::cell_key(Kind::Descriptor, next.cell), next.encode()?);
        self.state.set_descriptor(next);
        Ok(ChangeAnswer::Done.encode())
    }

    pub(super) fn merge(
        &mut self,
        overlay: &mut Overlay<'_>,
        merge: &Merge,
        events: &mut Vec<Event>,
    ) -> Result<Bytes, ApplyError> {
        let content = Content::read(&merge.content)?;
        let right = content.descriptor(merge.right)?;
        let left = Arc::clone(&self.state.descriptor);
        if merge.epoch != left.epoch || !fit(&left, &right) {
            return Ok(ChangeAnswer::Refused.encode());
        }
        let untold =
            Untold::Merge { left: (left.cell, left.epoch), right: (right.cell, right.epoch) };
        let mut parts = Parts::of(&content, &right)?;
        let mut merged = left.merged.clone();
        merged.push(right.cell);
        merged.drain(..merged.len().saturating_sub(MERGED_KEPT));
        let range = KeyRange { start: left.range.start, end: right.range.end };
        let next = Descriptor { range, epoch: untold.epoch(), merged, ..Descriptor::clone(&left) };
        let ended = take_over(overlay, &self.machines, &next)?;
        let (cell, range, epoch) = (next.cell, next.range, next.epoch);
        tracing::info!(%cell, %range, %epoch, ?ended, "takes its right neighbour over");
        events.extend(ended.into_iter().map(Event::TakenOver));
        let further = further(overlay, &next)?;
        parts.leave_out(&further)?;
        let tables: BTreeSet<TableId> = self.state.tables.union(&parts.tables).copied().collect();
        clear_rows(overlay, &right, &tables, &further);

        let progress = content.progress();
        self.progress.stamp_us = self.progress.stamp_us.max(progress.stamp_us);
        let manifest = self.progress.manifest.max(progress.manifest);
        // Whatever was prepared by either manifest is prepared again.
        self.progress.manifest = if manifest == 0 { 0 } else { manifest.saturating_add(1) };
        Arc::make_mut(&mut self.state.manifest).version = self.progress.manifest;
        self.describe(overlay, next)?;
        // Splits of what comes back were told before; told again they would be made again.
        let told = records::under(&records::cell_key(Kind::UntoldChange, left.cell));
        for (key, record) in overlay.records(told)? {
            if let Untold::Split(plan) = Untold::decode(&record)?
                && right.range.contains(plan.at)
            {
                overlay.remove(key);
            }
        }
        overlay.put_record(records::untold_change_key(&untold), untold.encode()?);
        self.adopt(overlay, &mut parts)?;
        for table in parts.dropped.difference(&Arc::clone(&self.state.dropped)) {
            self.forget_table(overlay, *table)?;
            events.push(Event::TableDropped(*table));
        }
        Ok(ChangeAnswer::Done.encode())
    }

    /// Takes what the right half had into the left one's state; what it had of tables that are
    /// dropped here stays away.
    fn adopt(&mut self, overlay: &mut Overlay<'_>, parts: &mut Parts) -> Result<(), ApplyError> {
        let cell = self.state.descriptor.cell;
        let dropped = Arc::clone(&self.state.dropped);
        for table in parts.tables.difference(&dropped) {
            overlay.put_record(records::table_key(Kind::Table, cell, *table), vec![1]);
            Arc::make_mut(&mut self.state.tables).insert(*table);
        }
        for (key, row) in parts.rows.drain(..) {
            if !dropped.contains(&records::position_of(&key)?.table) {
                overlay.put_stored(key, row);
            }
        }
        for garbage in &parts.garbage {
            let key = records::id_key(Kind::Garbage, cell, garbage.name.id);
            overlay.put_record(key, garbage.encode()?);
        }
        for segment in parts.segments.drain(..) {
            if dropped.contains(&segment.table) {
                let garbage = Garbage { name: segment.name(), since_us: self.progress.stamp_us };
                let key = records::id_key(Kind::Garbage, cell, segment.id);
                overlay.put_record(key, garbage.encode()?);
                continue;
            }
            let key = records::id_key(Kind::Segment, cell, segment.id);
            overlay.put_record(key, to_record("cold segment", &segment)?);
            Arc::make_mut(&mut self.state.manifest).add(segment);
        }
        for (key, answer) in &parts.answers {
            overlay.put_stored(key.clone(), answer.clone());
            let (position, id) = records::request_of(key)?;
            self.answers.add(RememberedAnswer::decode(answer)?.stamp_us, position, id);
        }
        self.answers.sort();
        for (key, batch) in &parts.batches {
            overlay.put_stored(key.clone(), batch.clone());
            self.state.batches.begun(records::request_of(key)?);
        }
        Ok(())
    }
}

/// Whether the left half can take over the right one.
fn fit(left: &Descriptor, right: &Descriptor) -> bool {
    let on = |cell: &Descriptor| -> BTreeSet<NodeId> { cell.replicas.iter().copied().collect() };
    left.moving.is_none()
        && left.frozen.is_none()
        && left.group == right.group
        && left.range.end == Some(right.range.start)
        && on(left) == on(right)
        && right.frozen == Some(Frozen { left: left.cell, left_epoch: left.epoch })
}

impl Parts {
    fn of(content: &Content, right: &Descriptor) -> Result<Self, ApplyError> {
        let of = |kind| Bytes::from(records::cell_key(kind, right.cell));
        let (descriptor, table, dropped) =
            (of(Kind::Descriptor), of(Kind::Table), of(Kind::Dropped));
        let (segment, garbage) = (of(Kind::Segment), of(Kind::Garbage));
        // What has not been told is told before a merge.
        let untold = [of(Kind::UntoldChange), of(Kind::UntoldMove)];
        let about = |kind| records::requests_of(kind, right.group, right.range);
        let (answers, batches) = (about(Kind::Answer), about(Kind::Batch));
        let (start, end) = right.span();
        let mut parts = Self::default();
        for (key, value) in content.entries() {
            if start <= *key && *key < end {
                parts.rows.push((key.clone(), value.clone()));
            } else if answers.0 <= *key && *key < answers.1 {
                parts.answers.push((key.clone(), value.clone()));
            } else if batches.0 <= *key && *key < batches.1 {
                parts.batches.push((key.clone(), value.clone()));
            } else if key.starts_with(&table) {
                parts.tables.insert(records::table_in(key)?);
            } else if key.starts_with(&dropped) {
                parts.dropped.insert(records::table_in(key)?);
            } else if key.starts_with(&segment) {
                parts.segments.push(from_record("cold segment", value)?);
            } else if key.starts_with(&garbage) {
                parts.garbage.push(Garbage::decode(value)?);
            } else if *key != descriptor && !untold.iter().any(|kind| key.starts_with(kind)) {
                let reason = "a merge brings something of an unknown kind".to_owned();
                return Err(CommandError { reason }.into());
            }
        }
        Ok(parts)
    }

    /// Drops what belongs to others here.
    fn leave_out(&mut self, others: &[KeyRange]) -> Result<(), ApplyError> {
        if others.is_empty() {
            return Ok(());
        }
        let is_ours = |at: Position| !others.iter().any(|other| other.contains(at));
        let mut rows = Vec::new();
        for (key, row) in self.rows.drain(..) {
            if is_ours(records::position_of(&key)?) {
                rows.push((key, row));
            }
        }
        self.rows = rows;
        for requests in [&mut self.answers, &mut self.batches] {
            let mut kept = Vec::new();
            for (key, record) in requests.drain(..) {
                if is_ours(records::request_of(&key)?.0) {
                    kept.push((key, record));
                }
            }
            *requests = kept;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use cellar_engine::{Batch, Engine};
    use cellar_metadata_api::{CellId, Epoch, GroupId};
    use cellar_raft::Entry;
    use cellar_schema::keys;

    use super::*;
    use crate::{apply::Machines, cell::content_of, commands::Move};

    const LEFT: CellId = CellId(1);
    const RIGHT: CellId = CellId(2);

    struct Pair {
        engine: Engine,
        machines: Arc<Machines>,
        left: Applier,
        right: Applier,
        _dir: tempfile::TempDir,
    }

    impl Pair {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let engine = Engine::open(dir.path(), cellar_engine::Options::default()).unwrap();
            let middle = Position::new(TableId(20), 0);
            let mut batch = Batch::new();
            for (cell, range) in [
                (LEFT, KeyRange { end: Some(middle), ..KeyRange::ALL }),
                (RIGHT, KeyRange { start: middle, end: None }),
            ] {
                let of = (cell, GroupId(1));
                let descriptor = Descriptor::new(of, range, Epoch(2), vec![NodeId(1)]);
                let key = records::cell_key(Kind::Descriptor, cell);
                batch.put(&key, &descriptor.encode().unwrap());
                batch.put(&records::table_key(Kind::Table, cell, TableId(20)), &[1]);
            }
            for token in [-5, 5] {
                batch.put(&keys::position_key(TableId(20), token), b"row");
            }
            engine.apply(&batch).unwrap();
            let machines = Arc::new(Machines::default());
            let load = |cell| Applier::load(&engine, &machines, cell).unwrap();
            let (left, right) = (load(LEFT), load(RIGHT));
            Self { engine, machines, left, right, _dir: dir }
        }

        fn merge(&self) -> Bytes {
            let content = content_of(&self.engine, self.right.state()).unwrap();
            Merge { epoch: Epoch(2), right: RIGHT, content }.encode().unwrap()
        }
    }

    fn step(applier: &mut Applier, command: Bytes) -> (ChangeAnswer, Vec<Event>) {
        let entry = vec![Entry { index: 1, command }];
        let (answers, events) = applier.apply(entry, vec![1], |_| {}).unwrap();
        (ChangeAnswer::decode(&answers[0]).unwrap(), events)
    }

    fn freeze() -> Freeze {
        Freeze { epoch: Epoch(2), by: Frozen { left: LEFT, left_epoch: Epoch(2) } }
    }

    #[test]
    fn a_frozen_cell_is_taken_over_whole_and_its_machine_ends_first() {
        let mut pair = Pair::new();
        let gate = pair.machines.enter(RIGHT);
        let early = pair.merge();
        assert_eq!(step(&mut pair.left, early).0, ChangeAnswer::Refused, "not frozen");
        assert_eq!(step(&mut pair.right, freeze().encode().unwrap()).0, ChangeAnswer::Done);
        // On this replica are rows that the one who took the snapshot did not have any more.
        let entry = pair.merge();
        let mut batch = Batch::new();
        batch.put(&keys::position_key(TableId(20), 6), b"stale");
        pair.engine.apply(&batch).unwrap();
        let (answer, events) = step(&mut pair.left, entry.clone());
        assert_eq!(answer, ChangeAnswer::Done);
        assert_eq!(events, [Event::TakenOver(RIGHT)]);
        assert!(gate.lock().is_gone());
        let row = |token| pair.engine.get(&keys::position_key(TableId(20), token)).unwrap();
        assert_eq!((row(-5).is_some(), row(5).is_some(), row(6)), (true, true, None));
        let now = Applier::load(&pair.engine, &pair.machines, LEFT).unwrap();
        assert_eq!(now.state().descriptor, pair.left.state().descriptor);
        assert_eq!(now.state().descriptor.range, KeyRange::ALL);
        assert_eq!(now.state().descriptor.epoch, Epoch(3));
        assert!(Applier::load(&pair.engine, &pair.machines, RIGHT).is_err());
        assert_eq!(step(&mut pair.left, entry).0, ChangeAnswer::Refused, "once is enough");
    }

    #[test]
    fn a_merge_that_was_settled_does_not_come_late() {
        let mut pair = Pair::new();
        step(&mut pair.right, freeze().encode().unwrap());
        let late = pair.merge();
        let touch = Touch { epoch: Epoch(2) }.encode().unwrap();
        assert_eq!(step(&mut pair.left, touch.clone()), (ChangeAnswer::Done, vec![Event::Moved]));
        let told = pair.engine.get(&records::untold_move_key(LEFT, Epoch(2))).unwrap();
        let told: Moved = from_record("move", &told.unwrap()).unwrap();
        assert_eq!(told, Moved { epoch: Epoch(2), target: vec![NodeId(1)] });
        assert_eq!(step(&mut pair.left, touch).0, ChangeAnswer::Refused);
        let unfreeze = Unfreeze { by: freeze().by }.encode().unwrap();
        assert_eq!(step(&mut pair.right, unfreeze).0, ChangeAnswer::Done);
        assert_eq!(step(&mut pair.left, late).0, ChangeAnswer::Refused);
        assert!(pair.right.state().serves());
    }

    #[test]
    fn what_moves_is_not_merged_and_what_is_frozen_neither_moves_nor_splits() {
        let moving = || Move { epoch: Epoch(2), target: vec![NodeId(2)] }.encode().unwrap();
        let mut pair = Pair::new();
        step(&mut pair.right, moving());
        assert_eq!(step(&mut pair.right, freeze().encode().unwrap()).0, ChangeAnswer::Refused);
        let mut pair = Pair::new();
        step(&mut pair.right, freeze().encode().unwrap());
        assert_eq!(step(&mut pair.right, moving()).0, ChangeAnswer::Refused);
        let at = Position::new(TableId(20), 9);
        let plan =
            cellar_metadata_api::SplitPlan { cell: RIGHT, epoch: Epoch(2), at, right: CellId(3) };
        let split = crate::commands::Split { plan }.encode().unwrap();
        assert_eq!(step(&mut pair.right, split).0, ChangeAnswer::Refused);
        step(&mut pair.left, moving());
        let merge = pair.merge();
        assert_eq!(step(&mut pair.left, merge).0, ChangeAnswer::Refused);
    }
}
