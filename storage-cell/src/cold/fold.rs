//! Rewriting segments: where many of them may have the same key, their rows are merged into fewer
//! that do not overlap.
//!
//! Levels bound the work: fresh segments are of level 0; when too many of a level overlap, all of
//! that level become disjoint segments of the next. So every row is rewritten once for each level,
//! and a read meets only a few segments of each.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use cellar_cell_api::CellError;
use cellar_metadata_api::TableId;
use cellar_schema::{Row, Table, keys};
use cellar_tiering::{SegmentMeta, SegmentName};

use super::{
    failed,
    merged::{Merged, Span},
};
use crate::{
    apply::CellState,
    cell::Cell,
    commands::ChangeSegments,
    limits::{FOLD_DEPTH, SEGMENT_BYTES, SEGMENT_ROWS},
};

impl Cell {
    /// Folds what overlaps too much. Only under the lock of [`Cell::tier`].
    pub(super) async fn fold_segments(&self) -> Result<(), CellError> {
        let state = self.state();
        for ((table, level), segments) in foldable(&state) {
            if depth(&segments) < FOLD_DEPTH {
                continue;
            }
            // Columns that the catalog here does not have yet must not be lost.
            let newest = segments.iter().map(|segment| segment.table_version).max();
            if let Ok(table) = self.cold().table(table)
                && newest <= Some(table.version)
            {
                self.fold(&state, &table, level.saturating_add(1), &segments).await?;
            }
        }
        Ok(())
    }

    async fn fold(
        &self,
        state: &CellState,
        table: &Arc<Table>,
        level: u8,
        segments: &[SegmentMeta],
    ) -> Result<(), CellError> {
        let (start, end) = keys::table_range(table.id);
        let store = &self.cold().store;
        let span = Span { start: &start, end: &end, reverse: false, columns: None };
        let merged = Merged::open(store, table, segments.iter(), span).await;
        let mut merged = merged.map_err(|error| failed(&error))?;
        let epoch = state.descriptor.epoch;
        let remove = segments.iter().map(|segment| segment.id).collect();
        let mut change = ChangeSegments { remove, ..self.no_change(epoch) };
        loop {
            let rows = take(&mut merged).await?;
            if rows.is_empty() {
                break;
            }
            let name = SegmentName::random(table.id, epoch.0);
            let intend = ChangeSegments { intend: vec![name], ..self.no_change(epoch) };
            self.change_segments(&intend).await?;
            let put = store.put_named(table, rows, name).await;
            let meta = put.map_err(|error| failed(&error))?;
            change.add.push(SegmentMeta { level, ..meta });
        }
        // Readers may be in the old segments from now on for as long as garbage is kept.
        change.now_us = self.no_change(epoch).now_us;
        self.change_segments(&change).await?;
        let (cell, from, to) = (self.id(), segments.len(), change.add.len());
        tracing::info!(%cell, table = table.id.0, level, from, to, "cold segments were folded");
        Ok(())
    }
}

/// The rows of the next segment.
async fn take(merged: &mut Merged<'_>) -> Result<Vec<(Bytes, Row)>, CellError> {
    let (mut rows, mut bytes) = (Vec::new(), 0_usize);
    while rows.len() < SEGMENT_ROWS && bytes < SEGMENT_BYTES {
        let Some((key, row)) = merged.next().await.map_err(|error| failed(&error))? else { break };
        bytes = bytes.saturating_add(key.len()).saturating_add(row.estimated_bytes());
        rows.push((key, row));
    }
    Ok(rows)
}

/// Segments by table and level. Those that reach beyond the cell are left alone: since a split the
/// other half may refer to them, too.
fn foldable(state: &CellState) -> BTreeMap<(TableId, u8), Vec<SegmentMeta>> {
    let mut by_level: BTreeMap<_, Vec<SegmentMeta>> = BTreeMap::new();
    for segment in state.manifest.all() {
        if state.owns(&segment.first_key) && state.owns(&segment.last_key) {
            by_level.entry((segment.table, segment.level)).or_default().push(segment.clone());
        }
    }
    by_level
}

/// How many of the segments, sorted by their first key, may have the same key at most.
fn depth(segments: &[SegmentMeta]) -> usize {
    let mut ends: Vec<&Bytes> = Vec::new();
    let mut deepest = 0;
    for segment in segments {
        ends.retain(|end| **end >= segment.first_key);
        ends.push(&segment.last_key);
        deepest = deepest.max(ends.len());
    }
    deepest
}

#[cfg(test)]
mod tests {
    use cellar_tiering::store::Checksum;
    use uuid::Uuid;

    use super::*;

    fn segment(first: &'static str, last: &'static str) -> SegmentMeta {
        SegmentMeta {
            version: 1,
            id: Uuid::nil(),
            table: TableId(20),
            table_version: 1,
            generation: 1,
            level: 0,
            key: String::new(),
            bytes: 0,
            checksum: Checksum([0; 32]),
            index_offset: 0,
            index_crc: 0,
            rows: 1,
            first_key: Bytes::from_static(first.as_bytes()),
            last_key: Bytes::from_static(last.as_bytes()),
            min_timestamp_us: 0,
            max_timestamp_us: 0,
            expires_at: None,
        }
    }

    #[test]
    fn depth_is_the_number_of_segments_over_the_most_crowded_key() {
        assert_eq!(depth(&[]), 0);
        assert_eq!(depth(&[segment("a", "b"), segment("c", "d")]), 1);
        assert_eq!(depth(&[segment("a", "c"), segment("c", "d")]), 2);
        let nested = [segment("a", "z"), segment("b", "c"), segment("d", "e"), segment("d", "z")];
        assert_eq!(depth(&nested), 3);
    }
}
