//! The cold segments of one cell.

use cellar_engine::Engine;
use cellar_metadata_api::CellId;
use cellar_tiering::SegmentMeta;

use crate::{
    apply::ApplyError,
    records::{self, Kind, from_record},
};

/// Changed by the cell's log alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manifest {
    /// Grows by one with every change.
    pub(crate) version: u64,
    /// By first key.
    segments: Vec<SegmentMeta>,
}

impl Manifest {
    /// Loads what the engine has of a cell.
    pub(crate) fn load(engine: &Engine, cell: CellId, version: u64) -> Result<Self, ApplyError> {
        let (start, end) = records::under(&records::cell_key(Kind::Segment, cell));
        let mut manifest = Self { version, segments: Vec::new() };
        for found in engine.snapshot().scan(start..end, false) {
            manifest.add(from_record("cold segment", &found?.1)?);
        }
        Ok(manifest)
    }

    /// Adds a segment, unless it is there.
    pub(crate) fn add(&mut self, segment: SegmentMeta) {
        if self.segments.iter().all(|have| have.id != segment.id) {
            let before = |have: &SegmentMeta| have.first_key <= segment.first_key;
            let at = self.segments.partition_point(before);
            self.segments.insert(at, segment);
        }
    }

    /// Keeps some; returns the others.
    pub(crate) fn keep(&mut self, keep: impl Fn(&SegmentMeta) -> bool) -> Vec<SegmentMeta> {
        let (kept, gone) = std::mem::take(&mut self.segments).into_iter().partition(keep);
        self.segments = kept;
        gone
    }

    /// Every segment.
    pub(crate) fn all(&self) -> &[SegmentMeta] {
        &self.segments
    }

    /// Segments that may have rows in `start..end`. Those of which all has expired are among them:
    /// what has expired still hides what is older.
    pub(crate) fn overlapping<'m>(
        &'m self,
        start: &'m [u8],
        end: &'m [u8],
    ) -> impl Iterator<Item = &'m SegmentMeta> {
        // Sorted by the first key: the rest begins after the end.
        let reach = self.segments.partition_point(|segment| segment.first_key.as_ref() < end);
        let reached = self.segments.get(..reach).unwrap_or(&[]).iter();
        reached.filter(move |segment| segment.overlaps(start, end))
    }

    /// Rows and bytes of all segments.
    pub(crate) fn size(&self) -> (u64, u64) {
        let sum = |of: fn(&SegmentMeta) -> u64| self.segments.iter().map(of).sum();
        (sum(|segment| segment.rows), sum(|segment| segment.bytes))
    }
}
