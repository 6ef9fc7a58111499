//! A change of the cold segments, applied: the manifest and the hot rows change in one batch, so
//! that every row is in one of them.

use std::sync::Arc;

use bytes::Bytes;
use cellar_tiering::{META_VERSION, SegmentMeta, SegmentName};
use uuid::Uuid;

use super::{Applier, ApplyError, overlay::Overlay};
use crate::{
    commands::{ChangeSegments, SegmentsAnswer, fingerprint},
    records::{self, Garbage, Kind, to_record},
};

impl Applier {
    pub(super) fn segments(
        &mut self,
        overlay: &mut Overlay<'_>,
        change: ChangeSegments,
    ) -> Result<Bytes, ApplyError> {
        let cell = self.state.descriptor.cell;
        let descriptor = &self.state.descriptor;
        let mut fits = change.epoch == descriptor.epoch && descriptor.frozen.is_none();
        for meta in &change.add {
            let intended = overlay.record(&records::id_key(Kind::Garbage, cell, meta.id))?;
            fits &= intended.is_some()
                && meta.version <= META_VERSION
                && !self.state.dropped.contains(&meta.table);
        }
        let there = |id: &Uuid| self.state.manifest.all().iter().any(|segment| segment.id == *id);
        fits &= change.remove.iter().all(there);
        if !fits {
            return Ok(SegmentsAnswer::Refused.encode());
        }
        for name in &change.intend {
            self.note_garbage(overlay, *name, change.now_us)?;
        }
        for meta in change.add {
            overlay.remove(records::id_key(Kind::Garbage, cell, meta.id));
            let key = records::id_key(Kind::Segment, cell, meta.id);
            overlay.put_record(key, to_record("cold segment", &meta)?);
            self.change_manifest().add(meta);
        }
        let mut removed = 0_u64;
        for (key, before) in change.rows {
            let stored = overlay.stored(&key)?;
            if self.state.owns(&key) && stored.is_some_and(|now| fingerprint(&now) == before) {
                overlay.remove(key);
                removed = removed.saturating_add(1);
            }
        }
        self.give_up(overlay, change.now_us, |segment| change.remove.contains(&segment.id))?;
        for id in change.forget {
            overlay.remove(records::id_key(Kind::Garbage, cell, id));
        }
        Ok(SegmentsAnswer::Done { removed }.encode())
    }

    /// Takes segments out of the manifest; their objects become garbage at this time.
    pub(super) fn give_up(
        &mut self,
        overlay: &mut Overlay<'_>,
        now_us: i64,
        goes: impl Fn(&SegmentMeta) -> bool,
    ) -> Result<(), ApplyError> {
        if !self.state.manifest.all().iter().any(&goes) {
            return Ok(());
        }
        for meta in self.change_manifest().keep(|segment| !goes(segment)) {
            overlay.remove(records::id_key(Kind::Segment, self.state.descriptor.cell, meta.id));
            self.note_garbage(overlay, meta.name(), now_us)?;
        }
        Ok(())
    }

    /// Hands the segments that reach into the right half of a split to it as well, and keeps those
    /// that reach into the left.
    pub(super) fn split_segments(
        &mut self,
        overlay: &mut Overlay<'_>,
        left: &records::Descriptor,
        right: &records::Descriptor,
        begins_here: bool,
    ) -> Result<(), ApplyError> {
        let reaches = |segment: &SegmentMeta, of: &records::Descriptor| {
            let (start, end) = of.span();
            segment.overlaps(&start, &end)
        };
        let manifest = Arc::make_mut(&mut self.state.manifest);
        let inherited = manifest.all().iter().filter(|segment| reaches(segment, right));
        for meta in inherited.filter(|_| begins_here) {
            let key = records::id_key(Kind::Segment, right.cell, meta.id);
            overlay.put_record(key, to_record("cold segment", meta)?);
        }
        for meta in manifest.keep(|segment| reaches(segment, left)) {
            overlay.remove(records::id_key(Kind::Segment, left.cell, meta.id));
        }
        Ok(())
    }

    fn note_garbage(
        &self,
        overlay: &mut Overlay<'_>,
        name: SegmentName,
        since_us: i64,
    ) -> Result<(), ApplyError> {
        let garbage = Garbage { name, since_us };
        let id: Uuid = name.id;
        let key = records::id_key(Kind::Garbage, self.state.descriptor.cell, id);
        overlay.put_record(key, garbage.encode()?);
        Ok(())
    }

