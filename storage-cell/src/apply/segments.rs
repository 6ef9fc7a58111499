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
        let mut fits = change.epoch == self.state.descriptor.epoch;
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
    ) -> Result<(), ApplyError> {
        let reaches = |segment: &SegmentMeta, of: &records::Descriptor| {
            let (start, end) = of.span();
            segment.overlaps(&start, &end)
        };
        let manifest = Arc::make_mut(&mut self.state.manifest);
        for meta in manifest.all().iter().filter(|segment| reaches(segment, right)) {
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