    /// The manifest, under its next version.
    fn change_manifest(&mut self) -> &mut crate::cold::Manifest {
        self.progress.manifest = self.progress.manifest.saturating_add(1);
        let manifest = Arc::make_mut(&mut self.state.manifest);
        manifest.version = self.progress.manifest;
        manifest
    }
}

#[cfg(test)]
mod tests {
    use cellar_engine::{Batch, Engine, Options};
    use cellar_metadata_api::{CellId, Epoch, GroupId, KeyRange, NodeId, TableId};
    use cellar_raft::Entry;
    use cellar_schema::keys;
    use cellar_tiering::store::Checksum;

    use super::*;
    use crate::records::Descriptor;

    const CELL: CellId = CellId(1);

    fn meta(name: SegmentName, first_key: Bytes) -> SegmentMeta {
        SegmentMeta {
            version: META_VERSION,
            id: name.id,
            table: name.table,
            table_version: 1,
            generation: name.generation,
            level: 0,
            key: name.key(),
            bytes: 0,
            checksum: Checksum([0; 32]),
            index_offset: 0,
            index_crc: 0,
            rows: 1,
            last_key: first_key.clone(),
            first_key,
            min_timestamp_us: 0,
            max_timestamp_us: 0,
            expires_at: None,
        }
    }

    fn applier(engine: &Engine) -> Applier {
        let of = (CELL, GroupId(1));
        let descriptor = Descriptor::new(of, KeyRange::ALL, Epoch(1), vec![NodeId(1)]);
        let mut batch = Batch::new();
        let key = records::cell_key(Kind::Descriptor, CELL);
        batch.put(&key, &descriptor.encode().unwrap());
        engine.apply(&batch).unwrap();
        Applier::load(engine, &Arc::default(), CELL).unwrap()
    }

    fn entry(change: &ChangeSegments) -> Vec<Entry> {
        vec![Entry { index: 1, command: change.encode().unwrap() }]
    }

    #[test]
    fn readers_are_shown_a_segment_before_unchanged_rows_leave_the_engine() {
        let dir = tempfile::tempdir().unwrap();
        let engine = Engine::open(dir.path(), Options::default()).unwrap();
        let mut applier = applier(&engine);
        let key = keys::position_key(TableId(20), 5);
        let mut batch = Batch::new();
        batch.put(&key, b"row");
        let changed = keys::position_key(TableId(20), 6);
        batch.put(&changed, b"written again meanwhile");
        engine.apply(&batch).unwrap();
        let name = SegmentName { table: TableId(20), generation: 1, id: Uuid::from_u128(7) };
        let add = ChangeSegments {
            add: vec![meta(name, key.clone())],
            rows: vec![(key.clone(), fingerprint(b"row")), (changed.clone(), fingerprint(b"row"))],
            ..ChangeSegments::of(Epoch(1), 0)
        };
        let decoded = |answers: &[Bytes]| SegmentsAnswer::decode(&answers[0]).unwrap();
        let (answers, _) = applier.apply(entry(&add), vec![1], |_| {}).unwrap();
        assert_eq!(decoded(&answers), SegmentsAnswer::Refused, "it was not intended");
        let intend = ChangeSegments { intend: vec![name], ..ChangeSegments::of(Epoch(1), 0) };
        applier.apply(entry(&intend), vec![1], |_| {}).unwrap();
        let mut shown = false;
        let publish = |state: &crate::apply::CellState| {
            shown = state.manifest.all().len() == 1;
            assert!(engine.get(&key).unwrap().is_some(), "the row is still hot");
        };
        let (answers, _) = applier.apply(entry(&add), vec![1], publish).unwrap();
        assert_eq!(decoded(&answers), SegmentsAnswer::Done { removed: 1 });
        assert!(shown, "the segment is in the manifest");
        assert_eq!(engine.get(&key).unwrap(), None);
        assert!(engine.get(&changed).unwrap().is_some(), "what changed meanwhile stays");
        assert_eq!(
            Applier::load(&engine, &Arc::default(), CELL).unwrap().state().manifest.all().len(),
            1
        );
        let (answers, _) = applier.apply(entry(&add), vec![1], |_| {}).unwrap();
        assert_eq!(decoded(&answers), SegmentsAnswer::Refused, "once is enough");
    }
}
